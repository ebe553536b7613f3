"""The lumen of a vessel tree as a distance field of tapered capsules.

Within a vessel the field is the nearest capsule; where a branch leaves its parent the two are joined by
a smooth minimum, so that the flow divider is a rounded edge. Neighbors of every segment are found once,
among vessels that are close relatives only: lumens that merely pass near each other never merge.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from trainer.anatomy.types import VesselTree
from trainer.instruments.model import Wall

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FILLET_MM = 0.35
FILLET_SHARE = 0.25
"""Rounding of a flow divider: at most this share of the branch's radius (mechanics.md section 3)."""
MARGIN_MM = 3.0
LEAST_OFF_AXIS_MM = 0.02
"""Nearest that a point comes to a vessel's axis in the curvature of the field, which is singular there."""
MAX_CANDIDATES = 16


class Lumen(NamedTuple):
    """A wall at rest with everything needed to move and search it."""

    wall: Wall
    rest: Floats  # (P, 3) points at end expiration
    share: Floats  # (P,) breathing share
    arc: Floats  # (P,) arc length along the point's vessel
    first: Ints  # (M+1,) neighbor lists: near[first[m]:first[m+1]]
    near: Ints


def build_lumen(tree: VesselTree) -> Lumen:
    """The lumen of a tree; `wall.points` is moved by `move_lumen`."""
    point_vessel = np.repeat(np.arange(tree.count), np.diff(tree.first))
    last = np.zeros(len(tree.points), bool)
    last[tree.first[1:] - 1] = True
    seg = np.flatnonzero(~last)
    arc = np.concatenate([tree.arc(v) for v in range(tree.count)]) if tree.count else np.zeros(0)
    origin = tree.radius[tree.first[:-1]]
    fillet = np.minimum(FILLET_MM, FILLET_SHARE * origin)
    wall = Wall(np.ascontiguousarray(tree.points, float).copy(), np.ascontiguousarray(tree.radius, float),
                seg.astype(np.int64), point_vessel[seg].astype(np.int64), fillet.astype(float))
    first, near = _neighbors(wall, tree)
    return Lumen(wall, np.ascontiguousarray(tree.points, float), np.ascontiguousarray(tree.breathing, float),
                 arc, first, near)


def relatives(tree: VesselTree, generations: int = 3) -> list[list[int]]:
    """For each vessel, the vessels at most `generations` steps away, parent to child or by a join (itself included)."""
    kin: list[list[int]] = [[] for _ in range(tree.count)]
    for v in range(tree.count):
        if tree.parent[v] >= 0:
            kin[v].append(int(tree.parent[v]))
            kin[int(tree.parent[v])].append(v)
    for v, point in tree.joins:
        other = int(np.searchsorted(tree.first, point, side="right")) - 1
        kin[v].append(other)
        kin[other].append(v)
    out = []
    for v in range(tree.count):
        seen = {v}
        edge = [v]
        for _ in range(generations):
            edge = [w for u in edge for w in kin[u] if w not in seen]
            seen.update(edge)
        out.append(sorted(seen))
    return out


def _neighbors(wall: Wall, tree: VesselTree) -> tuple[Ints, Ints]:
    """Segments whose lumens come within the margin of each other, in vessels that are close relatives."""
    a, b = wall.points[wall.seg], wall.points[wall.seg + 1]
    middle = 0.5 * (a + b)
    reach = 0.5 * np.linalg.norm(b - a, axis=1) + np.maximum(wall.radius[wall.seg], wall.radius[wall.seg + 1])
    start = np.searchsorted(wall.vessel, np.arange(tree.count + 1))
    lists: list[Ints] = []
    for v, kin in enumerate(relatives(tree)):
        own = np.arange(start[v], start[v + 1])
        if not len(own):
            continue
        other = np.concatenate([np.arange(start[w], start[w + 1]) for w in kin])
        low = (middle[own] - reach[own, None]).min(0) - MARGIN_MM
        high = (middle[own] + reach[own, None]).max(0) + MARGIN_MM
        inside = np.all((middle[other] + reach[other, None] > low)
                        & (middle[other] - reach[other, None] < high), axis=1)
        other = other[inside]
        gap = np.linalg.norm(middle[own, None] - middle[None, other], axis=2) - reach[own, None] - reach[other]
        lists += [other[row < MARGIN_MM] for row in gap]
    first = np.concatenate([[0], np.cumsum([len(n) for n in lists])]).astype(np.int64)
    return first, (np.concatenate(lists) if lists else np.zeros(0)).astype(np.int64)


@njit(cache=True, nogil=True)
def move_lumen(points: Floats, rest: Floats, share: Floats, offset: Floats) -> None:
    """Writes points (P, 3) displaced by share * offset (3,) mm."""
    for p in range(points.shape[0]):
        for c in range(3):
            points[p, c] = rest[p, c] + share[p] * offset[c]


@njit(cache=True, nogil=True, inline="always")
def _capsule(points, radius, p, x, y, z):  # type: ignore[no-untyped-def]
    """Signed distance, mm, of a point to the surface of the segment from point p on (negative inside), and the place
    t in 0..1 along it. Inlined: handing a wall over costs more than the distance."""
    ax, ay, az = points[p, 0], points[p, 1], points[p, 2]
    dx, dy, dz = points[p + 1, 0] - ax, points[p + 1, 1] - ay, points[p + 1, 2] - az
    t = ((x - ax) * dx + (y - ay) * dy + (z - az) * dz) / max(dx * dx + dy * dy + dz * dz, 1e-12)
    t = min(1.0, max(0.0, t))
    rx, ry, rz = x - ax - t * dx, y - ay - t * dy, z - az - t * dz
    return np.sqrt(rx * rx + ry * ry + rz * rz) - (radius[p] * (1.0 - t) + radius[p + 1] * t), t


PACKED = 11
"""Numbers kept per candidate: start (3), axis (3), 1/length^2, radius at the start, radius change, vessel,
fillet width."""


@njit(cache=True, nogil=True)
def pack(wall: Wall, home: Ints, candidates: Ints, count: Ints, radius: Floats, packed: Floats,
         narrow: NDArray[np.bool_]) -> None:
    """Copies candidate segments (N, C) next to each other, packed (N, C, PACKED), for fast reading.

    Segments thinner than the device at the node (radius (N,)) are left out, so that the lumen ends where
    the device no longer fits; count (N,) shrinks accordingly. narrow (N,): the node itself sits in such a
    segment. A node with no other segment near keeps them all.
    """
    for i in range(candidates.shape[0]):
        kept = 0
        for j in range(count[i]):
            p = wall.seg[candidates[i, j]]
            if max(wall.radius[p], wall.radius[p + 1]) >= radius[i]:
                candidates[i, kept] = candidates[i, j]
                kept += 1
        p = wall.seg[home[i]]
        narrow[i] = kept > 0 and max(wall.radius[p], wall.radius[p + 1]) < radius[i]
        if kept > 0:
            count[i] = kept
        for j in range(count[i]):
            m = candidates[i, j]
            p = wall.seg[m]
            square = 0.0
            for c in range(3):
                axis = wall.points[p + 1, c] - wall.points[p, c]
                packed[i, j, c] = wall.points[p, c]
                packed[i, j, 3 + c] = axis
                square += axis * axis
            packed[i, j, 6] = 1.0 / max(square, 1e-12)
            packed[i, j, 7] = wall.radius[p]
            packed[i, j, 8] = wall.radius[p + 1] - wall.radius[p]
            packed[i, j, 9] = wall.vessel[m]
            packed[i, j, 10] = wall.fillet[wall.vessel[m]]


@njit(cache=True, nogil=True, inline="always")
def _signed(near, i, j, x, y, z):  # type: ignore[no-untyped-def]
    """Signed distance, mm, of a point to packed capsule j of node i."""
    rx, ry, rz = x - near[i, j, 0], y - near[i, j, 1], z - near[i, j, 2]
    t = min(1.0, max(0.0, (rx * near[i, j, 3] + ry * near[i, j, 4] + rz * near[i, j, 5]) * near[i, j, 6]))
    rx, ry, rz = rx - t * near[i, j, 3], ry - t * near[i, j, 4], rz - t * near[i, j, 5]
    return np.sqrt(rx * rx + ry * ry + rz * rz) - near[i, j, 7] - t * near[i, j, 8]


@njit(cache=True, nogil=True, inline="always")
def _gradient(near, i, j, x, y, z):  # type: ignore[no-untyped-def]
    """Gradient (3 numbers) of `_signed`, taper included."""
    rx, ry, rz = x - near[i, j, 0], y - near[i, j, 1], z - near[i, j, 2]
    t = (rx * near[i, j, 3] + ry * near[i, j, 4] + rz * near[i, j, 5]) * near[i, j, 6]
    taper = near[i, j, 8] * near[i, j, 6] if 0.0 < t < 1.0 else 0.0
    t = min(1.0, max(0.0, t))
    rx, ry, rz = rx - t * near[i, j, 3], ry - t * near[i, j, 4], rz - t * near[i, j, 5]
    scale = 1.0 / max(np.sqrt(rx * rx + ry * ry + rz * rz), 1e-9)
    return rx * scale - taper * near[i, j, 3], ry * scale - taper * near[i, j, 4], rz * scale - taper * near[i, j, 5]


@njit(cache=True, nogil=True, inline="always")
def _bend(near, i, j, x, y, z, weight, out):  # type: ignore[no-untyped-def]
    """Adds the curvature of `_signed` (xx, xy, xz, yy, yz, zz), 1/mm, times a weight to out[3:9]. Taper left out."""
    ax, ay, az = near[i, j, 3], near[i, j, 4], near[i, j, 5]
    rx, ry, rz = x - near[i, j, 0], y - near[i, j, 1], z - near[i, j, 2]
    t = (rx * ax + ry * ay + rz * az) * near[i, j, 6]
    beside = near[i, j, 6] if 0.0 < t < 1.0 else 0.0
    t = min(1.0, max(0.0, t))
    rx, ry, rz = rx - t * ax, ry - t * ay, rz - t * az
    size = max(np.sqrt(rx * rx + ry * ry + rz * rz), LEAST_OFF_AXIS_MM)
    rx, ry, rz = rx / size, ry / size, rz / size
    weight /= size
    out[3] += weight * (1.0 - rx * rx - beside * ax * ax)
    out[4] -= weight * (rx * ry + beside * ax * ay)
    out[5] -= weight * (rx * rz + beside * ax * az)
    out[6] += weight * (1.0 - ry * ry - beside * ay * ay)
    out[7] -= weight * (ry * rz + beside * ay * az)
    out[8] += weight * (1.0 - rz * rz - beside * az * az)


@njit(cache=True, nogil=True)
def distance(near: Floats, i: int, count: int, x: float, y: float, z: float, want: bool, normal: Floats) -> float:
    """Signed distance, mm, to the lumen's surface among the packed candidates of node i, near
    (N, C, PACKED), sorted by vessel;
    negative inside. With `want`, the gradient (3,) goes to `normal`; a `normal` of length 9 gets the field's
    curvature (xx, xy, xz, yy, yz, zz), 1/mm, behind it, without the taper and the inward bend of a fillet.

    Quadratic smooth minimum of width k between vessels: min(a, b) - h^2 k / 4, h = max(k - |a - b|, 0) / k.
    """
    total, total_fillet = 1e30, -1.0
    curved = want and normal.shape[0] == 9
    nx, ny, nz = 0.0, 0.0, 0.0
    j = 0
    while j < count:
        vessel = near[i, j, 9]
        best, best_j = 1e30, j
        while j < count and near[i, j, 9] == vessel:
            value = _signed(near, i, j, x, y, z)
            if value < best:
                best, best_j = value, j
            j += 1
        fillet = near[i, best_j, 10]
        if total_fillet < 0.0:
            total, total_fillet = best, fillet
            if want:
                nx, ny, nz = _gradient(near, i, best_j, x, y, z)
            if curved:
                normal[3:] = 0.0
                _bend(near, i, best_j, x, y, z, 1.0, normal)
            continue
        k = min(fillet, total_fillet)
        h = max(k - abs(best - total), 0.0) / k
        if want and (h > 0.0 or best < total):
            gx, gy, gz = _gradient(near, i, best_j, x, y, z)
            share = 1.0 - 0.5 * h if best < total else 0.5 * h
            nx, ny, nz = (share * gx + (1.0 - share) * nx, share * gy + (1.0 - share) * ny,
                          share * gz + (1.0 - share) * nz)
            if curved:
                for c in range(3, 9):
                    normal[c] *= 1.0 - share
                _bend(near, i, best_j, x, y, z, share, normal)
        if best < total:
            total_fillet = fillet
        total = min(best, total) - h * h * k * 0.25
    if want:
        normal[0], normal[1], normal[2] = nx, ny, nz
    return total


@njit(cache=True, nogil=True)
def place(wall: Wall, arc: Floats, first: Ints, near: Ints, points: Floats, home: Ints, walk_from: int,
          vessel: Ints, along: Floats, radius: Floats) -> None:
    """Vessel (N,), arc length along it (N,) mm and lumen radius (N,) mm of points (N, 3) with known nearest
    segments home (N,). From index `walk_from` on, home is only a guess and is improved."""
    spots, radii, seg = wall.points, wall.radius, wall.seg
    for i in range(points.shape[0]):
        m = home[i]
        vessel[i], along[i], radius[i] = -1, 0.0, 0.0
        if m < 0:
            continue
        best, t = _capsule(spots, radii, seg[m], points[i, 0], points[i, 1], points[i, 2])
        for _ in range(20 if i >= walk_from else 0):
            start = m
            for q in range(first[start], first[start + 1]):
                trial, at = _capsule(spots, radii, seg[near[q]], points[i, 0], points[i, 1], points[i, 2])
                if trial < best - 1e-12:
                    best, t, m = trial, at, near[q]
            if m == start:
                break
        p = seg[m]
        vessel[i] = wall.vessel[m]
        along[i] = arc[p] * (1.0 - t) + arc[p + 1] * t
        radius[i] = radii[p] * (1.0 - t) + radii[p + 1] * t


@njit(cache=True, nogil=True)
def find_candidates(wall: Wall, first: Ints, near: Ints, x: Floats, home: Ints, candidates: Ints,
                    count: Ints, margin: float) -> None:
    """For each node (N, 3): its nearest segment (home, in: a guess, -1 none; out) and the segments
    (N, C), sorted by vessel, that can matter within `margin` mm of motion."""
    width = candidates.shape[1]
    points, radii, seg = wall.points, wall.radius, wall.seg
    value = np.empty(4096)
    order = np.empty(width, np.int64)
    for i in range(x.shape[0]):
        px, py, pz = x[i, 0], x[i, 1], x[i, 2]
        m = home[i]
        best = 1e30
        if m >= 0:
            best, _ = _capsule(points, radii, seg[m], px, py, pz)
        if m < 0 or best > 2.0:
            for q in range(seg.shape[0]):
                trial, _ = _capsule(points, radii, seg[q], px, py, pz)
                if trial < best:
                    best, m = trial, q
        size, better = 0, -1
        while better != m:  # the distance falls with every segment, so this ends
            m = better if better >= 0 else m
            better, size = m, min(first[m + 1] - first[m], value.shape[0])
            for q in range(size):
                value[q], _ = _capsule(points, radii, seg[near[first[m] + q]], px, py, pz)
                if value[q] < best - 1e-12:
                    best, better = value[q], near[first[m] + q]
        home[i] = m
        bound = best + 2.0 * margin + 0.4
        found = 0
        worst = 0
        for q in range(size):
            if value[q] < bound:
                if found < width:
                    order[found] = q
                    found += 1
                else:  # keep the nearest ones
                    worst = 0
                    for r in range(width):
                        if value[order[r]] > value[order[worst]]:
                            worst = r
                    if value[q] < value[order[worst]]:
                        order[worst] = q
        kept = np.sort(order[:found])
        for r in range(found):
            candidates[i, r] = near[first[m] + kept[r]]
        count[i] = found
