"""Where frusta show in a picture: each one's constants for one pose, made once for both counting and drawing.

Seen from the focal spot S a cone is bounded by two straight lines. With unit vectors e1 from the axis to S, e2 along
it and e3 across both, a ray d has components d1, d2, d3, all linear in the pixel, and the roots of the cone's equation
differ by 2 sqrt(A^2 - C^2) / qa with

    A = rho slope d2 - r d1,   C = sqrt(rho^2 - r^2) d3,   qa = d1^2 + d3^2 - slope^2 d2^2

rho: distance of S from the axis, r: radius of the (prolonged) cone beside S. So across the axis a chord is half an
ellipse in u = C / |grad C| pixels, of radius A / |grad C| pixels, and no difference of large numbers is left.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from trainer.imaging.lanes import LANES
from trainer.imaging.profile import footprint

Floats = NDArray[np.float64]

NOTHING, CLOSED, RAYS = 0, 1, 2
STEEP = 0.003
"""Least qa / |d|^2 of a closed form: 3 degrees between ray and axis. Steeper vessels are drawn by single rays."""
OBLIQUE = 0.1
"""Below this qa / |d|^2 (18 degrees) the closed form takes every pixel in four parts."""
NEAR = 0.02
"""Least share of rho^2 that rho^2 - r^2 must be for a closed form."""

BAND = 32
"""Rows of the picture within which frusta are kept from left to right."""
EDGE_PX = 0.6
"""A cut is blurred so far by the pixel."""
WORK_OF_FRUSTUM, WORK_OF_LINE, WORK_OF_PIXEL, WORK_OF_RAY, WORK_OF_CUT = 4.0, 0.25, 0.08, 0.25, 0.5
"""What they cost, 0.1 us. A cut: a pixel where the parent's lumen is taken away."""

OUTLINE = np.dtype(
    [
        ("kind", "i8"),
        ("top", "i8"),  # rows, inclusive
        ("bottom", "i8"),
        ("left", "i8"),  # columns, inclusive
        ("right", "i8"),
        ("fine", "i8"),  # parts (or rays) a pixel side
        ("d1", "f8", (3,)),  # constant, by column, by row
        ("d2", "f8", (3,)),
        ("d3", "f8", (3,)),
        ("r", "f8"),
        ("rho", "f8"),
        ("slope", "f8"),
        ("grad", "f8"),  # |grad C| by pixel
        ("u", "f8", (3,)),
        ("radius", "f8", (3,)),
        ("wide", "f8"),  # footprint of a pixel across the axis
        ("narrow", "f8"),
        ("share", "f8"),
        ("here", "f8", (2,)),  # of S ahead of the start plane, behind the end plane, mm
        ("rate", "f8", (2, 3)),  # the same of a ray
        ("end", "f8", (2, 2)),  # column and row of its ends
        ("along", "f8", (3,)),  # pixels along the axis
        ("first", "f8"),  # their least and largest
        ("last", "f8"),
        ("bound", "f8", (4, 2)),  # columns of its two sides and two ends: constant, by row
        ("below", "i8", (4,)),  # 1: a bound from the left, -1: from the right
    ]
)
"""One frustum in one pose."""


@njit(cache=True, nogil=True, error_model="numpy")
def dot(a: Floats, b: Floats) -> float:
    """Scalar product of two (3,)."""
    return float(a[0] * b[0] + a[1] * b[1] + a[2] * b[2])


@njit(cache=True, nogil=True, error_model="numpy")
def at_pixel(line: Floats, x: float, y: float) -> float:
    """A linear function (constant, by column, by row) at a pixel."""
    return float(line[0] + x * line[1] + y * line[2])


@njit(cache=True, nogil=True, error_model="numpy")
def _project(matrix: Floats, p: Floats) -> tuple[float, float, float]:
    """Column, row and depth of a point (3,)."""
    w = dot(matrix[2], p) + matrix[2, 3]
    return (dot(matrix[0], p) + matrix[0, 3]) / w, (dot(matrix[1], p) + matrix[1, 3]) / w, w


@njit(cache=True, nogil=True, error_model="numpy")
def _ray_box(o: Any, f: Floats, matrix: Floats, scale: float, low: int, high: int) -> None:
    """Columns and rows low..high that a frustum can touch, its rays a pixel side by its radius in pixels."""
    left, right, top, bottom, wide = 1e9, -1e9, 1e9, -1e9, 0.0
    for end in range(2):
        u, v, w = _project(matrix, f[3 * end : 3 * end + 3])
        radius = max(f[6], f[7]) * scale / w
        r = 1.25 * radius + 1.0
        left, right = min(left, u - r), max(right, u + r)
        top, bottom = min(top, v - r), max(bottom, v + r)
        wide = max(wide, radius)
    o.left, o.right = max(int(np.ceil(left)), low), min(int(np.floor(right)), high)
    o.top, o.bottom = max(int(np.ceil(top)), low), min(int(np.floor(bottom)), high)
    # thin vessels need more rays to keep their mass at any sub-pixel place
    o.fine = 4 if wide < 0.8 else 3 if wide < 8.0 else 2
    o.kind = RAYS if o.left <= o.right and o.top <= o.bottom else NOTHING


@njit(cache=True, nogil=True, error_model="numpy")
def _plane(o: Any, end: int, f: Floats, source: Floats, d0: Floats, du: Floats, dv: Floats, x: float, y: float) -> None:
    """Constants of the plane that cuts the start (0) or the end (1), which shows at pixel x, y."""
    n, p = f[8 + 3 * end : 11 + 3 * end], f[3 * end : 3 * end + 3]
    side = 1.0 - 2.0 * end
    o.here[end] = side * (dot(n, source) - dot(n, p))
    o.rate[end, 0], o.rate[end, 1], o.rate[end, 2] = side * dot(n, d0), side * dot(n, du), side * dot(n, dv)
    o.end[end, 0], o.end[end, 1] = x, y


@njit(cache=True, nogil=True, error_model="numpy")
def _reach(f: Floats, end: int, axis: Floats, matrix: Floats, o: Any, x: float, y: float, depth: float) -> float:
    """How far (pixels along the axis) the cut through one end reaches from its middle at pixel x, y."""
    n = f[8 + 3 * end : 11 + 3 * end]
    across = max(abs(dot(n, axis)), 0.2)
    # px/mm along the axis in the picture, as a vector in space
    t = np.empty(3)
    for k in range(3):
        t[k] = (o.along[1] * (matrix[0, k] - x * matrix[2, k]) + o.along[2] * (matrix[1, k] - y * matrix[2, k])) / depth
    ta = dot(t, axis)
    square = 0.0
    for k in range(3):  # the part of t - (t a / n a) n that lies across the axis
        part = t[k] - ta / across * n[k]
        square += part * part
    return float(f[6 + end] * np.sqrt(square) * 1.03)


@njit(cache=True, nogil=True, error_model="numpy")
def _rows(o: Any, low: int, high: int) -> None:
    """Rows that the outline between its ends can touch: those of its four corners."""
    top, bottom = 1e9, -1e9
    nx, ny = o.u[1], o.u[2]
    tx, ty = o.along[1], o.along[2]
    rise = o.radius[1] * nx + o.radius[2] * ny
    for end in range(2):
        v = (o.last if end else o.first) - o.along[0]
        x, y = v * tx, v * ty  # a pixel there
        half = max(at_pixel(o.radius, x, y) + o.wide, 0.5)
        here = at_pixel(o.u, x, y)
        for side in (-1.0, 1.0):
            away = (half - side * here) / max(1.0 - side * rise, 0.2) * side
            top, bottom = min(top, y + away * ny), max(bottom, y + away * ny)
    o.top, o.bottom = max(int(np.ceil(top)), low), min(int(np.floor(bottom)), high)


@njit(cache=True, nogil=True, error_model="numpy")
def _cone(o: Any, f: Floats, source: Floats, d0: Floats, du: Floats, dv: Floats, x: float, y: float, axes: Floats
          ) -> bool:  # fmt: skip
    """Fills what belongs to the endless cone of frustum f; False where there is no closed form at pixel x, y.

    axes (3, 3): unit vectors along the axis, from it to S and across both; the first is given.
    """
    axis, e1, e3 = axes[0], axes[1], axes[2]
    beside = 0.0  # of S along the axis
    for k in range(3):
        e1[k] = source[k] - f[k]
        beside += e1[k] * axis[k]
    for k in range(3):
        e1[k] -= beside * axis[k]
    o.rho = np.sqrt(dot(e1, e1))
    o.r = f[6] + o.slope * beside
    free = o.rho**2 - o.r**2
    if free < NEAR * o.rho**2 or o.rho < 1e-6:
        return False
    for k in range(3):
        e1[k] /= o.rho
    e3[0], e3[1] = axis[1] * e1[2] - axis[2] * e1[1], axis[2] * e1[0] - axis[0] * e1[2]
    e3[2] = axis[0] * e1[1] - axis[1] * e1[0]
    for k, d in enumerate((d0, du, dv)):
        o.d1[k], o.d2[k], o.d3[k] = dot(d, e1), dot(d, axis), dot(d, e3)
    d1, d2, d3 = at_pixel(o.d1, x, y), at_pixel(o.d2, x, y), at_pixel(o.d3, x, y)
    dd = d1 * d1 + d2 * d2 + d3 * d3
    qa = dd - (1.0 + o.slope**2) * d2 * d2
    across = np.sqrt(o.d3[1] ** 2 + o.d3[2] ** 2)
    if qa < STEEP * dd or across < 1e-12:
        return False
    o.fine = 2 if qa < OBLIQUE * dd else 1
    o.grad = np.sqrt(free) * across
    for k in range(3):
        o.u[k] = o.d3[k] / across
        o.radius[k] = (o.rho * o.slope * o.d2[k] - o.r * o.d1[k]) / o.grad
    o.wide, o.narrow, o.share = footprint(o.u[1], o.u[2])
    return True


@njit(cache=True, nogil=True, error_model="numpy")
def _bounds(o: Any) -> None:
    """Columns, by row, of the four half-planes around an outline."""
    for k in range(4):
        if k < 2:
            side = 2.0 * k - 1.0
            a = o.radius[1] + side * o.u[1]
            b = o.radius[0] + side * o.u[0] + o.wide
            c = o.radius[2] + side * o.u[2]
        else:
            side = 5.0 - 2.0 * k
            a = side * o.along[1]
            b = side * (o.along[0] - (o.first if k == 2 else o.last))
            c = side * o.along[2]
        if abs(a) < 1e-9:
            a = 1e-9
        o.below[k] = 1 if a > 0.0 else -1
        o.bound[k, 0], o.bound[k, 1] = -b / a, -c / a


@njit(cache=True, nogil=True, error_model="numpy")
def _outline(
    o: Any, f: Floats, matrix: Floats, source: Floats, d0: Floats, du: Floats, dv: Floats, scale: float, low: int,
    high: int, axes: Floats
) -> None:
    """Fills o for frustum f (22,) on columns and rows low..high; axes (3, 3) is scratch."""
    o.kind = NOTHING
    axis = axes[0]
    for k in range(3):
        axis[k] = f[3 + k] - f[k]
    length = np.sqrt(dot(axis, axis))
    if length < 1e-9:
        return
    for k in range(3):
        axis[k] /= length
    o.slope = (f[7] - f[6]) / length
    x0, y0, w0 = _project(matrix, f[0:3])
    x1, y1, w1 = _project(matrix, f[3:6])
    near = 1.5 * max(f[6], f[7]) * scale / min(w0, w1) + 2.0
    if max(x0, x1) < low - near or min(x0, x1) > high + near or max(y0, y1) < low - near or min(y0, y1) > high + near:
        return
    if not _cone(o, f, source, d0, du, dv, 0.5 * (x0 + x1), 0.5 * (y0 + y1), axes):
        _ray_box(o, f, matrix, scale, low, high)
        return
    turn = 1.0 if o.u[1] * (y1 - y0) - o.u[2] * (x1 - x0) > 0.0 else -1.0
    o.along[0], o.along[1], o.along[2] = 0.0, -turn * o.u[2], turn * o.u[1]
    _plane(o, 0, f, source, d0, du, dv, x0, y0)
    _plane(o, 1, f, source, d0, du, dv, x1, y1)
    first, last = at_pixel(o.along, x0, y0), at_pixel(o.along, x1, y1)
    before = _reach(f, 0, axis, matrix, o, x0, y0, w0) + EDGE_PX
    beyond = _reach(f, 1, axis, matrix, o, x1, y1, w1) + EDGE_PX
    o.first, o.last = min(first - before, last - beyond), max(first + before, last + beyond)
    _rows(o, low, high)
    _bounds(o)
    o.kind = CLOSED if o.top <= o.bottom else NOTHING


@njit(cache=True, nogil=True, error_model="numpy")
def span(o: Any, y: int, low: int, high: int) -> tuple[int, int]:
    """First and last column (low..high) that a frustum can touch in row y; none if the last is before the first."""
    if o.kind == RAYS:
        return o.left, o.right
    left, right = float(low), float(high)
    for k in range(4):
        x = o.bound[k, 0] + y * o.bound[k, 1]
        if o.below[k] > 0:
            left = max(left, x)
        else:
            right = min(right, x)
    return int(np.ceil(left)), int(np.floor(right))


@njit(cache=True, nogil=True, error_model="numpy")
def outline_all(
    rows: Floats, matrix: Floats, source: Floats, d0: Floats, du: Floats, dv: Floats, scale: float, low: int,
    high: int, out: Any, room: NDArray[np.int64], work: Floats, place: Floats
) -> None:
    """Outlines (C,) of frusta (C, 22) on columns and rows low..high.

    How many blocks of LANES pixels each takes, how much work (0.1 us), and its place in the picture, band by band.
    """
    axes = np.empty((3, 3))
    for i in range(rows.shape[0]):
        o = out[i]
        _outline(o, rows[i], matrix, source, d0, du, dv, scale, low, high, axes)
        room[i], work[i], place[i] = 0, WORK_OF_FRUSTUM, 0.0
        if o.kind == NOTHING:
            continue
        pixels, left, right = 0, high, low
        for y in range(o.top, o.bottom + 1):
            a, b = span(o, y, low, high)
            if b >= a:
                pixels += b - a + 1
                room[i] += (b - a + 1 + LANES) // LANES
                left, right = min(left, a), max(right, b)
        if pixels == 0:
            o.kind = NOTHING
            continue
        o.left, o.right = left, right
        each = (WORK_OF_RAY if o.kind == RAYS else WORK_OF_PIXEL) * o.fine * o.fine
        if rows[i, 20] > 0.0:
            each += WORK_OF_CUT
        work[i] += WORK_OF_LINE * (o.bottom - o.top + 1) + each * pixels
        place[i] = (o.top - low) // BAND * (high - low + 1.0) + left - low
