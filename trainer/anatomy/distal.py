"""The generated arteries below the segmental ones, their beds, and their radii by Murray's law."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from trainer.anatomy.beds import Bed, BedList
from trainer.anatomy.branches import Branch, breathing_along, pack
from trainer.anatomy.capsules import crossings
from trainer.anatomy.couinaud import kernel_arrays, load_liver, segment_of
from trainer.anatomy.curves import arc_length, smooth, tangents, unit
from trainer.anatomy.growth import farthest_first, grow
from trainer.anatomy.region import VOXEL_ML, liver_samples
from trainer.anatomy.spec import Segment
from trainer.anatomy.surfaces import depth
from trainer.anatomy.treespec import TreesSpec
from trainer.anatomy.types import Bools, Couinaud, Floats, Ints

SPARE = 1.7
"""Targets tried for each terminal that is wanted."""
BOW = 0.06
"""Long edges bow sideways by this share of their length, so that they do not look drawn with a ruler."""
LEAST, MOST = 0.6, 1.8
"""Bounds of a terminal's flow, as multiples of the segment's mean."""


@dataclass(frozen=True, slots=True)
class SegmentFlow:
    """A segmental artery whose tree is generated."""

    segment: Segment
    trunk: int  # index of the artery among the branches
    flow_mL_s: float  # liver tissue only


def capsules_of(branches: list[Branch], but: int = -1) -> Floats:
    """Pieces of all vessels but one as rows (a, b, radius), (C, 7) mm."""
    rows = [
        np.concatenate(
            [b.points[:-1], b.points[1:], np.maximum(b.radius[:-1], b.radius[1:])[:, None]], axis=1
        )
        for i, b in enumerate(branches)
        if i != but
    ]
    return np.concatenate(rows)


def grow_segments(
    flows: list[SegmentFlow],
    branches: list[Branch],
    balls: Floats,
    spec: TreesSpec,
    beds: BedList,
    seed: np.random.SeedSequence,
) -> None:
    """Adds the generated trees to branches, and one bed for each terminal. balls (K, 4): tumors."""
    named = len(branches)
    for flow, child in zip(flows, seed.spawn(len(flows)), strict=True):
        _grow_one(flow, branches, balls, spec, np.random.default_rng(child))
    terminals = _settle(flows, branches, named, balls, spec)
    for flow in flows:
        territory = beds.territory(f"segment_{flow.segment}", "liver", flow.segment)
        for v, center, tissue, q in terminals[flow.segment]:
            size = 0.7 * (3000.0 * tissue / (4.0 * np.pi)) ** (1.0 / 3.0)
            beds.beds.append(
                Bed(v, territory, center, np.full(3, size), tissue, q, spec.liver_transit_s, 1.0, "hepatic")
            )


def _grow_one(
    flow: SegmentFlow, branches: list[Branch], balls: Floats, spec: TreesSpec, rng: np.random.Generator
) -> None:
    trunk, k = branches[flow.trunk], int(flow.segment)
    liver = load_liver()
    points, segments, deep = liver_samples()
    wanted = spec.terminals[flow.segment]
    room = (segments == k) & (deep > spec.margin_mm) & _outside(points, balls, 1.5)
    pool = points[room] + rng.uniform(-1.5, 1.5, (int(room.sum()), 3))
    pool = pool[(segment_of(liver, pool) == k) & (depth(liver.surfaces, pool) > spec.margin_mm)]
    order = np.empty(min(len(pool), int(SPARE * wanted)), dtype=np.int64)
    farthest_first(pool, trunk.points, order)
    size = len(trunk.points) + 2 * wanted + 4
    pos, par = np.zeros((size, 3)), np.full(size, -1, dtype=np.int64)
    q, kids = np.zeros(size, dtype=np.int64), np.full((size, 2), -1, dtype=np.int64)
    n = grow(
        trunk.points,
        trunk.radius,
        _usable(flow.trunk, branches, k),
        spec.trunk_branches,
        pool[order],
        wanted,
        k,
        spec.margin_mm,
        spec.clearance_mm,
        *kernel_arrays(liver),
        balls,
        capsules_of(branches, flow.trunk),
        pos,
        par,
        q,
        kids,
    )
    _extract(flow, branches, pos[:n], par[:n], q[:n], kids[:n], spec.spacing_mm, rng)


def _outside(points: Floats, balls: Floats, gap: float) -> Bools:
    """Which points (N, 3) lie at least `gap` mm outside every ball (K, 4)."""
    free: Bools = np.ones(len(points), dtype=np.bool_)
    for x, y, z, r in balls:
        free &= np.linalg.norm(points - np.array([x, y, z]), axis=1) > r + gap
    return free


def _usable(trunk: int, branches: list[Branch], segment: int) -> Ints:
    """Points of the segmental artery from which a side branch may leave: in its own segment, not near its
    origin, not beside another branch, every other one."""
    b = branches[trunk]
    s = arc_length(b.points)
    ok = (segment_of(load_liver(), b.points) == segment) & (s > 0.25 * s[-1]) & (s < s[-1] - 3.0)
    for other in branches:
        if other.parent == trunk:
            ok &= np.abs(s - s[other.at]) > 3.0
    ok[1::2] = False
    return np.asarray(ok, dtype=np.int64)


def _extract(
    flow: SegmentFlow,
    branches: list[Branch],
    pos: Floats,
    par: Ints,
    q: Ints,
    kids: Ints,
    spacing: float,
    rng: np.random.Generator,
) -> None:
    """Turns the grown nodes into vessels: each runs on into the child with more terminals below it."""
    trunk_nodes = len(branches[flow.trunk].points)
    sample = {i: (flow.trunk, i) for i in range(trunk_nodes)}
    waiting = [(i, int(k)) for i in range(trunk_nodes) for k in kids[i] if k >= trunk_nodes]
    number = 0
    while waiting:
        hub, node = waiting.pop(0)
        path = [hub, node]
        while kids[path[-1], 0] >= 0:
            a, b = (int(x) for x in kids[path[-1]])
            on, off = (a, b) if b < 0 or q[a] >= q[b] else (b, a)
            if off >= 0:
                waiting.append((path[-1], off))
            path.append(on)
        number += 1
        parent, at = sample[hub]
        along = tangents(branches[parent].points)[at]
        way, places = _bowed(pos[path], rng)
        start = unit(0.45 * along + unit(way[1] - way[0]))
        points, index = smooth(way, spacing, start)
        for node_, place in zip(path[1:], places[1:], strict=True):
            sample[node_] = (len(branches), index[place])
        branches.append(
            Branch(
                f"segment_{flow.segment}_branch_{number}",
                parent,
                at,
                points,
                np.full(len(points), 0.1),
                breathing_along(points, float(branches[parent].breathing[at]), 1.0),
                True,
            )
        )


def _bowed(nodes: Floats, rng: np.random.Generator) -> tuple[Floats, list[int]]:
    """Way-points with a bow in every long edge, and where the nodes are among them."""
    way, places = [nodes[0]], [0]
    for a, b in pairwise(nodes):
        length = float(np.linalg.norm(b - a))
        side = rng.normal(size=3)
        if length > 9.0:
            side -= (side @ (b - a)) * (b - a) / length**2
            way.append(0.5 * (a + b) + unit(side) * BOW * length)
        way.append(b)
        places.append(len(way) - 1)
    return np.array(way), places


Terminal = tuple[int, Floats, float, float]
"""Vessel, center of its tissue, tissue mL, flow mL/s."""


def _settle(
    flows: list[SegmentFlow], branches: list[Branch], named: int, balls: Floats, spec: TreesSpec
) -> dict[Segment, list[Terminal]]:
    """Shares tissue and flow among the terminals, sets radii, and takes out vessels that leave their place or
    cross another, until none does."""
    out = set(_shorten(branches, named, balls))
    while True:
        take_out(branches, named, out)
        terminals = {f.segment: _share(f, branches, named, balls) for f in flows}
        _murray(flows, branches, named, terminals, spec.murray_exponent)
        pairs = crossings(pack(branches))
        generated = [(int(a), int(b)) for a, b in pairs if max(a, b) >= named]
        if not generated:
            return terminals
        below = terminals_below(branches)
        out = {min((v for v in pair if v >= named), key=lambda v: (below[v], -v)) for pair in generated}


def _shorten(branches: list[Branch], named: int, balls: Floats) -> list[int]:
    """Cuts vessels that leave their place back to their last branch before; returns those without one."""
    hopeless = []
    for v in range(named, len(branches)):
        bad = _strays_at(branches[v], load_liver(), balls)
        if bad < 0:
            continue
        kept = [b.at for b in branches if b.parent == v and b.at < bad]
        end = max(kept, default=0)
        if end < 1:
            hopeless.append(v)
            continue
        lost = {w for w, b in enumerate(branches) if b.parent == v and b.at > end}
        hopeless.extend(sorted(lost))
        b = branches[v]
        b.points, b.radius, b.breathing = b.points[: end + 1], b.radius[: end + 1], b.breathing[: end + 1]
    return hopeless


def _strays_at(branch: Branch, liver: Couinaud, balls: Floats) -> int:
    """First point where a generated vessel leaves the liver, enters a tumor or ends elsewhere; or -1."""
    bad = (depth(liver.surfaces, branch.points) < 1.0) | ~_outside(branch.points, balls, 0.3)
    bad[-1] |= segment_of(liver, branch.points[-1:])[0] != int(branch.name.split("_")[1])
    return int(np.argmax(bad)) if bad.any() else -1


def take_out(branches: list[Branch], named: int, out: set[int]) -> None:
    """Removes vessels and all that leave them, in place."""
    for v in range(named, len(branches)):
        if branches[v].parent in out:
            out.add(v)
    new: dict[int, int] = {}
    kept: list[Branch] = []
    for v, branch in enumerate(branches):
        if v not in out:
            new[v] = len(kept)
            branch.parent = new.get(branch.parent, -1)
            kept.append(branch)
    branches[:] = kept


def terminals_below(branches: list[Branch]) -> list[int]:
    below = [1] * len(branches)
    for v in range(len(branches) - 1, 0, -1):
        if branches[v].parent >= 0:
            below[branches[v].parent] += below[v]
    return below


def _share(flow: SegmentFlow, branches: list[Branch], named: int, balls: Floats) -> list[Terminal]:
    """Each point of the segment's tissue goes to the nearest terminal; flow follows tissue within bounds."""
    prefix = f"segment_{flow.segment}_branch_"
    continued = {b.parent for b in branches if b.at == len(branches[b.parent].points) - 1}
    vessels = [
        v
        for v, b in enumerate(branches)
        if v not in continued and (v == flow.trunk or (v >= named and b.name.startswith(prefix)))
    ]
    ends = np.array([branches[v].points[-1] for v in vessels])
    points, segments, _ = liver_samples()
    tissue = points[(segments == int(flow.segment)) & _outside(points, balls, 0.0)]
    gap = np.zeros((len(tissue), len(ends)))
    for k in range(3):
        gap += (tissue[:, k, None] - ends[None, :, k]) ** 2
    nearest = np.argmin(gap, axis=1)
    count = np.bincount(nearest, minlength=len(vessels))
    center = np.stack([np.bincount(nearest, tissue[:, k], len(vessels)) for k in range(3)], axis=1)
    center = np.where(count[:, None] > 0, center / np.maximum(count, 1)[:, None], ends)
    q = np.clip(count / count.mean(), LEAST, MOST)
    q *= flow.flow_mL_s / q.sum()
    return [(v, center[i], max(float(count[i]), 1.0) * VOXEL_ML, float(q[i])) for i, v in enumerate(vessels)]


def _murray(
    flows: list[SegmentFlow],
    branches: list[Branch],
    named: int,
    terminals: dict[Segment, list[Terminal]],
    exponent: float,
) -> None:
    """Radii of the generated vessels: r^exponent proportional to flow, from the segmental artery's origin.

    A first branch is never wider than 0.95 of the artery where it leaves; then its whole tree is thinner.
    """
    q = [np.zeros(len(b.points)) for b in branches]
    for flow in flows:
        for v, _, _, own in terminals[flow.segment]:
            q[v] += own
    for v in range(len(branches) - 1, named - 1, -1):
        b = branches[v]
        if b.parent >= named:
            q[b.parent][: b.at + 1] += q[v][0]
    root = [1.0] * len(branches)
    trunks = {f.trunk: f.flow_mL_s for f in flows}
    for v in range(named, len(branches)):
        b = branches[v]
        if b.parent in trunks:
            trunk = branches[b.parent]
            share = (q[v][0] / trunks[b.parent]) ** (1.0 / exponent)
            root[v] = min(float(trunk.radius[0]), 0.95 * float(trunk.radius[b.at]) / share) / trunks[
                b.parent
            ] ** (1.0 / exponent)
        else:
            root[v] = root[b.parent]
        b.radius = root[v] * q[v] ** (1.0 / exponent)
