"""Exposure control: which kVp, copper, mA and pulse width give the receptor its dose behind this patient."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from trainer.imaging.beam import Beam, beam
from trainer.imaging.geometry import Geometry
from trainer.imaging.system import Mode, System

BONE_WATER = 2.5
"""mm of water that 1 mm of cortical bone stands for when the control estimates thickness."""


@dataclass(frozen=True, slots=True)
class Exposure:
    """One pulse. Kerma in uGy of air."""

    beam: Beam
    mA: float
    ms: float
    open_uGy: float  # at the detector's middle without patient and grid
    reference_uGy: float  # at the reference point
    receptor_uGy: float  # behind patient and grid, scatter not counted
    limited: bool  # the generator or the entrance limit kept it from its dose

    @property
    def mAs(self) -> float:
        return self.mA * self.ms / 1000.0


def kerma_uGy(source_beam: Beam, mAs: float, distance_mm: float) -> float:
    """Air kerma in the free beam: yield at 1 m times mAs times (1 m / distance)^2 (imaging.md 2.2)."""
    return source_beam.kerma_uGy_mAs * mAs * (1000.0 / distance_mm) ** 2


def receptor_share(b: Beam, water_mm: float, grid: float) -> float:
    """Kerma behind patient and grid as a share of the open beam's; by the detector signal, calibrated at 20 cm."""
    share: float = b.transmission(water_mm) * b.kerma_over_signal * grid
    return share


def target_uGy(mode: Mode, system: System, geometry: Geometry) -> float:
    """Receptor dose of a pulse: smaller fields take more, so that noise per seen detail stays."""
    zoom: float = (system.fields_mm.values[0] / geometry.field_mm) ** mode.field_power
    return mode.dose_uGy * zoom


def _lowest(low: float, high: float, copper: float, enough: Callable[[Beam], bool]) -> Beam:
    """The lowest whole voltage above one stage and up to the next, of the same copper, that is enough."""
    under, over = math.floor(low), math.floor(high)
    while over - under > 1:
        middle = (under + over) // 2
        under, over = (under, middle) if enough(beam(float(middle), copper)) else (middle, over)
    return beam(float(over), copper)


def control(
    system: System,
    mode: Mode,
    stages: tuple[tuple[float, float], ...],
    geometry: Geometry,
    water_mm: float,
    rate_hz: float,
) -> Exposure:
    """The exposure for a patient of water_mm. Stages from thin to thick; inside one first mA, then pulse width.

    A stage is left when its generator limit or the entrance limit would be passed; between two stages of the
    same copper the voltage rises only as far as needed. Where no stage reaches the dose, the one that comes
    nearest is taken: the picture gets darker, not wrong.
    """
    target = target_uGy(mode, system, geometry)
    reference = geometry.sod - system.reference_mm.value
    most = mode.mA_max * mode.ms_max / 1000.0

    def needed(b: Beam) -> tuple[float, float]:
        """mAs for the dose, and the mAs allowed."""
        per_mAs = kerma_uGy(b, 1.0, geometry.sid) * receptor_share(b, water_mm, system.grid.primary)
        entrance = mode.limit_mGy_min * 1000.0 / 60.0 / rate_hz / kerma_uGy(b, 1.0, reference)
        return target / per_mAs, min(most, entrance)

    def reached(b: Beam) -> float:
        want, allowed = needed(b)
        return allowed / want

    first = next((k for k, s in enumerate(stages) if reached(beam(*s)) >= 1.0), None)
    if first is None:
        chosen = max((beam(*s) for s in stages), key=reached)
    elif first and stages[first - 1][1] == stages[first][1]:
        chosen = _lowest(stages[first - 1][0], *stages[first], lambda b: reached(b) >= 1.0)
    else:
        chosen = beam(*stages[first])
    return _exposure(system, mode, geometry, chosen, min(needed(chosen)), water_mm, first is None)


def _exposure(
    system: System, mode: Mode, geometry: Geometry, chosen: Beam, mAs: float, water_mm: float, limited: bool
) -> Exposure:
    """A pulse of mAs: current up to its limit first, then pulse width."""
    mA = min(mAs * 1000.0 / mode.ms_min, mode.mA_max)
    open_uGy = kerma_uGy(chosen, mAs, geometry.sid)
    return Exposure(
        chosen,
        mA,
        mAs * 1000.0 / mA,
        open_uGy,
        kerma_uGy(chosen, mAs, geometry.sod - system.reference_mm.value),
        open_uGy * receptor_share(chosen, water_mm, system.grid.primary),
        limited,
    )
