"""Slabs through the slices of a spin, as a workstation shows them: contrast at its most, body at its mean.

Axial: seen from the feet, front up; coronal: seen from the front; sagittal: seen from the left, front at the left. The
patient's right is at the viewer's left in the first two.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from trainer.errors import CallError, nearest
from trainer.imaging.spin.spin import Slices

Image = NDArray[np.float32]
Image8 = NDArray[np.uint8]

PLANES = {"axial": 2, "coronal": 1, "sagittal": 0}
SLAB_MM = 5.0
LEVEL_HU, WIDTH_HU = 110.0, 700.0
SMOOTH_VOXELS = 0.7
"""Kernel of the slices: standard deviation in the plane."""
ENLARGED = 3


@dataclass(frozen=True, slots=True)
class Slab:
    """One slab: its middle along the plane's axis, LPS mm, its HU (H, W) and the picture."""

    at_mm: float
    hu: Image
    picture: Image8


def slabs(slices: Slices, plane: str, seed: int, thick_mm: float = SLAB_MM) -> list[Slab]:
    """All slabs of a plane from its low to its high end. Raises CallError for an unknown plane."""
    if plane not in PLANES:
        raise CallError(f"there is no plane '{plane}'.", where="--plane", mend=nearest(plane, PLANES))
    axis = PLANES[plane]
    count = max(round(thick_mm / slices.grid.spacing), 1)
    field = _field(slices.grid.shape)
    out = []
    for n, first in enumerate(range(0, slices.grid.shape[axis] - count + 1, count)):
        part = [slice(None)] * 3
        part[axis] = slice(first, first + count)
        chosen = tuple(part)
        hu = slices.body_hu[chosen].mean(axis=axis) + slices.iodine_hu[chosen].max(axis=axis)
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(83, axis, n)))
        hu = hu + rng.normal(0.0, slices.noise_hu / count**0.5, hu.shape)
        hu = np.where(field[chosen].all(axis=axis), hu, -1000.0)
        smooth = cv2.GaussianBlur(np.ascontiguousarray(_upright(hu, axis), np.float32), (0, 0), SMOOTH_VOXELS)
        smooth32: Image = np.asarray(smooth, dtype=np.float32)
        middle = float(slices.grid.origin[axis]) + slices.grid.spacing * (first + 0.5 * (count - 1))
        out.append(Slab(middle, smooth32, _gray(smooth32)))
    return out


def _field(shape: tuple[int, int, int]) -> NDArray[np.bool_]:
    """The cylinder (X, Y, Z) that the whole turn sees."""
    x, y = (np.linspace(-1.0, 1.0, n) for n in shape[:2])
    circle = x[:, None] ** 2 + y[None, :] ** 2 <= 1.0
    return np.broadcast_to(circle[:, :, None], shape)


def _upright(hu: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """A plane (first axis, second axis) as (row, column) of its picture."""
    return hu.T if axis == 2 else hu.T[::-1]


def _gray(hu: Image) -> Image8:
    gray = np.clip(255.0 * ((hu - LEVEL_HU) / WIDTH_HU + 0.5), 0.0, 255.0).astype(np.float32)
    size = (gray.shape[1] * ENLARGED, gray.shape[0] * ENLARGED)
    return np.asarray(np.clip(cv2.resize(gray, size, interpolation=cv2.INTER_CUBIC), 0, 255), dtype=np.uint8)


def sheet(made: list[Slab], columns: int = 6, side: int = 300) -> Image8:
    """All slabs in one picture, the highest first, each with its place in mm."""
    shown = made[::-1]
    h, w = shown[0].picture.shape
    scale = side / max(h, w)
    th, tw = round(h * scale), round(w * scale)
    rows = -(-len(shown) // columns)
    out = np.zeros((rows * th, columns * tw), dtype=np.uint8)
    for n, slab in enumerate(shown):
        small = np.array(cv2.resize(slab.picture, (tw, th), interpolation=cv2.INTER_AREA))
        cv2.putText(small, f"{slab.at_mm:+.0f}", (6, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.45, 220, 1, cv2.LINE_AA)
        r, c = divmod(n, columns)
        out[r * th : (r + 1) * th, c * tw : (c + 1) * tw] = small
    return out
