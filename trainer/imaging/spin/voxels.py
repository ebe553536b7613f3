"""Bodies and contrast onto a grid of voxels: closed meshes, Gaussian blobs, tubes, other volumes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Image = NDArray[np.float32]
Ints = NDArray[np.int64]

FIXED = 256
"""Vertices are snapped to this part of a voxel, so that neighboring faces neither overlap nor leave gaps."""
THIN = 0.6
"""Tubes thinner than this share of a voxel are drawn this wide, with as much less in them."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Voxels along the patient's axes: center of the first one, LPS mm, their size and number."""

    origin: Floats  # (3,) mm
    spacing: float  # mm
    shape: tuple[int, int, int]

    def places(self, points: Floats) -> Floats:
        """Points (N, 3) mm in voxels."""
        return np.asarray((points - self.origin) / self.spacing)

    def empty(self) -> Image:
        return np.zeros(self.shape, dtype=np.float32)


@njit(cache=True, nogil=True)
def add_mesh(vertices: Floats, faces: NDArray[np.int32], density: Image, out: Image) -> None:
    """Adds what each face (F, 3) of closed meshes begins or ends, to out (X, Y, Z); `cumulate` makes it densities.

    vertices (V, 3) in voxels, faces turned outward. Along z a surface cuts voxels into exact shares; across it, a
    column counts by its middle.
    """
    nx, ny, nz = out.shape
    for f in range(faces.shape[0]):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        x0, y0 = round(vertices[a, 0] * FIXED), round(vertices[a, 1] * FIXED)
        x1, y1 = round(vertices[b, 0] * FIXED), round(vertices[b, 1] * FIXED)
        x2, y2 = round(vertices[c, 0] * FIXED), round(vertices[c, 1] * FIXED)
        z0, z1, z2 = vertices[a, 2], vertices[b, 2], vertices[c, 2]
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if area == 0:
            continue
        # seen from above a face turned upward runs counterclockwise: the body ends there
        sign = -1.0
        if area < 0:
            sign, area = 1.0, -area
            x1, y1, z1, x2, y2, z2 = x2, y2, z2, x1, y1, z1
        left, right = max(-(-min(x0, x1, x2) // FIXED), 0), min(max(x0, x1, x2) // FIXED, nx - 1)
        top, bottom = max(-(-min(y0, y1, y2) // FIXED), 0), min(max(y0, y1, y2) // FIXED, ny - 1)
        ax, ay, bx, by, cx, cy = x2 - x1, y2 - y1, x0 - x2, y0 - y2, x1 - x0, y1 - y0
        bias_a = 0 if ay < 0 or (ay == 0 and ax > 0) else -1
        bias_b = 0 if by < 0 or (by == 0 and bx > 0) else -1
        bias_c = 0 if cy < 0 or (cy == 0 and cx > 0) else -1
        for i in range(left, right + 1):
            px = i * FIXED
            for j in range(top, bottom + 1):
                py = j * FIXED
                wa = ax * (py - y1) - ay * (px - x1)
                wb = bx * (py - y2) - by * (px - x2)
                wc = cx * (py - y0) - cy * (px - x0)
                if wa + bias_a < 0 or wb + bias_b < 0 or wc + bias_c < 0:
                    continue
                z = (wa * z0 + wb * z1 + wc * z2) / area + 0.5
                if z >= nz:
                    continue
                z = max(z, 0.0)
                k = int(z)
                share = z - k
                value = sign * density[f]
                out[i, j, k] += value * (1.0 - share)
                if k + 1 < nz:
                    out[i, j, k + 1] += value * share


@njit(cache=True, nogil=True)
def add_blobs(mean: Floats, cov: Floats, mass: Floats, out: Image) -> None:
    """Adds Gaussians to out (X, Y, Z): mean (N, 3), cov (N, 6) xx, xy, xz, yy, yz, zz and mass (N,) in voxels."""
    nx, ny, nz = out.shape
    for n in range(mean.shape[0]):
        xx, xy, xz, yy, yz, zz = cov[n, 0] + 0.2, cov[n, 1], cov[n, 2], cov[n, 3] + 0.2, cov[n, 4], cov[n, 5] + 0.2
        a, b, c = yy * zz - yz * yz, xz * yz - xy * zz, xy * yz - xz * yy
        det = xx * a + xy * b + xz * c
        d, e, f = xx * zz - xz * xz, xy * xz - xx * yz, xx * yy - xy * xy
        peak = mass[n] / np.sqrt((2.0 * np.pi) ** 3 * det)
        mx, my, mz = mean[n, 0], mean[n, 1], mean[n, 2]
        rx, ry, rz = 3.0 * np.sqrt(xx), 3.0 * np.sqrt(yy), 3.0 * np.sqrt(zz)
        for i in range(max(int(np.ceil(mx - rx)), 0), min(int(mx + rx), nx - 1) + 1):
            for j in range(max(int(np.ceil(my - ry)), 0), min(int(my + ry), ny - 1) + 1):
                for k in range(max(int(np.ceil(mz - rz)), 0), min(int(mz + rz), nz - 1) + 1):
                    x, y, z = i - mx, j - my, k - mz
                    q = (a * x * x + d * y * y + f * z * z + 2.0 * (b * x * y + c * x * z + e * y * z)) / det
                    if q < 9.0:
                        out[i, j, k] += peak * np.exp(-0.5 * q)


@njit(cache=True, nogil=True)
def draw_tubes(start: Floats, end: Floats, radius: Floats, value: Floats, out: Image) -> None:
    """Raises out (X, Y, Z) to the value (N,) inside tapering tubes; start, end (N, 3) and radius (N, 2) in voxels."""
    nx, ny, nz = out.shape
    for n in range(start.shape[0]):
        if value[n] == 0.0:
            continue
        dx, dy, dz = end[n, 0] - start[n, 0], end[n, 1] - start[n, 1], end[n, 2] - start[n, 2]
        length2 = max(dx * dx + dy * dy + dz * dz, 1e-12)
        widest = max(radius[n, 0], radius[n, 1], THIN) + 1.0
        low_x, high_x = min(start[n, 0], end[n, 0]) - widest, max(start[n, 0], end[n, 0]) + widest
        low_y, high_y = min(start[n, 1], end[n, 1]) - widest, max(start[n, 1], end[n, 1]) + widest
        low_z, high_z = min(start[n, 2], end[n, 2]) - widest, max(start[n, 2], end[n, 2]) + widest
        for i in range(max(int(np.ceil(low_x)), 0), min(int(np.floor(high_x)), nx - 1) + 1):
            for j in range(max(int(np.ceil(low_y)), 0), min(int(np.floor(high_y)), ny - 1) + 1):
                for k in range(max(int(np.ceil(low_z)), 0), min(int(np.floor(high_z)), nz - 1) + 1):
                    x, y, z = i - start[n, 0], j - start[n, 1], k - start[n, 2]
                    t = min(max((x * dx + y * dy + z * dz) / length2, 0.0), 1.0)
                    away = np.sqrt((x - t * dx) ** 2 + (y - t * dy) ** 2 + (z - t * dz) ** 2)
                    r = radius[n, 0] + t * (radius[n, 1] - radius[n, 0])
                    wide = max(r, THIN)
                    share = min(max(wide - away + 0.5, 0.0), 1.0) * min((r / wide) ** 2, 1.0)
                    out[i, j, k] = max(out[i, j, k], value[n] * share)


@njit(cache=True, nogil=True)
def sample(values: NDArray[np.int16], start: Floats, step: float, unit: float, out: Image) -> None:
    """Adds a volume (X, Y, Z) of whole units, linearly between its voxels, to out: out's voxel i at start + i step."""
    nx, ny, nz = values.shape
    for i in range(out.shape[0]):
        x = start[0] + i * step
        for j in range(out.shape[1]):
            y = start[1] + j * step
            for k in range(out.shape[2]):
                z = start[2] + k * step
                if x < 0.0 or y < 0.0 or z < 0.0 or x >= nx - 1 or y >= ny - 1 or z >= nz - 1:
                    continue
                a, b, c = int(x), int(y), int(z)
                f, g, h = x - a, y - b, z - c
                near = (1 - f) * ((1 - g) * values[a, b, c] + g * values[a, b + 1, c])
                near += f * ((1 - g) * values[a + 1, b, c] + g * values[a + 1, b + 1, c])
                far = (1 - f) * ((1 - g) * values[a, b, c + 1] + g * values[a, b + 1, c + 1])
                far += f * ((1 - g) * values[a + 1, b, c + 1] + g * values[a + 1, b + 1, c + 1])
                out[i, j, k] += unit * ((1 - h) * near + h * far)


def cumulate(out: Image) -> None:
    """Turns what `add_mesh` left into densities, in place."""
    np.cumsum(out, axis=2, out=out)
