"""Beds that contrast widens, and spheres that settle (clinical 2.3, 7.6)."""

import numpy as np
import pytest
from flow_patient import DT, new_flow, patient_of

from trainer.flow.flow import Flow

LINE = [("line", "", 40.0, 1.0, 1.0)]


def one_bed() -> Flow:
    return new_flow(patient_of(LINE, {"line": 0.9}, organ="tumor", transit_s=4.0))


def run(flow: Flow, seconds: float, dt_s: float = DT) -> np.ndarray:
    return np.array([flow.step(dt_s).bed_flow_mL_s[0] for _ in range(round(seconds / dt_s))])


def test_flow_rises_seconds_after_slow_contrast_and_falls_back_within_a_minute() -> None:
    flow = one_bed()
    rest = float(run(flow, 1.0)[-1])
    flow.inject_at("line", 0.5, 5.0)
    during = run(flow, 10.0)
    t = DT * np.arange(1, len(during) + 1)
    most = during.max()
    assert 1.2 * rest < most < 1.6 * rest
    half = t[np.argmax(during > rest + 0.5 * (most - rest))]
    assert 3.0 < half < 6.0  # in dogs flow rose after 3-6 s
    after = run(flow, 100.0)
    back = t[0] * np.argmax(after < rest + 0.37 * (after[0] - rest))
    assert 25.0 < back < 70.0
    assert after[-1] == pytest.approx(rest, rel=0.1)


def test_saline_widens_nothing() -> None:
    flow = one_bed()
    rest = float(run(flow, 1.0)[-1])
    flow.inject_at("line", 0.1, 2.0, "saline")
    run(flow, 20.0)
    assert run(flow, 5.0)[-1] == pytest.approx(rest, rel=1e-9)


def test_part_of_the_flow_comes_back_after_minutes() -> None:
    flow = one_bed()
    rest = float(run(flow, 1.0)[-1])
    flow.inject_at("line", 0.2, 22.0, "deb_100_300")  # 2.75 mL of spheres; this bed takes 2.6
    run(flow, 90.0)
    low = float(run(flow, 150.0, 3.0 * DT).min())
    assert low < 0.3 * rest
    kept = flow.beds.kept[flow.beds.embolic].sum()
    late = float(run(flow, 480.0, 3.0 * DT)[-1])
    assert low + 0.05 * rest < late < 0.5 * rest
    assert flow.beds.kept[flow.beds.embolic].sum() == pytest.approx(kept, rel=1e-3)  # no sphere left
    assert flow.step(DT).mass_balance_error < 1e-9


def test_oil_shows_in_the_picture_and_slows_less_than_spheres() -> None:
    oil, beads = one_bed(), one_bed()
    oil.inject_at("line", 0.1, 2.0, "oil_doxorubicin_emulsion")
    beads.inject_at("line", 0.1, 12.0, "deb_100_300")  # both 1.5 mL
    for flow in (oil, beads):
        run(flow, 240.0, 3.0 * DT)
    seen, other = oil.step(DT), beads.step(DT)
    assert seen.bed_iodine_mg[0] == pytest.approx(1.5 * 480.0, rel=0.1)  # stays and is seen without subtraction
    assert other.bed_iodine_mg[0] < 20.0  # contrast has washed out
    assert seen.bed_flow_mL_s[0] > 1.3 * other.bed_flow_mL_s[0]
    assert sum(seen.drug_by_territory_mg.values()) == pytest.approx(9.0, rel=0.1)
    assert seen.embolic_systemic_mL > 0.05  # some slips through into the lung
