"""The data of injuries of the wall, assets/wall/injury.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Literal

from pydantic import Field

from trainer.resources import resource
from trainer.textfile import StrictModel, read_model


class ContactRules(StrictModel):
    window_mm: float = Field(gt=0)
    end_mm: float = Field(gt=0)


class SpasmRules(StrictModel):
    widest_mm: float = Field(gt=0)
    rub_Nmm: float = Field(gt=0)
    forgets_s: float = Field(gt=0)
    place_mm: float = Field(gt=0)
    length_mm: float = Field(gt=0)
    narrowing: float = Field(gt=0, lt=1)
    comes_s: float = Field(gt=0)
    heals_s: float = Field(gt=0)
    relaxed_heals_s: float = Field(gt=0)
    relaxes_ug_mL: float = Field(gt=0)


class DissectionRules(StrictModel):
    end_N: Mapping[str, float]
    lasting_s: float = Field(ge=0)
    length_mm: float = Field(gt=0)
    narrowing: float = Field(gt=0, lt=1)
    apart_mm: float = Field(gt=0)


class JetRules(StrictModel):
    kPa: float = Field(gt=0)
    touching_N: float = Field(ge=0)
    lasting_s: float = Field(ge=0)


class PerforationRules(StrictModel):
    widest_mm: float = Field(gt=0)
    end_N: Mapping[str, float]
    lasting_s: float = Field(ge=0)
    apart_mm: float = Field(gt=0)
    hole_mmHg_s_mL: float = Field(gt=0)
    tissue_mL_mmHg: float = Field(gt=0)


class InjuryRules(StrictModel):
    format: Literal[1]
    contact: ContactRules
    spasm: SpasmRules
    dissection: DissectionRules
    jet: JetRules
    perforation: PerforationRules


@cache
def injury_rules() -> InjuryRules:
    """The shipped rules."""
    return read_model(InjuryRules, resource("assets", "wall", "injury.yaml"))[0]
