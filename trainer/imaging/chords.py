"""Chords of frusta in every pixel, by closed forms: the mean over the pixel, cut by planes and the parent's lumen.

A line of pixels is one loop without branches, in float32 about the middle of a tile. The half-chord is averaged
exactly (`profile`). The planes at a frustum's ends keep a share of it: the chord's middle lies s ahead of a plane, its
half-length across the plane and the pixel's own width blur that edge, and the share is a ramp over both. What a cell
loses at a plane its neighbor gains, so joints show no line however coarse the pixels are.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from trainer.imaging.lanes import LANES
from trainer.imaging.outlines import CLOSED, NOTHING, RAYS, at_pixel, span
from trainer.imaging.profile import ONE, ZERO, Real, mean_half_chord
from trainer.imaging.rays import interval, mean_chord

Floats = NDArray[np.float64]
Image = NDArray[np.float32]
Ints = NDArray[np.int64]

THIN_PX = Real(1e-3)
"""A radius is at least this: beyond its apex a cone has none."""
HALF, QUARTER = Real(0.5), Real(0.25)
FLATTEST = 1e-3
"""Least qa / |d|^2 that is reckoned with."""
TINY = Real(1e-20)
MOST, SHORTEST_MM = 65535.0, 1e-6
"""Chords are kept as whole numbers, the longest (or this) as the largest of 16 bits."""
TILE = 32
"""Pixels over which what perspective changes is linear."""


@njit(cache=True, nogil=True, error_model="numpy")
def _plain(o: Any, x: float, y: float) -> float:
    """Chord (mm) by pixel of half-chord."""
    d1, d2, d3 = at_pixel(o.d1, x, y), at_pixel(o.d2, x, y), at_pixel(o.d3, x, y)
    dd = d1 * d1 + d2 * d2 + d3 * d3
    return float(2.0 * o.grad * np.sqrt(dd) / max(dd - (1.0 + o.slope * o.slope) * d2 * d2, FLATTEST * dd))


@njit(cache=True, nogil=True, error_model="numpy")
def _against(o: Any, end: int, x: float, y: float, unit: float) -> tuple[float, float]:
    """How far (mm) the middle of a chord lies ahead of a plane, and its end of that by pixel of half-chord.

    Both times d1 / unit: so the first is linear in the pixel but for a share of (r / rho)^2.
    """
    d1, d2, d3 = at_pixel(o.d1, x, y), at_pixel(o.d2, x, y), at_pixel(o.d3, x, y)
    dd = d1 * d1 + d2 * d2 + d3 * d3
    qa = max(dd - (1.0 + o.slope * o.slope) * d2 * d2, FLATTEST * dd)
    rate = at_pixel(o.rate[end], x, y)
    return (
        d1 / unit * (o.here[end] - rate * (o.rho * d1 - o.r * o.slope * d2) / qa),
        d1 / unit * rate * o.grad / qa,
    )


@njit(cache=True, nogil=True, error_model="numpy")
def _tile(o: Any, left: int, right: int, top: int, bottom: int, out: Image) -> None:
    """Fills out (7, 3): what `_add_lines` needs in these columns and rows, in their middle, by column and by row.

    Radius and place across the axis are linear, the rest nearly: it is taken in the middle, or where a plane shows.
    """
    x, y = 0.5 * (left + right), 0.5 * (top + bottom)
    out[0, 0], out[0, 1], out[0, 2] = at_pixel(o.u, x, y), o.u[1], o.u[2]
    out[1, 0], out[1, 1], out[1, 2] = at_pixel(o.radius, x, y), o.radius[1], o.radius[2]
    plain = _plain(o, x, y)
    out[2, 0], out[2, 1], out[2, 2] = plain, _plain(o, x + 1.0, y) - plain, _plain(o, x, y + 1.0) - plain
    for end in range(2):
        xe, ye = min(max(o.end[end, 0], left), right), min(max(o.end[end, 1], top), bottom)
        unit = at_pixel(o.d1, xe, ye)
        s, w = _against(o, end, xe, ye, unit)
        sx, wx = _against(o, end, xe + 1.0, ye, unit)
        sy, wy = _against(o, end, xe, ye + 1.0, unit)
        ahead, reach = out[3 + 2 * end], out[4 + 2 * end]
        ahead[0], ahead[1], ahead[2] = s + (x - xe) * (sx - s) + (y - ye) * (sy - s), sx - s, sy - s
        reach[0], reach[1], reach[2] = w + (x - xe) * (wx - w) + (y - ye) * (wy - w), wx - w, wy - w


@njit(cache=True, nogil=True, error_model="numpy")
def _most(line: Image) -> Real:
    """Bound of a linear function within a tile."""
    most: Real = line[0] + Real(0.5 * TILE + 1.0) * (abs(line[1]) + abs(line[2]))
    return most


@njit(inline="always", error_model="numpy")
def _kept(ahead: Real, reach: Real, smear: Real) -> Real:
    """Share 0..1 of a chord that a plane leaves: middle ahead of it, the chord's ends and the pixel's edge of that."""
    return min(max(HALF + HALF * ahead / np.sqrt(reach * reach + smear), ZERO), ONE)


@njit(cache=True, nogil=True, error_model="numpy")
def _add_lines(
    tile: Image, x0: Real, y0: Real, size: Real, across: Image, count: int, first: Ints, length: Ints, place: Ints,
    steps: Image, value: Image
) -> None:
    """Adds mean chords (mm) over squares with a side of `size` pixels, weighed by their area, to count lines.

    Centers lie at x0 + column, y0 + row from the tile's middle; each line has a first column, a length and a place in
    value; up to LANES - 1 pixels behind it are touched. across (3,): footprint; steps: 0, 1, 2...
    """
    area = size * size
    wide, narrow, share = size * across[0], size * across[1], across[2] / area
    u0, ux, uy = tile[0, 0], tile[0, 1], tile[0, 2]
    r0, rx, ry = tile[1, 0], tile[1, 1], tile[1, 2]
    p0, px, py = area * tile[2, 0], area * tile[2, 1], area * tile[2, 2]
    s0, sx, sy = tile[3, 0], tile[3, 1], tile[3, 2]
    w0, wx, wy = tile[4, 0], tile[4, 1], tile[4, 2]
    e0, ex, ey = tile[5, 0], tile[5, 1], tile[5, 2]
    v0, vx, vy = tile[6, 0], tile[6, 1], tile[6, 2]
    # one interval with the variance of a square pixel
    smear, smear1 = QUARTER * area * (sx * sx + sy * sy) + TINY, QUARTER * area * (ex * ex + ey * ey) + TINY
    for n in range(count):
        x, y, end = x0 + Real(first[n]), y0 + Real(n), Real(length[n])
        u, r, p = u0 + x * ux + y * uy, r0 + x * rx + y * ry, p0 + x * px + y * py
        s, w = s0 + x * sx + y * sy, w0 + x * wx + y * wy
        e, v = e0 + x * ex + y * ey, v0 + x * vx + y * vy
        begin = np.uint64(place[n])
        for j in range(np.uint64((length[n] + LANES - 1) & -LANES)):
            k = steps[j]
            half = mean_half_chord(u + k * ux, max(r + k * rx, THIN_PX), wide, narrow, share)
            kept = _kept(s + k * sx, half * (w + k * wx), smear) + _kept(e + k * ex, half * (v + k * vx), smear1)
            # nothing behind the line's end, without a branch
            value[begin + j] += (p + k * px) * half * max(min(kept - ONE, end - k), ZERO)


@njit(cache=True, nogil=True, error_model="numpy")
def _add_frustum(
    o: Any, tile: Image, across: Image, left: Ints, length: Ints, place: Ints, some: Ints, steps: Image, chords: Image
) -> float:
    """Adds a frustum's chords to its lines, tile by tile; returns a bound of the longest, mm.

    Lines: left column, length and place in chords. tile (7, 3), across (3,) and some (3, TILE) are scratch.
    """
    longest = 0.0
    across[0], across[1], across[2] = o.wide, o.narrow, o.share
    parts = (o.right - o.left) // TILE + 1
    wide = (o.right - o.left) // parts + 1
    for top in range(o.top, o.bottom + 1, TILE):
        count = min(TILE, o.bottom + 1 - top)
        for k in range(parts):
            first, last = o.left + k * wide, o.left + (k + 1) * wide - 1
            _tile(o, first, last, top, top + count - 1, tile)
            longest = max(longest, float(_most(tile[1]) * _most(tile[2])))
            for n in range(count):
                line = top - o.top + n
                some[0, n] = max(left[line], first)
                some[1, n] = max(min(left[line] + length[line] - 1, last) - some[0, n] + 1, 0)
                some[2, n] = place[line] + some[0, n] - left[line]
            x, y = -HALF * Real(first + last), -HALF * Real(count - 1)
            if o.fine == 1:
                _add_lines(tile, x, y, ONE, across, count, some[0], some[1], some[2], steps, chords)
                continue
            for q in range(4):
                _add_lines(tile, x + HALF * Real(q % 2) - QUARTER, y + HALF * Real(q // 2) - QUARTER, HALF, across,
                           count, some[0], some[1], some[2], steps, chords)  # fmt: skip
    return longest


@njit(cache=True, nogil=True, error_model="numpy")
def _cut_by_parent(
    o: Any, f: Floats, source: Floats, d0: Floats, du: Floats, dv: Floats, y: int, first: int, count: int, out: Image
) -> None:
    """Takes from chords (count,) the share that lies in the lumen of frustum f's parent."""
    x0, y0, z0 = source[0] - f[14], source[1] - f[15], source[2] - f[16]
    for j in range(count):
        if out[j] <= ZERO:
            continue
        x = float(first + j)
        dx, dy, dz = d0[0] + x * du[0] + y * dv[0], d0[1] + x * du[1] + y * dv[1], d0[2] + x * du[2] + y * dv[2]
        p0, p1 = interval(x0, y0, z0, dx, dy, dz, f[17], f[18], f[19], f[20], 0.0)
        if p1 <= p0:
            continue
        a, b, c = at_pixel(o.d1, x, y), at_pixel(o.d2, x, y), at_pixel(o.d3, x, y)
        qa = a * a + c * c - o.slope * o.slope * b * b
        middle = -(o.rho * a - o.r * o.slope * b) / qa
        half = o.grad * np.sqrt(max(at_pixel(o.radius, x, y) ** 2 - at_pixel(o.u, x, y) ** 2, 0.0)) / qa
        t0, t1 = middle - half, middle + half
        for end in range(2):
            rate = at_pixel(o.rate[end], x, y)
            if rate > 1e-9:
                t0 = min(max(t0, -o.here[end] / rate), t1)
            elif rate < -1e-9:
                t1 = max(min(t1, -o.here[end] / rate), t0)
        if t1 > t0:
            out[j] *= Real(1.0 - max(min(t1, p1) - max(t0, p0), 0.0) / (t1 - t0))
        elif p0 < t0 < p1:
            out[j] = 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def _store(chords: Image, unit: float, value: NDArray[np.uint16]) -> None:
    """Stores chords (mm) as whole numbers of a unit, mm; value has their length."""
    scale = ONE / Real(unit)
    for j in range(len(value)):
        value[j] = np.uint16(np.int32(max(chords[j], ZERO) * scale + HALF))


@njit(cache=True, nogil=True, error_model="numpy")
def _pack(first: int, last: int, row: NDArray[np.int16], column: NDArray[np.int16], value: NDArray[np.uint16]) -> int:
    """Takes out those of blocks first..last that are all zeros and not needed behind a pixel; returns their new end."""
    words = value.view(np.uint64)  # a block is two of them
    to = first
    for b in range(first, last):
        empty = (words[2 * b] | words[2 * b + 1]) == 0
        if empty and (to == first or value[to * LANES - 1] == 0):
            continue
        words[2 * to], words[2 * to + 1] = words[2 * b], words[2 * b + 1]
        row[to], column[to] = row[b], column[b]
        to += 1
    return to


@njit(cache=True, nogil=True, error_model="numpy")
def draw_frusta(
    rows: Floats,
    outlines: Any,
    order: Ints,
    source: Floats,
    d0: Floats,
    du: Floats,
    dv: Floats,
    low: int,
    high: int,
    first: int,
    last: int,
    begin: Ints,
    row: NDArray[np.int16],
    column: NDArray[np.int16],
    unit: Image,
    value: NDArray[np.uint16],
    chords: Image,
) -> None:
    """Appends the chords of frusta order[first..last], line by line of the picture, in blocks of LANES pixels.

    begin (C+1,): first block of each; row, column (B,): a block's first pixel; value (LANES * B,) * unit (C,) is mm.
    Before a block's first pixel value has the one before it in its line, or 0: zeros fill a line up, at least one.
    chords (N,): scratch for the largest frustum.
    """
    tile, across, some = np.empty((7, 3), np.float32), np.empty(3, np.float32), np.empty((3, TILE), np.int64)
    steps, lines = np.empty(TILE + LANES, np.float32), np.empty((3, high - low + 1), np.int64)
    for j in range(TILE + LANES):
        steps[j] = j
    left, length, place = lines[0], lines[1], lines[2]
    for k in range(first, last):
        i, block = order[k], begin[k]
        o, f = outlines[i], rows[i]
        begin[k + 1] = block
        if o.kind == NOTHING:
            continue
        used, longest = 0, SHORTEST_MM
        for n in range(o.bottom - o.top + 1):
            a, b = span(o, o.top + n, low, high)
            left[n], length[n], place[n] = a, max(b - a + 1, 0), used
            for x in range(a, b + 2 if b >= a else a, LANES):
                row[block], column[block] = o.top + n, x
                block += 1
                used += LANES
        for j in range(used + LANES):
            chords[j] = ZERO
        if o.kind == CLOSED:
            longest = max(longest, _add_frustum(o, tile, across, left, length, place, some, steps, chords))
        for n in range(o.bottom - o.top + 1):
            line, y = chords[place[n] :], o.top + n
            if o.kind == RAYS:
                for j in range(length[n]):
                    line[j] = mean_chord(f, source, d0, du, dv, left[n] + j, y, o.fine)
                    longest = max(longest, line[j])
            elif f[20] > 0.0:
                _cut_by_parent(o, f, source, d0, du, dv, y, left[n], length[n], line)
        unit[k] = longest / MOST
        _store(chords, unit[k], value[begin[k] * LANES : block * LANES])
        begin[k + 1] = _pack(begin[k], block, row, column, value)
