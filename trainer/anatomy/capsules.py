"""Distances of capsules (cone-free tubes between two points), and where vessels run through each other."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from trainer.anatomy.types import Floats, Ints, VesselTree

NEAR_FACTOR, NEAR_MM = 4.0, 2.0
"""Two pieces of the tree belong to the same branching when the way between them along the tree is at most
NEAR_FACTOR times the sum of their radii plus NEAR_MM; two straight branches parting at 35 deg need 3.3."""


@njit(cache=True, nogil=True)
def segment_distance(a: Floats, b: Floats, c: Floats, d: Floats) -> float:
    """Least distance of segments a-b and c-d, mm; points are (3,). Source: Ericson, Real-Time Collision
    Detection (2005), section 5.1.9."""
    ux, uy, uz = b[0] - a[0], b[1] - a[1], b[2] - a[2]
    vx, vy, vz = d[0] - c[0], d[1] - c[1], d[2] - c[2]
    wx, wy, wz = a[0] - c[0], a[1] - c[1], a[2] - c[2]
    uu, vv = ux * ux + uy * uy + uz * uz, vx * vx + vy * vy + vz * vz
    uv = ux * vx + uy * vy + uz * vz
    uw, vw = ux * wx + uy * wy + uz * wz, vx * wx + vy * wy + vz * wz
    s, t = 0.0, 0.0
    if uu > 1e-12 and vv > 1e-12:
        gap = uu * vv - uv * uv
        if gap > 1e-12:
            s = min(max((uv * vw - uw * vv) / gap, 0.0), 1.0)
        t = (uv * s + vw) / vv
        if t < 0.0:
            t, s = 0.0, min(max(-uw / uu, 0.0), 1.0)
        elif t > 1.0:
            t, s = 1.0, min(max((uv - uw) / uu, 0.0), 1.0)
    elif uu > 1e-12:
        s = min(max(-uw / uu, 0.0), 1.0)
    elif vv > 1e-12:
        t = min(max(vw / vv, 0.0), 1.0)
    x, y, z = wx + s * ux - t * vx, wy + s * uy - t * vy, wz + s * uz - t * vz
    return math.sqrt(x * x + y * y + z * z)


@njit(cache=True, nogil=True)
def way_along(parent: Ints, attach: Ints, owner: Ints, arc: Floats, p: int, q: int) -> float:
    """Length of the way along the tree between points p and q, mm. owner, arc: (P,) vessel and arc length.

    Climbs from the deeper vessel; parents have lower indices than their children.
    """
    v, w = owner[p], owner[q]
    sp, sq = arc[p], arc[q]
    way = 0.0
    while v != w:
        if v > w:
            way += sp
            if attach[v] < 0:
                return 1e9
            sp = arc[attach[v]]
            v = parent[v]
        else:
            way += sq
            if attach[w] < 0:
                return 1e9
            sq = arc[attach[w]]
            w = parent[w]
    return float(way + abs(sp - sq))


@njit(cache=True, nogil=True)
def _crossings(
    points: Floats,
    radius: Floats,
    first: Ints,
    parent: Ints,
    attach: Ints,
    owner: Ints,
    arc: Floats,
    cell: float,
    order: Ints,
    found: Ints,
) -> int:
    """Pairs of vessels whose lumens meet away from a common branching, into found (M, 2). Sweep along x."""
    n = order.shape[0]
    count = 0
    for i in range(n):
        p = order[i]
        for j in range(i + 1, n):
            q = order[j]
            if points[q, 0] - points[p, 0] > cell:
                break
            v, w = owner[p], owner[q]
            if v == w:
                continue
            if abs(points[p, 1] - points[q, 1]) > cell or abs(points[p, 2] - points[q, 2]) > cell:
                continue
            reach = max(radius[p], radius[p + 1]) + max(radius[q], radius[q + 1])
            if segment_distance(points[p], points[p + 1], points[q], points[q + 1]) >= reach:
                continue
            near = NEAR_FACTOR * reach + NEAR_MM
            if way_along(parent, attach, owner, arc, p, q) <= near:
                continue
            if count < found.shape[0]:
                found[count, 0], found[count, 1] = v, w
            count += 1
    return count


def point_owner(tree: VesselTree) -> tuple[Ints, Floats]:
    """Vessel and arc length (mm) of every point of a tree, (P,) each."""
    owner = np.repeat(np.arange(tree.count, dtype=np.int64), np.diff(tree.first))
    arc = np.concatenate([tree.arc(v) for v in range(tree.count)])
    return owner, arc


def crossings(tree: VesselTree) -> Ints:
    """Pairs of vessels (N, 2) that run through each other's lumen away from where they branch, and do not join."""
    owner, arc = point_owner(tree)
    starts = np.setdiff1d(np.arange(len(tree.points)), tree.first[1:] - 1)
    steps = np.linalg.norm(tree.points[starts + 1] - tree.points[starts], axis=1)
    cell = float(steps.max() + 2.0 * tree.radius[tree.generated[owner]].max(initial=1.0) + 2.0)
    wide = float(tree.radius.max()) + cell
    order = starts[np.argsort(tree.points[starts, 0], kind="stable")].astype(np.int64)
    found = np.zeros((4096, 2), dtype=np.int64)
    count = _crossings(
        tree.points, tree.radius, tree.first, tree.parent, tree.attach, owner, arc, wide, order, found
    )
    pairs = np.unique(np.sort(found[: min(count, len(found))], axis=1), axis=0)
    joined = {tuple(sorted((v, int(owner[point])))) for v, point in tree.joins}
    return pairs[[tuple(pair) not in joined for pair in pairs.tolist()]]
