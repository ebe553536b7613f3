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
    """For each vessel, the vessels at most `generations` parent-child steps away (itself included)."""
    kin: list[list[int]] = [[] for _ in range(tree.count)]
    for v in range(tree.count):
        if tree.parent[v] >= 0:
            kin[v].append(int(tree.parent[v]))
            kin[int(tree.parent[v])].append(v)
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


@njit(cache=True, nogil=True)
def capsule(wall: Wall, m: int, x: float, y: float, z: float) -> tuple[float, float]:
    """Signed distance, mm, of a point to the surface of segment m (negative inside), and the place t in
    0..1 along the segment."""
    p = wall.seg[m]
    ax, ay, az = wall.points[p, 0], wall.points[p, 1], wall.points[p, 2]
    dx, dy, dz = wall.points[p + 1, 0] - ax, wall.points[p + 1, 1] - ay, wall.points[p + 1, 2] - az
    t = ((x - ax) * dx + (y - ay) * dy + (z - az) * dz) / max(dx * dx + dy * dy + dz * dz, 1e-12)
    t = min(1.0, max(0.0, t))
    rx, ry, rz = x - ax - t * dx, y - ay - t * dy, z - az - t * dz
    distance = np.sqrt(rx * rx + ry * ry + rz * rz)
    return distance - (wall.radius[p] * (1.0 - t) + wall.radius[p + 1] * t), t


@njit(cache=True, nogil=True)
def _normal(wall: Wall, m: int, x: float, y: float, z: float, out: Floats) -> None:
    """Gradient (3,) of the distance to segment m, taper included."""
    p = wall.seg[m]
    ax, ay, az = wall.points[p, 0], wall.points[p, 1], wall.points[p, 2]
    dx, dy, dz = wall.points[p + 1, 0] - ax, wall.points[p + 1, 1] - ay, wall.points[p + 1, 2] - az
    square = max(dx * dx + dy * dy + dz * dz, 1e-12)
    t = ((x - ax) * dx + (y - ay) * dy + (z - az) * dz) / square
    inner = 0.0 < t < 1.0
    t = min(1.0, max(0.0, t))
    rx, ry, rz = x - ax - t * dx, y - ay - t * dy, z - az - t * dz
    scale = 1.0 / max(np.sqrt(rx * rx + ry * ry + rz * rz), 1e-9)
    taper = (wall.radius[p + 1] - wall.radius[p]) / square if inner else 0.0
    out[0], out[1], out[2] = rx * scale - taper * dx, ry * scale - taper * dy, rz * scale - taper * dz


@njit(cache=True, nogil=True)
def distance(wall: Wall, candidates: Ints, count: int, x: float, y: float, z: float, want: bool,
             normal: Floats) -> float:
    """Signed distance, mm, to the lumen's surface among candidate segments sorted by vessel; negative
    inside. With `want`, the gradient (3,) goes to `normal`.

    Quadratic smooth minimum of width k between vessels: min(a, b) - h^2 k / 4, h = max(k - |a - b|, 0) / k.
    """
    total = 1e30
    trial = np.empty(3)
    i = 0
    total_vessel = -1
    while i < count:
        vessel = wall.vessel[candidates[i]]
        best, best_m = 1e30, -1
        while i < count and wall.vessel[candidates[i]] == vessel:
            value, _ = capsule(wall, candidates[i], x, y, z)
            if value < best:
                best, best_m = value, candidates[i]
            i += 1
        if total_vessel < 0:
            total = best
            total_vessel = vessel
            if want:
                _normal(wall, best_m, x, y, z, normal)
            continue
        k = min(wall.fillet[vessel], wall.fillet[total_vessel])
        h = max(k - abs(best - total), 0.0) / k
        if want and (h > 0.0 or best < total):
            _normal(wall, best_m, x, y, z, trial)
            share = 1.0 - 0.5 * h if best < total else 0.5 * h
            for c in range(3):
                normal[c] = share * trial[c] + (1.0 - share) * normal[c]
        if best < total:
            total_vessel = vessel
        total = min(best, total) - h * h * k * 0.25
    return total


@njit(cache=True, nogil=True)
def find_candidates(wall: Wall, first: Ints, near: Ints, x: Floats, home: Ints, candidates: Ints,
                    count: Ints, margin: Floats) -> None:
    """For each node (N, 3): its nearest segment (home, in: a guess, -1 none; out) and the segments
    (N, C), sorted by vessel, that can matter within `margin` (N,) mm of motion."""
    width = candidates.shape[1]
    value = np.empty(4096)
    order = np.empty(width, np.int64)
    for i in range(x.shape[0]):
        px, py, pz = x[i, 0], x[i, 1], x[i, 2]
        m = home[i]
        best = 1e30
        if m >= 0:
            best, _ = capsule(wall, m, px, py, pz)
        if m < 0 or best > 2.0:
            for q in range(wall.seg.shape[0]):
                trial, _ = capsule(wall, q, px, py, pz)
                if trial < best:
                    best, m = trial, q
        for _ in range(20):
            better = m
            for q in range(first[m], first[m + 1]):
                trial, _ = capsule(wall, near[q], px, py, pz)
                if trial < best - 1e-12:
                    best, better = trial, near[q]
            if better == m:
                break
            m = better
        home[i] = m
        size = min(first[m + 1] - first[m], 4096)
        bound = best + 2.0 * margin[i] + 0.4
        found = 0
        worst = 0
        for q in range(size):
            value[q], _ = capsule(wall, near[first[m] + q], px, py, pz)
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
