"""The machine's constants, read from assets/xray/system.yaml."""

from __future__ import annotations

import math
from functools import cache
from typing import Literal

from trainer.resources import resource
from trainer.textfile import StrictModel, read_model


class Value(StrictModel):
    value: float
    source: str


class Values(StrictModel):
    values: tuple[float, ...]
    source: str


class Distances(StrictModel):
    sid_mm: float
    sod_mm: float
    source: str


class Grid(StrictModel):
    """Transmission of the anti-scatter grid."""

    primary: float
    scatter: float
    source: str


class Scatter(StrictModel):
    spr_20cm: float
    thickness_power: float
    field_cm2: float
    source_depth_mm: float
    spread_mm: float
    source: str


class Mode(StrictModel):
    """Fluoroscopy or DSA: receptor dose a pulse, allowed rates, limits of the generator and of the receptor dose."""

    dose_uGy: float
    rates_hz: tuple[float, ...]
    field_power: float
    mA_max: float
    ms_min: float
    ms_max: float
    limit_mGy_min: float
    most_uGy: float = math.inf
    """Receptor dose of a pulse that no field passes."""
    most_uGy_s: float = math.inf
    """The same for the pulses of a second."""
    source: str


class DoseModes(StrictModel):
    """Fluoroscopy with less and more dose."""

    factors: dict[Literal["low", "normal", "high"], float]
    high_limit_mGy_min: float
    source: str


class Stages(StrictModel):
    """(kVp, copper mm) in the order that exposure control takes them, thin to thick."""

    fluoro: tuple[tuple[float, float], ...]
    dsa: tuple[tuple[float, float], ...]


class Skin(StrictModel):
    backscatter: float
    warn_mGy: float


class Filter(StrictModel):
    fluoro_weight: float
    edge: float


class System(StrictModel):
    geometry: Distances
    fields_mm: Values
    sid_range_mm: Values
    wedge: Value
    speed_deg_s: Value
    reference_mm: Value
    focus_mm: Value
    mtf_at_1_lp: Value
    lag: Value
    heel: Value
    electronic_quanta: Value
    grid: Grid
    scatter: Scatter
    fluoro: Mode
    dose_modes: DoseModes
    dsa: Mode
    stages: Stages
    skin: Skin
    operator_shielded_uSv_Gycm2: Value
    operator_uSv_Gycm2: Value
    alerts_mGy: Values
    filter: Filter

    def fluoro_at(self, level: str) -> Mode:
        """Fluoroscopy in a dose mode: low, normal or high."""
        factor = self.dose_modes.factors[level]  # type: ignore[index]
        limit = self.dose_modes.high_limit_mGy_min if level == "high" else self.fluoro.limit_mGy_min
        return self.fluoro.model_copy(update={"dose_uGy": factor * self.fluoro.dose_uGy, "limit_mGy_min": limit})


@cache
def load_system() -> System:
    """The shipped machine."""
    return read_model(System, resource("assets", "xray", "system.yaml"))[0]
