"""Time of one step of blood. Prints figures; asserts nothing about seconds."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from flow_patient import patient_of

from trainer.anatomy.build import build_patient
from trainer.anatomy.spec import PatientSpec
from trainer.anatomy.types import Patient
from trainer.flow.cells import build_cells
from trainer.flow.flow import Flow
from trainer.flow.heart import pressure_at

FLUIDS = ("contrast_300", "doxorubicin_solution", "deb_100_300", "deb_300_500", "particles_300_500")


@pytest.mark.parametrize("species", [0, 1, 5])
def test_step(benchmark: Callable[..., Any], species: int) -> None:
    """A 5 mL/s celiac run over 0, 1 or 5 species already in the blood."""
    patient = build_patient(PatientSpec(), np.random.SeedSequence(1))
    flow = Flow(patient, build_cells(patient), {}, np.random.SeedSequence(2))
    for fluid in FLUIDS[:species]:
        flow.inject_at("celiac_trunk", 1.0, 1.0, fluid)
    if species:
        flow.inject_at("celiac_trunk", 5.0, 500.0)
    for _ in range(120):
        flow.step(1.0 / 60.0)
    benchmark(flow.step, 1.0 / 60.0)


def test_build(benchmark: Callable[..., Any]) -> None:
    """Cutting the patient into cells and settling the pulse."""
    patient = build_patient(PatientSpec(), np.random.SeedSequence(1))
    benchmark(lambda: Flow(patient, build_cells(patient), {}, np.random.SeedSequence(2)))


def branching(vessels: int) -> Patient:
    """A binary tree of vessels of 28 mm, about 19 cells each at that flow, its beds in ten territories."""
    radius, rows = [7.0], [("v0", "", 28.0, 8.0, 7.0)]
    for k in range(1, vessels):
        radius.append(max(0.4, 0.79 * radius[(k - 1) // 2]))
        rows.append((f"v{k}", f"v{(k - 1) // 2}", 28.0, radius[-1], radius[-1]))
    ends = [k for k in range(vessels) if 2 * k + 1 >= vessels]
    patient = patient_of(rows, {f"v{k}": 20.0 / len(ends) for k in ends}, pulse=40.0)
    beds = replace(patient.beds, territory=np.arange(len(ends)) % 10)
    return replace(patient, beds=beds, territories=patient.territories[:10])


def as_svzerod(flow: Flow) -> dict[str, Any]:
    """The same vessels for svZeroDSolver, one element each (mmHg, mL, s)."""
    tree, n, first = flow.patient.tree, flow.network, flow.topology.first_cell
    conditions: list[dict[str, Any]] = [{"bc_name": "IN", "bc_type": "PRESSURE", "bc_values": {
        "t": np.linspace(0.0, n.period_s, 50).tolist(), "P": [pressure_at(n.wave, n.period_s, t)
                                                              for t in np.linspace(0.0, n.period_s, 50)]}}]
    rows, children = [], {v: np.flatnonzero(tree.parent == v).tolist() for v in range(tree.count)}
    for v in range(tree.count):
        own = slice(int(first[v]), int(first[v + 1]))
        row: dict[str, Any] = {"vessel_id": v, "vessel_name": f"branch{v}_seg0", "vessel_length": 28.0,
                               "zero_d_element_type": "BloodVessel", "zero_d_element_values": {
                                   "R_poiseuille": float(n.half_R[:, own].sum()), "L": float(n.L[own].sum()),
                                   "C": float(n.C[own].sum()), "stenosis_coefficient": 0.0}}
        if v == 0:
            row["boundary_conditions"] = {"inlet": "IN"}
        if not children[v]:
            R = float(n.bed_R[int(np.flatnonzero(flow.patient.beds.vessel == v)[0])])
            conditions.append({"bc_name": f"OUT{v}", "bc_type": "RCR", "bc_values": {
                "Rp": 0.15 * R, "Rd": 0.85 * R, "C": 0.3 / R, "Pd": 8.0}})
            row["boundary_conditions"] = row.get("boundary_conditions", {}) | {"outlet": f"OUT{v}"}
        rows.append(row)
    return {"simulation_parameters": {"number_of_cardiac_cycles": 2, "number_of_time_pts_per_cardiac_cycle": 52,
                                      "output_all_cycles": False, "steady_initial": True},
            "boundary_conditions": conditions, "vessels": rows, "junctions": [
                {"junction_name": f"J{v}", "junction_type": "NORMAL_JUNCTION", "inlet_vessels": [v],
                 "outlet_vessels": c} for v, c in children.items() if c]}


def test_by_size() -> None:
    """Cost of a step, CPU time, by size with five species in the blood; svZeroDSolver on the same vessels, which solves
    pressures and flows only."""
    svzerod = pytest.importorskip("svzerod", reason="pip install 'catheter-trainer[dev]'")
    print(f"\n{'vessels':>8} {'cells':>7} {'mean ms':>8} {'p99 ms':>7} {'ns/cell':>8} {'svzerod ms/step':>16}")
    for vessels in (150, 300, 600, 1200, 2500, 5000, 10000):
        patient = branching(vessels)
        flow = Flow(patient, build_cells(patient), {}, np.random.SeedSequence(2))
        for fluid in FLUIDS:
            flow.inject_at("v0", 1.0, 500.0, fluid)
        for _ in range(240):
            flow.step(1.0 / 60.0)
        times = []
        for _ in range(180):
            begin = time.thread_time()
            state = flow.step(1.0 / 60.0)
            times.append(1e3 * (time.thread_time() - begin))
        assert state.mass_balance_error < 1e-9
        cells = len(flow.cells.volume_mL)
        theirs = ""
        if vessels <= 1200:
            begin = time.thread_time()
            svzerod.simulate(as_svzerod(flow))
            theirs = f"{1e3 * (time.thread_time() - begin) / 102:.2f}"
        print(f"{vessels:8d} {cells:7d} {np.mean(times):8.2f} {np.percentile(times, 99):7.2f}"
              f" {1e6 * np.mean(times) / cells:8.0f} {theirs:>16}", flush=True)
