"""The data files of scoring: selectivity rules, end points and error definitions."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Literal

from pydantic import Field

from trainer.resources import resource
from trainer.textfile import StrictModel, read_model

Severity = Literal["info", "minor", "major", "critical"]


class LevelRules(StrictModel):
    """Thresholds of the selectivity levels."""

    liver_share_least: float = Field(gt=0, le=1)
    ultraselective_tumor_share: float = Field(gt=0, le=1)
    segmental_tissue_share: float = Field(gt=0, le=1)
    source: str


class SaceRules(StrictModel):
    """Feeder flow, as a share of that at the start, at and above which a SACE level holds."""

    one_above: float = Field(gt=0, le=1)
    two_above: float = Field(gt=0, le=1)
    three_above: float = Field(ge=0, le=1)
    source: str


class MotionRules(StrictModel):
    """How motion of the leading tip is sampled."""

    travel_step_mm: float = Field(gt=0)
    episode_speed_mm_s: float = Field(gt=0)
    episode_gap_s: float = Field(gt=0)
    episode_least_s: float = Field(gt=0)
    source: str


class EmboliRules(StrictModel):
    """Organs in which air or clot is an emergency, by the names that territories give their organs."""

    critical_organs: tuple[str, ...]
    source: str


class Levels(StrictModel):
    format: Literal[1]
    levels: LevelRules
    sace: SaceRules
    motion: MotionRules
    emboli: EmboliRules


class ErrorDefinition(StrictModel):
    """One handling error: what it is, from what figure on, how grave, and where that comes from."""

    title: str
    severity: Severity
    definition: str
    """For the trainee: what counts, with the thresholds in words."""
    advice: str
    """What to do instead."""
    limits: Mapping[str, float] = {}
    """Thresholds by name; the unit ends the name."""
    cooldown_s: float = Field(default=10.0, ge=0)
    """The same error is not written again within this time."""
    source: str


class ErrorDefinitions(StrictModel):
    format: Literal[1]
    errors: dict[str, ErrorDefinition]


@cache
def levels() -> Levels:
    """Shipped thresholds of levels, end points and motion."""
    return read_model(Levels, resource("assets", "scoring", "levels.yaml"))[0]


@cache
def error_definitions() -> Mapping[str, ErrorDefinition]:
    """Shipped handling errors by code."""
    return read_model(ErrorDefinitions, resource("assets", "scoring", "errors.yaml"))[0].errors
