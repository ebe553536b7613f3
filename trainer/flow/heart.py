"""Aortic pressure and the ventricle's contraction over one heartbeat."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np

from trainer.anatomy.types import Heart
from trainer.flow.types import Floats

SAMPLES = 512
_KNOTS = ((0.0, 0.0), (0.118, 1.0), (0.20, 0.90), (0.30, 0.66), (0.412, 0.44), (0.465, 0.52), (0.60, 0.36),
          (0.80, 0.16), (1.0, 0.0))
"""Share of the period, share of the pulse pressure: upstroke 0.1 s and dicrotic notch at 0.35 s of a 0.85 s
beat; the shape between them is authored (unverified)."""

_CONTRACTION = ((0.0, 0.0), (0.40, 1.0), (0.60, 0.25), (0.85, 0.15), (1.0, 0.0))
"""Share of the period from the upstroke, share of the way from end diastole to end systole: ejection up to the
notch, quick filling, rest, the atrium's own push; authored after a left ventricle's volume curve (unverified)."""


def contraction_at(phase: float) -> float:
    """How far the heart is contracted at a phase of its beat, 0 at the upstroke: 0 end diastole, 1 end systole."""
    x = phase % 1.0
    for (a, low), (b, high) in pairwise(_CONTRACTION):
        if x <= b:
            return low + (high - low) * 0.5 * (1.0 - math.cos(math.pi * (x - a) / (b - a)))
    return 0.0


def pressure_wave(heart: Heart) -> Floats:
    """Aortic pressure over one period, (512,) mmHg, with the heart's systolic, diastolic and mean values.

    The shape's exponent is solved so that the time mean is the given one.
    """
    at = np.arange(SAMPLES) / SAMPLES
    t, y = np.array([k[0] for k in _KNOTS]), np.array([k[1] for k in _KNOTS])
    i = np.clip(np.searchsorted(t, at, side="right") - 1, 0, len(t) - 2)
    u = (at - t[i]) / (t[i + 1] - t[i])
    shape = y[i] + (y[i + 1] - y[i]) * 0.5 * (1.0 - np.cos(np.pi * u))
    pulse = heart.systolic_mmHg - heart.diastolic_mmHg
    if pulse <= 0.0:
        return np.full(SAMPLES, heart.mean_mmHg)
    wanted = min(0.8, max(0.1, (heart.mean_mmHg - heart.diastolic_mmHg) / pulse))
    low, high = 0.1, 10.0
    for _ in range(60):
        power = 0.5 * (low + high)
        low, high = (power, high) if float(np.mean(shape**power)) > wanted else (low, power)
    return np.asarray(heart.diastolic_mmHg + pulse * shape**power)


def pressure_at(wave: Floats, period_s: float, t_s: float) -> float:
    """Pressure at time t, mmHg, linear between the samples of one period."""
    x = (t_s / period_s) % 1.0 * len(wave)
    i = int(x) % len(wave)
    f = x - int(x)
    return float((1.0 - f) * wave[i] + f * wave[(i + 1) % len(wave)])
