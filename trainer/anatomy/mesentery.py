"""The generated branches of the superior mesenteric artery: arcades of the small bowel, marginal artery of the colon.

Arcades are drawn as limbs that come near each other and then turn to the bowel; they do not join, so that the network
keeps no loops here (stylized).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from trainer.anatomy.beds import Bed, BedList
from trainer.anatomy.branches import Branch, breathing_along, pack
from trainer.anatomy.capsules import crossings
from trainer.anatomy.curves import arc_length, smooth, tangents, unit
from trainer.anatomy.distal import take_out, terminals_below
from trainer.anatomy.spec import Name, Point, Positive, Share
from trainer.anatomy.types import Floats
from trainer.resources import resource
from trainer.textfile import StrictModel, read_model

SPACING_MM = 1.7
THIRD = 1.0 / 3.0
"""Murray: radius as the cube root of flow."""
LATERAL = 0.75
"""Share of its way to the side that a limb takes at once, before it turns to the bowel: the arch of an arcade."""
RAGGED = 0.05
"""Spread of forks and ends, as a share of the way to the bowel."""


class StemSpec(StrictModel):
    """A branch to the bowel. leaves: share of the trunk's length, 1 where its end runs on."""

    trunk: Name
    leaves: Share = 1.0
    edge: Share
    territory: Name
    diameter_mm: Positive


class FanSpec(StemSpec):
    arcades: tuple[Share, Share]


class MarginSpec(StemSpec):
    limbs: tuple[Share, Share]
    straight: int


class MesenterySpec(StrictModel):
    format: Literal[1]
    small_bowel_mm: Annotated[tuple[Point, ...], Field(min_length=3)]
    colon_mm: Annotated[tuple[Point, ...], Field(min_length=3)]
    ruffle_mm: float
    jitter: float
    breathing: Share
    bed_mm: Positive
    fans: tuple[FanSpec, ...]
    margins: tuple[MarginSpec, ...]


@cache
def load_mesentery() -> MesenterySpec:
    """The shipped values."""
    return read_model(MesenterySpec, resource("assets", "anatomy", "mesentery.yaml"))[0]


@dataclass(slots=True)
class _Edge:
    """A line along the bowel, by share 0..1 of its length."""

    points: Floats  # (N, 3) mm
    share: Floats  # (N,)

    def at(self, share: float) -> Floats:
        return np.array([np.interp(share, self.share, self.points[:, k]) for k in range(3)])


def _edge(points: tuple[Point, ...], ruffle_mm: float, rng: np.random.Generator) -> _Edge:
    way, _ = smooth(np.array(points, dtype=np.float64), 2.0)
    share = arc_length(way) / arc_length(way)[-1]
    turn = rng.uniform(0.0, 2.0 * np.pi)
    return _Edge(way + np.outer(ruffle_mm * np.sin(31.0 * share + turn), [0.0, 1.0, 0.35]), share)


class _Builder:
    """Adds branches to a list; remembers the territory of each."""

    def __init__(self, branches: list[Branch], spec: MesenterySpec, rng: np.random.Generator) -> None:
        self.branches, self.spec, self.rng = branches, spec, rng
        self.start = len(branches)
        self.index = {b.name: i for i, b in enumerate(branches)}
        self.territory: dict[str, str] = {}
        self.diameter: dict[str, float] = {}

    def add(self, fan: StemSpec, parent: int, at: int, way: list[Floats], leans: float) -> int:
        """A branch from a point of its parent through way-points; leans: how far it starts along the parent."""
        trunk = self.branches[parent]
        w = np.array([trunk.points[at], *way])
        start = unit(leans * tangents(trunk.points)[at] + unit(w[1] - w[0]))
        points, _ = smooth(w, SPACING_MM, start)
        name = f"{fan.territory}_branch_{len(self.branches) - self.start + 1}"
        share = breathing_along(points, float(trunk.breathing[at]), self.spec.breathing)
        self.branches.append(Branch(name, parent, at, points, np.full(len(points), 0.1), share, True))
        self.territory[name], self.diameter[name] = fan.territory, fan.diameter_mm
        return len(self.branches) - 1

    def root(self, fan: StemSpec) -> tuple[int, int] | None:
        """The trunk, and its point where a fan begins; None where the patient has no such trunk."""
        if fan.trunk not in self.index:
            return None
        parent = self.index[fan.trunk]
        arc = arc_length(self.branches[parent].points)
        return parent, int(np.argmin(np.abs(arc - fan.leaves * arc[-1])))

    def nearest(self, branch: int, place: Floats) -> int:
        """Point of a branch nearest to a place, neither of its ends nor one where another branch leaves."""
        points = self.branches[branch].points
        gap = np.linalg.norm(points - place, axis=1)
        gap[[0, -1]] = np.inf
        gap[[b.at for b in self.branches if b.parent == branch]] = np.inf
        return int(np.argmin(gap))

    def fan(self, fan: FanSpec, edge: _Edge, here: float, half: float) -> None:
        """A branch to the small bowel that forks twice into limbs. here: its place along the edge; half: the way along
        it to the middle between neighbors."""
        found = self.root(fan)
        if found is None:
            return
        origin = self.branches[found[0]].points[found[1]]
        normal = self.rng.normal

        def place(share: float, depth: float) -> Floats:
            return np.asarray(origin + depth * (edge.at(share) - origin))

        def grown(parent: int, at: int, share: float, way: list[Floats], leans: float) -> int:
            return self.add(fan, parent, at, [*way, place(share, 1.0 + RAGGED * normal())], leans)

        def forked(trunk: int, share: float, depth: float, aside: float) -> list[tuple[int, float]]:
            """Two limbs that part from a vessel at a depth, to places `aside` before and behind."""
            out = []
            for side in (-aside, aside):
                to = share + side * (1.0 + RAGGED * normal())
                at = self.nearest(trunk, place(share, depth + 0.5 * RAGGED * normal()))
                arch = [place(share + LATERAL * (to - share), depth + 0.03), place(to, depth + 0.13)]
                out.append((grown(trunk, at, to, arch, 0.0), to))
            return out

        first, second = (a + 0.5 * RAGGED * normal() for a in fan.arcades)
        bow = 2.0 * unit(np.cross(edge.at(here) - origin, normal(size=3)))
        main = grown(*found, here, [place(here, 0.5 * first) + bow, place(here, first), place(here, second)], 0.7)
        for limb, share in forked(main, here, first, 0.5 * half):
            forked(limb, share, second, 0.25 * half)

    def margin(self, fan: MarginSpec, edge: _Edge) -> None:
        """A trunk runs on to the colon and forks into limbs along it, with short straight vessels to its wall."""
        found = self.root(fan)
        if found is None:
            return
        parent, at = found
        origin = self.branches[parent].points[at]
        middle = edge.at(fan.edge)
        inner = 0.82
        stem = [origin + 0.5 * (middle - origin), origin + inner * (middle - origin)]
        main = self.add(fan, parent, at, [*stem, middle], 0.7)
        center = 0.5 * (edge.at(0.0) + edge.at(1.0))
        for end in fan.limbs:
            shares = np.linspace(fan.edge, end, fan.straight + 2)[1:]
            inside = [edge.at(s) + (1.0 - inner) * 0.8 * (center - edge.at(s)) for s in shares]
            beyond = edge.at(float(shares[-1] + 0.25 * (shares[-1] - shares[-2])))
            limb = self.add(fan, main, self.nearest(main, stem[-1]), [*inside, beyond], 0.1)
            for s, place in zip(shares[:-1], inside[:-1], strict=True):
                wall = edge.at(float(s) + 0.008 * self.rng.normal())
                wall = place + (1.0 + 0.25 * self.rng.normal()) * (wall - place)
                self.add(fan, limb, self.nearest(limb, place), [wall], 0.2)


def grow_mesentery(branches: list[Branch], beds: BedList, seed: np.random.SeedSequence) -> None:
    """Adds the fan to branches, and puts a bed at each of its ends in place of those of the trunks that run on.

    Flow and tissue of a territory's trunks are shared by its ends. What would cross another vessel is left out, and
    so is what leaves a trunk, or feeds a territory, that this patient does not have.
    """
    spec, rng = load_mesentery(), np.random.default_rng(seed)
    b = _Builder(branches, spec, rng)
    trunks = {b.index[f.trunk] for f in (*spec.fans, *spec.margins) if f.trunk in b.index}
    theirs = [x for x in beds.beds if x.vessel in trunks]
    fed = {beds.territories[x.territory].name for x in theirs}
    small, colon = (_edge(p, r, rng) for p, r in ((spec.small_bowel_mm, spec.ruffle_mm), (spec.colon_mm, 0.0)))
    places = np.array([f.edge for f in spec.fans])
    half = 0.5 * float(np.diff(places).min())
    for fan, at in zip(spec.fans, places + spec.jitter * half * rng.uniform(-1.0, 1.0, len(places)), strict=True):
        if fan.territory in fed:
            b.fan(fan, small, float(at), half)
    for margin in spec.margins:
        if margin.territory in fed:
            b.margin(margin, colon)
    while True:
        new = _ends(b, theirs, beds)
        _murray(b, new)
        pairs = [p for p in crossings(pack(branches)).tolist() if max(p) >= b.start]
        if not pairs:
            break
        below = terminals_below(branches)
        take_out(branches, b.start, {min((v for v in p if v >= b.start), key=lambda v: (below[v], -v)) for p in pairs})
    beds.beds = [x for x in beds.beds if not any(x is y for y in theirs)] + new


def _ends(b: _Builder, theirs: list[Bed], beds: BedList) -> list[Bed]:
    """Beds of what was grown and of trunks that still end, in place of the trunks' own (`theirs`)."""
    branches, new = b.branches, []
    continued = {x.parent for x in branches if x.parent >= 0 and x.at == len(branches[x.parent].points) - 1}
    for territory in dict.fromkeys(x.territory for x in theirs):
        name = beds.territories[territory].name
        old = [x for x in theirs if x.territory == territory]
        ends = [replace(x) for x in old if x.vessel not in continued]
        for v in range(b.start, len(branches)):
            if b.territory[branches[v].name] == name:
                place = branches[v].points[-1] + 0.6 * b.spec.bed_mm * tangents(branches[v].points)[-1]
                ends.append(replace(old[0], vessel=v, center=place, sigma=np.full(3, b.spec.bed_mm)))
        for end in ends:
            end.tissue_mL = sum(x.tissue_mL for x in old) / len(ends)
            end.flow_mL_s = sum(x.flow_mL_s for x in old) / len(ends)
        new += ends
    return new


def _murray(b: _Builder, ends: list[Bed]) -> None:
    """Radii of what was grown, from the root of each fan outward."""
    branches, n = b.branches, len(b.branches)
    flow = [np.zeros(len(x.points)) for x in branches]
    for bed in ends:
        flow[bed.vessel] += bed.flow_mL_s
    for v in range(n - 1, b.start - 1, -1):
        if branches[v].parent >= b.start:
            flow[branches[v].parent][: branches[v].at + 1] += flow[v][0]
    scale = [0.0] * n
    for v in range(b.start, n):
        x = branches[v]
        if x.parent >= b.start:
            scale[v] = scale[x.parent]
        else:
            widest = 0.95 * float(branches[x.parent].radius[x.at])
            scale[v] = min(0.5 * b.diameter[x.name], widest) / flow[v][0] ** THIRD
        x.radius = scale[v] * flow[v] ** THIRD
