"""Pressures and flows against closed forms."""

import math

import numpy as np
import pytest
from flow_patient import DT, Y, device_at, new_flow, patient_of

from trainer.anatomy.types import Heart
from trainer.flow.circuit import Circuit
from trainer.flow.heart import pressure_wave
from trainer.flow.hydraulics import Lumen, lumen_resistance
from trainer.flow.resistance import POISEUILLE, annulus_multiplier, poiseuille
from trainer.flow.sparse import factor, make_pattern, solve
from trainer.units import PSI_MMHG


def resistance(length: float, radius: float) -> float:
    """8 mu l / (pi r^4) of blood (3.5 mPa s) in SI, then mmHg s/mL."""
    return 8.0 * 3.5e-3 * length * 1e-3 / (math.pi * (radius * 1e-3) ** 4) * 1e-6 / 133.322


def test_poiseuille_tree() -> None:
    flow = new_flow(patient_of(Y, {"left": 2.0, "right": 1.0}))
    for _ in range(30):
        state = flow.step(DT)
    first = flow.topology.first_cell
    assert state.flow_mL_s[0] == pytest.approx(3.0, rel=1e-6)
    assert state.bed_flow_mL_s == pytest.approx([2.0, 1.0], rel=1e-6)
    assert state.pressure_mmHg[0] == pytest.approx(93.0, rel=1e-9)
    at_fork = 93.0 - 3.0 * resistance(60.0, 2.5)
    assert state.pressure_mmHg[first[1]] == pytest.approx(at_fork, rel=1e-6)
    # the bed takes what its artery leaves of the pressure
    end = at_fork - 1.0 * resistance(50.0, 1.2)
    assert flow.network.bed_R[1] == pytest.approx((end - 8.0) / 1.0, rel=1e-6)


def test_taper_is_integrated() -> None:
    x = np.linspace(0.0, 30.0, 20001)
    r = 2.0 - x / 30.0
    slow = POISEUILLE * 3.5 * np.trapezoid(r**-4, x)
    fast = poiseuille(np.array([30.0]), np.array([2.0]), np.array([1.0]), 3.5)[0]
    assert fast == pytest.approx(slow, rel=1e-6)


def test_windkessel_step_response() -> None:
    R, R1, C, R2 = 0.5, 1.5, 0.05, 8.0
    circuit = Circuit(1, np.array([1]), np.array([0]), np.array([R]), np.zeros(1), np.zeros(1), np.zeros(1),
                      np.array([0]), np.array([R1]), np.array([C]), np.array([R2]), np.array([8.0]),
                      np.array([8.0]))
    circuit.steady()
    assert circuit.bed_in[0] == pytest.approx(0.0, abs=1e-12)
    circuit.fixed[0] = 108.0
    dt = 1e-4
    tau = C * (R + R1) * R2 / (R + R1 + R2)
    for k in range(1, 20001):
        circuit.step(dt)
        if k in (1000, 4000, 20000):
            rise = 100.0 * R2 / (R + R1 + R2) * (1.0 - math.exp(-k * dt / tau))
            assert circuit.bed_Pc[0] - 8.0 == pytest.approx(rise, rel=2e-3)


@pytest.mark.parametrize("seed", range(5))
def test_factorization_with_loops(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = 40
    a = np.array([rng.integers(0, k) for k in range(1, n)] + list(rng.integers(0, n, 12)) + [n])
    b = np.array([*range(1, n), *rng.integers(0, n, 12), 0])
    g = rng.uniform(0.1, 10.0, len(a))
    dense = np.zeros((n, n))
    pattern = make_pattern(n, a, b)
    diagonal, lower = np.zeros(n), np.zeros(len(pattern.row))
    for i, j, x, slot in zip(a, b, g, pattern.slot):
        for k in {int(i), int(j)} - {n}:
            if i != j:
                dense[k, k] += x
                diagonal[pattern.rank[k]] += x
        if slot >= 0:
            dense[i, j] -= x
            dense[j, i] -= x
            lower[slot] -= x
    right = rng.standard_normal(n)
    x = np.zeros(n)
    x[pattern.rank] = right
    factor(pattern.start, pattern.row, pattern.update, diagonal, lower)
    solve(pattern.start, pattern.row, diagonal, lower, x)
    assert x[pattern.rank] == pytest.approx(np.linalg.solve(dense, right), rel=1e-9)


def test_tree_fills_in_nothing() -> None:
    n = 500
    rng = np.random.default_rng(0)
    pattern = make_pattern(n, np.array([rng.integers(0, k) for k in range(1, n)]), np.arange(1, n))
    assert len(pattern.row) == n - 1
    assert len(pattern.update) == 0


def test_pressure_wave() -> None:
    wave = pressure_wave(Heart(70.0, 120.0, 78.0, 93.0))
    assert wave.min() == pytest.approx(78.0, abs=0.1)
    assert wave.max() == pytest.approx(120.0, abs=0.1)
    assert wave.mean() == pytest.approx(93.0, abs=0.01)
    notch = wave[int(0.412 * 512)]
    assert wave[int(0.465 * 512)] > notch + 1.0


# clinical 2.6: outer diameter of the tip, vessel diameter, multiplier as printed
ANNULUS = [(0.63, 1.0, 18), (0.63, 1.2, 9), (0.63, 1.5, 5), (0.63, 2.0, 3), (0.63, 3.0, 2), (0.80, 1.0, 104),
           (0.80, 1.2, 24), (0.80, 1.5, 10), (0.80, 2.0, 5), (0.90, 1.0, 789), (0.90, 1.2, 55),
           (0.93, 1.2, 74), (0.93, 1.5, 17), (1.67, 2.0, 182), (1.67, 2.5, 25), (1.67, 3.0, 11)]


@pytest.mark.parametrize(("outer", "vessel", "printed"), ANNULUS)
def test_annulus_table(outer: float, vessel: float, printed: float) -> None:
    assert abs(annulus_multiplier(outer / vessel) - printed) <= max(0.55, 0.03 * printed)


def test_device_narrows_its_cells_only() -> None:
    patient = patient_of(Y, {"left": 2.0, "right": 1.0})
    flow = new_flow(patient)
    flow.step(DT, device_at(patient, "right", 25.0))
    open_R = flow.network.half_R.sum()
    flow.network.refresh()
    extra = flow.network._extra * flow.network.half_R
    expected = (resistance(60.0, 2.5) * (annulus_multiplier(0.4 / 2.5) - 1.0)
                + resistance(25.0, 1.2) * (annulus_multiplier(0.4 / 1.2) - 1.0))
    assert extra.sum() == pytest.approx(expected, rel=1e-9)
    assert open_R == pytest.approx(sum(resistance(*v) for v in ((60.0, 2.5), (40.0, 1.5), (50.0, 1.2))))
    flow.step(DT, device_at(patient, "left", 0.0))
    assert flow.network._extra[:, flow.topology.first_cell[2] :].sum() == 0.0


# clinical 2.7: inner diameter mm, length mm, psi per mL/s of a 6.3 mPa s fluid
HYDRAULICS = [(1.10, 800.0, 20.0), (0.97, 650.0, 27.0), (0.70, 1300.0, 202.0), (0.65, 1300.0, 271.0),
              (0.57, 1300.0, 459.0), (0.49, 1300.0, 840.0), (0.45, 1300.0, 1226.0)]


@pytest.mark.parametrize(("inner", "length", "psi"), HYDRAULICS)
def test_hydraulics_table(inner: float, length: float, psi: float) -> None:
    found = lumen_resistance(Lumen(inner, length, 1000.0), 6.3) / PSI_MMHG
    assert found == pytest.approx(psi, rel=0.1)


def test_inner_device_narrows_the_lumen() -> None:
    lumen = Lumen(1.10, 1000.0, 1000.0)
    plain, half = lumen_resistance(lumen, 6.3), lumen_resistance(lumen, 6.3, 0.4, 500.0)
    assert half / plain == pytest.approx(0.5 + 0.5 * annulus_multiplier(0.4 / 0.55), rel=1e-12)
