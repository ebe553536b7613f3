"""The Result: one document per procedure, the same in files, on screens and in stores."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True)
class Result:
    """All figures of one procedure. `to_json` gives the document in the order of the fields."""

    scenario: str
    seed: int
    operator: str
    version: str
    completed: bool
    """The operator finished it (not broken off)."""
    level: str | None
    """Selectivity at which the embolic (or, without one, the drug) was given; None when nothing was."""
    selectivity: Mapping[str, Any]
    """Shares of the embolic delivered: tumor, target_segment, other_liver, extrahepatic {organ: share},
    systemic, in_flight. They sum to 1, or are all 0 when none was given."""
    feeder_coverage: float
    """Share of the tumor beds' flow at the start that is stopped, 0..1."""
    tumor_flow_left: float
    """Feeder flow at the end as a share of that at the start."""
    sace: str
    """End point I..IV by measured flow."""
    drug_mg: Mapping[str, Any]
    """The same places, mg."""
    dose: Mapping[str, float]
    contrast_mL: float
    iodine_g: float
    procedure_time_s: float
    handling: Mapping[str, Any]
    phases: tuple[Mapping[str, Any], ...]
    mass_balance_error: float
    exposure: Mapping[str, float] = field(default_factory=dict)
    """Drug over time in tumor and plasma: peaks, ug/mL, areas under the curves, ug min/mL, to the end and over the day
    after, and their ratio. Empty when no drug was given."""
    harm: tuple[Mapping[str, Any], ...] = ()
    """What it did to the patient beside its aim: code, title, severity, text, amount, measure, source."""
    embolic_mL: float = 0.0
    """Embolic delivered past the tip."""
    score: Mapping[str, Any] = field(default_factory=dict)
    recording: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Mapping of plain values: equal to itself after a way through JSON. What is not finite is None."""
        return {key: plain(value) for key, value in asdict(self).items()}


def plain(value: Any) -> Any:
    """A value as JSON gives it back: lists for tuples, Python numbers for numpy's, None for NaN."""
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


FIELDS = tuple(f.name for f in fields(Result))
