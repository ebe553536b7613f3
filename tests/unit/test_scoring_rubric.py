"""Points of a rubric against sums done by hand."""

from dataclasses import replace

import pytest
from procedure_fakes import good_procedure, insert, patient, push
from pydantic import ValidationError
from test_scoring_measures import played

from trainer.scoring.result import Result
from trainer.scoring.rubric import Gate, Item, Rubric, Slope, grade, measure_names, numbers


@pytest.fixture(scope="module")
def good() -> Result:
    return played(good_procedure(patient()))


def rubric(*gates: Gate) -> Rubric:
    """Two parts of weight 3 and 1: 75 and 25 points."""
    return Rubric.model_validate({
        "parts": [
            {"name": "where", "title": "Where", "weight": 3, "items": [
                {"measure": "selectivity.tumor", "title": "tumor", "points": 2, "at_least": {"full": 0.9, "none": 0.4}},
                {"measure": "selectivity.extrahepatic", "title": "out", "points": 1,
                 "at_most": {"full": 0.0, "none": 0.1}, "unit": "%", "scale": 100},
            ]},
            {"name": "dose", "title": "Dose", "weight": 1, "items": [
                {"measure": "contrast_mL", "title": "contrast", "points": 5, "unit": "mL",
                 "at_most": {"full": 50, "none": 150}, "reason": "{value} given, {full} wanted."},
            ]},
        ],
        "gates": [g.model_dump() for g in gates],
    })  # fmt: skip


def case(base: Result, tumor: float, out: float, contrast: float) -> Result:
    rest = 1.0 - tumor - out
    places = {"tumor": tumor, "target_segment": rest, "other_liver": 0.0, "extrahepatic": {"stomach": out},
              "systemic": 0.0, "in_flight": 0.0}  # fmt: skip
    return replace(base, selectivity=places, contrast_mL=contrast)


def test_full_marks(good: Result) -> None:
    score = grade(rubric(), case(good, 0.95, 0.0, 40.0))
    assert score["total"] == pytest.approx(100.0)
    assert score["reasons"] == []


def test_linear_bands_add_up_by_hand(good: Result) -> None:
    # tumor 0.65 is half of 50 points, outside 0.02 is 80 % of 25, contrast 75 mL is 75 % of 25
    score = grade(rubric(), case(good, 0.65, 0.02, 75.0))
    assert [p["points"] for p in score["parts"]] == pytest.approx([25.0 + 20.0, 18.75])
    assert score["total"] == pytest.approx(63.75)


def test_every_lost_point_has_a_sentence_with_figure_and_band(good: Result) -> None:
    reasons = grade(rubric(), case(good, 0.65, 0.02, 75.0))["reasons"]
    assert len(reasons) == 3
    assert reasons[2] == "75 mL given, 50 mL wanted. Lost 6.2 of 25.0 points."
    assert "2%" in reasons[1]


def test_beyond_the_band_gives_nothing_and_never_less(good: Result) -> None:
    score = grade(rubric(), case(good, 0.0, 0.9, 900.0))
    assert score["total"] == 0.0


def test_a_gate_caps_the_total_and_says_so(good: Result) -> None:
    gate = Gate(measure="selectivity.extrahepatic", above=0.05, cap=40, reason="Embolic left the liver.")
    capped = grade(rubric(gate), case(good, 0.9, 0.06, 40.0))
    assert capped["total"] == 40.0
    assert capped["reasons"][0] == "Embolic left the liver. The total is capped at 40."
    free = grade(rubric(gate), case(good, 0.9, 0.04, 40.0))
    assert free["total"] == pytest.approx(50.0 + 0.6 * 25.0 + 25.0)
    assert not free["gates"][0]["applied"]


def test_both_bands_make_a_window() -> None:
    item = Item(measure="tumor_flow_left", title="flow", points=1, at_least=Slope(full=0.05, none=0.0),
                at_most=Slope(full=0.2, none=0.6))  # fmt: skip
    assert [item.share(x)[0] for x in (0.0, 0.025, 0.1, 0.4, 0.9)] == pytest.approx([0.0, 0.5, 1.0, 0.5, 0.0])


def test_what_was_not_measured_earns_nothing_and_trips_gates_from_below() -> None:
    item = Item(measure="level", title="level", points=1, at_least=Slope(full=4, none=1))
    assert item.share(None)[0] == 0.0
    assert Gate(measure="level", below=1, cap=50, reason="r").applies(None)
    assert not Gate(measure="level", above=1, cap=50, reason="r").applies(None)


def test_every_measure_has_a_number(good: Result) -> None:
    assert measure_names() <= set(numbers(good))
    assert measure_names() <= set(numbers(played([insert("wire"), push("wire", 5.0)])))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"measure": "selectivity.tumour"}, "no measure is called"),
        ({"at_least": {"full": 0.1, "none": 0.5}}, "must lie above"),
        ({"at_least": None}, "give 'at_least'"),
        ({"reason": "{valeu} is low"}, "may only use"),
        ({"reason": "{value is low"}, "cannot be filled in"),
    ],
)
def test_faulty_items_are_refused(change: dict[str, object], message: str) -> None:
    sound = {"measure": "selectivity.tumor", "title": "t", "points": 1, "at_least": {"full": 0.9, "none": 0.4}}
    Item.model_validate(sound)
    with pytest.raises(ValidationError, match=message):
        Item.model_validate({**sound, **change})
