"""Which part of a CT moves with the liver, and a volume parted into what stays and what moves.

What moves is the difference to a fill of soft tissue, as in the built-in body: shifted, it leaves neither a gap nor a
doubled layer where it meets what stays.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from trainer.imaging.scene import CAVITY
from trainer.imaging.volume.grid import Volume, whole_of_hu
from trainer.imaging.volume.kernel import UNIT
from trainer.imaging.volume.outline import BODY_HU

Floats = NDArray[np.float64]
Image = NDArray[np.float32]

WALL_MM = (16.0, 30.0)
"""Depths under the skin between which the wall ends and the cavity begins."""
HARD_HU, HARD_MM = 180, 9.0
"""Bone, and gaps in it that are bone too; it stays, with what lies within this distance."""
BACK = (0.15, 0.38)
"""Shares of the depth from the back between which muscle beside the spine ends."""
LOW_MM = (-170.0, -30.0)
"""Heights about the celiac ostium between which the motion fades in (unverified)."""
FILL = CAVITY


def moving_share(hu: NDArray[np.int16], spacing: float, lowest_mm: float) -> Image:
    """Share (X, Y, Z), 0 to 1, of each voxel that moves with the liver. lowest_mm: height of the first slice."""
    out = np.zeros(hu.shape, dtype=np.float32)
    side = max(int(HARD_MM / spacing) | 1, 3)
    kernel = np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), dtype=np.uint8)
    for z in range(hu.shape[2]):
        height = _ramp(np.float32(lowest_mm + z * spacing), *LOW_MM)
        if height > 0.0:
            out[:, :, z] = height * _section(np.ascontiguousarray(hu[:, :, z]), spacing, kernel)
    return out


def _ramp(value: NDArray[np.float32] | np.float32, low: float, high: float) -> NDArray[np.float32]:
    """Smooth step from 0 at low to 1 at high."""
    t = np.clip((np.asarray(value, dtype=np.float32) - np.float32(low)) / np.float32(high - low), 0.0, 1.0)
    return np.asarray(t * t * (3.0 - 2.0 * t), dtype=np.float32)


def _section(hu: NDArray[np.int16], spacing: float, kernel: NDArray[np.uint8]) -> Image:
    """Share (X, Y) of one slice."""
    room = np.pad((hu > BODY_HU).astype(np.uint8), 1)
    cv2.floodFill(room, None, (0, 0), 2)  # the air around; lung and gas inside stay 0
    body = (room != 2).astype(np.uint8)
    if body.sum() < 50:
        return np.zeros(hu.shape, dtype=np.float32)
    depth = spacing * np.asarray(cv2.distanceTransform(body, cv2.DIST_L2, 5), dtype=np.float32)[1:-1, 1:-1]
    hard = cv2.morphologyEx((hu > HARD_HU).astype(np.uint8), cv2.MORPH_CLOSE, kernel)
    hard = cv2.dilate(hard, kernel)
    soft = 1.0 - np.asarray(cv2.GaussianBlur(hard.astype(np.float32), (0, 0), 4.0 / spacing), dtype=np.float32)
    ys = np.flatnonzero(body[1:-1, 1:-1].any(axis=0))
    front = (ys[-1] - np.arange(hu.shape[1], dtype=np.float32)) / max(float(np.ptp(ys)), 1.0)
    return np.asarray(_ramp(depth, *WALL_MM) * soft * _ramp(front, *BACK)[None, :], dtype=np.float32)


def parted(hu: NDArray[np.int16], origin: Floats, spacing: float) -> tuple[Volume, Volume]:
    """What stays (all bone with it) and what moves of Hounsfield units (X, Y, Z); together they are the whole."""
    soft, bone = whole_of_hu(hu)
    share = moving_share(hu, spacing, float(origin[2]))
    moving = np.rint(share * (soft - np.float32(FILL / UNIT))).astype(np.int16)
    size = np.full(3, spacing)
    stays = Volume((soft - moving, bone), origin, size)
    used = [np.flatnonzero(moving.any(axis=tuple(k for k in range(3) if k != a))) for a in range(3)]
    low, high = ([int(u[e]) if len(u) else 0 for u in used] for e in (0, -1))
    part = np.ascontiguousarray(moving[tuple(slice(a, b + 1) for a, b in zip(low, high))])
    return stays, Volume((part, np.zeros_like(part)), origin + spacing * np.array(low), size)
