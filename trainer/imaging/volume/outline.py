"""The patient's outline in a CT: the couch and the air around are taken away, the skin is found for the dose map."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from trainer.imaging.volume.grid import Volume

Floats = NDArray[np.float64]

BODY_HU = -350
COUCH_MM = 7.0
"""Sheets thinner than this are no part of a patient."""
PART_SHARE = 0.25
"""Smallest piece of a slice that is kept (a leg, no arm beside the trunk), by the largest one's area."""
CROPPED_SHARE = 0.25
"""A slice with more of its border inside the body is a cut-out; it is left as it is."""
SKIN_POINTS, SKIN_STEP_MM = 64, 20.0


def without_couch(hu: NDArray[np.int16], spacing: float, air: int = -1024) -> NDArray[np.int16]:
    """HU (X, Y, Z) with everything outside the patient set to air, slice by slice."""
    out = hu.copy()
    side = max(int(COUCH_MM / spacing) | 1, 3)
    kernel = np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), dtype=np.uint8)
    for z in range(hu.shape[2]):
        inside = _inside(np.ascontiguousarray(hu[:, :, z] > BODY_HU).astype(np.uint8), kernel)
        if inside is not None:
            out[:, :, z][inside == 0] = air
    return out


def cropped_share(hu: NDArray[np.int16]) -> float:
    """Share of the slices (X, Y, Z) that are cut off at their sides."""
    solid = hu > BODY_HU
    edge = np.concatenate([solid[0], solid[-1], solid[:, 0], solid[:, -1]])
    return float((edge.mean(axis=0) > CROPPED_SHARE).mean())


def _inside(solid: NDArray[np.uint8], kernel: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """Mask of a slice's patient with lungs and gas, 1 inside; None for a cut-out or an empty slice."""
    border = np.concatenate([solid[0], solid[-1], solid[:, 0], solid[:, -1]])
    if border.mean() > CROPPED_SHARE:
        return None
    opened = cv2.morphologyEx(solid, cv2.MORPH_OPEN, kernel)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(opened, connectivity=4)
    if count < 2:
        return None
    area = stats[1:, cv2.CC_STAT_AREA]
    kept = np.isin(labels, 1 + np.flatnonzero(area >= PART_SHARE * area.max())).astype(np.uint8)
    # what the border's air does not reach lies inside
    room = np.pad(kept, 1)
    cv2.floodFill(room, None, (0, 0), 2)
    filled = (room[1:-1, 1:-1] != 2).astype(np.uint8)
    return np.asarray(cv2.dilate(filled, kernel), dtype=np.uint8)


def skin_of(volume: Volume) -> Floats:
    """Contours (R, SKIN_POINTS, 3) mm of the skin, one about every 20 mm, from the lowest to the highest."""
    soft = volume.soft > 0.4
    step = max(int(SKIN_STEP_MM / volume.spacing[2]), 1)
    turn = np.linspace(0.0, 2.0 * np.pi, SKIN_POINTS, endpoint=False)
    reach = np.arange(0.0, float(max(soft.shape)), 0.5)
    rings = []
    for z in range(step // 2, soft.shape[2], step):
        x, y = np.nonzero(soft[:, :, z])
        if len(x) < 50:
            continue
        cx, cy = x.mean(), y.mean()
        px = np.rint(cx + reach[:, None] * np.cos(turn)).astype(int)
        py = np.rint(cy + reach[:, None] * np.sin(turn)).astype(int)
        valid = (px >= 0) & (py >= 0) & (px < soft.shape[0]) & (py < soft.shape[1])
        hit = valid & soft[np.where(valid, px, 0), np.where(valid, py, 0), z]
        far = reach[len(reach) - 1 - hit[::-1].argmax(axis=0)] * hit.any(axis=0)
        ring = np.column_stack([cx + far * np.cos(turn), cy + far * np.sin(turn), np.full(SKIN_POINTS, float(z))])
        rings.append(volume.origin + ring * volume.spacing)
    return np.array(rings).reshape(-1, SKIN_POINTS, 3)
