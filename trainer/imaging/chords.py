"""Chords of frusta in every pixel, by closed forms: the mean over the pixel, cut by planes and the parent's lumen.

A row of pixels is one loop without branches. The half-chord is averaged exactly (`profile`). The planes at a
frustum's ends keep a share of it: the chord's middle lies s ahead of a plane, its half-length across the plane and the
pixel's own width blur that edge, and the share is a ramp over both. What a cell loses at a plane its neighbor gains,
so joints show no line however coarse the pixels are.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from trainer.imaging.lanes import LANES
from trainer.imaging.outlines import NOTHING, RAYS, span
from trainer.imaging.profile import mean_half_chord
from trainer.imaging.rays import interval, mean_chord

Floats = NDArray[np.float64]
Image = NDArray[np.float32]
Ints = NDArray[np.int64]

LEAST_MM = 1e-4
"""Shorter mean chords are not kept."""
THIN_PX = 1e-6


@njit(cache=True, nogil=True, error_model="numpy")
def _endless(o: Any, y: float, first: float, count: int, size: float, out: Floats) -> None:
    """Mean chords (count,) mm of the endless cone of outline o over squares with a side of `size` pixels.

    Their centers lie in row y, one a pixel from column `first` on. Up to three more are written behind them.
    """
    d1, d2, d3 = o.d1[0] + y * o.d1[2], o.d2[0] + y * o.d2[2], o.d3[0] + y * o.d3[2]
    d1x, d2x, d3x = o.d1[1], o.d2[1], o.d3[1]
    u0, ux = o.u[0] + y * o.u[2], o.u[1]
    radius, radius_x = o.radius[0] + y * o.radius[2], o.radius[1]
    slope2, grad = o.slope * o.slope, 2.0 * o.grad
    wide, narrow, share = size * o.wide, size * o.narrow, o.share / (size * size)
    for j in range((count + 3) & -4):  # fours fill a vector register
        x = first + j
        a, b, c = d1 + x * d1x, d2 + x * d2x, d3 + x * d3x
        flat = a * a + c * c
        half = mean_half_chord(u0 + x * ux, max(radius + x * radius_x, THIN_PX), wide, narrow, share)
        out[j] = grad * half * np.sqrt(np.float32(flat + b * b)) / np.float32(flat - slope2 * b * b)


@njit(inline="always", error_model="numpy")
def _kept(ahead: float, turn: float, half: float, smear: float, qa: float) -> float:
    """Share 0..1 of a chord that a plane leaves; all times qa: middle ahead of it, ray's rate, half-chord."""
    blur = np.sqrt(np.float32(turn * turn * half * half + smear * qa * qa))
    return float(min(max(0.5 + 0.5 * np.float32(ahead) / blur, 0.0), 1.0))


@njit(cache=True, nogil=True, error_model="numpy")
def _cut_ends(o: Any, y: float, first: float, count: int, size: float, out: Floats) -> None:
    """Takes from chords (count,) of the endless cone what lies beyond its two planes."""
    d1, d2, d3 = o.d1[0] + y * o.d1[2], o.d2[0] + y * o.d2[2], o.d3[0] + y * o.d3[2]
    d1x, d2x, d3x = o.d1[1], o.d2[1], o.d3[1]
    rate0, rate0x = o.rate[0, 0] + y * o.rate[0, 2], o.rate[0, 1]
    rate1, rate1x = o.rate[1, 0] + y * o.rate[1, 2], o.rate[1, 1]
    here0, here1, smear0, smear1 = o.here[0], o.here[1], size * size * o.smear[0], size * size * o.smear[1]
    rho, lean, slope2 = o.rho, o.r * o.slope, o.slope * o.slope
    for j in range(count):
        x = first + j
        a, b, c = d1 + x * d1x, d2 + x * d2x, d3 + x * d3x
        flat = a * a + c * c
        qa = flat - slope2 * b * b
        half = 0.5 * out[j] * np.float32(qa) / np.sqrt(np.float32(flat + b * b))
        middle = rho * a - lean * b
        turn0, turn1 = rate0 + x * rate0x, rate1 + x * rate1x
        ahead = _kept(here0 * qa - turn0 * middle, turn0, half, smear0, qa)
        behind = _kept(here1 * qa - turn1 * middle, turn1, half, smear1, qa)
        out[j] *= max(ahead + behind - 1.0, 0.0)


@njit(cache=True, nogil=True, error_model="numpy")
def _line(o: Any, y: float, first: float, count: int, size: float, out: Floats) -> None:
    """Mean chords (count,) mm of a frustum over squares with a side of `size` pixels, as `_endless` places them."""
    _endless(o, y, first, count, size, out)
    left = o.whole[0, 0] + y * o.whole[0, 1] - first
    right = o.whole[1, 0] + y * o.whole[1, 1] - first
    before = count if left >= min(right, count) else max(int(np.ceil(left)), 0)
    after = max(int(right), before) if right > 0.0 else before
    _cut_ends(o, y, first, before, size, out)
    if after < count:
        _cut_ends(o, y, first + after, count - after, size, out[after:])


@njit(cache=True, nogil=True, error_model="numpy")
def _line_in_parts(o: Any, y: int, first: int, count: int, part: Floats, out: Floats) -> None:
    """Mean chords (count,) mm of a frustum in columns from `first` of row y, from four parts of every pixel."""
    out[:count] = 0.0
    for k in range(4):
        _line(o, y - 0.25 + 0.5 * (k // 2), first - 0.25 + 0.5 * (k % 2), count, 0.5, part)
        for j in range(count):
            out[j] += 0.25 * part[j]


@njit(cache=True, nogil=True, error_model="numpy")
def _cut_by_parent(
    o: Any, f: Floats, source: Floats, d0: Floats, du: Floats, dv: Floats, y: int, first: int, count: int, out: Floats
) -> None:
    """Takes from chords (count,) the share that lies in the lumen of frustum f's parent."""
    x0, y0, z0 = source[0] - f[14], source[1] - f[15], source[2] - f[16]
    for j in range(count):
        if out[j] < LEAST_MM:
            continue
        x = float(first + j)
        dx, dy, dz = d0[0] + x * du[0] + y * dv[0], d0[1] + x * du[1] + y * dv[1], d0[2] + x * du[2] + y * dv[2]
        p0, p1 = interval(x0, y0, z0, dx, dy, dz, f[17], f[18], f[19], f[20], 0.0)
        if p1 <= p0:
            continue
        a = o.d1[0] + x * o.d1[1] + y * o.d1[2]
        b = o.d2[0] + x * o.d2[1] + y * o.d2[2]
        c = o.d3[0] + x * o.d3[1] + y * o.d3[2]
        qa = a * a + c * c - o.slope * o.slope * b * b
        middle = -(o.rho * a - o.r * o.slope * b) / qa
        radius = max(o.radius[0] + x * o.radius[1] + y * o.radius[2], THIN_PX)
        u = o.u[0] + x * o.u[1] + y * o.u[2]
        half = o.grad * mean_half_chord(u, radius, o.wide, o.narrow, o.share) / qa
        t0, t1 = middle - half, middle + half
        for end in range(2):
            rate = o.rate[end, 0] + x * o.rate[end, 1] + y * o.rate[end, 2]
            if rate > 1e-9:
                t0 = min(max(t0, -o.here[end] / rate), t1)
            elif rate < -1e-9:
                t1 = max(min(t1, -o.here[end] / rate), t0)
        if t1 > t0:
            out[j] *= 1.0 - max(min(t1, p1) - max(t0, p0), 0.0) / (t1 - t0)
        elif p0 < t0 < p1:
            out[j] = 0.0


@njit(inline="always", error_model="numpy")
def _keep(
    chords: Floats, count: int, first: int, line: int, column: NDArray[np.int16], at: NDArray[np.int32],
    value: Image
) -> None:
    """Stores the line'th line: chords (count,) from column `first` on, without what is too short at its ends."""
    skip = 0
    while skip < count and chords[skip] < LEAST_MM:
        skip += 1
    while count > skip and chords[count - 1] < LEAST_MM:
        count -= 1
    begin = at[line]
    column[line], at[line + 1] = first + skip, begin
    if count > skip:
        end = begin + (count - skip + LANES) // LANES * LANES
        at[line + 1] = end
        for j in range(end - LANES, end):
            value[j] = 0.0
        for j in range(skip, count):
            value[begin - skip + j] = chords[j]


@njit(cache=True, nogil=True, error_model="numpy")
def draw_frusta(
    rows: Floats,
    outlines: Any,
    source: Floats,
    d0: Floats,
    du: Floats,
    dv: Floats,
    low: int,
    high: int,
    first: int,
    last: int,
    begin: Ints,
    column: NDArray[np.int16],
    at: NDArray[np.int32],
    value: Image,
) -> None:
    """Appends the chords (mm) of frusta first..last, line by line of the picture.

    begin (C+1,): first line of each frustum. column (L,), at (L+1,): where a line starts in the picture and in
    value (V,). Zeros fill a line there to whole lanes, at least one, so that a zero goes before every line.
    """
    scratch, part = np.empty(high - low + 4), np.empty(high - low + 4)
    line = begin[first]
    for i in range(first, last):
        begin[i] = line
        o, f = outlines[i], rows[i]
        if o.kind == NOTHING:
            continue
        for y in range(o.top, o.bottom + 1):
            a, b = span(o, y, low, high)
            count = max(b - a + 1, 0)
            if o.kind == RAYS:
                for j in range(count):
                    scratch[j] = mean_chord(f, source, d0, du, dv, a + j, y, o.fine)
            else:
                if o.fine == 1:
                    _line(o, y, a, count, 1.0, scratch)
                else:
                    _line_in_parts(o, y, a, count, part, scratch)
                if f[20] > 0.0:
                    _cut_by_parent(o, f, source, d0, du, dv, y, a, count, scratch)
            _keep(scratch, count, a, line, column, at, value)
            line += 1
    begin[last] = line
