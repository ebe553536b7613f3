"""Path images of a volume in a C-arm's geometry, made row by row."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trainer.imaging import bands
from trainer.imaging.geometry import Geometry
from trainer.imaging.volume.grid import ORDERS, Volume
from trainer.imaging.volume.kernel import TILE_VOXELS, project_rows

Floats = NDArray[np.float64]
Image = NDArray[np.float32]

SLANT = 1.42
"""How much wider a pixel is in a plane of voxels than across its ray, at most (main axis at 45 degrees)."""


class Projection:
    """Soft and bone path (H, W), mm, of a volume; `rows` fills them."""

    def __init__(self, volume: Volume, geometry: Geometry) -> None:
        self.volume, self.geometry = volume, geometry
        n = geometry.pixels
        self.soft, self.bone = np.zeros((n, n), dtype=np.float32), np.zeros((n, n), dtype=np.float32)
        self._source = (geometry.source - volume.origin) / volume.spacing
        self._basis = tuple(b / volume.spacing for b in geometry.ray_basis())
        corner, du, dv = self._basis
        self.axes = _main_axes(corner, du, dv, n)
        self._tile = 1 + int(TILE_VOXELS / (SLANT * float(np.linalg.norm(du))))
        shape = np.array(volume.shape, dtype=np.float64)
        self.work_of_row = sum(n * shape[a] for a in self.axes) / len(self.axes)
        """Samples along the rays of a row, if none were empty."""

    def rows(self, first: int, last: int) -> None:
        """Projects rows first..last."""
        corner, du, dv = self._basis
        for axis in self.axes:
            order = np.array(ORDERS[axis])
            p = self.volume.packed(axis)
            project_rows(
                first, last, axis, p.soft, p.bone, p.filled, p.shape, self._source[order],
                corner[order], du[order], dv[order], self.volume.spacing[order], self._tile, self.soft, self.bone,
            )


def _main_axes(corner: Floats, du: Floats, dv: Floats, pixels: int) -> tuple[int, ...]:
    """Axes along which some ray may go farthest: at least those that occur."""
    n = pixels - 1
    ends = np.array([corner + c * du + r * dv for c in (0, n) for r in (0, n)])
    most = np.abs(ends).max(axis=0)
    least = np.where((ends > 0).all(axis=0) | (ends < 0).all(axis=0), np.abs(ends).min(axis=0), 0.0)
    return tuple(a for a in range(3) if most[a] >= max(least[b] for b in range(3) if b != a))


def project(volume: Volume, geometry: Geometry, threads: int = 1) -> tuple[Image, Image]:
    """Soft and bone path images (H, W), mm, of a volume, all at once."""
    made = Projection(volume, geometry)
    for axis in made.axes:
        volume.packed(axis)
    bands.run(made.rows, geometry.pixels, threads)
    return made.soft, made.bone
