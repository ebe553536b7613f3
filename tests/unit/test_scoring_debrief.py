"""Data of the debrief: what lodged where, on which vessel, and why points were lost."""

import json

import numpy as np
import pytest
from procedure_fakes import NAMES, TERRITORIES, good_procedure, patient
from test_scoring_measures import played

from trainer.scoring.debrief import debrief
from trainer.scoring.errors import EVERY
from trainer.scoring.result import FIELDS
from trainer.scoring.rubric import grade
from trainer.scoring.settings import error_definitions

PLACES = {"tumor": 0.16, "segment_8": 0.03, "gallbladder": 0.01}


@pytest.fixture(scope="module")
def data() -> dict:  # type: ignore[type-arg]
    return debrief(patient(), played(good_procedure(patient())), PLACES)


def below(data: dict, name: str) -> float:  # type: ignore[type-arg]
    return float(next(v["embolic_mL"] for v in data["vessels"] if v["name"] == name))


def test_a_vessel_carries_what_lodged_below_it(data: dict) -> None:  # type: ignore[type-arg]
    assert below(data, "feeder") == pytest.approx(0.16)
    assert below(data, "segment_8") == pytest.approx(0.19)
    assert below(data, "right_hepatic") == pytest.approx(0.20)
    assert below(data, "gastroduodenal") == 0.0
    assert below(data, "aorta") == pytest.approx(sum(PLACES.values()))


def test_a_territory_is_split_over_its_beds_by_flow_unless_the_beds_are_known() -> None:
    p = patient()
    names = list(TERRITORIES)
    p.beds.territory[names.index("segment_5")] = names.index("segment_8")
    result = played(good_procedure(patient()))
    split = debrief(p, result, {"segment_8": 1.1})
    amounts = {b["vessel"]: b["embolic_mL"] for b in split["beds"] if b["territory"] == "segment_8"}
    assert amounts == pytest.approx({"segment_5": 0.6, "segment_8_far": 0.5})
    known = np.zeros(len(names))
    known[names.index("segment_5")] = 1.1
    exact = debrief(p, result, {"segment_8": 1.1}, known)
    assert below(exact, "segment_5") == pytest.approx(1.1)
    assert below(exact, "segment_8_far") == 0.0


def test_places_sum_to_one_with_each_organ_by_name(data: dict) -> None:  # type: ignore[type-arg]
    assert sum(data["places"].values()) == pytest.approx(1.0)
    assert len(data["vessels"]) == len(NAMES)
    assert data["vessels"][0]["points_mm"].shape[1] == 3


def test_the_timeline_runs_forward(data: dict) -> None:  # type: ignore[type-arg]
    times = [row["t_s"] for row in data["timeline"]]
    assert len(times) >= 9
    assert times == sorted(times)


def test_the_result_is_the_contract_document() -> None:
    from trainer.resources import resource
    from trainer.scenario.loading import load

    result = played(good_procedure(patient()))
    rubric = load(resource("scenarios", "segment_8_first_case.yaml")).scenario.rubric
    doc = {**result.to_json(), "score": grade(rubric, result)}
    assert set(doc) == set(FIELDS)
    assert json.loads(json.dumps(doc)) == doc
    assert set(doc["selectivity"]) == {
        "tumor", "target_segment", "other_liver", "extrahepatic", "systemic", "in_flight",
    }  # fmt: skip
    assert set(doc["drug_mg"]) == set(doc["selectivity"])
    assert set(doc["dose"]) == {
        "kap_Gycm2", "air_kerma_mGy", "peak_skin_mGy", "fluoro_time_s", "frames", "operator_uSv",
    }  # fmt: skip
    assert set(doc["handling"]) >= {
        "errors", "max_wall_force_N", "tip_travel_mm", "path_ratio", "wrong_branches", "sparc",
    }  # fmt: skip
    assert set(doc["score"]) == {"total", "parts", "gates", "reasons"}
    assert 95.0 <= doc["score"]["total"] <= 100.0


def test_every_error_is_defined_and_detected_with_a_source() -> None:
    definitions = error_definitions()
    assert set(definitions) == set(EVERY)
    assert all(d.source and d.definition and d.advice for d in definitions.values())
