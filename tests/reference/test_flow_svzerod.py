"""The trainer's network solver against stored results of svZeroDSolver."""

import json
from pathlib import Path

import numpy as np
import pytest

from trainer.flow.svzerod_json import read_svzerod

DATA = Path(__file__).parents[2] / "../shared/data/svzerod_pairs"
pytestmark = pytest.mark.skipif(not DATA.exists(), reason="reference data ../shared/data is absent")
STEADY = ["RC_R", "RLC_R", "RL_R", "R_R", "R_RCR", "R_steadyPressure", "bifurcationR_R1", "bifurcationR_R2",
          "blood_vessel_junction", "confluenceR_R", "stenosis_R"]
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


def test_pulsatile() -> None:
    ours = read_svzerod(DATA / "cases/pulsatileFlow_R_RCR.json").run()["branch0_seg0"]
    theirs = stored("pulsatileFlow_R_RCR")["branch0_seg0"]
    for c in COLUMNS:
        b = theirs[c][-201:]
        assert np.max(np.abs(ours[c] - b)) <= 0.01 * np.max(np.abs(b)), c


def test_pulsatile_bifurcation_means() -> None:
    # the stored result has five points a cycle, too few for its waveform; its cycle means are sound
    ours = read_svzerod(DATA / "cases/pulsatileFlow_bifurcationR_RCR_cycle_error.json").run(cycles=100)
    for vessel, columns in stored("pulsatileFlow_bifurcationR_RCR_cycle_error").items():
        for c in COLUMNS:
            assert np.mean(ours[vessel][c][:-1]) == pytest.approx(np.mean(columns[c][-4:]), rel=0.01)


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
