"""The data of the puncture, assets/access/puncture.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Literal

from pydantic import Field

from trainer.resources import resource
from trainer.textfile import StrictModel, read_model


class TubeRules(StrictModel):
    material: str
    outer_mm: float = Field(gt=0)
    inner_mm: float = Field(ge=0)


class NeedleRules(StrictModel):
    length_mm: float = Field(gt=0)
    speed_mm_s: float = Field(gt=0)
    point_mm_s: float = Field(gt=0)
    wall_mm: float = Field(gt=0)
    xray: tuple[TubeRules, ...]


class GuideRules(StrictModel):
    ahead_mm: float = Field(gt=0)
    xray: tuple[TubeRules, ...]


class SheathRules(StrictModel):
    xray: tuple[TubeRules, ...]


class RouteRules(StrictModel):
    """One access; high_share and low_share only where a femoral head is the landmark."""

    skin_mm: float = Field(gt=0)
    angle_deg: float = Field(gt=0, lt=90)
    start_along_mm: float
    start_across_mm: float
    vein_medial_mm: float = Field(ge=0)
    vein_radius_mm: float = Field(ge=0)
    pulse_mm: float = Field(gt=0)
    high_share: float | None = None
    low_share: float | None = None
    goes_on_mm: float = Field(gt=0)
    goes_on_radius_mm: float = Field(gt=0)


class PunctureRules(StrictModel):
    format: Literal[1]
    needle: NeedleRules
    wire: GuideRules
    sheath: SheathRules
    press_s: float = Field(gt=0)
    fluoro_mm: float = Field(gt=0)
    routes: Mapping[str, RouteRules]


@cache
def puncture_rules() -> PunctureRules:
    """The shipped rules."""
    return read_model(PunctureRules, resource("assets", "access", "puncture.yaml"))[0]
