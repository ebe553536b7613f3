"""What lies where in the vessel tree, for scoring: downstream beds, the route to the feeder, selectivity.

Everything is computed from the tree and its beds; no vessel is known by its name but the feeder.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trainer.anatomy.types import Patient
from trainer.scoring.settings import LevelRules

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

LEVELS = ("nonselective", "lobar", "sectoral", "segmental", "subsegmental", "ultraselective")
"""Selectivity from the least to the most; the index is the code of facts on selectivity vocabulary."""

_SECTORS = {"2": "left lateral", "3": "left lateral", "4": "left medial", "5": "right anterior",
            "8": "right anterior", "6": "right posterior", "7": "right posterior"}  # fmt: skip
_LOBES = {"left lateral": "left", "left medial": "left", "right anterior": "right",
          "right posterior": "right"}  # fmt: skip


class Topology:
    """Queries on one patient's tree. Positions are (vessel index, arc length along it in mm)."""

    def __init__(self, patient: Patient, feeder: str, rules: LevelRules) -> None:
        tree, beds = patient.tree, patient.beds
        self.patient, self.rules = patient, rules
        self.feeder = tree.index(feeder)
        self.arcs = [tree.arc(v) for v in range(tree.count)]
        self.children: list[list[tuple[int, float]]] = [[] for _ in range(tree.count)]
        self.attach_mm = np.zeros(tree.count)
        self.below = np.zeros((tree.count, beds.vessel.size), dtype=bool)
        self.below[beds.vessel, np.arange(beds.vessel.size)] = True
        for v in range(tree.count - 1, -1, -1):  # parents come before children, so this runs leaf to root
            p = int(tree.parent[v])
            if p < 0:
                continue
            self.attach_mm[v] = self.arcs[p][int(tree.attach[v]) - int(tree.first[p])]
            self.children[p].append((v, float(self.attach_mm[v])))
            self.below[p] |= self.below[v]
        self._segment_tissue = self._tissue_by_segment()
        organs = [patient.territories[t].organ for t in beds.territory]
        self._tumor = np.array([o == "tumor" for o in organs], dtype=bool)
        self._liver = np.array([o in ("tumor", "liver") for o in organs], dtype=bool)
        self._segment = [patient.territories[t].segment for t in beds.territory]
        to_feeder, to_access = tree.path(self.feeder), tree.path(tree.index(patient.access.vessel))
        shared = [v for v in to_feeder if v in to_access]
        beyond = [v for v in to_feeder if v not in to_access]
        self.trunk = next((v for v in beyond if not self._goes_on(v)), beyond[0] if beyond else self.feeder)
        """First vessel on the way to the feeder that leaves the way in, or what goes on from it, by a fork (celiac
        trunk, SMA, ...). From the wrist the descending aorta is what goes on from the arch."""
        inside = [v for v in range(tree.count) if self.is_below(v, self.feeder)]
        # a wire may run on upstream past the fork (from the groin: up the aorta), but not to the heart
        heart = frozenset(shared[:1] if len(shared) > 1 else ())
        self.on_route = (frozenset(to_feeder) | frozenset(to_access) | frozenset(inside)) - heart

    def _tissue_by_segment(self) -> dict[str, float]:
        out: dict[str, float] = {}
        for t, tissue in zip(self.patient.beds.territory, self.patient.beds.tissue_mL):
            territory = self.patient.territories[int(t)]
            if territory.organ == "liver":
                out[territory.segment] = out.get(territory.segment, 0.0) + float(tissue)
        return out

    def _goes_on(self, v: int) -> bool:
        """Whether vessel v is the only one that leaves its parent's end: the same artery by another name."""
        p = int(self.patient.tree.parent[v])
        end = self.arcs[p][-1]
        return p >= 0 and [c for c, at in self.children[p] if at >= end] == [v]

    def is_below(self, v: int, ancestor: int) -> bool:
        """Whether vessel v is `ancestor` or one of its descendants."""
        while v >= 0:
            if v == ancestor:
                return True
            v = int(self.patient.tree.parent[v])
        return False

    def place(self, v: int, point_mm: Floats, breath: float) -> float:
        """Arc length along vessel v nearest to a point, mm. point_mm: (3,) patient LPS, breathing included;
        breath: 0..1, undone with each point's own share before comparing."""
        tree = self.patient.tree
        first, last = int(tree.first[v]), int(tree.first[v + 1])
        offset = breath * np.asarray(self.patient.breathing.amplitude_mm)
        line = tree.points[first:last] + tree.breathing[first:last, None] * offset
        a, ab = line[:-1], np.diff(line, axis=0)
        length2 = np.maximum(np.einsum("ij,ij->i", ab, ab), 1e-12)
        share = np.clip(np.einsum("ij,ij->i", point_mm - a, ab) / length2, 0.0, 1.0)
        gap = a + share[:, None] * ab - point_mm
        best = int(np.argmin(np.einsum("ij,ij->i", gap, gap)))
        arc = self.arcs[v]
        return float(arc[best] + share[best] * (arc[best + 1] - arc[best]))

    def rest_point(self, v: int, point_mm: Floats, breath: float) -> Floats:
        """A point of vessel v as it would lie at end expiration, (3,) mm."""
        tree = self.patient.tree
        first = int(tree.first[v])
        k = first + int(np.searchsorted(self.arcs[v], self.place(v, point_mm, breath)))
        share = float(tree.breathing[min(k, int(tree.first[v + 1]) - 1)])
        return point_mm - share * breath * np.asarray(self.patient.breathing.amplitude_mm)

    def downstream(self, v: int, at_mm: float) -> Bools:
        """Beds, (B,), that blood leaving position (v, at_mm) forward can reach."""
        out: Bools = self.patient.beds.vessel == v
        for child, attach_mm in self.children[v]:
            if attach_mm >= at_mm:
                out = out | self.below[child]
        return out

    def native_flow(self, v: int, at_mm: float) -> float:
        """Flow at rest through position (v, at_mm), mL/s: the sum of the beds downstream."""
        return float(self.patient.beds.flow_mL_s[self.downstream(v, at_mm)].sum())

    def territories_below(self, v: int, at_mm: float) -> frozenset[str]:
        """Names of the territories that lie downstream of a position."""
        found = np.unique(self.patient.beds.territory[self.downstream(v, at_mm)])
        return frozenset(self.patient.territories[int(t)].name for t in found)

    def level(self, v: int, at_mm: float) -> str:
        """Selectivity at a position, by what lies downstream of it.

        Ultraselective: almost all downstream flow is the tumor's. Otherwise the number of segments, sectors
        and lobes downstream decides, and for one segment the share of its tissue. The caudate lobe, fed by
        either side, is left out unless it is alone.
        """
        reach = self.downstream(v, at_mm)
        flow = self.patient.beds.flow_mL_s
        total = float(flow[reach].sum())
        liver = float(flow[reach & self._liver].sum())
        if total <= 0.0 or liver < self.rules.liver_share_least * total:
            return "nonselective"
        if float(flow[reach & self._tumor].sum()) >= self.rules.ultraselective_tumor_share * total:
            return "ultraselective"
        segments = {self._segment[b] for b in np.flatnonzero(reach & self._liver)}
        segments = segments - {"1"} or segments
        sectors = {_SECTORS.get(s, s) for s in segments}
        if len({_LOBES.get(s, s) for s in sectors}) > 1:
            return "nonselective"
        if len(sectors) > 1:
            return "lobar"
        if len(segments) > 1:
            return "sectoral"
        (segment,) = segments
        own = reach & self._liver & ~self._tumor
        tissue = float(self.patient.beds.tissue_mL[own].sum())
        whole = self._segment_tissue.get(segment, 0.0)
        return "segmental" if tissue >= self.rules.segmental_tissue_share * whole else "subsegmental"

    def distance(self, a: int, a_mm: float, b: int, b_mm: float) -> float:
        """Length of the way through the tree between two positions, mm."""
        up_a, up_b = self._way_up(a, a_mm), self._way_up(b, b_mm)
        common = next(v for v in up_a if v in up_b)
        (length_a, at_a), (length_b, at_b) = up_a[common], up_b[common]
        return length_a + length_b + abs(at_a - at_b)

    def _way_up(self, v: int, at_mm: float) -> dict[int, tuple[float, float]]:
        """Vessels from v to the root: length walked before reaching each, and where on it one arrives, mm."""
        out, walked = {v: (0.0, at_mm)}, 0.0
        while (p := int(self.patient.tree.parent[v])) >= 0:
            walked += at_mm
            at_mm = float(self.attach_mm[v])
            v = p
            out[v] = (walked, at_mm)
        return out
