"""Arterioles that contrast widens: flow rises some seconds after it arrives and falls back within a minute."""

from __future__ import annotations

import numpy as np

from trainer.flow.fluids import Dilation
from trainer.flow.types import Floats

EVERY = 6
"""Steps between two looks; the network is factored anew after each that changes something."""
LEAST_CHANGE = 0.005


class Tone:
    """Resistance of B beds as a share of that at rest.

    Two stages in a row: the answer to contrast comes with their lag and fades more slowly (facts, clinical 2.3).
    """

    def __init__(self, beds: int, rules: Dilation) -> None:
        self.rules = rules
        self.first, self.second = np.zeros(beds), np.zeros(beds)
        self.told = np.ones(beds)
        """What the network was told last."""

    def step(self, iodine_mg_mL: Floats, dt_s: float) -> bool:
        """Advances by dt with the concentration (B,) that arrives. True when the network must be told `now`."""
        r = self.rules
        asked = np.minimum(1.0, iodine_mg_mL / r.full_mg_mL)
        if not self.second.any() and not asked.any():
            return False
        for stage, drive in ((self.first, asked), (self.second, self.first)):
            tau = 0.5 * np.where(drive > stage, r.lag_s, r.recovery_s)
            stage += (drive - stage) * -np.expm1(-dt_s / tau)
        self.second[self.second < 1e-6] = 0.0
        self.first[self.first < 1e-6] = 0.0
        return bool(np.max(np.abs(self.now - self.told), initial=0.0) > LEAST_CHANGE)

    @property
    def now(self) -> Floats:
        return 1.0 - (1.0 - self.rules.resistance) * self.second
