"""Drug in tumor and plasma over time."""

import math

import numpy as np
import pytest
from flow_patient import DT, LUMENS, new_flow, patient_of, shipped

from trainer.anatomy.types import Territory, Tumor
from trainer.flow.exposure import Course, DrugRules, pharmacology
from trainer.flow.flow import Flow

RULES = DrugRules(central_L=10.0, peripheral_L=50.0, clearance_L_min=0.5, exchange_L_min=1e-9)
NONE = np.zeros(0)


def test_plasma_is_cleared_as_one_compartment_where_nothing_exchanges() -> None:
    course = Course(RULES, central=20.0, bound_tumor=NONE, bound_other=NONE)
    for _ in range(6000):
        course.advance(0.01, NONE, 0.0, 10.0)
    assert course.central == pytest.approx(20.0 * math.exp(-0.05 * 60.0), rel=2e-3)
    assert course.plasma_auc == pytest.approx(20.0 / 0.5 * (1.0 - math.exp(-3.0)), rel=2e-3)  # dose over clearance


def test_a_carrier_releases_by_its_half_life_and_blood_washes_tissue_out() -> None:
    half, washout = 30.0, 0.0
    course = Course(RULES, bound_tumor=np.array([8.0]), bound_other=np.zeros(1))
    for _ in range(300):
        course.advance(0.1, np.array([math.log(2.0) / half]), washout, 4.0)
    assert course.bound_tumor[0] == pytest.approx(4.0, rel=1e-6)
    assert course.tissue == pytest.approx(4.0, rel=1e-6)
    assert course.tumor_peak == pytest.approx(1000.0, rel=1e-6)  # 4 mg in 4 mL
    for _ in range(100):
        course.advance(0.1, np.zeros(1), math.log(2.0) / 5.0, 4.0)
    assert course.tissue == pytest.approx(1.0, rel=1e-6)  # two half-lives
    assert course.central + course.tissue == pytest.approx(4.0, abs=1.3)  # less what was cleared


ROWS = [("lobar", "", 60.0, 1.8, 1.8), ("liver", "lobar", 40.0, 1.5, 1.5), ("feeder", "lobar", 30.0, 0.7, 0.6)]
PATIENT = patient_of(ROWS, {"liver": 2.5, "feeder": 0.42}, territories=(Territory("liver", "liver", "8"),
                                                                        Territory("tumor", "tumor", "8")),
                     tumors=(Tumor("tumor", np.zeros(3), 30.0, "8", "feeder"),))


def given(*doses: tuple[str, str, float, float]) -> dict[str, float]:
    """Exposure after doses of (vessel, fluid, mL/s, mL), a minute after each."""
    flow = new_flow(PATIENT)
    for vessel, fluid, rate, volume in doses:
        flow.inject_at(vessel, rate, volume, fluid)
        for _ in range(round((volume / rate + 60.0) / (3.0 * DT))):
            state = flow.step(3.0 * DT)
    assert state.mass_balance_error < 1e-9
    return flow.drug_exposure()


SELECTIVE = ("feeder", "doxorubicin_solution", 0.3, 10.0)


def test_a_selective_dose_has_the_greater_advantage() -> None:
    lobar, selective = given(("lobar", *SELECTIVE[1:])), given(SELECTIVE)
    assert selective["tumor_peak_ug_mL"] > 3.0 * lobar["tumor_peak_ug_mL"]
    assert selective["regional_advantage"] > 3.0 * lobar["regional_advantage"]


def test_embolization_keeps_the_drug_in() -> None:
    """Without it the blood washes the tumor out; beads besides go on releasing theirs."""
    washed = given(SELECTIVE)
    kept = given(SELECTIVE, ("feeder", "particles_300_500", 0.2, 14.0))
    assert kept["tumor_auc_day_ug_min_mL"] > 2.0 * washed["tumor_auc_day_ug_min_mL"]
    beads = given(("feeder", "deb_100_300", 0.2, 8.0))
    assert beads["tumor_auc_day_ug_min_mL"] > 3.0 * beads["tumor_auc_ug_min_mL"]
    assert beads["plasma_peak_ug_mL"] < washed["plasma_peak_ug_mL"]


def test_without_a_drug_there_is_nothing_to_tell() -> None:
    assert given(("feeder", "contrast_300", 0.3, 2.0)) == {}


def test_every_drug_that_is_offered_has_its_plasma() -> None:
    patient, cells = shipped()
    flow = Flow(patient, cells, LUMENS, np.random.SeedSequence(3))
    drugs = {n for n, s in zip(flow.pharmacy.names, flow.pharmacy.species, strict=True) if s.kind == "drug"}
    bound = {s.drug for s in flow.pharmacy.species if s.drug}
    assert drugs | bound <= set(pharmacology().drugs)
