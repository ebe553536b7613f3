"""Behaviors by which an expert knows that this is real (clinical 2.5, 2.9 and section 7), in the shipped patient."""

import numpy as np
import pytest
from flow_patient import DT, LUMENS, new_flow, shipped

from trainer.anatomy.build import build_patient
from trainer.anatomy.spec import PatientSpec
from trainer.flow.cells import build_cells
from trainer.flow.flow import Flow

BEAT = 51
GDA = ("pancreas_head", "stomach_greater_curvature", "duodenum_first_part")

# tip: place mm, share % to tumor, gallbladder, antrum (right gastric), territories of the gastroduodenal artery
SHARES = {
    "celiac_trunk": (12.0, 3, 2, 2, 19),
    "common_hepatic_artery": (20.0, 6, 4, 4, 34),
    "proper_hepatic_artery": (3.0, 9, 6, 6, 0),
    "right_hepatic_artery": (8.0, 13, 9, 0, 0),
    "right_anterior_hepatic_artery": (4.0, 27, 0, 0, 0),
    "segment_8_artery": (3.0, 45, 0, 0, 0),
    "tumor_feeder": (5.0, 100, 0, 0, 0),
}


@pytest.mark.parametrize("vessel", SHARES)
def test_a_free_dose_goes_by_flow(vessel: str) -> None:
    place, *told = SHARES[vessel]
    patient, cells = shipped()
    flow = new_flow(patient, cells)
    native = float(flow.rest_flows[flow.topology.first_cell[patient.tree.index(vessel)]])
    flow.inject_at(vessel, 0.25 * native, 0.3, "deb_100_300", position_mm=place)
    for _ in range(60 * 30):
        state = flow.step(DT)
    total, by = state.given["embolic_mL"], state.embolic_by_territory_mL
    seen = [sum(v for k, v in by.items() if "tumor" in k), by.get("gallbladder", 0.0), by.get("stomach_antrum", 0.0),
            sum(by.get(k, 0.0) for k in GDA)]
    assert 100.0 * np.array(seen) / total == pytest.approx(told, abs=3.0)
    if vessel == "right_anterior_hepatic_artery":
        assert seen[1] == 0.0  # past the cystic artery


def test_reflux_comes_and_goes_with_the_beat() -> None:
    """0.75 mL/s in segment 8: contrast 5 mm proximal of the tip at the end of diastole, none in systole."""
    patient, cells = shipped()
    v = patient.tree.index("segment_8_artery")
    for rate, back in ((0.5, False), (0.75, True)):
        flow = new_flow(patient, cells)
        flow.inject_at("segment_8_artery", rate, 100.0, position_mm=12.0)
        behind = flow.topology.cell_at(cells, v, 6.0)
        seen = np.array([flow.step(DT).iodine_mg_mL[behind] for _ in range(5 * BEAT)])[-2 * BEAT :]
        assert seen.min() < 1.0
        assert (seen.max() > 50.0) == back


def vein_curve(vessel: str, rate: float, volume: float, *veins: str) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Times, s, and the highest iodine in each vein, of a run."""
    patient, cells = shipped()
    flow = new_flow(patient, cells)
    n = flow.topology.arteries
    at = {v: n + np.flatnonzero(cells.vessel[n:] == patient.veins.names.index(v)) for v in veins}
    flow.inject_at(vessel, rate, volume)
    rows = [[state.iodine_mg_mL[c].max() for c in at.values()] for state in (flow.step(DT) for _ in range(60 * 35))]
    curves = np.array(rows)
    return DT * np.arange(1, len(rows) + 1), {v: curves[:, k] for k, v in enumerate(veins)}


def test_late_phases_come_in_order() -> None:
    t, seen = vein_curve("celiac_trunk", 5.0, 25.0, "splenic_vein", "portal_vein", "right_hepatic_vein")
    half = {v: float(t[np.argmax(c > 0.5 * c.max())]) for v, c in seen.items()}
    peak = {v: float(t[np.argmax(c)]) for v, c in seen.items()}
    assert 8.0 < half["splenic_vein"] <= half["portal_vein"] < 14.0
    assert 8.0 < peak["portal_vein"] < 14.0
    assert 15.0 < peak["right_hepatic_vein"] < 25.0
    t, seen = vein_curve("superior_mesenteric_artery", 5.0, 25.0, "superior_mesenteric_vein", "portal_vein")
    assert 10.0 < t[np.argmax(seen["portal_vein"])] < 18.0


def test_a_missing_liver_is_a_missed_artery() -> None:
    """Michels III: the right lobe stains from the superior mesenteric artery only."""
    patient = build_patient(PatientSpec.model_validate({"anatomy": "michels_3"}), np.random.SeedSequence(1))
    cells = build_cells(patient)
    segment = np.array([patient.territories[t].segment for t in patient.beds.territory])
    right, left = np.isin(segment, ["5", "6", "7", "8"]), np.isin(segment, ["2", "3", "4"])
    stain = {}
    # the arterial phase; later portal blood stains all of the liver
    for vessel, rate in (("common_hepatic_artery", 3.0), ("superior_mesenteric_artery", 4.0)):
        flow = Flow(patient, cells, LUMENS, np.random.SeedSequence(3))
        flow.inject_at(vessel, rate, 5.0 * rate, position_mm=15.0 if vessel.startswith("common") else 8.0)
        most = np.zeros(2)
        for _ in range(60 * 4):
            iodine = flow.step(DT).bed_iodine_mg
            most = np.maximum(most, [iodine[right].sum(), iodine[left].sum()])
        stain[vessel] = most
    assert stain["common_hepatic_artery"][0] < 0.01 * stain["common_hepatic_artery"][1]
    assert stain["superior_mesenteric_artery"][0] > 20.0 * stain["superior_mesenteric_artery"][1]


def test_pushed_at_the_first_rate_the_last_of_the_vial_does_the_harm() -> None:
    """A rate that was safe at the start refluxes at the end: the last fifth gives most of what goes elsewhere."""
    patient, cells = shipped()
    flow = new_flow(patient, cells)
    volume, rate = 14.0, 0.2  # 1.75 mL of beads into a bed that takes 1.2
    flow.inject_at("tumor_feeder", rate, volume, "deb_100_300", position_mm=5.0)
    elsewhere, flows, stains = [], [], []
    for _ in range(round(volume / rate / DT)):
        state = flow.step(DT)
        elsewhere.append(sum(v for k, v in state.embolic_by_territory_mL.items() if "tumor" not in k))
        flows.append(state.feeder_flow_share)
        stains.append(state.bed_iodine_mg[flow._tumor_beds].sum())
    lost, at = np.array(elsewhere), round(0.8 * len(elsewhere))
    assert lost[-1] > 0.1
    assert lost[at // 2] < 0.02 * lost[-1]
    assert (lost[-1] - lost[at]) > 0.5 * lost[-1]
    assert flows[-1] < 0.1
    # the stain fades before the feeder stops (SACE II before III and IV)
    faded = int(np.argmax(np.array(stains[600:]) < 0.5 * max(stains))) + 600
    assert flows[faded] > 0.05
