"""Breathing: how far the liver is displaced at each step."""

from __future__ import annotations

import math

import numpy as np

from trainer.anatomy.types import Breathing, Floats

PAUSE_POWER = 2
"""Displacement ~ sin^(2n): with n = 2 the breath rests near end expiration. Source: Lujan et al. 1999 model
z0 - b cos^(2n)."""
DRIFT_TIME_S = 12.0
"""Time in which a held breath drifts by most of its drift (unverified)."""
IRREGULAR = 0.08
"""Spread of depth and length from breath to breath (unverified)."""


class Breath:
    """The breath of one procedure. Draws one depth and one length for each breath from the generator."""

    def __init__(self, breathing: Breathing, rng: np.random.Generator) -> None:
        self._breathing = breathing
        self._rng = rng
        self._amplitude = np.array(breathing.amplitude_mm, dtype=np.float64)
        self._span = max(float(np.linalg.norm(self._amplitude)), 1e-9)
        self._phase = 0.0  # 0 end expiration, 0.5 end inspiration, 1 the next breath
        self._depth, self._rate = self._next()
        self._held_s = 0.0
        self._level = 0.0
        self._rest = 0.0

    def _next(self) -> tuple[float, float]:
        depth, length = np.clip(1.0 + IRREGULAR * self._rng.standard_normal(2), 0.7, 1.3)
        return float(min(depth, 1.1) / 1.1), float(self._breathing.rate_hz / length)

    def step(self, dt_s: float, hold: bool) -> tuple[float, Floats]:
        """Breath 0 (end expiration) to 1 (full inspiration), and the liver's displacement (3,) mm.

        A held breath stops where it is, then sinks slowly toward expiration by `hold_drift_mm`.
        """
        if hold:
            if self._held_s == 0.0:
                self._rest = self._level
            self._held_s += dt_s
            drift = (
                self._breathing.hold_drift_mm / self._span * (1.0 - math.exp(-self._held_s / DRIFT_TIME_S))
            )
            self._level = max(self._rest - drift, 0.0)
        else:
            if self._held_s > 0.0:
                self._resume()
            self._phase += dt_s * self._rate
            if self._phase >= 1.0:
                self._phase -= 1.0
                self._depth, self._rate = self._next()
            self._level = self._depth * math.sin(math.pi * self._phase) ** (2 * PAUSE_POWER)
        return self._level, self._level * self._amplitude

    def _resume(self) -> None:
        """Breathes on from the held level: out if the breath was past its top, else in."""
        self._held_s = 0.0
        share = min(self._level / self._depth, 1.0)
        rising = math.asin(share ** (1.0 / (2 * PAUSE_POWER))) / math.pi
        self._phase = rising if self._phase < 0.5 else 1.0 - rising
