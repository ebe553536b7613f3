"""What lies on the table and what the machine offers: the choices that menus show. Plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

from trainer.resources import resource
from trainer.textfile import StrictModel, read_model

FluidKind = Literal["contrast", "saline", "drug", "embolic"]


@dataclass(frozen=True, slots=True)
class DeviceChoice:
    """A device on the table. slot: one of commands.SLOTS."""

    id: str
    slot: str
    label: str
    note: str = ""
    shapeable: bool = False
    """Its tip may be bent before it goes in."""


@dataclass(frozen=True, slots=True)
class CoilChoice:
    """A coil on the table."""

    id: str
    label: str


@dataclass(frozen=True, slots=True)
class FluidChoice:
    """A fluid on the table."""

    id: str
    label: str
    kind: FluidKind = "contrast"


class InjectionPreset(StrictModel):
    """A power injection as used in practice for one vessel."""

    label: str
    rate_mL_s: float
    volume_mL: float
    rise_s: float = 0.3
    limit_psi: float = 1000.0
    source: str = "unverified"


class TipShape(StrictModel):
    """How a tip that can be shaped is bent before insertion."""

    label: str
    tip_mm: float
    tip_deg: float


class HandRates(StrictModel):
    """Rates of the hand syringe, mL/s."""

    normal: float
    fast: float
    fine: float


class Speeds(StrictModel):
    """How fast hands, C-arm and table move while their keys are held."""

    advance_mm_s: HandRates
    advance_in_lumen_mm_s: HandRates
    torque_rad_s: HandRates
    carm_deg_s: HandRates
    table_mm_s: HandRates


class HandsFile(StrictModel):
    """`assets/controls/hands.yaml`."""

    format: Literal[1]
    source: str
    speeds: Speeds
    syringe_mL_s: dict[FluidKind, HandRates]
    syringes_mL: list[float]
    injections: list[InjectionPreset]
    pulse_rates_hz: list[float]
    dsa_rates_hz: list[float]
    fov_mm: list[float]
    tip_shapes: list[TipShape]
    views_deg: dict[str, tuple[float, float]]


@cache
def hands_file() -> HandsFile:
    """The shipped speeds, rates and presets."""
    return read_model(HandsFile, resource("assets", "controls", "hands.yaml"))[0]


@dataclass(frozen=True, slots=True)
class ControlOptions:
    """Choices of one case."""

    devices: tuple[DeviceChoice, ...] = ()
    fluids: tuple[FluidChoice, ...] = ()
    coils: tuple[CoilChoice, ...] = ()
    hands: HandsFile = field(default_factory=hands_file)

    def fluid(self, name: str) -> FluidChoice | None:
        return next((f for f in self.fluids if f.id == name), None)

    def syringe_rates(self, fluid: str) -> HandRates:
        """Rates for a loaded fluid; those of contrast when it is not known."""
        rates: Mapping[FluidKind, HandRates] = self.hands.syringe_mL_s
        known = self.fluid(fluid)
        return rates[known.kind if known else "contrast"]
