"""One pulse of the beam: what exposure control sees, how gas has drifted, and what waits to become a picture."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainer.imaging.dose import Shutters
from trainer.imaging.exposure import Exposure
from trainer.imaging.geometry import Geometry

Floats = NDArray[np.float64]

DRIFT_MM = 1.3
"""Amplitude of peristaltic drift of gas (unverified)."""


def gas_drift_mm(t_s: float, phase: Floats) -> Floats:
    """Peristaltic displacement (3,) mm of bowel gas: slow, irregular, deterministic in time."""
    w = 2.0 * math.pi * np.array([0.061, 0.083, 0.047])
    return DRIFT_MM * (0.7 * np.sin(w * t_s + phase) + 0.3 * np.sin(2.7 * w * t_s + 2.0 * phase))


def aec_water_mm(water_mm: NDArray[np.float32], shutters: tuple[float, float, float, float]) -> float:
    """Water path that exposure control sees: mean of the middle half of the open field of a (64, 64) map."""
    n = water_mm.shape[0]
    left, right, top, bottom = shutters
    a, b = 0.75 * left + 0.25 * (1 - right), 0.25 * left + 0.75 * (1 - right)
    c, d = 0.75 * top + 0.25 * (1 - bottom), 0.25 * top + 0.75 * (1 - bottom)
    part = water_mm[int(c * n) : max(int(d * n), int(c * n) + 1), int(a * n) : max(int(b * n), int(a * n) + 1)]
    # the detector averages signal, not path: thin parts count more
    return float(-math.log(float(np.exp(-0.02 * part).mean())) / 0.02)


@dataclass(slots=True)
class Shot:
    """A pulse on its way to a picture: its shadow is cast at once, the panel is exposed and read in later steps."""

    kind: str  # fluoro, preview (a moving arm), dsa
    t_s: float
    geometry: Geometry
    shutters: Shutters
    exposure: Exposure
    water_mm: NDArray[np.float32]
    unit_uGy: float
    number: int
    on_panel: bool = False
