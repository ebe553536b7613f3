"""Exposure control: which kVp, copper, mA and pulse width give the receptor its dose behind this patient."""

from __future__ import annotations

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
    same copper the voltage rises only as far as needed. At the last limit the picture gets darker, not wrong.
    """
    target = target_uGy(mode, system, geometry)
    reference = geometry.sod - system.reference_mm.value
    most = mode.mA_max * mode.ms_max / 1000.0

    def needed(b: Beam) -> tuple[float, float]:
        """mAs for the dose, and the mAs allowed."""
        per_mAs = kerma_uGy(b, 1.0, geometry.sid) * receptor_share(b, water_mm, system.grid.primary)
        entrance = mode.limit_mGy_min * 1000.0 / 60.0 / rate_hz / kerma_uGy(b, 1.0, reference)
        return target / per_mAs, min(most, entrance)

    chosen: Beam | None = None
    for k, (kvp, copper) in enumerate(stages):
        b = beam(kvp, copper)
        want, allowed = needed(b)
        if want > allowed:
            continue
        chosen = b
        if k and stages[k - 1][1] == copper:
            low, high = stages[k - 1][0], kvp
            for _ in range(7):
                mid = 0.5 * (low + high)
                want, allowed = needed(beam(round(mid, 2), copper))
                low, high = (low, mid) if want <= allowed else (mid, high)
            chosen = beam(round(high, 2), copper)
        break
    limited = chosen is None
    if chosen is None:
        chosen = beam(*stages[-1])
    want, allowed = needed(chosen)
    mAs = min(want, allowed)
    mA = min(mAs * 1000.0 / mode.ms_min, mode.mA_max)
    ms = mAs * 1000.0 / mA
    open_uGy = kerma_uGy(chosen, mAs, geometry.sid)
    return Exposure(
        chosen,
        mA,
        ms,
        open_uGy,
        kerma_uGy(chosen, mAs, reference),
        open_uGy * receptor_share(chosen, water_mm, system.grid.primary),
        limited,
    )
