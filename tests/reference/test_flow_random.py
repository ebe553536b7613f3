"""Random networks, loops among them, solved by svZeroDSolver itself in the same run."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trainer.flow.svzerod_json import read_svzerod

svzerod = pytest.importorskip("svzerod", reason="pip install 'catheter-trainer[dev]'")


Row = dict[str, Any]


def graph(rng: np.random.Generator) -> list[tuple[int, int]]:
    """Vessels as (fork at the start, fork at the end); -1 is the inlet. A tree of 5 to 40 with one to three arcades."""
    vessels = [(-1, 0), *((int(rng.integers(0, end)), end) for end in range(1, int(rng.integers(5, 41))))]
    forks = sorted({start for start, _ in vessels if start >= 0})
    for _ in range(int(rng.integers(1, 4)) if len(forks) > 1 else 0):
        a, b = (int(i) for i in rng.choice(forks, 2, replace=False))
        if not any({a, b} == {x, y} for x, y in vessels):
            vessels.append((a, b))
    return vessels


def inflow(rng: np.random.Generator, pulsatile: bool) -> Row:
    """A given pressure or flow at the inlet, with or without a pulse."""
    t = np.linspace(0.0, 0.85, 401)
    pulse = np.exp(-0.5 * ((t - 0.4) / 0.07) ** 2) if pulsatile else np.zeros(401)
    kind, key, values = ("PRESSURE", "P", 1.1e5 + 4e4 * pulse)
    if rng.random() < 0.5:
        kind, key, values = ("FLOW", "Q", 10.0 + 20.0 * pulse)
    return {"bc_name": "IN", "bc_type": kind, "bc_values": {"t": t.tolist(), key: values.tolist()}}


def outlet(rng: np.random.Generator, name: str) -> Row:
    """A windkessel or a plain resistance."""
    R = float(10 ** rng.uniform(3.5, 5))
    if rng.random() < 0.7:
        return {"bc_name": name, "bc_type": "RCR",
                "bc_values": {"Rp": 0.15 * R, "Rd": 0.85 * R, "C": 0.3 / R, "Pd": 1e4}}
    return {"bc_name": name, "bc_type": "RESISTANCE", "bc_values": {"R": R, "Pd": 1e4}}


def random_network(seed: int, pulsatile: bool) -> Row:
    """A random network in CGS units, in svZeroDSolver's format."""
    rng = np.random.default_rng(seed)
    vessels, rows, conditions = graph(rng), [], [inflow(rng, pulsatile)]
    starts = {a for a, _ in vessels}
    for v, (_, end) in enumerate(vessels):
        values = {"R_poiseuille": float(10 ** rng.uniform(1, 3)), "C": float(10 ** rng.uniform(-7, -6)),
                  "L": float(rng.uniform(1, 20)), "stenosis_coefficient": 0.0}
        row: Row = {"vessel_id": v, "vessel_name": f"branch{v}_seg0", "vessel_length": 1.0,
                    "zero_d_element_type": "BloodVessel", "zero_d_element_values": values}
        if v == 0:
            row["boundary_conditions"] = {"inlet": "IN"}
        elif end not in starts:
            conditions.append(outlet(rng, f"OUT{v}"))
            row["boundary_conditions"] = {"outlet": f"OUT{v}"}
        rows.append(row)
    junctions = [{"junction_name": f"J{n}", "junction_type": "NORMAL_JUNCTION",
                  "inlet_vessels": [v for v, (_, b) in enumerate(vessels) if b == n],
                  "outlet_vessels": [v for v, (a, _) in enumerate(vessels) if a == n]} for n in sorted(starts - {-1})]
    return {"simulation_parameters": {"number_of_cardiac_cycles": 4, "number_of_time_pts_per_cardiac_cycle": 801,
                                      "output_all_cycles": False, "steady_initial": True, "absolute_tolerance": 1e-10},
            "boundary_conditions": conditions, "vessels": rows, "junctions": junctions}


def both(seed: int, pulsatile: bool, tmp_path: Path) -> tuple[Any, Any]:
    data = random_network(seed, pulsatile)
    path = tmp_path / "network.json"
    path.write_text(json.dumps(data))
    return read_svzerod(path), svzerod.simulate(data)


@pytest.mark.parametrize("seed", range(20))
def test_steady(seed: int, tmp_path: Path) -> None:
    network, theirs = both(seed, False, tmp_path)
    ours = network.steady()
    scale = {"flow": theirs["flow_in"].abs().max(), "pressure": theirs["pressure_in"].abs().max()}
    for name, columns in theirs.groupby("name"):
        for c in ("flow_in", "flow_out", "pressure_in", "pressure_out"):
            assert abs(ours[name][c] - columns[c].iloc[-1]) <= 1e-6 * scale[c.split("_")[0]], (name, c)


@pytest.mark.parametrize("seed", range(20))
def test_pulsatile(seed: int, tmp_path: Path) -> None:
    network, theirs = both(seed, True, tmp_path)
    ours = network.run(substeps=12)
    scale = {"flow": theirs["flow_in"].abs().max(), "pressure": theirs["pressure_in"].abs().max()}
    for name, columns in theirs.groupby("name"):
        for c in ("flow_in", "flow_out", "pressure_in", "pressure_out"):
            off = np.max(np.abs(ours[name][c] - columns[c].to_numpy()))
            assert off <= 0.01 * scale[c.split("_")[0]], (name, c, off)
