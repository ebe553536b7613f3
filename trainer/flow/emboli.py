"""Air and clot that have left a tip: they close part of the beds beyond it for a while."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from trainer.flow.types import Floats, Ints
from trainer.instruments.mishap_rules import FlushRules

GONE = 1e-3
"""Share of a bed below which nothing is left of it."""


@dataclass(slots=True)
class Emboli:
    """Closed shares of the beds, (B,), by what closes them."""

    rules: FlushRules
    closed: dict[str, Floats] = field(default_factory=dict)

    def lodge(self, what: str, bed_flow: Floats, capacity_mL: Floats) -> None:
        """Shares a volume among beds by their flow (B,) mL/s (0 for beds that are not downstream)."""
        flow = np.maximum(bed_flow, 0.0)
        if flow.sum() <= 0.0:
            return
        share = self.rules.blocks_mL[what] * flow / flow.sum() / capacity_mL
        before = self.closed.get(what, np.zeros(len(flow)))
        self.closed[what] = np.minimum(before + share, self.rules.most_closed)

    def fade(self, dt_s: float) -> None:
        for what in list(self.closed):
            self.closed[what] = self.closed[what] * np.exp(-dt_s / self.rules.lasts_s[what])
            if self.closed[what].max() < GONE:
                del self.closed[what]

    def with_spheres(self, closed: Floats) -> Floats:
        """Share of each bed that is closed by spheres (B,), air and clot together."""
        left = 1.0 - closed
        for share in self.closed.values():
            left = left * (1.0 - share)
        return np.asarray(1.0 - left)


def beds_below(cell: int, up: Ints, bed_cell: Ints) -> NDArray[np.bool_]:
    """Beds (B,) that blood from an artery cell reaches. up (n,): parent cells, before their children."""
    below = np.zeros(len(up), np.bool_)
    below[cell] = True
    for i in range(cell + 1, len(up)):
        below[i] = up[i] >= 0 and below[up[i]]
    return np.asarray(below[bed_cell])
