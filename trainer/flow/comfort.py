"""How much it hurts: tissue whose arterioles close hurts, lidocaine that reached it takes part of that away.

There is no measured model of this; every figure is authored (assets/fluids/hemodynamics.yaml) and unverified. It is
here because a patient in pain breathes fast and holds the breath badly, and that spoils the pictures.
"""

from __future__ import annotations

import numpy as np

from trainer.flow.fluids import Pain
from trainer.flow.types import Bools, Floats


class Comfort:
    """Pain of one patient, 0 none to 1 unbearable. feels (B,): beds that hurt; rest_flow (B,) mL/s."""

    def __init__(self, rules: Pain, feels: Bools, rest_flow: Floats) -> None:
        self.rules = rules
        self._weight = np.where(feels, rest_flow, 0.0)
        self._closed = 0.0
        self._hurt = 0.0
        self._numb_mg = 0.0

    @property
    def relief(self) -> float:
        """Share of the pain that lidocaine takes away."""
        return self.rules.most_relief * self._numb_mg / (self._numb_mg + self.rules.half_mg)

    @property
    def pain(self) -> float:
        return float(min(1.0, self._hurt * (1.0 - self.relief)))

    def step(self, closed: Floats, lidocaine_mg: Floats, dt_s: float) -> None:
        """Advances by dt. closed (B,): share of each bed that is closed; lidocaine_mg (B,) that came to each."""
        now = float(self._weight @ closed)
        fresh = max(0.0, now - self._closed)
        self._closed = now
        self._hurt += self.rules.per_mL_s * fresh - self._hurt * -np.expm1(-dt_s / self.rules.fades_s)
        here = float(lidocaine_mg[self._weight > 0.0].sum())
        self._numb_mg += here - self._numb_mg * -np.expm1(-dt_s / self.rules.lasts_s)
