"""Shunts at the tumor's feeder, by the facts (clinical 2.10, 7.9)."""

from functools import cache
from typing import Any

import numpy as np
import pytest
from flow_patient import DT, LUMENS

from trainer.anatomy.build import build_patient
from trainer.anatomy.spec import PatientSpec
from trainer.anatomy.types import Patient
from trainer.flow.cells import build_cells
from trainer.flow.flow import Flow


@cache
def patient_with(into: str, caliber_um: float = 250.0) -> tuple[Patient, Any]:
    """The shipped patient with a shunt of nominally 60 mL/min ('': none)."""
    shunt = {"into": into, "flow_mL_min": 60.0, "caliber_um": caliber_um} if into else None
    spec = PatientSpec.model_validate({"tumors": [{"shunt": shunt}]})
    patient = build_patient(spec, np.random.SeedSequence(1))
    return patient, build_cells(patient)


def flow_with(into: str, caliber_um: float = 250.0) -> Flow:
    patient, cells = patient_with(into, caliber_um)
    return Flow(patient, cells, LUMENS, np.random.SeedSequence(3))


def mean_flows(flow: Flow) -> tuple[float, float]:
    """mL/min of the feeder and of the tumor's beds, over a beat."""
    cell = int(flow.topology.first_cell[flow.patient.tree.index("tumor_feeder")])
    states = [flow.step(DT) for _ in range(51)]
    tumor = [s.bed_flow_mL_s[flow._tumor_beds].sum() for s in states]
    return 60.0 * float(np.mean([s.flow_mL_s[cell] for s in states])), 60.0 * float(np.mean(tumor))


def test_a_portal_shunt_takes_more_than_the_tumor() -> None:
    """Facts: a nominal 60 mL/min takes the feeder from 35 to 90 and the tumor from 25 to 21.7 mL/min."""
    without, with_it = mean_flows(flow_with("")), mean_flows(flow_with("portal"))
    assert without[0] == pytest.approx(without[1], rel=0.02)
    assert with_it[0] > 2.0 * without[0]
    assert 0.6 * without[1] < with_it[1] < 0.98 * without[1]


def vein_iodine(flow: Flow, prefix: str, seconds: float) -> np.ndarray:
    """Highest iodine, mg/mL, in veins of a name, over a run of 2 mL/s from the common hepatic artery."""
    cells, n = flow.cells, flow.topology.arteries
    own = [k for k, name in enumerate(flow.patient.veins.names) if prefix in name]
    at = n + np.flatnonzero(np.isin(cells.vessel[n:], own))
    flow.inject_at("common_hepatic_artery", 2.0, 10.0)
    return np.array([flow.step(DT).iodine_mg_mL[at].max() for _ in range(round(seconds / DT))])


def test_an_early_portal_branch_is_the_sign_of_a_shunt() -> None:
    shunted = vein_iodine(flow_with("portal"), "segment_8_portal", 4.0)
    none = vein_iodine(flow_with(""), "segment_8_portal", 4.0)
    first = DT * np.argmax(shunted > 10.0)
    assert 0.2 < first < 2.0  # with the arteries
    assert none.max() < 1.0


def test_the_stain_is_paler_with_a_shunt() -> None:
    stain = {}
    for into in ("", "portal"):
        flow = flow_with(into)
        flow.inject_at("tumor_feeder", 0.4, 2.0)
        stain[into] = max(flow.step(DT).bed_iodine_mg[flow._tumor_beds].sum() for _ in range(600))
    assert stain["portal"] < 0.7 * stain[""]


def given(into: str, fluid: str, caliber_um: float = 250.0) -> dict[str, float]:
    flow = flow_with(into, caliber_um)
    flow.inject_at("tumor_feeder", 0.3, 6.0, fluid)
    for _ in range(60 * 35):
        state = flow.step(DT)
    assert state.mass_balance_error < 1e-9
    total = state.given["embolic_mL"]
    tumor = sum(v for k, v in state.embolic_by_territory_mL.items() if "tumor" in k)
    liver = sum(v for k, v in state.embolic_by_territory_mL.items() if k.startswith("segment"))
    return {"tumor": tumor / total, "liver": liver / total, "lung": state.embolic_systemic_mL / total}


def test_oil_goes_through_a_hepatic_vein_shunt_to_the_lung_and_wide_spheres_do_not() -> None:
    oil, none = given("hepatic", "oil_doxorubicin_emulsion"), given("", "oil_doxorubicin_emulsion")
    assert none["lung"] < 0.2 < 0.4 < oil["lung"]
    wide = given("hepatic", "deb_300_500")
    assert wide["lung"] < 0.02


def test_what_is_too_wide_for_a_shunt_closes_it_and_the_tumor_takes_what_comes_after() -> None:
    """First spheres of 300-500 um, most of which the shunt draws, then small beads."""
    flow = flow_with("portal")
    wide = mean_flows(flow)
    flow.inject_at("tumor_feeder", 0.3, 4.8, "deb_300_500")
    for _ in range(60 * 25):
        flow.step(DT)
    shut = mean_flows(flow)
    assert shut[0] - shut[1] < 0.15 * (wide[0] - wide[1])  # hardly anything goes past the tumor now
    flow.inject_at("tumor_feeder", 0.1, 3.0, "deb_100_300")
    for _ in range(60 * 40):
        state = flow.step(DT)
    beads = flow.pharmacy.index("beads_100_300")
    in_tumor = float(flow.beds.kept[beads, flow._tumor_beds].sum())
    assert in_tumor > 0.75 * 3.0 * 0.125
    assert state.mass_balance_error < 1e-9


def test_oil_goes_through_a_portal_shunt_into_the_liver() -> None:
    oil, none = given("portal", "oil_doxorubicin_emulsion"), given("", "oil_doxorubicin_emulsion")
    assert oil["liver"] > none["liver"] + 0.2
    assert oil["tumor"] < none["tumor"] - 0.2
