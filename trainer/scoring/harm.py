"""What a procedure did to the patient beside its aim, in words: assets/scoring/harm.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Literal

from pydantic import Field

from trainer.resources import resource
from trainer.scoring.result import Result
from trainer.scoring.settings import Severity
from trainer.textfile import StrictModel, read_model

Measure = Literal["embolic_mL", "lung_oil_mL", "lung_spheres_mL", "overpressure_mmHg_s", "liver_closed_share"]


class HarmStep(StrictModel):
    """From this amount on."""

    from_: float = Field(alias="from", gt=0)
    severity: Severity
    text: str
    child_pugh: Literal["A", "B", "C"] | None = None
    """Only in patients of this class."""


class HarmRule(StrictModel):
    title: str
    measure: Measure
    organs: tuple[str, ...] = ()
    """Of `embolic_mL`: organs whose amounts are added."""
    steps: tuple[HarmStep, ...] = Field(min_length=1)
    source: str


class HarmFile(StrictModel):
    format: Literal[1]
    harms: dict[str, HarmRule]


@cache
def harm_rules() -> dict[str, HarmRule]:
    """The shipped rules by code."""
    return read_model(HarmFile, resource("assets", "scoring", "harm.yaml"))[0].harms


def amounts(result: Result, after: Mapping[str, float]) -> dict[str, float]:
    """The measures besides `embolic_mL`. after: `Simulation.aftermath`."""
    lung = float(result.selectivity.get("systemic", 0.0)) * result.embolic_mL
    oil = after.get("lung_oil_mL", 0.0)
    return {"lung_oil_mL": oil, "lung_spheres_mL": max(lung - oil, 0.0),
            "overpressure_mmHg_s": after.get("overpressure_mmHg_s", 0.0),
            "liver_closed_share": after.get("liver_closed_share", 0.0)}


def reserve(child_pugh: str, albi_grade: int | None) -> str:
    """Class A, B or C whose steps count: Child-Pugh's, and at least B with ALBI grade 3."""
    return "B" if child_pugh[:1] == "A" and albi_grade == 3 else child_pugh[:1]


def harms(result: Result, after: Mapping[str, float], child_pugh: str,
          albi_grade: int | None = None) -> tuple[dict[str, Any], ...]:
    """What was done: code, title, severity, text, amount, measure and source, the gravest first.

    child_pugh: class and points, e.g. B7; albi_grade: 1-3, None when it is not known. A step counts from its amount
    on; the last that is reached is told.
    """
    grade = reserve(child_pugh, albi_grade)
    seen = amounts(result, after)
    organs: Mapping[str, float] = result.selectivity.get("extrahepatic", {})
    out = []
    for code, rule in harm_rules().items():
        amount = seen.get(rule.measure, 0.0)
        if rule.measure == "embolic_mL":
            amount = result.embolic_mL * sum(float(organs.get(o, 0.0)) for o in rule.organs)
        reached = [s for s in rule.steps if amount >= s.from_ and s.child_pugh in (None, grade)]
        if reached:
            step = max(reached, key=lambda s: s.from_)
            out.append({"code": code, "title": rule.title, "severity": step.severity, "text": step.text,
                        "amount": amount, "measure": rule.measure, "source": rule.source})
    order = ("critical", "major", "minor", "info")
    return tuple(sorted(out, key=lambda h: order.index(str(h["severity"]))))


def in_words(measure: str, amount: float) -> str:
    """An amount with its unit, as told to the trainee."""
    if measure == "liver_closed_share":
        return f"{100 * amount:.0f} % of the normal liver"
    if measure == "overpressure_mmHg_s":
        return f"{amount:.0f} mmHg s above the heart's"
    return f"{amount:.2f} mL of oil" if measure == "lung_oil_mL" else f"{amount:.2f} mL of embolic"
