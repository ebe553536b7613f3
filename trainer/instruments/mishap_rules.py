"""The data of mishaps, assets/mishaps/mishaps.yaml: tails of wires, exchange, kinks, flushing."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Literal

from pydantic import Field

from trainer.resources import resource
from trainer.textfile import StrictModel, read_model


class TailRules(StrictModel):
    """When the tail end of a wire slips into the hub around it, and how a wire follows that is not held."""

    warning_mm: float = Field(gt=0)
    rearmed_mm: float = Field(gt=0)
    follow_share: float = Field(ge=0, le=1)


class ExchangeRules(StrictModel):
    run_mm: float = Field(gt=0)
    reached_mm: float = Field(gt=0)


class KinkRules(StrictModel):
    """When a device kinks and what is left of it; see the comments in the file."""

    radius_mm: Mapping[str, float]
    twist_rad_mm: float = Field(gt=0)
    least_bend: float = Field(ge=0, le=1)
    support: float = Field(ge=0)
    window_mm: float = Field(gt=0)
    lasting_s: float = Field(ge=0)
    length_mm: float = Field(gt=0)
    apart_mm: float = Field(gt=0)
    stiffness_left: float = Field(gt=0, le=1)
    lumen_left: float = Field(gt=0, le=1)
    drag_share: float = Field(ge=0, le=1)
    wire_set: float = Field(ge=0, le=1)


class FlushRules(StrictModel):
    due_s: float = Field(gt=0)
    clot_s: float = Field(gt=0)
    heparin_slows: float = Field(gt=0, le=1)
    """How fast the clocks of a lumen full of heparinized saline run."""
    sent_mL: float = Field(gt=0)
    aspirate_s: float = Field(ge=0)
    rate_mL_s: float = Field(gt=0)
    syringe_mL: int
    volumes: float = Field(ge=1)
    blocks_mL: Mapping[str, float]
    most_closed: float = Field(ge=0, lt=1)
    lasts_s: Mapping[str, float]


class MishapRules(StrictModel):
    format: Literal[1]
    tails: TailRules
    exchange: ExchangeRules
    kinks: KinkRules
    flushing: FlushRules


@cache
def mishap_rules() -> MishapRules:
    """The shipped rules."""
    return read_model(MishapRules, resource("assets", "mishaps", "mishaps.yaml"))[0]
