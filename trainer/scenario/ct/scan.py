"""A scan as it was stored, with its place in the patient, and its values on a grid along the patient's axes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from trainer.errors import FileError

Floats = NDArray[np.float64]
Image = NDArray[np.float32]

LOWEST_HU, HIGHEST_HU = -1024.0, 3071.0
"""Range of a CT; padding (-2048) and what lies beyond is set to the ends."""
LEAST_VOXELS = 8
AIR_HU = -200.0
MOST_GB = 4.0


@dataclass(frozen=True, slots=True)
class Scan:
    """Hounsfield units (I, J, K) in the order of the file.

    Voxel (i, j, k) lies at origin + i * across + j * down + levels[k] * along in patient LPS, mm. The levels rise,
    with any steps; `along` is a unit vector, not always square to the plane (tilted gantry).
    """

    hu: Image
    origin: Floats  # (3,) mm
    across: Floats  # (3,) mm
    down: Floats  # (3,) mm
    along: Floats  # (3,)
    levels: Floats  # (K,) mm
    notes: tuple[str, ...] = ()
    """What a user should know about the reading."""

    @property
    def axes(self) -> str:
        """Patient direction of each axis of the file, e.g. LPS or RAS."""
        words = ("RL", "AP", "IS")
        out = ""
        for v in (self.across, self.down, self.along):
            k = int(np.abs(v).argmax())
            out += words[k][int(v[k] > 0)]
        return out

    def corners(self) -> Floats:
        """(8, 3) LPS mm: the outermost voxel centers."""
        i, j, _ = self.hu.shape
        return np.array([
            self.origin + a * self.across + b * self.down + c * self.along
            for a in (0, i - 1) for b in (0, j - 1) for c in (self.levels[0], self.levels[-1])
        ])  # fmt: skip

    def middle(self) -> Floats:
        """(3,) LPS mm."""
        return np.asarray(self.corners().mean(axis=0))


def checked(scan: Scan, where: str) -> Scan:
    """The scan with its values in range. Raises FileError when it cannot be a CT of a body."""
    shape = scan.hu.shape
    if min(shape) < LEAST_VOXELS:
        raise FileError(f"has {' x '.join(map(str, shape))} voxels; a body needs at least {LEAST_VOXELS} each way",
                        where=where, mend="Give the whole series, not one slice or a scout view.")  # fmt: skip
    across, down = np.linalg.norm(scan.across), np.linalg.norm(scan.down)
    volume = abs(float(np.linalg.det(np.array([scan.across / across, scan.down / down, scan.along]))))
    if not (0.05 <= across <= 10.0 and 0.05 <= down <= 10.0) or volume < 0.3 or not np.isfinite(volume):
        raise FileError(f"says its voxels are {across:.3g} x {down:.3g} mm, or its axes lie in one plane",
                        where=where, mend="Export the scan again with its position and orientation.")  # fmt: skip
    hu = np.nan_to_num(scan.hu, nan=LOWEST_HU)
    low, high = float(hu.min()), float(hu.max())
    if len(np.unique(hu[::3, ::3, ::3])) < 12:
        raise FileError(f"holds a few values only ({low:g} to {high:g}): it is a mask, not a scan", where=where,
                        mend="Give the CT itself.")  # fmt: skip
    if low > AIR_HU or high < 100.0:
        raise FileError(f"holds values from {low:g} to {high:g}, which are no Hounsfield units of a body",
                        where=where, mend="Give a CT in Hounsfield units (air -1000, water 0), no MRI.")  # fmt: skip
    return Scan(np.clip(hu, LOWEST_HU, HIGHEST_HU).astype(np.float32), scan.origin, scan.across, scan.down,
                scan.along, scan.levels, scan.notes)  # fmt: skip


@njit(cache=True, nogil=True)
def _sample(hu: Image, k_of: Floats, low: float, per_mm: float, back: Floats, start: Floats, spacing: float,
            parts: int, out: NDArray[np.int16]) -> None:  # fmt: skip
    """out (X, Y, Z): mean HU of parts^3 trilinear samples in each voxel; outside the scan air."""
    ni, nj, nk = hu.shape
    share = 1.0 / parts
    for x in range(out.shape[0]):
        for y in range(out.shape[1]):
            for z in range(out.shape[2]):
                total = 0.0
                for n in range(parts**3):
                    px = start[0] + spacing * (x + (n % parts + 0.5) * share - 0.5)
                    py = start[1] + spacing * (y + (n // parts % parts + 0.5) * share - 0.5)
                    pz = start[2] + spacing * (z + (n // (parts * parts) + 0.5) * share - 0.5)
                    i = back[0, 0] * px + back[0, 1] * py + back[0, 2] * pz
                    j = back[1, 0] * px + back[1, 1] * py + back[1, 2] * pz
                    level = (back[2, 0] * px + back[2, 1] * py + back[2, 2] * pz - low) * per_mm
                    # half a voxel beyond the outermost centers still belongs to the scan
                    if i < -0.5 or j < -0.5 or i > ni - 0.5 or j > nj - 0.5 or level < 0.0 or level > len(k_of) - 1:
                        total += -1024.0
                        continue
                    at = min(int(level), len(k_of) - 2)
                    k = k_of[at] + (level - at) * (k_of[at + 1] - k_of[at])
                    i, j, k = min(max(i, 0.0), ni - 1.001), min(max(j, 0.0), nj - 1.001), min(max(k, 0.0), nk - 1.001)
                    a, b, c = int(i), int(j), int(k)
                    f, g, h = i - a, j - b, k - c
                    near = (1 - f) * ((1 - g) * hu[a, b, c] + g * hu[a, b + 1, c])
                    near += f * ((1 - g) * hu[a + 1, b, c] + g * hu[a + 1, b + 1, c])
                    far = (1 - f) * ((1 - g) * hu[a, b, c + 1] + g * hu[a, b + 1, c + 1])
                    far += f * ((1 - g) * hu[a + 1, b, c + 1] + g * hu[a + 1, b + 1, c + 1])
                    total += (1 - h) * near + h * far
                out[x, y, z] = np.int16(np.rint(total / parts**3))


def resampled(scan: Scan, spacing: float) -> tuple[NDArray[np.int16], Floats]:
    """HU (X, Y, Z) along left, posterior, superior at `spacing` mm, and the LPS place (3,) of the first voxel."""
    step = float(np.diff(scan.levels).mean())
    sizes = [float(np.linalg.norm(scan.across)), float(np.linalg.norm(scan.down)), step]
    low, high = scan.corners().min(axis=0), scan.corners().max(axis=0)
    count = np.maximum(np.floor((high - low) / spacing).astype(int) + 1, 2)
    start = 0.5 * (low + high) - 0.5 * spacing * (count - 1)
    forward = np.column_stack([scan.across, scan.down, scan.along])
    back = np.asarray(np.linalg.inv(forward), dtype=np.float64)
    # slices of uneven step: a fine table from level to slice number
    fine = 0.25 * float(np.diff(scan.levels).min())
    edge = 0.5 * step
    table = np.arange(scan.levels[0] - edge, scan.levels[-1] + edge + fine, fine)
    k_of = np.interp(table, scan.levels, np.arange(len(scan.levels), dtype=np.float64))
    low_level = float(back[2] @ scan.origin) + float(table[0])
    out = np.empty(tuple(count), dtype=np.int16)
    parts = int(np.clip(round(spacing / min(sizes)), 1, 3))
    base = start - np.linalg.solve(back, np.array([back[0] @ scan.origin, back[1] @ scan.origin, 0.0]))
    _sample(np.ascontiguousarray(scan.hu), k_of, low_level, 1.0 / fine, back, base, spacing, parts, out)
    return out, start
