"""The trainer's network solver against stored results of svZeroDSolver."""

import json
from pathlib import Path

import numpy as np
import pytest

from trainer.flow.svzerod_json import read_svzerod

DATA = Path(__file__).parents[2] / "../shared/data/svzerod_pairs"
pytestmark = pytest.mark.skipif(not DATA.exists(), reason="reference data ../shared/data is absent")
STEADY = ["RC_R", "RLC_R", "RL_R", "R_R", "R_RCR", "R_coronary", "R_steadyPressure", "bifurcationR_R1",
          "bifurcationR_R1_blockNames", "bifurcationR_R2", "blood_vessel_junction", "confluenceR_R", "stenosis_R"]
# name, cycles to run (0: the file's) and time steps between output times
PULSATILE = [("CRL", 8, 20), ("CStenosis_steadyPressure", 2, 8), ("CStenosis_steadyPressure_definedPeriod", 2, 8),
             ("R_RCR", 0, 20), ("R_RCR_variable", 0, 20), ("R_RCR_derivative", 0, 20), ("R_coronary", 0, 10),
             ("R_coronary_cycle_error", 31, 10), ("R_coronary_varres", 0, 10)]
COLUMNS = ("flow_in", "flow_out", "pressure_in", "pressure_out")


def stored(name: str) -> dict[str, dict[str, np.ndarray]]:
    """Columns of a stored result by vessel."""
    raw = json.loads((DATA / "results" / f"result_{name}.json").read_text())
    table = {k: np.array(list(v.values())) for k, v in raw.items()}
    return {v: {c: table[c][table["name"] == v] for c in ("time", *COLUMNS)} for v in set(table["name"])}


@pytest.mark.parametrize("case", STEADY)
def test_steady(case: str) -> None:
    network = read_svzerod(DATA / "cases" / f"steadyFlow_{case}.json")
    ours, theirs = network.run(), stored(f"steadyFlow_{case}")
    for vessel, columns in theirs.items():
        for c in COLUMNS:
            assert ours[vessel][c][-1] == pytest.approx(columns[c][-1], rel=1e-6)


@pytest.mark.parametrize(("case", "cycles", "substeps"), PULSATILE)
def test_pulsatile(case: str, cycles: int, substeps: int) -> None:
    network = read_svzerod(DATA / "cases" / f"pulsatileFlow_{case}.json")
    ours, theirs = network.run(cycles, substeps)["branch0_seg0"], stored(f"pulsatileFlow_{case}")["branch0_seg0"]
    for c in COLUMNS:
        b = theirs[c][-network.points :]
        off = np.abs(ours[c] - b)
        # the stored stenosis rings where its flow turns, which the closed form (sin t) does not
        worst = np.sqrt(np.mean(off**2)) if "Stenosis" in case else np.max(off)
        assert worst <= 0.01 * np.max(np.abs(b)), c


def test_pulsatile_stenosis_closed_form() -> None:
    """Flow sin t through a drop of |Q| Q before 0.1: the compliance is too small to matter."""
    ours = read_svzerod(DATA / "cases/pulsatileFlow_CStenosis_steadyPressure.json").run(2, 8)["branch0_seg0"]
    flow = np.sin(ours["time"])
    assert np.abs(ours["flow_out"] - flow).max() < 0.002
    assert np.abs(ours["pressure_in"] - np.abs(flow) * flow - 0.1).max() < 0.005


@pytest.mark.parametrize("case", ["R_RCR_mean", "R_RCR_mean_derivative"])
def test_pulsatile_means(case: str) -> None:
    ours = read_svzerod(DATA / "cases" / f"pulsatileFlow_{case}.json").run()["branch0_seg0"]
    theirs = stored(f"pulsatileFlow_{case}")["branch0_seg0"]
    for c in COLUMNS:
        assert np.mean(ours[c][:-1]) == pytest.approx(theirs[c][0], rel=0.01), c


def test_pulsatile_bifurcation_means() -> None:
    # the stored result has five points a cycle, too few for its waveform; its cycle means are sound
    ours = read_svzerod(DATA / "cases/pulsatileFlow_bifurcationR_RCR_cycle_error.json").run(cycles=100)
    for vessel, columns in stored("pulsatileFlow_bifurcationR_RCR_cycle_error").items():
        for c in COLUMNS:
            assert np.mean(ours[vessel][c][:-1]) == pytest.approx(np.mean(columns[c][-4:]), rel=0.01)


@pytest.mark.parametrize("patient", ["0104_0001", "0080_0001"])
def test_patients_of_the_vascular_model_repository(patient: str) -> None:
    """Mean flows of two patients' networks against the waveforms that they were fitted to."""
    ours = read_svzerod(DATA / "vmr/reference" / f"{patient}_optimal_from_0d.json").steady()
    seen = json.loads((DATA / "vmr/input" / f"{patient}_calibrate_from_0d.json").read_text())["y"]
    inflow, compared = ours["branch0_seg0"]["flow_in"], 0
    for key, wave in seen.items():
        kind, before, behind = key.split(":")
        if kind != "flow":
            continue
        mine = ours[before]["flow_out"] if before in ours else ours[behind]["flow_in"]
        assert abs(mine - np.mean(wave[:-1])) <= 0.01 * inflow, key
        compared += 1
    assert compared >= 18


FACTS = Path(__file__).parents[2] / "../shared/facts"


@pytest.mark.parametrize("name", ["svzerod_celiac", "svzerod_adan56_liver"])
def test_reference_networks(name: str) -> None:
    import svzerod
    path = FACTS / f"{name}.json"
    if not path.exists():
        pytest.skip("reference networks ../shared/facts are absent")
    theirs = svzerod.simulate(json.loads(path.read_text()))
    ours = read_svzerod(path).run(substeps=12)
    for vessel, columns in theirs.groupby("name"):
        mean = np.mean(columns["flow_in"].to_numpy()[:-1])
        assert np.mean(ours[vessel]["flow_in"][:-1]) == pytest.approx(mean, rel=0.01), vessel
        wave = columns["pressure_in"].to_numpy()
        # root mean square: the celiac file's pressure jumps once a beat and rings at any step
        assert np.sqrt(np.mean((ours[vessel]["pressure_in"] - wave) ** 2)) <= 0.01 * np.max(wave), vessel
