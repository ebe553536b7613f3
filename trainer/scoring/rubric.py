"""Turns measures into points. The rubric is part of the case; everything it does is visible in it.

A part has a weight and items; an item compares one measure with a linear band and gives its points or a
share of them; gates cap the total. The total is 0..100.
"""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ConfigDict, Field, field_validator, model_validator

from trainer.scoring.phases import PHASES
from trainer.scoring.result import Result
from trainer.scoring.settings import error_definitions
from trainer.scoring.topology import LEVELS
from trainer.textfile import StrictModel

SACE = ("I", "II", "III", "IV")
_WORDS = ("value", "full", "none", "lost", "points")
_ALLOWED = "{value}, {full}, {none}, {lost} and {points}"

MEASURES: Mapping[str, str] = {
    "completed": "1 when the operator finished the procedure, else 0",
    "level": "0 nonselective, 1 lobar, 2 sectoral, 3 segmental, 4 subsegmental, 5 ultraselective",
    "selectivity.tumor": "share of the embolic in the tumor",
    "selectivity.target_segment": "share in the tumor's segment, tumor excluded",
    "selectivity.other_liver": "share in other segments",
    "selectivity.extrahepatic": "share in organs outside the liver, all together",
    "selectivity.systemic": "share that passed into veins",
    "selectivity.in_flight": "share still in the arteries at the end",
    "embolic_mL": "embolic delivered, mL",
    "feeder_coverage": "share of the tumor's flow that is stopped",
    "tumor_flow_left": "feeder flow at the end over that at the start",
    "sace": "end point: 1 SACE I .. 4 SACE IV",
    "drug_mg.tumor": "drug in the tumor, mg",
    "drug_mg.extrahepatic": "drug in organs outside the liver, mg",
    "drug_mg.given": "drug delivered, mg",
    "drug_share.tumor": "share of the delivered drug in the tumor",
    "exposure.tumor_peak_ug_mL": "highest concentration of drug in the tumor, ug/mL",
    "exposure.plasma_peak_ug_mL": "highest concentration of drug in plasma, ug/mL",
    "exposure.tumor_auc_day_ug_min_mL": "drug in the tumor, area under the curve over a day, ug min/mL",
    "exposure.plasma_auc_day_ug_min_mL": "the same in plasma",
    "exposure.regional_advantage": "the first over the second",
    "harm.minor": "consequences of that severity (assets/scoring/harm.yaml)",
    "harm.major": "consequences of that severity",
    "harm.critical": "consequences of that severity",
    "dose.kap_Gycm2": "kerma-area product, Gy cm2",
    "dose.air_kerma_mGy": "air kerma at the reference point, mGy",
    "dose.peak_skin_mGy": "peak skin dose, mGy",
    "dose.fluoro_time_s": "fluoroscopy time, s",
    "dose.frames": "stored DSA images",
    "dose.operator_uSv": "operator dose, uSv",
    "contrast_mL": "contrast, mL",
    "iodine_g": "iodine, g",
    "procedure_time_s": "time from the first step to finish, s",
    "handling.max_wall_force_N": "highest contact force on a wall, N",
    "handling.extravasated_mL": "blood, with what it carries, that left through holes in vessels, mL",
    "handling.tip_travel_mm": "way of the leading tip, mm",
    "handling.path_ratio": "that way over the shortest way to where treatment was given",
    "handling.wrong_branches": "entries into wrong branches",
    "handling.sparc": "smoothness of the tip's speed, near 0 is smooth",
    "errors.minor": "handling errors of that severity",
    "errors.major": "handling errors of that severity",
    "errors.critical": "handling errors of that severity",
    "phases.done": "share of the steps done",
    "phases.in_order": "share of the done steps that were in order",
}
"""Every measure an item or gate may name; to these add `errors.<code>` and `phases.<name>`."""


def measure_names() -> frozenset[str]:
    """All names a rubric may use."""
    codes = {f"errors.{code}" for code in error_definitions()}
    return frozenset(MEASURES) | codes | {f"phases.{name}" for name in PHASES}


def numbers(result: Result) -> dict[str, float | None]:
    """Every measure of a result as a number. None where nothing was measured (e.g. nothing moved)."""
    doc = result.to_json()
    out: dict[str, float | None] = {}
    for group in ("selectivity", "drug_mg", "exposure", "dose", "handling"):
        for key, value in doc[group].items():
            if isinstance(value, Mapping):
                out[f"{group}.{key}"] = float(sum(value.values()))
            elif value is None or isinstance(value, (int, float)):
                out[f"{group}.{key}"] = value
    for key in MEASURES:
        if key.startswith("exposure."):  # nothing was given
            out.setdefault(key, None)
    for key in ("completed", "embolic_mL", "feeder_coverage", "tumor_flow_left", "contrast_mL", "iodine_g",
                "procedure_time_s"):  # fmt: skip
        out[key] = float(doc[key])
    given = sum(out[f"drug_mg.{k}"] or 0.0 for k in doc["drug_mg"])
    out["drug_mg.given"] = given
    out["drug_share.tumor"] = (out["drug_mg.tumor"] or 0.0) / given if given > 0.0 else 0.0
    out["level"] = float(LEVELS.index(result.level)) if result.level else None
    out["sace"] = float(SACE.index(result.sace) + 1)
    errors = doc["handling"]["errors"]
    for severity in ("minor", "major", "critical"):
        out[f"harm.{severity}"] = float(sum(h["severity"] == severity for h in doc["harm"]))
        out[f"errors.{severity}"] = float(sum(e["severity"] == severity for e in errors))
    for code in error_definitions():
        out[f"errors.{code}"] = float(sum(e["code"] == code for e in errors))
    done = [p for p in doc["phases"] if p["done"]]
    for phase in doc["phases"]:
        out[f"phases.{phase['name']}"] = float(phase["done"])
    out["phases.done"] = len(done) / max(len(doc["phases"]), 1)
    out["phases.in_order"] = sum(p["in_order"] for p in done) / len(done) if done else 0.0
    return out


def _known(name: str) -> str:
    if name not in measure_names():
        raise ValueError(f"no measure is called '{name}'; scenarios/README.md lists them")
    return name


class _Documented(StrictModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Slope(_Documented):
    """A linear band: all points at `full`, none at `none`, in between in proportion."""

    full: float
    """All points here and beyond."""
    none: float
    """No points here and beyond."""

    @model_validator(mode="after")
    def _apart(self) -> Slope:
        if self.full == self.none:
            raise ValueError("'full' and 'none' must differ")
        return self

    def share(self, value: float) -> float:
        """Share of the points, 0..1, at a value."""
        return min(max((value - self.none) / (self.full - self.none), 0.0), 1.0)


class Item(_Documented):
    """One measure and its points inside a part."""

    measure: str
    title: str
    points: float = Field(gt=0)
    """Its share of the part, by proportion."""
    at_least: Slope | None = None
    """Band of measures that should be high (full above none)."""
    at_most: Slope | None = None
    """Band of measures that should be low (full below none). With both, the worse one counts."""
    unit: str = ""
    """Shown behind figures."""
    scale: float = Field(default=1.0, gt=0)
    """Factor from the measure to what the reason shows, e.g. 100 for percent."""
    reason: str = ""
    """Sentence for lost points; may use {value} {full} {none} {lost} {points}."""

    @field_validator("measure")
    @classmethod
    def _measure(cls, name: str) -> str:
        return _known(name)

    @field_validator("reason")
    @classmethod
    def _template(cls, text: str) -> str:
        try:
            used = [name for _, name, _, _ in string.Formatter().parse(text) if name is not None]
        except ValueError as error:
            raise ValueError(f"the sentence cannot be filled in: {error}") from None
        if wrong := sorted(set(used) - set(_WORDS)):
            raise ValueError(f"the sentence may only use {_ALLOWED}, not {', '.join(wrong)}")
        return text

    @model_validator(mode="after")
    def _bands(self) -> Item:
        if self.at_least is None and self.at_most is None:
            raise ValueError("give 'at_least', 'at_most' or both")
        if self.at_least is not None and self.at_least.full < self.at_least.none:
            raise ValueError("in 'at_least', 'full' must lie above 'none'")
        if self.at_most is not None and self.at_most.full > self.at_most.none:
            raise ValueError("in 'at_most', 'full' must lie below 'none'")
        return self

    def share(self, value: float | None) -> tuple[float, Slope]:
        """Share of the points at a value, and the band that decided. Nothing measured gives nothing."""
        slopes = [s for s in (self.at_least, self.at_most) if s is not None]
        if value is None:
            return 0.0, slopes[0]
        return min(((s.share(value), s) for s in slopes), key=lambda pair: pair[0])


class Part(_Documented):
    name: str
    title: str
    weight: float = Field(gt=0)
    """Share of the total; weights are scaled to 100."""
    items: list[Item] = Field(min_length=1)


class Gate(_Documented):
    """Caps the total when a measure is beyond a limit: some faults no other merit outweighs."""

    measure: str
    above: float | None = None
    """Applies when the measure is above this."""
    below: float | None = None
    """Applies when the measure is below this, or was not measured."""
    cap: float = Field(ge=0, le=100)
    """Highest total then."""
    reason: str

    @field_validator("measure")
    @classmethod
    def _measure(cls, name: str) -> str:
        return _known(name)

    @model_validator(mode="after")
    def _limit(self) -> Gate:
        if (self.above is None) == (self.below is None):
            raise ValueError("give either 'above' or 'below'")
        return self

    def applies(self, value: float | None) -> bool:
        if self.above is not None:
            return value is not None and value > self.above
        return value is None or (self.below is not None and value < self.below)


class Rubric(_Documented):
    parts: list[Part] = Field(min_length=1)
    gates: tuple[Gate, ...] = ()


def grade(rubric: Rubric, result: Result) -> dict[str, Any]:
    """The score of a result: {total, parts, gates, reasons}. Every lost point has its sentence."""
    values = numbers(result)
    whole = sum(part.weight for part in rubric.parts)
    parts: list[dict[str, Any]] = []
    reasons: list[str] = []
    for part in rubric.parts:
        of = 100.0 * part.weight / whole
        rows = _rows(part.items, values, of)
        parts.append({"name": part.name, "title": part.title, "of": of,
                      "points": sum(row["points"] for row in rows), "items": rows})  # fmt: skip
        reasons += [row["reason"] for row in rows if row["reason"]]
    total = sum(part["points"] for part in parts)
    gates: list[dict[str, Any]] = [
        {"measure": g.measure, "cap": g.cap, "reason": g.reason, "applied": g.applies(values[g.measure])}
        for g in rubric.gates
    ]
    for gate in sorted((g for g in gates if g["applied"]), key=lambda g: g["cap"]):
        reasons.insert(0, f"{gate['reason']} The total is capped at {gate['cap']:g}.")
        total = min(total, gate["cap"])
    return {"total": total, "parts": parts, "gates": gates, "reasons": reasons}


def _rows(items: Sequence[Item], values: Mapping[str, float | None], of: float) -> list[dict[str, Any]]:
    all_points = sum(item.points for item in items)
    out = []
    for item in items:
        value = values[item.measure]
        share, slope = item.share(value)
        worth = of * item.points / all_points
        lost = worth * (1.0 - share)
        out.append({"measure": item.measure, "title": item.title, "value": value, "of": worth,
                    "points": worth - lost, "reason": _reason(item, value, slope, lost, worth)})  # fmt: skip
    return out


def _reason(item: Item, value: float | None, slope: Slope, lost: float, worth: float) -> str:
    if lost < 0.05:
        return ""
    shown = [None if v is None else item.scale * v for v in (value, slope.full, slope.none)]
    words = dict(zip(("value", "full", "none"), (_figure(v, item.unit) for v in shown)))
    points = {"lost": f"{lost:.1f}", "points": f"{worth:.1f}"}
    text = item.reason or (
        f"{item.title}: {{value}}; full points {'from' if slope is item.at_least else 'up to'} {{full}}, "
        f"none {'below' if slope is item.at_least else 'from'} {{none}}."
    )
    return text.format(**words, **points) + f" Lost {points['lost']} of {points['points']} points."


def _figure(value: float | None, unit: str) -> str:
    if value is None:
        return "not measured"
    number = f"{value:.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"
    return f"{number}{'' if unit in ('', '%') else ' '}{unit}" if unit else number
