"""Exposure control: which kVp, copper, mA and pulse width give the receptor its dose behind this patient."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from trainer.imaging.beam import Beam, beam
from trainer.imaging.dose import OPEN_FIELD, Shutters, area_cm2
from trainer.imaging.geometry import Geometry
from trainer.imaging.scatter import scatter_to_primary
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
    receptor_uGy: float  # behind patient and grid, scatter counted
    limited: bool  # the generator or the entrance limit kept it from its dose
    water_mm: float  # what stood before the receptor, as control saw it
    scatter_to_primary: float  # behind the grid

    @property
    def mAs(self) -> float:
        return self.mA * self.ms / 1000.0

    @property
    def words(self) -> str:
        return f"{self.beam.kvp:.0f} kV, {self.mA:.0f} mA, {self.ms:.1f} ms, {self.beam.copper_mm:g} mm Cu"

    @property
    def signal_uGy(self) -> float:
        """Kerma at the receptor, grid aside, for a signal of 1: the open beam's, as this body hardens it."""
        return self.open_uGy * self.beam.kerma_over_signal(self.water_mm)

    @property
    def quanta_uGy_mm2(self) -> float:
        """Noise-equivalent quanta per uGy and mm2 behind this body."""
        return self.beam.quanta_behind(self.water_mm)


def kerma_uGy(source_beam: Beam, mAs: float, distance_mm: float) -> float:
    """Air kerma in the free beam: yield at 1 m times mAs times (1 m / distance)^2 (imaging.md 2.2)."""
    return source_beam.kerma_uGy_mAs * mAs * (1000.0 / distance_mm) ** 2


def receptor_share(b: Beam, water_mm: float, grid: float) -> float:
    """Primary kerma behind patient and grid as a share of the open beam's."""
    return b.kerma_behind(water_mm) * grid


def scatter_seen(b: Beam, water_mm: float, geometry: Geometry, shutters: Shutters, system: System) -> float:
    """Scatter over primary behind the grid in the middle of the picture: what control cannot tell from the primary."""
    field_cm2 = area_cm2(geometry, shutters, geometry.sod)
    exit_mm = geometry.sod + 0.5 * water_mm
    return float(scatter_to_primary(water_mm, field_cm2, b.kvp, geometry.sid, exit_mm, system))


def target_uGy(mode: Mode, system: System, geometry: Geometry, rate_hz: float) -> float:
    """Receptor dose of a pulse, scatter and all: smaller fields take more, so that noise per seen detail stays,
    as far as the receptor's limits for a pulse and for a second allow."""
    zoom: float = (system.fields_mm.values[0] / geometry.field_mm) ** mode.field_power
    return min(mode.dose_uGy * zoom, mode.most_uGy, mode.most_uGy_s / rate_hz)


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
    shutters: Shutters = OPEN_FIELD,
) -> Exposure:
    """The exposure for a patient of water_mm. Stages from thin to thick; inside one first mA, then pulse width.

    The receptor measures what reaches it, so scatter takes its share of the dose: a collimated field, which makes
    less, is given more primary.

    A stage is left when its generator limit or the entrance limit would be passed; between two stages of the
    same copper the voltage rises only as far as needed. Where no stage reaches the dose, the one that comes
    nearest is taken: the picture gets darker, not wrong.
    """
    target = target_uGy(mode, system, geometry, rate_hz)
    reference = geometry.sod - system.reference_mm.value
    most = mode.mA_max * mode.ms_max / 1000.0

    def needed(b: Beam) -> tuple[float, float]:
        """mAs for the dose, and the mAs allowed."""
        primary = kerma_uGy(b, 1.0, geometry.sid) * receptor_share(b, water_mm, system.grid.primary)
        per_mAs = primary * (1.0 + scatter_seen(b, water_mm, geometry, shutters, system))
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
    spr = scatter_seen(chosen, water_mm, geometry, shutters, system)
    return _exposure(system, mode, geometry, chosen, min(needed(chosen)), water_mm, spr, first is None)


def _exposure(
    system: System, mode: Mode, geometry: Geometry, chosen: Beam, mAs: float, water_mm: float, spr: float, limited: bool
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
        open_uGy * receptor_share(chosen, water_mm, system.grid.primary) * (1.0 + spr),
        limited,
        water_mm,
        spr,
    )
