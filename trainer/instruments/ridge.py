"""Contact of the wire with the edge between two lumens that it crosses: an ostium's lip, a flow divider.

Between two nodes the wire can cut into the wedge of wall between a vessel and its branch; there the nearest
wall of either side points along the wire and holds nothing. What holds is the wedge's edge. The depth of the
wire in the wall, followed along the wire, has its top there, and at the top the wall's normal is across the
wire: one contact per top, its force shared by the nodes around it.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from trainer.instruments.model import Law, Rod
from trainer.instruments.rows import Rows
from trainer.instruments.wall import distance

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SHARP = 0.1
"""Share of the wall's normal along the wire, of opposite sense on both sides, that makes an edge."""
SAME_WALL = 0.85
"""Cosine between the normals of both sides above which the wire lies in a bow against one wall."""
WIDEST = 3
"""Most edges of the mesh between the two sides."""
LENGTH_MM = 2.0
"""Length of wall that an edge stands for."""
MOST_N = 10.0
"""Largest carried force of an edge."""
MARGIN_MM = 0.8
"""Distance from the edge within which the wire may come to it during a round."""
LOOK_MM = 3.0
"""Motion for which an edge knows the wall around it: the span between its nodes counts too."""
CARRY_MM = 5.0
"""Farthest, along the wire, that an edge is taken for the one of the last solve."""
SEARCHES = 12
FLATTEST = 0.2
"""Least share of the walls' normals across the wire: a wedge of 23 degrees."""


@njit(cache=True, nogil=True, inline="always")
def _weights(u: float, first: int, last: int) -> tuple[int, float, float, float, float]:
    """The wire as a smooth curve, a quadratic B-spline of its nodes: a polyline's corners would hook. Middle
    one of the three nodes that make the point u edges after node `first`, at most `last`; their weights; the
    place from it."""
    j = min(int(np.floor(u + 0.5)), last - first - 1)
    v = u - j
    return j + first, 0.5 * (0.5 - v) ** 2, 0.75 - v * v, 0.5 * (0.5 + v) ** 2, v


@njit(cache=True, nogil=True, inline="always")
def _tangent(x: Floats, j: int, v: float, c: int) -> float:
    """Component c of the curve's derivative by edges, mm, at place v from node j."""
    out: float = -(0.5 - v) * x[j - 1, c] - 2.0 * v * x[j, c] + (0.5 + v) * x[j + 1, c]
    return out


@njit(cache=True, nogil=True)
def _depth(near: Floats, count: Ints, r: int, radius: Floats, first: int, last: int, u: float, x: Floats, want: bool,
           normal: Floats) -> float:
    """Depth in the wall, mm, of the point u edges after node `first`; with `want` its normal (3,) too.

    The wall is row r of the packed segments near and count, or for r < 0 the row of the node there. Arrays, not a
    rod: handing that over costs more than the depth.
    """
    j, a, b, c, _ = _weights(u, first, last)
    i = r if r >= 0 else j
    if count[i] == 0:
        normal[:] = 0.0
        return -1e30
    value: float = distance(near, i, count[i], a * x[j - 1, 0] + b * x[j, 0] + c * x[j + 1, 0],
                            a * x[j - 1, 1] + b * x[j, 1] + c * x[j + 1, 1],
                            a * x[j - 1, 2] + b * x[j, 2] + c * x[j + 1, 2], want, normal)
    value += a * radius[j - 1] + b * radius[j] + c * radius[j + 1]
    return value


@njit(cache=True, nogil=True)
def _rise(near: Floats, count: Ints, r: int, radius: Floats, first: int, last: int, u: float, x: Floats,
          normal: Floats) -> float:
    """How fast the depth rises along the wire there, per edge, mm. Where devices end the wire thickens, too."""
    _depth(near, count, r, radius, first, last, u, x, True, normal)
    j, _, _, _, v = _weights(u, first, last)
    out: float = -(0.5 - v) * radius[j - 1] - 2.0 * v * radius[j] + (0.5 + v) * radius[j + 1]
    for c in range(3):
        out += normal[c] * _tangent(x, j, v, c)
    return out


@njit(cache=True, nogil=True)
def _top(near: Floats, count: Ints, r: int, radius: Floats, first: int, last: int, x: Floats,
         normal: Floats) -> tuple[float, float]:
    """Place u and depth, mm, of the deepest point between two nodes; the depth's gradient (3,) by the point there.

    At a top the gradient along the wire is that of the wire's thickness; it stays, so that the force is the slope
    of the energy and Newton's method ends. At either end of the span it is left out: nothing hooks there.
    """
    best, u, end = -1e31, 0.5, float(last - first) - 0.5
    for half in range(1, 2 * (last - first)):
        value = _depth(near, count, r, radius, first, last, 0.5 * half, x, False, normal)
        if value > best:
            best, u = value, 0.5 * half
    low, high = max(0.5, u - 0.5), min(end, u + 0.5)
    rise_low = _rise(near, count, r, radius, first, last, low, x, normal)
    rise_high = _rise(near, count, r, radius, first, last, high, x, normal)
    if rise_low <= 0.0 or rise_high >= 0.0:
        u = low if rise_low <= 0.0 else high
        value = _depth(near, count, r, radius, first, last, u, x, True, normal)
        _remove_along(x, first, last, u, normal)
        return u, value
    side = 0
    for _ in range(SEARCHES):  # false position, the kept end's weight halved (Illinois)
        u = (low * rise_high - high * rise_low) / (rise_high - rise_low)
        rise = _rise(near, count, r, radius, first, last, u, x, normal)
        if abs(rise) < 1e-5 or high - low < 1e-5:
            break
        if rise > 0.0:
            low, rise_low = u, rise
            rise_high *= 0.5 if side == 1 else 1.0
            side = 1
        else:
            high, rise_high = u, rise
            rise_low *= 0.5 if side == -1 else 1.0
            side = -1
    return u, _depth(near, count, r, radius, first, last, u, x, True, normal)


@njit(cache=True, nogil=True)
def _remove_along(x: Floats, first: int, last: int, u: float, normal: Floats) -> None:
    """Takes the part along the wire at place u out of a vector (3,)."""
    j, _, _, _, v = _weights(u, first, last)
    along, square = 0.0, 1e-12
    for c in range(3):
        tangent = _tangent(x, j, v, c)
        along += normal[c] * tangent
        square += tangent * tangent
    for c in range(3):
        normal[c] -= along / square * _tangent(x, j, v, c)


@njit(cache=True, nogil=True)
def find_ridges(rod: Rod, law: Law, slope: Floats, walls: Floats) -> None:
    """Finds the edges that the wire crosses. slope (N,): share of the wall's normal, walls (N, 3), along the wire."""
    ridges = rod.ridges
    normal = np.empty(3)
    count, before = 0, -1
    last = rod.x.shape[0] - 1
    for i in range(2, last + 1):
        if slope[i] > SHARP:
            before = i
        elif slope[i] < -SHARP and before >= 0:
            first, end = max(before - 1, 2), min(i + 1, last)
            same = walls[i, 0] * walls[before, 0] + walls[i, 1] * walls[before, 1] + walls[i, 2] * walls[before, 2]
            close = i - before <= WIDEST and same < SAME_WALL
            before = -1
            if not close or end - first < 2 or count == ridges.first.shape[0]:
                continue
            u, depth = _top(rod.near, rod.candidate_count, -1, rod.radius, first, end, rod.x, normal)
            if depth < -MARGIN_MM:
                continue
            at = ridges.s[int(first + u)]
            carried, nearest = 0.0, CARRY_MM
            for k in range(ridges.carried.shape[0]):
                if abs(ridges.carried[k, 0] - at) < nearest:
                    carried, nearest = ridges.carried[k, 1], abs(ridges.carried[k, 0] - at)
            ridges.first[count], ridges.last[count] = first, end
            j, a, b, c, _ = _weights(u, first, end)
            ridges.node[count] = j
            for p in range(3):
                ridges.point[count, p] = a * rod.x[j - 1, p] + b * rod.x[j, p] + c * rod.x[j + 1, p]
            ridges.multiplier[count] = carried
            _remove_along(rod.x, first, end, u, normal)
            size = np.sqrt(normal[0] ** 2 + normal[1] ** 2 + normal[2] ** 2)
            ridges.scale[count] = 1.0 / max(size, FLATTEST)
            ridges.clearance[count] = -depth - carried / (law.wall * LENGTH_MM * ridges.scale[count])
            count += 1
    ridges.found[0] = count


@njit(cache=True, nogil=True)
def _pressed(rod: Rod, law: Law, r: int, x: Floats, normal: Floats) -> tuple[float, float]:
    """Place u of ridge r's deepest point and its depth with the carried force's share, mm (0: no force).

    In a narrow wedge the depth in its walls grows slowly on the way in; what counts is the way, so it is
    scaled by the share of the walls' normals that is across the wire.
    """
    ridges = rod.ridges
    first, last = ridges.first[r], ridges.last[r]
    if ridges.clearance[r] > 0.0:
        farthest = 0.0
        for i in range(first, last + 1):
            d = 0.0
            for c in range(3):
                d += (x[i, c] - rod.start[i, c]) ** 2
            farthest = max(farthest, d)
        if farthest < (0.9 * ridges.clearance[r]) ** 2:
            return 0.0, 0.0
    u, depth = _top(ridges.near, ridges.seen, r, rod.radius, first, last, x, normal)
    for c in range(3):
        normal[c] *= ridges.scale[r]
    return u, max(0.0, depth * ridges.scale[r] + ridges.multiplier[r] / (law.wall * LENGTH_MM))


@njit(cache=True, nogil=True)
def ridge_energy(rod: Rod, law: Law, x: Floats) -> float:
    """Energy, N mm, of all ridges at positions x (N, 3)."""
    normal, energy = np.empty(3), 0.0
    for r in range(rod.ridges.found[0]):
        _, depth = _pressed(rod, law, r, x, normal)
        energy += 0.5 * law.wall * LENGTH_MM * depth * depth
    return energy


@njit(cache=True, nogil=True)
def ridge_system(rod: Rod, law: Law, rows: Rows, x: Floats, gradient: Floats, band: Floats) -> float:
    """Adds gradient and Hessian (band) of `ridge_energy`, which it returns, the edge's own curvature left out."""
    energy = 0.0
    normal, share = np.empty(3), np.empty(3)
    stiff = law.wall * LENGTH_MM
    for r in range(rod.ridges.found[0]):
        u, depth = _pressed(rod, law, r, x, normal)
        if depth <= 0.0:
            continue
        energy += 0.5 * stiff * depth * depth
        j, share[0], share[1], share[2], _ = _weights(u, rod.ridges.first[r], rod.ridges.last[r])
        for a in range(3):
            row = rows.place[j + a - 1]
            for p in range(3):
                gradient[row + p] += stiff * depth * share[a] * normal[p]
                for b in range(a + 1):
                    column = rows.place[j + b - 1]
                    for q in range(3 if b < a else p + 1):
                        band[column + q, row + p - column - q] += stiff * share[a] * share[b] * normal[p] * normal[q]
    return energy


@njit(cache=True, nogil=True)
def finish_ridges(rod: Rod, law: Law, pressing: Floats) -> float:
    """Keeps each ridge's force and place, and adds the force to the wall force per length (N,) of the nodes
    around it. Returns the deepest penetration, mm (-1e30 without ridges)."""
    ridges = rod.ridges
    normal = np.empty(3)
    deepest = -1e30
    for r in range(ridges.found[0]):
        u, depth = _pressed(rod, law, r, rod.x, normal)
        force = law.wall * LENGTH_MM * depth
        j, a, b, c, _ = _weights(u, ridges.first[r], ridges.last[r])
        ridges.place[r] = a * ridges.s[j - 1] + b * ridges.s[j] + c * ridges.s[j + 1]
        ridges.force[r] = min(force, MOST_N)
        if force > 0.0:
            deepest = max(deepest, depth - ridges.multiplier[r] / (law.wall * LENGTH_MM))
            pressing[j - 1] += a * force / rod.cell[j - 1]
            pressing[j] += b * force / rod.cell[j]
            pressing[j + 1] += c * force / rod.cell[j + 1]
    return deepest
