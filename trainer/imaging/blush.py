"""Blush: contrast in capillary beds, as clouds of Gaussians about each bed, drawn on a coarse picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from trainer.anatomy.types import Beds
from trainer.imaging.geometry import Geometry
from trainer.imaging.raster import add_blobs

Floats = NDArray[np.float64]
Image = NDArray[np.float32]
Ints = NDArray[np.int64]

COARSE_MM = 1.4
"""Pixel of the coarse picture at the isocenter; the smallest blobs have a standard deviation near 3 mm."""


@dataclass(frozen=True, slots=True)
class Clouds:
    """Gaussians that make up the beds; bed b owns first[b]:first[b+1]. mass: share of the bed's iodine."""

    first: Ints  # (B+1,)
    mean: Floats  # (G, 3) mm
    cov: Floats  # (G, 6) mm2
    mass: Floats  # (G,)
    share: Floats  # (B,) breathing


class Tissue(NamedTuple):
    """Where a bed with the shape of its organ lies: points (N, 3) mm, each smeared by spread_mm."""

    points: Floats
    spread_mm: float


Pull = Callable[[Floats, Floats], Floats]
"""Offsets (N, 3) from a center (3,), moved to where the tissue is."""


def clouds(beds: Beds, tumor: NDArray[np.bool_], rng: np.random.Generator, tissues: Mapping[int, Tissue] | None = None,
           pulls: Mapping[int, Pull] | None = None) -> Clouds:
    """Splits each bed (B) into Gaussians: few and soft in normal tissue, many and ragged where tumor (B,).

    tissues: of beds (by index) that have their organ's shape; pulls: of beds whose Gaussians are kept in their organ.
    """
    tissues, pulls = tissues or {}, pulls or {}
    first, means, covs, masses = [0], [], [], []
    for b in range(len(beds.vessel)):
        sigma = np.maximum(beds.sigma[b], 0.8)
        if b in tissues:
            own = tissues[b]
            weight = rng.gamma(4.0, 1.0, len(own.points))
            means.append(own.points)
            s2 = own.spread_mm**2 * np.exp(rng.normal(0, 0.3, (len(own.points), 1)))
            covs.append(s2 * np.array([1.0, 0.0, 0.0, 1.0, 0.0, 1.0]))
            masses.append(weight / weight.sum())
            first.append(first[-1] + len(own.points))
            continue
        n, inner = (22, 0.3) if tumor[b] else (8, 0.68)
        spread = np.sqrt(1.0 - inner**2)
        offset = rng.normal(0, 1, (n, 3)) * sigma * spread
        weight = rng.gamma(0.9 if tumor[b] else 4.0, 1.0, n)
        weight /= weight.sum()
        offset -= weight @ offset
        if b in pulls:
            offset = pulls[b](beds.center[b], offset)
        s2 = (inner * sigma) ** 2 * np.exp(rng.normal(0, 0.3, (n, 1)))
        means.append(beds.center[b] + offset)
        zero = np.zeros(n)
        covs.append(np.column_stack([s2[:, 0], zero, zero, s2[:, 1], zero, s2[:, 2]]))
        masses.append(weight)
        first.append(first[-1] + n)
    if not means:
        return Clouds(np.zeros(1, dtype=np.int64), np.zeros((0, 3)), np.zeros((0, 6)), np.zeros(0), np.zeros(0))
    return Clouds(np.array(first), np.vstack(means), np.vstack(covs), np.concatenate(masses), beds.breathing.copy())


@njit(cache=True, nogil=True)
def _boxes(matrix: Floats, first: Ints, mean: Floats, cov: Floats, low: int, high: int, box: Ints) -> None:
    """Window (column, row, columns, rows) of each bed on the coarse picture's low..high pixels."""
    for b in range(first.shape[0] - 1):
        left, right, top, bottom = 1e9, -1e9, 1e9, -1e9
        for n in range(first[b], first[b + 1]):
            x, y, z = mean[n]
            w = matrix[2, 0] * x + matrix[2, 1] * y + matrix[2, 2] * z + matrix[2, 3]
            u = (matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2] * z + matrix[0, 3]) / w
            v = (matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2] * z + matrix[1, 3]) / w
            along = np.sqrt(matrix[0, 0] ** 2 + matrix[0, 1] ** 2 + matrix[0, 2] ** 2)
            r = 3.2 * np.sqrt(max(cov[n, 0], cov[n, 3], cov[n, 5])) * along / w + 1.0
            left, right, top, bottom = min(left, u - r), max(right, u + r), min(top, v - r), max(bottom, v + r)
        c0, c1 = max(int(left), low), min(int(np.ceil(right)), high)
        r0, r1 = max(int(top), low), min(int(np.ceil(bottom)), high)
        box[b, 0], box[b, 1] = c0, r0
        box[b, 2], box[b, 3] = max(c1 - c0 + 1, 0), max(r1 - r0 + 1, 0)
        if box[b, 2] == 0 or box[b, 3] == 0:
            box[b, 2] = box[b, 3] = 0


@njit(cache=True, nogil=True)
def _add_beds(
    box: Ints, begin: Ints, value: Image, share: Floats, iodine: Floats, shift_c: float, shift_r: float, image: Image
) -> None:
    """Adds iodine (B,) mg * 100 * kernel (1/mm2) = mg/cm2 to the coarse image, each bed moved by share * shift."""
    height, width = image.shape
    one = np.float32(1.0)
    for b in range(iodine.shape[0]):
        if iodine[b] < 1e-3 or box[b, 2] == 0:
            continue
        x, y = share[b] * shift_c, share[b] * shift_r
        ix, iy = int(np.floor(x)), int(np.floor(y))
        f, g = np.float32(x - ix), np.float32(y - iy)
        k = np.float32(100.0 * iodine[b])
        w, h = box[b, 2], box[b, 3]
        for r in range(h):
            for half in range(2):
                row = box[b, 1] + r + iy + half
                if row < 0 or row >= height:
                    continue
                m = k * (g if half else one - g)
                start = begin[b] + r * w
                for c in range(w):
                    q = box[b, 0] + c + ix
                    if 0 <= q < width - 1:
                        v = m * value[start + c]
                        image[row, q] += (one - f) * v
                        image[row, q + 1] += f * v


class BlushMatrix:
    """Kernels of all beds at one pose, filled bed by bed on the coarse picture. Valid once `done`."""

    def __init__(self, geometry: Geometry, source: Clouds, margin_mm: float) -> None:
        self.size = int(np.ceil(geometry.pixel_iso_mm * geometry.pixels / COARSE_MM))
        self.geometry = geometry.resized(self.size)
        self.clouds = source
        margin = int(np.ceil(margin_mm / self.geometry.pixel_iso_mm))
        count = len(source.first) - 1
        self.box = np.zeros((count, 4), dtype=np.int64)
        _boxes(self.geometry.matrix(), source.first, source.mean, source.cov, -margin, self.size - 1 + margin, self.box)
        self.begin = np.concatenate([[0], np.cumsum(self.box[:, 2] * self.box[:, 3])]).astype(np.int64)
        self.value = np.zeros(int(self.begin[-1]), dtype=np.float32)
        self.next = 0

    @property
    def done(self) -> bool:
        return self.next >= len(self.box)

    def advance(self, budget: float) -> float:
        """Fills beds until about `budget` units of work (0.1 us) are used. Returns what is left."""
        matrix = self.geometry.matrix()
        while not self.done and budget > 0:
            b = self.next
            self.next += 1
            c, r, w, h = self.box[b]
            if w == 0:
                budget -= 2
                continue
            moved = matrix.copy()
            moved[0] -= c * matrix[2]
            moved[1] -= r * matrix[2]
            view = self.value[self.begin[b] : self.begin[b + 1]].reshape(h, w)
            k = self.clouds
            add_blobs(moved, self.geometry.source, k.mean, k.cov, k.mass, int(k.first[b]), int(k.first[b + 1]), view)
            budget -= 5.0 + 0.8 * float(w * h)
        return budget

    def apply(self, iodine_mg: Floats, shift: tuple[float, float], image: Image) -> None:
        """Adds the beds' iodine (B,) mg to image (H, W) mg/cm2; shift: motion at share 1 in its pixels."""
        if not (iodine_mg > 1e-3).any():
            return
        coarse = np.zeros((self.size, self.size), dtype=np.float32)
        k = self.size / image.shape[0]
        # The coarse picture's pixel centers lie off the fine ones' by half a difference; resize accounts for it.
        _add_beds(
            self.box,
            self.begin,
            self.value,
            self.clouds.share,
            np.ascontiguousarray(iodine_mg),
            k * shift[0],
            k * shift[1],
            coarse,
        )
        image += cv2.resize(coarse, (image.shape[1], image.shape[0]), interpolation=cv2.INTER_LINEAR)
