"""Where the embolic goes."""

import numpy as np
import pytest
from flow_patient import DT, device_at, new_flow, patient_of, shipped

from trainer.anatomy.types import Patient
from trainer.flow.flow import Flow
from trainer.flow.fluids import load_pharmacy, smaller_share
from trainer.flow.types import FlowState


def by_organ(patient: Patient, state: FlowState) -> dict[str, float]:
    """Shares of the embolic given, by organ, with systemic and in_flight."""
    organ = {t.name: t.organ for t in patient.territories}
    out: dict[str, float] = {"in_flight": state.embolic_in_flight_mL, "systemic": state.embolic_systemic_mL}
    for name, amount in state.embolic_by_territory_mL.items():
        out[organ[name]] = out.get(organ[name], 0.0) + amount
    return {k: v / state.given["embolic_mL"] for k, v in out.items()}


def run(flow: Flow, seconds: float) -> FlowState:
    for _ in range(round(seconds / DT)):
        state = flow.step(DT)
    return state


def test_safe_rate_in_the_feeder_stays_in_the_tumor() -> None:
    patient, cells = shipped()
    flow = new_flow(patient, cells)
    shapes = device_at(patient, "tumor_feeder", 12.0)
    flow.step(DT, shapes)
    flow.load_syringe("deb_100_300", 20)
    state = flow.step(DT, shapes)
    seconds = 0.0
    while state.feeder_flow_share > 0.2 and seconds < 150.0:
        # an operator slows down as the feeder does
        state = flow.step(DT, shapes, "microcatheter", 0.25 * max(0.2, state.feeder_flow_share))
        seconds += DT
    for _ in range(300):
        state = flow.step(DT, shapes)
    share = by_organ(patient, state)
    assert 25.0 < seconds < 150.0
    assert 0.5 < state.given["embolic_mL"] < 2.0
    assert share["tumor"] >= 0.85
    assert sum(v for k, v in share.items() if k not in ("tumor", "liver", "in_flight")) <= 0.02
    assert sum(share.values()) == pytest.approx(1.0, abs=1e-6)
    assert state.mass_balance_error <= 1e-9
    assert state.drug_by_territory_mg["tumor"] == pytest.approx(
        37.5 * state.embolic_by_territory_mL["tumor"], rel=1e-9)


def test_forcing_on_refluxes_into_the_liver() -> None:
    patient, cells = shipped()
    flow = new_flow(patient, cells)
    flow.inject_at("tumor_feeder", 0.5, 20.0, "deb_100_300", position_mm=12.0)
    state = run(flow, 45.0)
    share = by_organ(patient, state)
    assert share["liver"] > 0.3
    assert state.feeder_flow_share < 0.2


def test_common_hepatic_dose_goes_by_flow_share() -> None:
    patient, cells = shipped()
    flow = new_flow(patient, cells)
    flow.inject_at("common_hepatic_artery", 0.5, 4.0, "deb_100_300", position_mm=10.0)
    state = run(flow, 15.0)
    share = by_organ(patient, state)
    below = {int(t) for k, t in enumerate(patient.beds.territory)
             if patient.tree.index("gastroduodenal_artery") in patient.tree.path(int(patient.beds.vessel[k]))}
    duodenal = sum(state.embolic_by_territory_mL.get(patient.territories[t].name, 0.0) for t in below)
    assert share["tumor"] <= 0.15
    assert duodenal / state.given["embolic_mL"] >= 0.2
    assert duodenal / state.given["embolic_mL"] == pytest.approx(0.34, abs=0.05)
    assert share["gallbladder"] > 0.02
    assert sum(share.values()) == pytest.approx(1.0, abs=1e-6)


def test_beyond_the_cystic_artery_the_gallbladder_is_spared() -> None:
    patient, cells = shipped()
    flow = new_flow(patient, cells)
    flow.inject_at("right_anterior_hepatic_artery", 0.3, 2.0, "deb_100_300")
    assert by_organ(patient, run(flow, 12.0)).get("gallbladder", 0.0) < 1e-3


def test_wide_spheres_stop_in_a_narrow_vessel() -> None:
    rows = [("trunk", "", 30.0, 1.0, 1.0), ("thin", "trunk", 20.0, 0.2, 0.2),
            ("wide", "trunk", 20.0, 0.6, 0.6)]
    patient = patient_of(rows, {"thin": 0.02, "wide": 0.2})
    flow = new_flow(patient)
    flow.inject_at("trunk", 0.02, 0.02, "particles_300_500")
    state = run(flow, 40.0)
    species = flow.pharmacy.index("particles_300_500")
    lodged = flow.ledger.lodged[species]
    thin = slice(int(flow.topology.first_cell[1]), int(flow.topology.first_cell[2]))
    assert lodged[thin].sum() > 0.0
    assert lodged.sum() == pytest.approx(lodged[thin].sum())
    # plugged: hardly any flow is left there, the wide branch keeps its own
    assert state.bed_flow_mL_s[0] < 0.2 * 0.02
    assert state.bed_flow_mL_s[1] > 0.15
    assert state.mass_balance_error <= 1e-12


def test_bed_resistance_follows_closed_arterioles() -> None:
    patient = patient_of([("line", "", 20.0, 1.0, 1.0)], {"line": 0.4}, organ="tumor")
    flow = new_flow(patient)
    flow.inject_at("line", 0.1, 3.0, "deb_100_300")
    run(flow, 40.0)
    closed = float(flow.network.bed_closed[0])
    assert 0.2 < closed < 0.5
    assert closed == pytest.approx(float(flow.beds.closed[0]), rel=1e-3)  # told twice a second while spheres settle
    open_R = float(flow.network.bed_R[0])
    upstream = float(flow.network.half_R.sum())
    # the contrast that carried the spheres keeps what is open somewhat wide
    tone = float(flow.tone.told[0])
    assert 0.65 < tone < 1.0
    expected = (93.0 - 8.0) / (upstream + open_R * (0.15 + 0.85 * tone) + open_R * closed / (1.0 - closed))
    flow.network.circuit.steady()  # spheres go on settling, so flow is always a little behind
    assert flow.network.circuit.bed_in[0] == pytest.approx(expected, rel=1e-6)


def test_small_share_passes_by_size() -> None:
    patient = patient_of([("line", "", 20.0, 1.0, 1.0)], {"line": 0.4}, organ="tumor")
    passed = {}
    for fluid in ("deb_100_300", "deb_300_500"):
        flow = new_flow(patient)
        flow.inject_at("line", 0.1, 1.0, fluid)
        passed[fluid] = run(flow, 60.0).embolic_systemic_mL / 0.125
    species = load_pharmacy().species[load_pharmacy().index("beads_100_300")]
    expected = 0.04 * float(smaller_share(species, np.array([150.0]))[0])
    assert passed["deb_100_300"] == pytest.approx(expected, rel=1e-3)
    assert passed["deb_300_500"] < 1e-12


def test_drug_in_solution_is_taken_up_in_part() -> None:
    patient = patient_of([("line", "", 20.0, 1.0, 1.0)], {"line": 0.4}, organ="liver")
    flow = new_flow(patient)
    flow.inject_at("line", 0.001, 0.01, "doxorubicin_solution")
    state = run(flow, 120.0)
    given = state.given["drug_mg"]
    assert state.drug_by_territory_mg["at_line"] / given == pytest.approx(0.45, abs=0.01)
    assert state.drug_systemic_mg / given == pytest.approx(0.55, abs=0.01)
