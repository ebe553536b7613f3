"""Pain, lidocaine, and what a breath does to pressures."""

import numpy as np
import pytest
from flow_patient import DT, new_flow, shipped

from trainer.flow.comfort import Comfort
from trainer.flow.fluids import load_hemodynamics
from trainer.flow.topology import in_liver

RULES = load_hemodynamics()


def test_closing_tissue_hurts_by_its_flow_and_fades() -> None:
    comfort = Comfort(RULES.pain, np.array([True, True, False]), np.array([0.5, 1.0, 4.0]))
    comfort.step(np.array([0.8, 0.0, 1.0]), np.zeros(3), DT)
    first = comfort.pain
    assert first == pytest.approx(RULES.pain.per_mL_s * 0.4)
    for _ in range(60):
        comfort.step(np.array([0.8, 0.0, 1.0]), np.zeros(3), RULES.pain.fades_s / 60.0)
    assert comfort.pain == pytest.approx(first * np.exp(-1.0), rel=0.01)


def test_lidocaine_takes_pain_away_where_it_came() -> None:
    doses = []
    for dose in ([0.0, 0.0], [RULES.pain.half_mg, 0.0], [0.0, RULES.pain.half_mg]):
        comfort = Comfort(RULES.pain, np.array([True, False]), np.array([1.0, 1.0]))
        comfort.step(np.zeros(2), np.array(dose), DT)
        comfort.step(np.array([1.0, 0.0]), np.zeros(2), DT)
        doses.append(comfort.pain)
    assert doses[1] == pytest.approx(doses[0] * (1.0 - 0.5 * RULES.pain.most_relief), rel=1e-3)
    assert doses[2] == doses[0]


def test_a_patient_who_had_lidocaine_before_hurts_less() -> None:
    patient, cells = shipped()
    felt = []
    for first in ("saline", "lidocaine_1"):
        flow = new_flow(patient, cells)
        flow.inject_at("tumor_feeder", 0.5, 8.0, first, position_mm=12.0)
        for _ in range(20 * 30):
            flow.step(2.0 * DT)
        flow.inject_at("tumor_feeder", 0.25, 6.0, "deb_100_300", position_mm=12.0)
        for _ in range(26 * 30):
            state = flow.step(2.0 * DT)
        felt.append(state.pain)
        assert state.mass_balance_error < 1e-9
    assert felt[0] > 0.05
    assert felt[1] < 0.7 * felt[0]


def test_a_breath_moves_the_pressures_and_the_livers_flow() -> None:
    patient, cells = shipped()
    flow = new_flow(patient, cells)
    liver = in_liver(patient)

    def beat(breath: float) -> tuple[float, float, float]:
        """Mean aortic pressure and mean flows of liver and the rest, after three beats to settle."""
        steps = round(flow.network.period_s / DT)
        states = [flow.step(DT, breath=breath) for _ in range(4 * steps)][-steps:]
        flows = np.mean([s.bed_flow_mL_s for s in states], axis=0)
        return float(np.mean([s.aortic_mmHg for s in states])), float(flows[liver].sum()), float(flows[~liver].sum())

    out, full = beat(0.0), beat(1.0)
    assert out[0] - full[0] == pytest.approx(RULES.breathing_mmHg.aortic_falls, abs=0.1)
    assert full[1] / out[1] < full[2] / out[2] < 1.0  # the liver is pressed besides
    assert full[1] / out[1] == pytest.approx(1.0 - 7.0 / 85.0, abs=0.02)
