"""Consequences by amounts, from the shipped rules."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from flow_patient import DT, LUMENS, device_at, shipped

from trainer.flow.flow import Flow
from trainer.scenario.schema import Labs
from trainer.scoring.harm import harm_rules, harms, in_words, reserve
from trainer.scoring.result import Result


def result_with(embolic_mL: float, systemic: float = 0.0, **organs: float) -> Result:
    """A result in which shares of the embolic went to organs and into veins."""
    tumor = 1.0 - sum(organs.values()) - systemic
    shares: dict[str, Any] = {"tumor": tumor, "extrahepatic": organs, "systemic": systemic}
    empty: dict[str, Any] = {}
    return Result("case", 1, "nobody", "0", True, None, shares, 0.0, 1.0, "I", empty, empty, 0.0, 0.0, 0.0, empty, (),
                  0.0, embolic_mL=embolic_mL)


def told(result: Result, after: dict[str, float] | None = None, child_pugh: str = "A5") -> dict[str, str]:
    return {str(h["code"]): str(h["severity"]) for h in harms(result, after or {}, child_pugh)}


def test_nothing_beside_the_tumor_harms_nobody() -> None:
    assert told(result_with(1.0)) == {}


@pytest.mark.parametrize(("share", "severity"), [(0.019, None), (0.02, "minor"), (0.149, "minor"), (0.15, "major")])
def test_the_gallbladder_by_amount(share: float, severity: str | None) -> None:
    assert told(result_with(1.0, gallbladder=share)).get("gallbladder") == severity


def test_organs_of_one_rule_are_added() -> None:
    assert told(result_with(1.0, stomach=0.08, pancreas=0.08)) == {"stomach_duodenum": "major"}


def test_the_gravest_comes_first() -> None:
    found = harms(result_with(2.0, gallbladder=0.05, spinal_cord=0.01), {}, "A5")
    assert [h["severity"] for h in found] == ["critical", "minor"]


@pytest.mark.parametrize(("oil", "severity"), [(0.5, None), (2.0, "minor"), (15.0, "major"), (21.0, "critical")])
def test_oil_in_the_lung(oil: float, severity: str | None) -> None:
    found = told(result_with(30.0, systemic=oil / 30.0), {"lung_oil_mL": oil})
    assert found == ({"lung_oil": severity} if severity else {})


def test_spheres_in_the_lung_are_told_apart_from_oil() -> None:
    assert told(result_with(2.0, systemic=0.25), {"lung_oil_mL": 0.0}) == {"lung_spheres": "major"}


@pytest.mark.parametrize(("child_pugh", "closed", "severity"), [
    ("A6", 0.3, None), ("A6", 0.5, "minor"), ("A6", 0.8, "major"), ("B8", 0.3, "minor"), ("B8", 0.5, "major"),
    ("C10", 0.03, "critical")])
def test_the_liver_that_is_left_counts_by_reserve(child_pugh: str, closed: float, severity: str | None) -> None:
    found = told(result_with(1.0), {"liver_closed_share": closed}, child_pugh)
    assert found.get("liver_reserve") == severity


def test_a_poor_albi_counts_as_class_b() -> None:
    found = harms(result_with(1.0), {"liver_closed_share": 0.2}, "A6", albi_grade=3)
    assert [h["code"] for h in found] == ["liver_reserve"]
    assert harms(result_with(1.0), {"liver_closed_share": 0.2}, "A6", albi_grade=2) == ()
    assert reserve("C12", 1) == "C"


@pytest.mark.parametrize(("bilirubin", "albumin", "score", "grade"), [
    (0.7, 42.0, -2.86, 1), (1.1, 36.0, -2.22, 2), (3.5, 26.0, -1.04, 3)])
def test_albi(bilirubin: float, albumin: float, score: float, grade: int) -> None:
    found = Labs(egfr_mL_min=80.0, bilirubin_mg_dL=bilirubin, albumin_g_L=albumin).albi()
    assert found is not None
    assert found[0] == pytest.approx(score, abs=0.01)
    assert found[1] == grade
    assert Labs(egfr_mL_min=80.0).albi() is None


def test_every_rule_tells_its_source_and_rises() -> None:
    for rule in harm_rules().values():
        assert rule.source
        for grade in {s.child_pugh for s in rule.steps}:
            amounts = [s.from_ for s in rule.steps if s.child_pugh == grade]
            assert amounts == sorted(amounts)
        assert in_words(rule.measure, 0.5)


def test_pressure_is_counted_while_a_wedged_tip_is_pushed_through() -> None:
    patient, cells = shipped()
    v = patient.tree.index("tumor_feeder")
    radius = float(patient.tree.radius[patient.tree.first[v + 1] - 1])
    place = float(patient.tree.arc(v)[-1]) - 1.0
    pressure = {}
    for name, outer in (("wedged", 0.99), ("free", 0.4)):
        flow = Flow(patient, cells, LUMENS, np.random.SeedSequence(3))
        shapes = device_at(patient, "tumor_feeder", place, outer_mm=2.0 * outer * radius, device="wide")
        for _ in range(120):
            flow.step(DT, shapes)
        assert flow.start_injection("microcatheter", "contrast_300", 1.0, 6.0, 0.0, 750.0) is None
        for _ in range(420):
            flow.step(DT, shapes)
        pressure[name] = flow.aftermath()["overpressure_mmHg_s"]
    assert pressure["wedged"] > 80.0
    assert pressure["free"] < 0.2 * pressure["wedged"]


def test_a_forced_dose_closes_normal_liver() -> None:
    patient, cells = shipped()
    flow = Flow(patient, cells, LUMENS, np.random.SeedSequence(3))
    flow.inject_at("right_hepatic_artery", 1.0, 60.0, "deb_100_300")
    for _ in range(70 * 60):
        flow.step(DT)
    assert 0.2 < flow.aftermath()["liver_closed_share"] < 0.9


def test_a_result_with_harm_goes_through_json() -> None:
    result = result_with(1.0, gallbladder=0.2)
    full = replace(result, harm=harms(result, {}, "A5"))
    assert full.to_json()["harm"][0]["code"] == "gallbladder"
