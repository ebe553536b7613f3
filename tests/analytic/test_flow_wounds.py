"""What injuries do to the blood: closed forms of narrowed tubes and holes, and mass."""

from dataclasses import replace

import numpy as np
import pytest
from flow_patient import DT, Y, device_at, new_flow, patient_of

from trainer.flow.network import TISSUE_MMHG
from trainer.instruments.injury_rules import injury_rules
from trainer.instruments.types import Injury

PATIENT = patient_of(Y, {"left": 2.0, "right": 1.0})
RULES = injury_rules()
PLACE = device_at(PATIENT, "trunk", 5.0)


def injured(*injuries: Injury):  # type: ignore[no-untyped-def]
    return replace(PLACE, injuries=injuries)


def flow_into(flow, vessel: str) -> float:  # type: ignore[no-untyped-def]
    first = flow.topology.first_cell[PATIENT.tree.index(vessel)]
    return float(flow.network.circuit.Q[first])


def test_a_spasm_resists_by_the_inverse_fourth_power() -> None:
    """The resistance of the narrowed vessel is Poiseuille's, integrated over its shape."""
    flow = new_flow(PATIENT)
    v = PATIENT.tree.index("right")
    spasm = Injury("spasm", v, 25.0, 16.0, 0.4)
    cells = slice(int(flow.topology.first_cell[v]), int(flow.topology.first_cell[v + 1]))
    before = flow.network.half_R[:, cells].sum()
    flow.step(DT, injured(spasm))
    after = (flow.network.half_R * flow.network._narrow)[:, cells].sum()
    x = np.linspace(flow.cells.from_mm[cells][0], 50.0, 20001)
    share = 1.0 - 0.6 * 0.5 * (1.0 + np.cos(np.pi * np.minimum(np.abs(x - 25.0) / 8.0, 1.0)))
    assert after / before == pytest.approx(float(np.mean(share**-4.0)), rel=0.02)


def test_a_spasm_lowers_the_flow_beyond_it_and_healing_brings_it_back() -> None:
    flow = new_flow(PATIENT)
    for _ in range(60):
        flow.step(DT, PLACE)
    rest = flow_into(flow, "right")
    spasm = Injury("spasm", PATIENT.tree.index("right"), 25.0, 16.0, 0.2)
    narrow = injured(spasm)
    for _ in range(120):
        flow.step(DT, narrow)
    assert flow_into(flow, "right") < 0.93 * rest
    for _ in range(240):
        flow.step(DT, PLACE)
    assert flow_into(flow, "right") == pytest.approx(rest, rel=1e-3)


def test_a_hole_bleeds_until_the_tissue_holds_against_it() -> None:
    """It starts with pressure over resistance and fades with resistance times compliance."""
    flow, rules = new_flow(PATIENT), RULES.perforation
    hole = injured(Injury("perforation", PATIENT.tree.index("left"), 20.0, 0.0, 1.0))
    flow.step(DT, PLACE)
    first = flow.step(DT, hole)
    start = (93.0 - TISSUE_MMHG) / rules.hole_mmHg_s_mL
    assert first.extravasated_mL / DT == pytest.approx(start, rel=0.1)
    tau = rules.hole_mmHg_s_mL * rules.tissue_mL_mmHg
    for _ in range(round(tau / DT)):
        state = flow.step(DT, hole)
    bled = rules.tissue_mL_mmHg * (93.0 - TISSUE_MMHG)
    assert state.extravasated_mL == pytest.approx(bled * (1.0 - np.exp(-1.0)), rel=0.05)


@pytest.mark.parametrize("fluid", ["contrast_300", "deb_100_300", "doxorubicin_solution", "nitroglycerin_100"])
def test_what_leaves_through_a_hole_is_booked(fluid: str) -> None:
    flow = new_flow(PATIENT)
    v = PATIENT.tree.index("left")
    hole = injured(Injury("perforation", v, 30.0, 0.0, 1.0), Injury("spasm", v, 10.0, 16.0, 0.6))
    flow.step(DT, hole)
    flow.inject_at("left", 1.0, 2.0, fluid, 10.0)
    for _ in range(60 * 20):
        state = flow.step(DT, hole)
        assert state.mass_balance_error <= 1e-9
    species = flow.pharmacy.index(next(iter(flow.pharmacy.fluids[fluid].contents)))
    spilled = flow.ledger.spilled[species].sum() / flow.ledger.given[species]
    assert 0.05 < spilled < 0.5
    if fluid == "deb_100_300":
        places = state.embolic_by_territory_mL
        assert places["extravasated"] == pytest.approx(spilled * state.given["embolic_mL"], rel=1e-9)
        total = sum(places.values()) + state.embolic_in_flight_mL + state.embolic_systemic_mL
        assert total == pytest.approx(state.given["embolic_mL"], rel=1e-9)
    if fluid == "contrast_300":
        assert state.extravasated_iodine_mg == (pytest.approx(float(flow.ledger.spilled[species].sum())),)


def test_nitroglycerin_reaches_the_vessel_beyond_the_tip() -> None:
    flow = new_flow(PATIENT)
    spasm = Injury("spasm", PATIENT.tree.index("right"), 25.0, 16.0, 0.4)
    other = Injury("spasm", PATIENT.tree.index("left"), 20.0, 16.0, 0.4)
    flow.step(DT, injured(spasm, other))
    assert flow.nitroglycerin_ug_mL((spasm, other)) == [0.0, 0.0]
    flow.inject_at("right", 0.5, 1.0, "nitroglycerin_100", 5.0)
    most = np.zeros(2)
    for _ in range(60 * 6):
        flow.step(DT, injured(spasm, other))
        most = np.maximum(most, flow.nitroglycerin_ug_mL((spasm, other)))
    assert most[0] == pytest.approx(100.0 * 0.5 / 1.0, rel=0.2)  # half of the vessel's flow is what is injected
    assert most[0] > RULES.spasm.relaxes_ug_mL
    assert most[1] < 1.0


def test_without_injuries_the_bits_are_the_same() -> None:
    one, two = new_flow(PATIENT), new_flow(PATIENT)
    for _ in range(120):
        one.step(DT, PLACE)
        two.step(DT, injured())
    assert np.array_equal(one.network.circuit.P, two.network.circuit.P)
