"""Arcades and stenoses: a loop against its closed form, and a celiac stenosis by the facts (clinical 1.6, 7.8)."""

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from flow_patient import DT, LUMENS, new_flow, patient_of, tree_of

from trainer.anatomy.build import build_patient
from trainer.anatomy.faults import AnatomyFault
from trainer.anatomy.spec import PatientSpec
from trainer.anatomy.types import Patient, Stenosis
from trainer.flow.cells import build_cells
from trainer.flow.flow import Flow
from trainer.flow.network import TURBULENCE, TURBULENT
from trainer.flow.resistance import POISEUILLE

Rows = list[tuple[str, str, float, float, float]]
FORK: Rows = [("trunk", "", 60.0, 2.5, 2.5), ("left", "trunk", 40.0, 1.5, 1.5), ("right", "trunk", 50.0, 1.2, 1.2),
              ("arcade", "left", 30.0, 0.7, 0.7)]


def tube(length: float, radius: float) -> float:
    return POISEUILLE * 3.5 * length / radius**4


def bridged() -> Patient:
    """`FORK`, the arcade from the left artery's end opening into the right one's end."""
    tree = tree_of(FORK)
    end = int(tree.first[tree.index("right") + 1]) - 1
    patient = patient_of(FORK, {"left": 2.0, "right": 1.0})
    return replace(patient, tree=replace(tree, joins=((tree.index("arcade"), end),)))


def test_a_loop_carries_what_two_ends_drive_through_it() -> None:
    patient = bridged()
    flow = new_flow(patient)
    for _ in range(30):
        state = flow.step(DT)
    # beds take what they take at rest, whatever the arcade brings
    assert state.bed_flow_mL_s == pytest.approx([2.0, 1.0], rel=1e-6)
    left, right, arcade = tube(40.0, 1.5), tube(50.0, 1.2), tube(30.0, 0.7)
    # Kirchhoff: along left and arcade as much is lost as along right
    over = (right * 1.0 - left * 2.0) / (left + right + arcade)
    first = flow.topology.first_cell
    assert state.flow_mL_s[first[patient.tree.index("arcade")]] == pytest.approx(over, rel=1e-4)
    assert state.flow_mL_s[first[patient.tree.index("right")]] == pytest.approx(1.0 - over, rel=1e-4)
    # the bed behind the shut artery is now fed through the arcade
    flow.network.bed_closed[:] = 0.0
    right_cell = int(first[patient.tree.index("right")]) + 2
    closed = np.zeros(flow.topology.arteries)
    closed[right_cell] = 1.0
    flow.network.plug(closed)
    for _ in range(600):
        state = flow.step(DT)
    assert state.flow_mL_s[first[patient.tree.index("arcade")]] > 0.5
    assert 0.5 < state.bed_flow_mL_s[1] < 1.0


def test_a_device_through_a_join_narrows_what_it_lies_in() -> None:
    patient = bridged()
    flow, tree = new_flow(patient), patient.tree
    right, arcade = tree.index("right"), tree.index("arcade")
    vessel = np.array([right, right, right, arcade, arcade])
    flow.network.occupy(vessel, np.array([30.0, 40.0, 49.0, 28.0, 15.0]), np.full(5, 0.4))
    extra, first = flow.network._extra.sum(axis=0), flow.topology.first_cell
    cells = flow.cells

    def narrowed(v: int) -> list[float]:
        own = slice(int(first[v]), int(first[v + 1]))
        return [float(cells.from_mm[own][extra[own] > 0.0].min()), float(cells.to_mm[own][extra[own] > 0.0].max())]

    assert narrowed(right)[1] == pytest.approx(50.0)  # to its end, where the arcade opens
    assert 26.0 < narrowed(right)[0] <= 30.0
    assert narrowed(arcade)[1] == pytest.approx(30.0)  # from the arcade's end back to the tip
    assert 10.0 < narrowed(arcade)[0] <= 15.0
    others = np.concatenate([extra[: first[right]], extra[first[right + 1] : first[arcade]]])
    assert not others.any()


def test_mass_is_kept_round_a_loop() -> None:
    flow = new_flow(bridged())
    flow.inject_at("left", 6.0, 3.0)
    flow.inject_at("arcade", 1.0, 1.0, "doxorubicin_solution")
    for _ in range(600):
        state = flow.step(DT)
    assert state.mass_balance_error < 1e-12


def test_a_stenosis_loses_what_its_wall_and_its_jet_take() -> None:
    rows: Rows = [("trunk", "", 100.0, 3.0, 3.0), ("end", "trunk", 10.0, 3.0, 3.0)]
    plain = patient_of(rows, {"end": 8.0})
    own = slice(0, int(plain.tree.first[1]))
    narrowing = Stenosis(0, 50.0, 10.0, 0.4)
    radius = plain.tree.radius.copy()
    radius[own] *= narrowing.factor(plain.tree.arc(0))
    patient = replace(plain, tree=replace(plain.tree, radius=radius), stenoses=(narrowing,))
    flow = new_flow(patient)
    for _ in range(120):
        state = flow.step(DT)
    q = float(state.flow_mL_s[0])
    assert q < 7.9  # the bed is that of the healthy vessel
    healthy = new_flow(plain)
    assert flow.network.bed_R == pytest.approx(healthy.network.bed_R, rel=1e-9)
    x = np.linspace(-5.0, 5.0, 2001)
    r = 3.0 * (1.0 - 0.6 * (1.0 - np.abs(x) / 5.0))
    wall = POISEUILLE * 3.5 * (np.trapezoid(r**-4, x) + 90.0 / 81.0)
    jet = TURBULENT * TURBULENCE * (1.0 / 0.16 - 1.0) ** 2 / (np.pi * 9.0) ** 2
    end = int(flow.topology.first_cell[1])
    assert 93.0 - state.pressure_mmHg[end] == pytest.approx(wall * q + jet * q * q, rel=0.02)


@cache
def with_celiac(share: float) -> tuple[Patient, Any]:
    """The shipped patient whose celiac trunk is narrowed to a share of its diameter (1: not)."""
    change = {"celiac_trunk": {"stenosis": {"at_mm": 14.0, "length_mm": 8.0, "diameter_share": share}}}
    patient = build_patient(PatientSpec.model_validate({"vessels": change if share < 1.0 else {}}),
                            np.random.SeedSequence(1))
    return patient, build_cells(patient)


def stenosed(share: float) -> Flow:
    patient, cells = with_celiac(share)
    return Flow(patient, cells, LUMENS, np.random.SeedSequence(3))


def at_rest(share: float) -> dict[str, float]:
    """Mean flows, mL/min, and what the celiac trunk loses, mmHg."""
    flow = stenosed(share)
    circuit, first, tree = flow.network.circuit, flow.topology.first_cell, flow.patient.tree
    circuit.fixed[0] = flow.network.mean_mmHg
    circuit.steady()
    out = {n: 60.0 * float(circuit.Q[first[tree.index(n)]]) for n in (
        "gastroduodenal_artery", "common_hepatic_artery", "proper_hepatic_artery", "celiac_trunk")}
    out["lost"] = float(circuit.P[first[tree.index("superior_mesenteric_artery")]]
                        - circuit.P[first[tree.index("celiac_trunk") + 1] - 1])
    return out


def test_the_gastroduodenal_artery_turns_round_as_the_celiac_trunk_narrows() -> None:
    """Facts: gradient 9 mmHg 88 mL/min, 21 mmHg 10, 40 mmHg -115; occluded: common hepatic -160, proper hepatic 124."""
    healthy = at_rest(1.0)
    assert healthy["gastroduodenal_artery"] == pytest.approx(150.0, rel=0.1)
    assert healthy["common_hepatic_artery"] == pytest.approx(446.0, rel=0.05)
    assert healthy["celiac_trunk"] == pytest.approx(804.0, rel=0.05)
    mild, middle, severe, shut = (at_rest(s) for s in (0.43, 0.31, 0.25, 0.06))
    assert 7.0 < mild["lost"] < 12.0
    assert mild["gastroduodenal_artery"] > 50.0
    assert 18.0 < middle["lost"] < 25.0
    assert abs(middle["gastroduodenal_artery"]) < 40.0
    assert 25.0 < severe["lost"] < 40.0
    assert severe["gastroduodenal_artery"] < -40.0
    assert shut["common_hepatic_artery"] < -80.0
    assert shut["proper_hepatic_artery"] == pytest.approx(124.0, rel=0.15)


def seen(share: float, vessel: str, seconds: float) -> dict[str, float]:
    """Time, s, at which arteries show in a run of 5 mL/s, and how the gastroduodenal artery flows then."""
    flow = stenosed(share)
    first, tree = flow.topology.first_cell, flow.patient.tree
    flow.inject_at(vessel, 5.0, 25.0, position_mm=4.0)
    out, down = {}, []
    names = ("splenic_artery", "common_hepatic_artery", "gastroduodenal_artery", "proper_hepatic_artery")
    for k in range(round(seconds / DT)):
        state = flow.step(DT)
        down.append(float(state.flow_mL_s[first[tree.index("gastroduodenal_artery")]]))
        for name in names:
            cell = int(first[tree.index(name)] + first[tree.index(name) + 1]) // 2
            if name not in out and state.iodine_mg_mL[cell] > 15.0:
                out[name] = (k + 1) * DT
    out["gastroduodenal flow"] = float(np.mean(down))
    return out


def test_behind_a_severe_stenosis_the_liver_fills_from_the_mesenteric_artery() -> None:
    run = seen(0.18, "superior_mesenteric_artery", 4.0)
    assert run["gastroduodenal flow"] < 0.0
    assert run["gastroduodenal_artery"] < run["proper_hepatic_artery"] < 1.8
    celiac = seen(0.18, "celiac_trunk", 3.0)
    assert "gastroduodenal_artery" not in celiac


def test_behind_a_mild_stenosis_it_fills_from_above() -> None:
    assert "proper_hepatic_artery" not in seen(0.43, "superior_mesenteric_artery", 4.0)
    celiac = seen(0.43, "celiac_trunk", 2.0)
    assert celiac["gastroduodenal flow"] > 0.0
    assert celiac["gastroduodenal_artery"] < 1.5


@pytest.mark.parametrize(("change", "words"), [
    ({"cystic_artery": {"joins": "nowhere_artery"}}, "no other vessel"),
    ({"cystic_artery": {"joins": "splenic_artery"}}, "mm away"),
    ({"celiac_trunk": {"stenosis": {"at_mm": 2.0, "length_mm": 8.0}}}, "beyond the vessel"),
])
def test_faults_say_what_and_how_to_mend(change: dict[str, Any], words: str) -> None:
    with pytest.raises(AnatomyFault, match=words) as caught:
        build_patient(PatientSpec.model_validate({"vessels": change}), np.random.SeedSequence(1))
    assert caught.value.keys[0] == "vessels"
    assert caught.value.mend
