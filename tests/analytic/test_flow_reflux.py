"""Reflux, wedge and arrival in the shipped patient follow from flow (clinical 2.3, 2.6, 2.9, 7)."""

import numpy as np
import pytest
from flow_patient import DT, device_at, new_flow, shipped

from trainer.flow.flow import Flow

BEAT = 51


def beat_of(flow: Flow, cell: int, seconds: float, beats: int = 2) -> np.ndarray:
    """Flow into a cell over the last beats of some seconds."""
    steps = round(seconds / DT)
    q = [flow.step(DT).flow_mL_s[cell] for _ in range(steps)]
    return np.array(q[-beats * BEAT :])


@pytest.mark.parametrize(("vessel", "native"), [
    ("segment_8_artery", 0.94), ("right_hepatic_artery", 3.2), ("common_hepatic_artery", 7.4),
    ("celiac_trunk", 13.4)])
def test_thresholds(vessel: str, native: float) -> None:
    patient, cells = shipped()

    def run(rate: float) -> np.ndarray:
        flow = new_flow(patient, cells)
        if rate > 0.0:
            flow.inject_at(vessel, rate, 100.0, "saline")
        return beat_of(flow, int(flow.topology.first_cell[patient.tree.index(vessel)]), 3.5)

    rest = run(0.0)
    assert rest.mean() == pytest.approx(native, rel=0.12)
    # diastolic onset when the rate passes the least flow of the beat, net when it passes the mean
    assert run(0.8 * rest.min()).min() > 0.0
    assert run(1.25 * rest.min()).min() < 0.0 < run(1.25 * rest.min()).mean()
    assert run(0.85 * rest.mean()).mean() > 0.0
    assert run(1.15 * rest.mean()).mean() < 0.0


def test_five_mL_s_in_segment_8_floods_the_right_tree() -> None:
    patient, cells = shipped()
    flow = new_flow(patient, cells)
    flow.inject_at("segment_8_artery", 5.0, 20.0)
    first = flow.topology.first_cell
    at = {n: int(first[patient.tree.index(n)]) + 1 for n in ("segment_8_artery", "segment_5_artery",
                                                             "right_posterior_hepatic_artery")}
    q = beat_of(flow, at["segment_8_artery"] - 1, 1.0, beats=1)
    state = flow.step(DT)
    assert q.mean() * 60.0 <= -200.0
    assert state.iodine_mg_mL[at["segment_5_artery"]] > 50.0
    assert state.iodine_mg_mL[at["right_posterior_hepatic_artery"]] > 50.0
    gentle = new_flow(patient, cells)
    gentle.inject_at("segment_8_artery", 0.5, 20.0)
    for _ in range(60):
        state = gentle.step(DT)
    own = state.iodine_mg_mL[at["segment_8_artery"] :].max()
    assert state.iodine_mg_mL[at["segment_5_artery"]] < 0.05 * own


def test_celiac_run_in_order() -> None:
    patient, cells = shipped()
    flow = new_flow(patient, cells)
    flow.inject_at("celiac_trunk", 5.0, 25.0)
    first, seen = flow.topology.first_cell, {}
    organ = np.array([patient.territories[t].organ for t in patient.beds.territory])
    tumor = []
    for k in range(60 * 14):
        state = flow.step(DT)
        for name in ("splenic_artery", "common_hepatic_artery", "segment_6_artery", "tumor_feeder"):
            if name not in seen and state.iodine_mg_mL[first[patient.tree.index(name)] + 1] > 20.0:
                seen[name] = (k + 1) * DT
        tumor.append(state.bed_iodine_mg[organ == "tumor"].sum())
    t = (np.arange(len(tumor)) + 1) * DT
    assert seen["splenic_artery"] < 0.35
    assert seen["common_hepatic_artery"] < 0.35
    assert seen["common_hepatic_artery"] < seen["segment_6_artery"] < 1.2
    assert 0.2 < seen["tumor_feeder"] < 1.0
    blush = np.array(tumor) / max(tumor)
    assert 1.0 < t[np.argmax(blush > 0.1)] < 2.5
    assert 5.0 < t[np.argmax(blush)] < 11.0


def test_common_hepatic_run_shows_the_splenic_artery_only_when_too_fast() -> None:
    patient, cells = shipped()
    peak = {}
    for rate in (3.0, 8.0):
        flow = new_flow(patient, cells)
        flow.inject_at("common_hepatic_artery", rate, 4.0 * rate, position_mm=20.0)
        cell = flow.topology.first_cell[patient.tree.index("splenic_artery")] + 2
        peak[rate] = max(flow.step(DT).iodine_mg_mL[cell] for _ in range(240))
    assert peak[3.0] < 2.0
    assert peak[8.0] > 30.0


def washout_beats(vessel: str, position_mm: float, outer_mm: float) -> float:
    """Beats until a small test injection has left the tip's cell to a tenth, or 8."""
    patient, cells = shipped()
    flow = new_flow(patient, cells)
    shapes = device_at(patient, vessel, position_mm, outer_mm=outer_mm)
    for _ in range(2 * BEAT):
        flow.step(DT, shapes)
    assert flow.start_injection("microcatheter", "contrast_300", 0.3, 0.6, 0.0, 750.0) is None
    cell = flow.topology.cell_at(cells, patient.tree.index(vessel), position_mm)
    top = max(flow.step(DT, shapes).iodine_mg_mL[cell] for _ in range(120))
    for k in range(8 * BEAT):
        if flow.step(DT, shapes).iodine_mg_mL[cell] < 0.1 * top:
            return k / BEAT
    return 8.0


def test_wedged_column_stands() -> None:
    patient, _ = shipped()
    own = slice(int(patient.tree.first[patient.tree.index("tumor_feeder")]),
                int(patient.tree.first[patient.tree.index("tumor_feeder") + 1]))
    length = float(patient.tree.arc(patient.tree.index("tumor_feeder"))[-1])
    narrow = 2.0 * float(patient.tree.radius[own][-1])
    # a device that fills the feeder's distal end, against a thin one in the same place
    assert washout_beats("tumor_feeder", length - 1.0, 0.99 * narrow) > 5.0
    assert washout_beats("tumor_feeder", length - 1.0, 0.45 * narrow) < 3.0


def test_wedge_raises_bed_pressure() -> None:
    patient, cells = shipped()
    v = patient.tree.index("tumor_feeder")
    radius = float(patient.tree.radius[patient.tree.first[v + 1] - 1])
    place = float(patient.tree.arc(v)[-1]) - 1.0
    shapes = device_at(patient, "tumor_feeder", place, outer_mm=2.0 * 0.99 * radius, device="wide")
    flow = new_flow(patient, cells)
    for _ in range(3 * BEAT):
        flow.step(DT, shapes)
    assert flow.start_injection("microcatheter", "saline", 1.0, 6.0, 0.0, 750.0) is None
    basket = int(flow.topology.first_cell[patient.tree.parent.tolist().index(v)])
    before = flow.step(DT, shapes).pressure_mmHg[basket]
    for _ in range(180):
        state = flow.step(DT, shapes)
    # behind the tip the vessel is shut; beyond it 1 mL/s loads the tumor's bed (133 mmHg s/mL in the facts)
    rise = state.pressure_mmHg[basket] - before
    assert 100.0 < rise < 190.0
    assert state.bed_flow_mL_s[flow._tumor_beds].sum() == pytest.approx(1.0, rel=0.02)
