"""Chords of single rays through frusta: the plain reference beside the closed forms of `chords`, and what is used
where these do not hold, for vessels that run toward the focal spot."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@njit(cache=True, nogil=True)
def interval(
    ox: float,
    oy: float,
    oz: float,
    dx: float,
    dy: float,
    dz: float,
    ax: float,
    ay: float,
    az: float,
    r0: float,
    slope: float,
) -> tuple[float, float]:
    """Where o + t d lies inside the cone about axis a through the origin, radius r0 + slope * axial position."""
    dd = dx * dx + dy * dy + dz * dz
    da = dx * ax + dy * ay + dz * az
    oa = ox * ax + oy * ay + oz * az
    od = ox * dx + oy * dy + oz * dz
    oo = ox * ox + oy * oy + oz * oz
    r = r0 + slope * oa
    qa = dd - da * da * (1.0 + slope * slope)
    qb = od - da * oa - r * slope * da
    qc = oo - oa * oa - r * r
    if qa < 1e-6 * dd:
        return (-1e9, 1e9) if qc < 0 else (1.0, -1.0)
    disc = qb * qb - qa * qc
    if disc <= 0.0:
        return 1.0, -1.0
    root = np.sqrt(disc)
    return (-qb - root) / qa, (-qb + root) / qa


@njit(cache=True, nogil=True)
def chord(f: Floats, sx: float, sy: float, sz: float, dx: float, dy: float, dz: float) -> float:
    """Length in frustum f (22,) of the ray s + t d, in units of |d|."""
    ax, ay, az = f[3] - f[0], f[4] - f[1], f[5] - f[2]
    length = np.sqrt(ax * ax + ay * ay + az * az)
    if length < 1e-9:
        return 0.0
    ax, ay, az = ax / length, ay / length, az / length
    ox, oy, oz = sx - f[0], sy - f[1], sz - f[2]
    t0, t1 = interval(ox, oy, oz, dx, dy, dz, ax, ay, az, f[6], (f[7] - f[6]) / length)
    if t1 <= t0:
        return 0.0
    for end in range(2):
        k = 8 + 3 * end
        side = 1.0 - 2.0 * end  # inside is ahead of the start plane and behind the end plane
        q = 3 * end
        rate = side * (f[k] * dx + f[k + 1] * dy + f[k + 2] * dz)
        here = side * (f[k] * (sx - f[q]) + f[k + 1] * (sy - f[q + 1]) + f[k + 2] * (sz - f[q + 2]))
        if abs(rate) < 1e-12:
            if here < 0:
                return 0.0
        elif rate > 0:
            t0 = max(t0, -here / rate)
        else:
            t1 = min(t1, -here / rate)
        if t1 <= t0:
            return 0.0
    out = t1 - t0
    if f[20] > 0.0:
        p0, p1 = interval(sx - f[14], sy - f[15], sz - f[16], dx, dy, dz, f[17], f[18], f[19], f[20], 0.0)
        if p1 > p0:
            out -= max(min(t1, p1) - max(t0, p0), 0.0)
    return out


@njit(cache=True, nogil=True)
def mean_chord(
    f: Floats, source: Floats, d0: Floats, du: Floats, dv: Floats, column: int, row: int, fine: int
) -> float:
    """Mean chord (mm) in frustum f (22,) of fine x fine rays through a pixel; source, d0, du, dv as in Geometry."""
    total = 0.0
    for a in range(fine):
        y = row + (a + 0.5) / fine - 0.5
        for b in range(fine):
            x = column + (b + 0.5) / fine - 0.5
            dx = d0[0] + x * du[0] + y * dv[0]
            dy = d0[1] + x * du[1] + y * dv[1]
            dz = d0[2] + x * du[2] + y * dv[2]
            t = chord(f, source[0], source[1], source[2], dx, dy, dz)
            if t > 0.0:
                total += t * np.sqrt(dx * dx + dy * dy + dz * dz)
    return total / (fine * fine)
