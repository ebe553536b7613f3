"""How generated trees and tumors are made: assets/anatomy/trees.yaml."""

from __future__ import annotations

from functools import cache
from typing import Literal

from trainer.anatomy.spec import Positive, Segment
from trainer.resources import resource
from trainer.textfile import StrictModel, read_model


class TumorFlowSpec(StrictModel):
    flow_mL_min_at_30_mm: Positive
    flow_exponent: Positive
    transit_s: Positive


class TreesSpec(StrictModel):
    format: Literal[1]
    terminals: dict[Segment, int]
    murray_exponent: Positive
    trunk_branches: int
    margin_mm: Positive
    clearance_mm: Positive
    spacing_mm: Positive
    liver_transit_s: Positive
    least_liver_share: Positive
    tumor: TumorFlowSpec


@cache
def load_trees() -> TreesSpec:
    """The shipped values."""
    return read_model(TreesSpec, resource("assets", "anatomy", "trees.yaml"))[0]
