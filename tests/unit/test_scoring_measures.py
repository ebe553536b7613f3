"""Measures of whole procedures played on a small simulation whose outcome is known."""

from dataclasses import replace

import pytest
from procedure_fakes import (
    XRAY,
    FakeSimulation,
    Script,
    device,
    frame,
    give,
    good_procedure,
    insert,
    load,
    patient,
    push,
    way,
)

from trainer.commands import Action, Commands, Hand
from trainer.frame import InjectionView, Truth
from trainer.scoring.measures import Measures, Target, sace, weighted_median_level
from trainer.scoring.result import Result
from trainer.scoring.settings import levels

TARGET = Target("feeder", "8", egfr=60.0)


def played(moves: list[tuple[int, Commands]]) -> Result:
    simulation, script = FakeSimulation(), Script(moves)
    now = simulation.reset(1)
    measures = Measures(simulation.patient, TARGET, now)
    while not now.finished:
        commands = script.poll(now)
        now = simulation.step(commands)
        measures.feed(now, commands)
    return measures.result("fake", 1, "script", now.finished)


@pytest.fixture(scope="module")
def good() -> Result:
    return played(good_procedure(patient()))


def codes(result: Result) -> list[str]:
    return [e["code"] for e in result.handling["errors"]]


def test_a_good_procedure_measures_as_one(good: Result) -> None:
    assert good.completed
    assert good.level == "ultraselective"
    assert good.selectivity["tumor"] == pytest.approx(1.0)
    assert good.embolic_mL == pytest.approx(0.225, rel=0.01)
    assert good.tumor_flow_left == pytest.approx(0.1, abs=0.01)
    assert good.feeder_coverage == pytest.approx(1.0 - good.tumor_flow_left)
    assert good.sace == "III"
    assert good.drug_mg["tumor"] == pytest.approx(6.0, rel=0.01)
    assert good.contrast_mL == pytest.approx(8.0, rel=0.01)


def test_a_good_procedure_has_no_errors(good: Result) -> None:
    assert codes(good) == []


def test_every_phase_of_a_good_procedure_is_done_in_order(good: Result) -> None:
    missing = [p["name"] for p in good.phases if not p["done"]]
    assert missing == []
    assert [p["name"] for p in good.phases if not p["in_order"]] == []
    times = [p["t_s"] for p in good.phases if p["name"] not in ("end_point",)]
    assert times == sorted(times)


def test_the_way_of_the_tip_is_the_way_to_the_feeder(good: Result) -> None:
    points, _ = way(patient())
    assert good.handling["tip_travel_mm"] == pytest.approx(len(points), rel=0.15)
    assert good.handling["path_ratio"] == pytest.approx(1.0, abs=0.15)
    assert good.handling["wrong_branches"] == 0


def test_embolic_from_the_celiac_trunk_is_an_outcome_and_errors() -> None:
    _, names = way(patient())
    celiac = names.index("common_hepatic") - 4
    result = played([insert("catheter"), insert("wire"), push("wire", 5.0), push("wire", celiac, "catheter"),
                     load("embolic"), give("catheter", 2.0)])  # fmt: skip
    assert result.level == "nonselective"
    assert result.selectivity["extrahepatic"] == pytest.approx({"duodenum_pancreas": 1.0})
    assert {"embolic_without_test", "nontarget_organ"} <= set(codes(result))
    worst = next(e for e in result.handling["errors"] if e["code"] == "nontarget_organ")
    assert worst["severity"] == "critical"
    assert worst["vessel"] == "celiac"
    assert worst["position_mm"] is not None


def test_catheter_pushed_without_wire_in_a_branch_is_an_error_with_its_place() -> None:
    _, names = way(patient())
    hepatic = names.index("common_hepatic")
    alone = played([insert("catheter"), push("catheter", hepatic + 30.0)])
    error = next(e for e in alone.handling["errors"] if e["code"] == "catheter_without_wire")
    # errors are counted beyond the aorta only: the celiac trunk is about 20 mm long
    assert error["vessel"] in ("celiac", "common_hepatic")
    led = played([insert("catheter"), insert("wire"), push("wire", 5.0), push("wire", hepatic + 30.0, "catheter")])
    assert "catheter_without_wire" not in codes(led)


def test_fluoroscopy_while_nothing_moves_and_motion_without_fluoroscopy() -> None:
    idle = played([insert("wire"), push("wire", 20.0), (60 * 8, Commands(fluoro_pedal=True))])
    assert codes(idle) == ["idle_fluoroscopy"]
    blind = played([insert("wire"), push("wire", 60.0, beam=False)])
    assert "blind_motion" in codes(blind)
    assert "blind_motion" not in codes(played([insert("wire"), push("wire", 60.0)]))


def test_embolic_after_stasis_is_over_embolization() -> None:
    moves = good_procedure(patient())
    at = next(i for i, (_, c) in enumerate(moves) if c.actions and c.actions[0].args.get("fluid") == "embolic")
    more = [*moves[: at + 1], give("microcatheter", 2.6, 0.05)]
    assert "over_embolization" in codes(played(more))


def test_contrast_is_judged_by_kidney_function_once() -> None:
    many = [insert("catheter"), insert("wire"), push("wire", 5.0), push("wire", 100.0, "catheter"),
            give("catheter", 120.0, 5.0, dsa=True), give("catheter", 30.0, 5.0, dsa=True)]  # fmt: skip
    assert codes(played(many)).count("contrast_egfr") == 1


def test_a_wrong_branch_is_reported_with_its_dwell() -> None:
    p = patient()
    measures = Measures(p, TARGET, frame(0))
    tree = p.tree
    cystic = tree.index("cystic")
    inside = tuple(float(x) for x in tree.points[tree.first[cystic] + 5])
    outside = tuple(float(x) for x in tree.points[tree.first[tree.index("right_hepatic")] + 3])
    for step in range(1, 301):
        where = ("cystic", inside) if 60 <= step < 240 else ("right_hepatic", outside)
        truth = Truth(tip_vessel={"microwire": where[0]}, tip_mm={"microwire": where[1]})
        measures.feed(frame(step, devices=(device("microwire", 300.0),), truth=truth),
                      Commands(fluoro_pedal=True, actions=(Action("review", {}),)))  # fmt: skip
    result = measures.result("fake", 1, "script", False)
    assert result.handling["wrong_branches"] == 1
    (error,) = result.handling["errors"]
    assert error["code"] == "wrong_branch"
    assert error["vessel"] == "cystic"
    assert "3.0 s" in error["detail"]


def test_nothing_given_is_no_level_and_all_shares_zero() -> None:
    result = played([insert("wire"), push("wire", 20.0)])
    assert result.level is None
    assert result.selectivity["tumor"] == 0.0
    assert result.selectivity["in_flight"] == 0.0


@pytest.mark.parametrize(
    ("left", "level"), [(1.0, "I"), (0.8, "I"), (0.7, "II"), (0.5, "III"), (0.05, "III"), (0.04, "IV"), (0.0, "IV")]
)
def test_sace_by_flow_left(left: float, level: str) -> None:
    assert sace(left, levels().sace) == level


def test_the_level_is_where_at_least_half_was_given() -> None:
    assert weighted_median_level({"ultraselective": 1.0, "lobar": 0.9}) == "ultraselective"
    assert weighted_median_level({"ultraselective": 1.0, "segmental": 0.5, "lobar": 1.6}) == "lobar"
    assert weighted_median_level({}) is None


def wall_force_errors(levels_N: list[tuple[float, bool]]) -> int:
    """Count for half-second stretches of (contact force, hands moving)."""
    p = patient()
    measures, step = Measures(p, TARGET, frame(0)), 0
    moving = Commands(hands=(Hand("wire", 10.0),))
    for force, hands in levels_N:
        for _ in range(30):
            step += 1
            measures.feed(frame(step, truth=Truth(max_wall_force_N=force)), moving if hands else Commands())
    return codes(measures.result("fake", 1, "script", False)).count("wall_force")


def test_wall_force_counts_what_pushing_adds_to_the_level_at_rest() -> None:
    assert wall_force_errors([(0.1, False), (0.9, True)]) == 1
    assert wall_force_errors([(0.6, False), (1.0, True)]) == 0  # a shaped catheter leaning on the wall
    assert wall_force_errors([(0.9, False)]) == 0  # nobody moves
    assert wall_force_errors([(1.9, False), (2.1, True)]) == 1  # hard, whatever was there before


def injected(slot_vessel: str, rate: float, by_hand: bool) -> list[str]:
    """Codes after two seconds of contrast under X-ray at the middle of a vessel."""
    p = patient()
    tree, v = p.tree, p.tree.index(slot_vessel)
    point = tuple(float(x) for x in tree.points[(tree.first[v] + tree.first[v + 1]) // 2])
    measures = Measures(p, TARGET, frame(0))
    commands = Commands(dsa_pedal=True, syringe_slot="microcatheter", syringe_mL_s=rate) if by_hand else Commands()
    for step in range(1, 121):
        measures.feed(
            frame(
                step,
                devices=(device("microcatheter", 300.0),),
                xray=replace(XRAY, beam_on=True, live_kind="dsa"),
                injection=InjectionView(state="injecting", slot="microcatheter", rate_mL_s=rate,
                                        contrast_mL=rate * step / 60.0),
                truth=Truth(tip_vessel={"microcatheter": slot_vessel}, tip_mm={"microcatheter": point}),
            ),
            commands,
        )  # fmt: skip
    return codes(measures.result("fake", 1, "script", False))


def test_power_injection_above_native_flow_in_a_small_vessel() -> None:
    # the feeder carries 0.4 mL/s and is 1.3 mm wide; the celiac trunk is 7 mm wide
    assert injected("feeder", 1.0, by_hand=False) == ["injection_above_flow"]
    assert injected("feeder", 0.5, by_hand=False) == []
    assert injected("feeder", 1.0, by_hand=True) == []
    assert injected("celiac", 9.0, by_hand=False) == []
