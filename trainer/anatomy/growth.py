"""Grows one space-filling arterial tree: constructive constrained optimization in a region of the liver.

Terminals are added one by one; each joins the present tree where it costs the least vessel volume and keeps
every constraint: inside the region, clear of other vessels, no sharp turn backward. Source: Schreiner and
Buxbaum 1993 (constrained constructive optimization); vessel volume ~ length * flow^(2/3) from Murray 1926.

A tree is arrays over nodes: edge i runs from par[i] to node i. The first nodes are the trunk: the centerline
of the segmental artery, which is never moved.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from trainer.anatomy.capsules import segment_distance
from trainer.anatomy.couinaud import depth_in_segment
from trainer.anatomy.types import Floats, Ints

NEAREST = 12
"""Edges near the new terminal that are tried."""
COS_SIDE = math.cos(math.radians(76.0))
COS_ON = math.cos(math.radians(42.0))
COS_NEXT = math.cos(math.radians(68.0))
COS_APART = math.cos(math.radians(32.0))
SHORTEST_MM = 2.0
DETOUR = 0.8
"""Weight of the way from the segmental artery's origin to the terminal: keeps arteries from running back."""
TURN = 0.6
"""Weight of a side branch's turn: twigs leave at an acute angle where they can."""


@njit(cache=True, nogil=True)
def _cos(ax: float, ay: float, az: float, bx: float, by: float, bz: float) -> float:
    n = math.sqrt((ax * ax + ay * ay + az * az) * (bx * bx + by * by + bz * bz))
    return (ax * bx + ay * by + az * bz) / n if n > 1e-12 else 1.0


@njit(cache=True, nogil=True)
def _cos3(a: Floats, b: Floats, c: Floats) -> float:
    """Cosine of the turn at b on the way a-b-c."""
    return _cos(b[0] - a[0], b[1] - a[1], b[2] - a[2], c[0] - b[0], c[1] - b[1], c[2] - b[2])


@njit(cache=True, nogil=True)
def _cos_from(b: Floats, x: Floats, y: Floats) -> float:
    """Cosine of the angle between the ways b-x and b-y."""
    return _cos(x[0] - b[0], x[1] - b[1], x[2] - b[2], y[0] - b[0], y[1] - b[1], y[2] - b[2])


@njit(cache=True, nogil=True)
def _length(a: Floats, b: Floats) -> float:
    return math.sqrt((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2)


@njit(cache=True, nogil=True)
def _point_segment(p: Floats, a: Floats, b: Floats) -> tuple[float, float]:
    """Distance of p from segment a-b and the parameter 0..1 of the foot."""
    dx, dy, dz = b[0] - a[0], b[1] - a[1], b[2] - a[2]
    n = dx * dx + dy * dy + dz * dz
    u = 0.0
    if n > 1e-12:
        u = min(max(((p[0] - a[0]) * dx + (p[1] - a[1]) * dy + (p[2] - a[2]) * dz) / n, 0.0), 1.0)
    x, y, z = a[0] + u * dx - p[0], a[1] + u * dy - p[1], a[2] + u * dz - p[2]
    return math.sqrt(x * x + y * y + z * z), u


@njit(cache=True, nogil=True)
def _inside(
    a: Floats,
    b: Floats,
    margin: float,
    segment: int,
    centers: Floats,
    coefficients: Floats,
    norm: Floats,
    planes: Floats,
    balls: Floats,
) -> bool:
    """Whether the straight way a-b stays in its segment, `margin` mm below the surface, out of the balls."""
    n = int(_length(a, b) / 1.5) + 1
    for k in range(1, n + 1):
        u = k / n
        x, y, z = a[0] + u * (b[0] - a[0]), a[1] + u * (b[1] - a[1]), a[2] + u * (b[2] - a[2])
        if depth_in_segment(centers, coefficients, norm, planes, segment, x, y, z) < margin:
            return False
        for i in range(balls.shape[0]):
            if (x - balls[i, 0]) ** 2 + (y - balls[i, 1]) ** 2 + (z - balls[i, 2]) ** 2 < balls[i, 3] ** 2:
                return False
    return True


@njit(cache=True, nogil=True)
def _clear(
    a: Floats,
    b: Floats,
    radius: float,
    gap: float,
    pos: Floats,
    par: Ints,
    rad: Floats,
    n: int,
    skip: Ints,
    soft: Ints,
    split: int,
    near: int,
    trunk: int,
    capsules: Floats,
) -> bool:
    """Whether capsule a-b keeps `gap` mm from all others.

    skip: nodes; edges that touch one are left out, as is the edge `split`. soft: nodes; edges that touch one
    need no gap. near: trunk node from which a-b leaves (-1: none); the trunk around it is left out.
    """
    for e in range(1, n):
        f = par[e]
        if f < 0 or e == split:
            continue
        adjacent = False
        if e < trunk and near >= 0:
            adjacent = min(_length(pos[e], pos[near]), _length(pos[f], pos[near])) < 7.0
        eased = False
        for k in range(2):
            adjacent |= skip[k] == e or skip[k] == f
            eased |= soft[k] == e or soft[k] == f
        need = radius + rad[e] + (0.0 if eased else gap)
        if not adjacent and segment_distance(a, b, pos[f], pos[e]) < need:
            return False
    for k in range(capsules.shape[0]):
        if segment_distance(a, b, capsules[k, 0:3], capsules[k, 3:6]) < radius + capsules[k, 6] + gap:
            return False
    return True


@njit(cache=True, nogil=True)
def _radii(q: Ints, n: int, trunk: int, trunk_radius: Floats, total: float, rad: Floats) -> None:
    """Edge radii by Murray's law, r^3 proportional to the number of terminals below."""
    for e in range(n):
        rad[e] = trunk_radius[e] if e < trunk else trunk_radius[0] * (q[e] / total) ** (1.0 / 3.0)


@njit(cache=True, nogil=True)
def grow(
    trunk_points: Floats,
    trunk_radius: Floats,
    usable: Ints,
    trunk_branches: int,
    targets: Floats,
    wanted: int,
    segment: int,
    margin: float,
    gap: float,
    centers: Floats,
    coefficients: Floats,
    norm: Floats,
    planes: Floats,
    balls: Floats,
    capsules: Floats,
    pos: Floats,
    par: Ints,
    q: Ints,
    kids: Ints,
) -> int:
    """Grows a tree from a trunk until it has `wanted` terminals or no target is left.

    trunk_points (T, 3) mm, trunk_radius (T,) mm; usable (T,): 1 where a side branch may leave.
    targets (M, 3) mm in the order of trying; balls (K, 4) center and radius of tumors; capsules (C, 7)
    of other vessels. Writes pos (N, 3), par (N,), q (N,) terminals below each node, kids (N, 2). Returns
    the number of nodes in use.
    """
    trunk = trunk_points.shape[0]
    for i in range(trunk):
        _put(pos[i], trunk_points[i])
        par[i] = i - 1
        kids[i, 0] = i + 1 if i + 1 < trunk else -1
        kids[i, 1] = -1
    n: int = trunk
    terminals, sides = 0, 0
    rad = np.zeros(pos.shape[0])
    left = np.ones(targets.shape[0], dtype=np.int64)
    places = np.zeros((NEAREST * 10, 6))
    for _round in range(3):
        added = 0
        for m in range(targets.shape[0]):
            if terminals >= wanted or n + 2 > pos.shape[0]:
                return int(n)
            if left[m] == 0:
                continue
            t = targets[m]
            _radii(q, n, trunk, trunk_radius, float(max(terminals + 1, wanted // 2)), rad)
            count = _places(t, n, trunk, sides, trunk_branches, usable, pos, par, q, kids, places)
            thin = trunk_radius[0] * (1.0 / max(terminals + 1, wanted // 2)) ** (1.0 / 3.0)
            for _try in range(min(count, 40)):
                place = places[_cheapest(places, count)]
                if _fits(
                    t,
                    place,
                    thin,
                    segment,
                    margin,
                    gap,
                    centers,
                    coefficients,
                    norm,
                    planes,
                    balls,
                    capsules,
                    pos,
                    par,
                    rad,
                    kids,
                    n,
                    trunk,
                ):
                    sides += 1 if place[1] < trunk - 1 and place[5] == 0.0 else 0
                    n = _join(t, place, pos, par, q, kids, n)
                    terminals += 1
                    left[m] = 0
                    added += 1
                    break
                place[0] = 1e18
        if added == 0:
            break
    return int(n)


@njit(cache=True, nogil=True)
def _put(to: Floats, what: Floats) -> None:
    """Copies a point (3,); compiles much faster than assigning a slice."""
    for k in range(3):
        to[k] = what[k]


@njit(cache=True, nogil=True)
def _cheapest(places: Floats, count: int) -> int:
    """Row of the place that adds the least volume."""
    best = 0
    for k in range(1, count):
        if places[k, 0] < places[best, 0]:
            best = k
    return best


@njit(cache=True, nogil=True)
def _places(
    t: Floats,
    n: int,
    trunk: int,
    sides: int,
    trunk_branches: int,
    usable: Ints,
    pos: Floats,
    par: Ints,
    q: Ints,
    kids: Ints,
    places: Floats,
) -> int:
    """Places where terminal t could join: rows (added volume, node or edge, b, split 0/1); how many."""
    count = 0
    way = np.zeros(n)
    for i in range(1, trunk):
        way[i] = way[i - 1] + _length(pos[i - 1], pos[i])
    for i in range(trunk, n):
        k, total = i, 0.0
        while k >= trunk:
            total += _length(pos[k], pos[par[k]])
            k = par[k]
        way[i] = total + way[k]
    for i in range(trunk):
        end = i == trunk - 1
        free = (
            (kids[i, 0] < 0 or kids[i, 1] < 0)
            if end
            else (kids[i, 1] < 0 and usable[i] == 1 and sides < trunk_branches)
        )
        if not free or count >= NEAREST:
            continue
        if i > 0 and _cos3(pos[i - 1], pos[i], t) < (COS_NEXT if end else COS_SIDE):
            continue
        if kids[i, 0] >= 0 and _cos_from(pos[i], t, pos[kids[i, 0]]) > COS_APART:
            continue
        turn = _cos3(pos[max(i - 1, 0)], pos[i], t)
        places[count, 0] = _length(pos[i], t) * (1.0 + TURN * (1.0 - turn)) + DETOUR * (
            way[i] + _length(pos[i], t)
        )
        places[count, 1] = i
        _put(places[count, 2:5], pos[i])
        places[count, 5] = 0.0
        count += 1
    best = np.full(NEAREST, 1e18)
    edge = np.full(NEAREST, -1, dtype=np.int64)
    for e in range(trunk, n):
        d, _u = _point_segment(t, pos[par[e]], pos[e])
        if d < best[NEAREST - 1]:
            k = NEAREST - 1
            while k > 0 and best[k - 1] > d:
                best[k], edge[k] = best[k - 1], edge[k - 1]
                k -= 1
            best[k], edge[k] = d, e
    b = np.zeros(3)
    for k in range(NEAREST):
        e = edge[k]
        if e < 0:
            break
        a, c = pos[par[e]], pos[e]
        flow = float(q[e]) ** (2.0 / 3.0)
        more = float(q[e] + 1) ** (2.0 / 3.0)
        for s in (0.15, 0.4, 0.65, 0.88):
            for pull in (0.04, 0.2):
                if count >= places.shape[0]:
                    return count
                for x in range(3):
                    on = a[x] + s * (c[x] - a[x])
                    b[x] = on + pull * (t[x] - on)
                ab, bc, bt = _length(a, b), _length(b, c), _length(b, t)
                if ab < SHORTEST_MM or bc < SHORTEST_MM or bt < SHORTEST_MM + 1.0:
                    continue
                if _cos3(a, b, t) < COS_SIDE or _cos3(a, b, c) < COS_ON:
                    continue
                if _cos_from(b, t, c) > COS_APART:
                    continue
                places[count, 0] = (
                    more * ab
                    + flow * bc
                    + bt * (1.0 + TURN * (1.0 - _cos3(a, b, t)))
                    - flow * _length(a, c)
                    + DETOUR * (way[par[e]] + ab + bt)
                )
                places[count, 1] = e
                _put(places[count, 2:5], b)
                places[count, 5] = 1.0
                count += 1
    return count


@njit(cache=True, nogil=True)
def _fits(
    t: Floats,
    place: Floats,
    thin: float,
    segment: int,
    margin: float,
    gap: float,
    centers: Floats,
    coefficients: Floats,
    norm: Floats,
    planes: Floats,
    balls: Floats,
    capsules: Floats,
    pos: Floats,
    par: Ints,
    rad: Floats,
    kids: Ints,
    n: int,
    trunk: int,
) -> bool:
    """Whether terminal t may join there: region, clearance, and turns at the neighboring nodes."""
    b = place[2:5]
    e = int(place[1])
    split = place[5] == 1.0
    hub = par[e] if split else e
    a, c = pos[hub], pos[e]
    if split and not _turns(a, b, c, hub, e, pos, par, kids):
        return False
    ways = np.empty((3, 2, 3))
    for x in range(3):
        ways[0, 0, x], ways[0, 1, x] = b[x], t[x]
        ways[1, 0, x], ways[1, 1, x] = a[x], b[x]
        ways[2, 0, x], ways[2, 1, x] = b[x], c[x]
    skip, soft = np.full(2, -1, dtype=np.int64), np.full(2, -1, dtype=np.int64)
    for k in range(3 if split else 1):
        if not _inside(
            ways[k, 0], ways[k, 1], 0.5 * margin, segment, centers, coefficients, norm, planes, balls
        ):
            return False
        skip[0], skip[1], soft[0], soft[1] = -1, -1, -1, -1
        if k > 0:
            skip[0], skip[1] = hub, e
        elif split:
            soft[0], soft[1] = hub, e
            skip[0] = hub if _length(a, b) < 4.0 else -1
            skip[1] = e if _length(b, c) < 3.0 else -1
        elif e == trunk - 1:
            skip[0] = e
        radius = thin if k == 0 else max(rad[e], thin)
        near = hub if hub < trunk else -1
        cut = e if split else -1
        if not _clear(
            ways[k, 0], ways[k, 1], radius, gap, pos, par, rad, n, skip, soft, cut, near, trunk, capsules
        ):
            return False
    return True


@njit(cache=True, nogil=True)
def _turns(a: Floats, b: Floats, c: Floats, hub: int, e: int, pos: Floats, par: Ints, kids: Ints) -> bool:
    """Whether the turns at both ends of edge hub-e stay mild when it runs a-b-c instead of a-c."""
    if par[hub] >= 0 and _cos3(pos[par[hub]], a, b) < COS_NEXT:
        return False
    mild = True
    for k in range(2):
        if kids[e, k] >= 0:
            mild &= _cos3(b, c, pos[kids[e, k]]) >= COS_NEXT
    return mild


@njit(cache=True, nogil=True)
def _join(t: Floats, place: Floats, pos: Floats, par: Ints, q: Ints, kids: Ints, n: int) -> int:
    """Adds terminal t at a place and returns the new number of nodes."""
    e = int(place[1])
    if place[5] == 0.0:
        hub = e
    else:
        hub, n = n, n + 1
        a = par[e]
        _put(pos[hub], place[2:5])
        par[hub], par[e] = a, hub
        q[hub] = q[e]
        kids[hub, 0], kids[hub, 1] = e, -1
        for k in range(2):
            if kids[a, k] == e:
                kids[a, k] = hub
    _put(pos[n], t)
    par[n] = hub
    q[n] = 0
    kids[n, 0], kids[n, 1] = -1, -1
    slot = 0 if kids[hub, 0] < 0 else 1
    kids[hub, slot] = n
    k = n
    while k >= 0:
        q[k] += 1
        k = par[k]
    return n + 1


@njit(cache=True, nogil=True)
def farthest_first(pool: Floats, seeds: Floats, order: Ints) -> None:
    """Order in which points of the pool (M, 3) are farthest from all before them and from seeds (S, 3)."""
    m = pool.shape[0]
    gap = np.full(m, 1e18)
    for i in range(m):
        for s in range(seeds.shape[0]):
            d = (
                (pool[i, 0] - seeds[s, 0]) ** 2
                + (pool[i, 1] - seeds[s, 1]) ** 2
                + (pool[i, 2] - seeds[s, 2]) ** 2
            )
            gap[i] = min(gap[i], d)
    for k in range(order.shape[0]):
        best = np.argmax(gap)
        order[k] = best
        for i in range(m):
            d = (
                (pool[i, 0] - pool[best, 0]) ** 2
                + (pool[i, 1] - pool[best, 1]) ** 2
                + (pool[i, 2] - pool[best, 2]) ** 2
            )
            gap[i] = min(gap[i], d)
