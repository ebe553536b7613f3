"""What injuries of the wall do to the blood: narrowed vessels, and holes that it leaves through."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from trainer.flow.network import ArterialNetwork
from trainer.flow.topology import Topology
from trainer.flow.types import Cells, Floats
from trainer.instruments.injuries import open_share
from trainer.instruments.injury_rules import PerforationRules
from trainer.instruments.types import Injury

POINTS = 4
"""Places in each half cell at which a narrowing is read."""


class Wounds:
    """Keeps the network as the injuries say. `holes` are the cells that leak, in the order of their outlets."""

    def __init__(self, network: ArterialNetwork, topology: Topology, cells: Cells, rules: PerforationRules) -> None:
        self.network, self.topology, self.cells, self.rules = network, topology, cells, rules
        self.holes: list[int] = []
        self._known: list[tuple[int, float]] = []
        self._seen: tuple[Injury, ...] = ()

    def see(self, injuries: tuple[Injury, ...]) -> list[int]:
        """Takes over the injuries; returns the cells of holes that are new."""
        if injuries is self._seen:
            return []
        narrowed = [(i.vessel, i.position_mm, i.left) for i in injuries if i.length_mm > 0.0]
        if narrowed != [(i.vessel, i.position_mm, i.left) for i in self._seen if i.length_mm > 0.0]:
            self.network.narrow(self._resistances(injuries))
        self._seen = injuries
        new = []
        for i in injuries:
            if i.kind == "perforation" and (i.vessel, i.position_mm) not in self._known:
                cell = self.topology.cell_at(self.cells, i.vessel, i.position_mm)
                self.network.open_hole(cell, self.rules.hole_mmHg_s_mL, self.rules.tissue_mL_mmHg)
                self._known.append((i.vessel, i.position_mm))
                new.append(cell)
        self.holes += new
        return new

    def _resistances(self, injuries: Sequence[Injury]) -> Floats:
        """Factor (2, n) by which each half cell resists more: the mean of 1 / share of the radius^4."""
        n = self.topology.arteries
        out = np.ones((2, n))
        at = (np.arange(POINTS) + 0.5) / POINTS
        for i in injuries:
            if i.length_mm <= 0.0 or i.left >= 1.0:
                continue
            for c in range(int(self.topology.first_cell[i.vessel]), int(self.topology.first_cell[i.vessel + 1])):
                start, size = self.cells.from_mm[c], self.cells.to_mm[c] - self.cells.from_mm[c]
                for half in range(2):
                    share = open_share(i, start + 0.5 * size * (half + at))
                    out[half, c] *= float(np.mean(share**-4.0))
        return out
