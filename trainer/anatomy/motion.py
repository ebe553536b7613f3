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
HOLD_S = 30.0
"""How long a patient without pain holds the breath (unverified)."""
PAIN_HOLD, PAIN_RATE, PAIN_DEPTH, PAIN_IRREGULAR = 0.7, 0.5, 0.3, 3.0
"""What unbearable pain takes from a held breath and a breath's depth, and adds to rate and irregularity (authored)."""
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
        self._depth, self._rate = self._next(0.0)
        self._held_s, self._spent = 0.0, False
        self._level = 0.0
        self._rest = 0.0

    @property
    def holding(self) -> bool:
        """The breath is held now."""
        return self._held_s > 0.0

    def _next(self, pain: float) -> tuple[float, float]:
        spread = IRREGULAR * (1.0 + PAIN_IRREGULAR * pain)
        depth, length = np.clip(1.0 + spread * self._rng.standard_normal(2), 0.7, 1.3)
        shallow = 1.0 - PAIN_DEPTH * pain
        rate = self._breathing.rate_hz * (1.0 + PAIN_RATE * pain)
        return float(shallow * min(depth, 1.1) / 1.1), float(rate / length)

    def step(self, dt_s: float, hold: bool, pain: float = 0.0) -> tuple[float, Floats]:
        """Breath 0 (end expiration) to 1 (full inspiration), and the liver's displacement (3,) mm.

        A held breath stops where it is, then sinks slowly toward expiration by `hold_drift_mm`. After some time, less
        with pain (0 to 1), the patient breathes on, whatever was asked, until asked anew.
        """
        self._spent = hold and (self._spent or self._held_s >= HOLD_S * (1.0 - PAIN_HOLD * pain))
        if hold and not self._spent:
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
                self._depth, self._rate = self._next(pain)
            self._level = self._depth * math.sin(math.pi * self._phase) ** (2 * PAUSE_POWER)
        return self._level, self._level * self._amplitude

    def _resume(self) -> None:
        """Breathes on from the held level: out if the breath was past its top, else in."""
        self._held_s = 0.0
        share = min(self._level / self._depth, 1.0)
        rising = math.asin(share ** (1.0 / (2 * PAUSE_POWER))) / math.pi
        self._phase = rising if self._phase < 0.5 else 1.0 - rising
