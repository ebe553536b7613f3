"""Coils in the blood's way: shut in part at once, nearly whole once clotted."""

from __future__ import annotations

import numpy as np

from trainer.flow.topology import Topology
from trainer.flow.types import Cells, Floats
from trainer.instruments.coils import CoilRules
from trainer.instruments.types import Coil

EVERY = 30
"""Steps between two looks."""


class Coiling:
    """How much of each artery cell coils have shut."""

    def __init__(self, cells: Cells, topology: Topology, rules: CoilRules) -> None:
        self.cells, self.topology, self.rules = cells, topology, rules
        self._age_s: list[float] = []
        self._steps = 0

    def step(self, coils: tuple[Coil, ...], dt_s: float) -> Floats | None:
        """Share shut of each artery cell (n,), or None when nothing is new."""
        if not coils:
            return None
        fresh = len(coils) - len(self._age_s)
        self._age_s = [a + dt_s for a in self._age_s] + [0.0] * fresh
        self._steps += 1
        if not fresh and self._steps % EVERY:
            return None
        shut = np.zeros(self.topology.arteries)
        for coil, age in zip(coils, self._age_s, strict=True):
            a, b = int(self.topology.first_cell[coil.vessel]), int(self.topology.first_cell[coil.vessel + 1])
            inside = (self.cells.to_mm[a:b] > coil.from_mm) & (self.cells.from_mm[a:b] < coil.to_mm)
            # nests over one another: what is open of each is open of both
            shut[a:b] = np.where(inside, 1.0 - (1.0 - shut[a:b]) * (1.0 - self.closed(coil, age)), shut[a:b])
        return shut

    def closed(self, coil: Coil, age_s: float) -> float:
        """Share of the lumen that a coil has shut at an age."""
        r = self.rules
        at_once = min(r.closes_per_packing * coil.packing, r.most_at_once)
        return float(at_once + (r.finally_ - at_once) * -np.expm1(-age_s / r.clotting_s))
