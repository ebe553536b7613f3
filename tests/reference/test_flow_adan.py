"""Mean flows of the ADAN56 arterial tree against the stored means of a one-dimensional solver (openBF)."""

from pathlib import Path

import numpy as np
import pytest
from ruamel.yaml import YAML
from scipy.integrate import quad

from trainer.flow.circuit import Circuit

DATA = Path(__file__).parents[2] / "../shared/data/openbf_adan56"
pytestmark = pytest.mark.skipif(not DATA.exists(), reason="reference data ../shared/data is absent")


def adan() -> tuple[list[str], Circuit]:
    """The tree in SI units as a circuit: one edge a segment, beds at its ends, the mean inflow at its root."""
    file = YAML(typ="safe").load((DATA / "adan56.yaml").read_text())
    segments, viscosity = file["network"], float(file["blood"]["mu"])
    number = {n: i for i, n in enumerate(sorted({s["sn"] for s in segments} | {s["tn"] for s in segments}))}
    a = np.array([number[s["sn"]] for s in segments])
    b = np.array([number[s["tn"]] for s in segments])
    R = []
    for s in segments:
        profile, length = float(s["gamma_profile"]), float(s["L"])
        near, far = float(s.get("Rp", s.get("R0"))), float(s.get("Rd", s.get("R0")))
        R.append(2.0 * (profile + 2.0) * viscosity / np.pi * quad(
            lambda x, p=near, d=far, n=length: (p + (d - p) * x / n) ** -4, 0.0, length)[0])
    ends = [s for s in segments if s.get("outlet") == "wk3"]
    node = np.array([number[s["tn"]] for s in ends])
    R1, R2 = (np.array([float(s[k]) for s in ends]) for k in ("R1", "R2"))
    C = np.array([float(s["Cc"]) for s in ends])
    zeros = np.zeros(len(segments))
    circuit = Circuit(len(number), a, b, np.array(R), zeros, zeros.copy(), np.zeros(len(number)), node, R1, C, R2,
                      np.zeros(len(ends)), np.zeros(0))
    time, flow = np.loadtxt(DATA / "adan56_inlet.dat").T
    circuit.source[number[segments[0]["sn"]]] = np.trapezoid(flow, time) / np.ptp(time)
    return [s["label"] for s in segments], circuit


def test_mean_flows_within_five_percent() -> None:
    labels, circuit = adan()
    circuit.steady()
    stored = np.load(DATA / "adan56_ref_converted.npz")
    off = []
    for label, flow in zip(labels, circuit.Q, strict=True):
        wave = stored[f"{label}|Q"]
        off.append(abs(flow / (np.trapezoid(wave[:, 3], wave[:, 0]) / np.ptp(wave[:, 0])) - 1.0))
    assert len(off) == 77
    assert max(off) < 0.05
    assert np.median(off) < 0.02


def test_a_closing_liver_sends_its_blood_elsewhere() -> None:
    """Embolization raises one bed's resistance: its flow falls, every other bed's rises, the inflow stays."""
    labels, circuit = adan()
    circuit.steady()
    liver = int(np.flatnonzero(circuit.bed_node == circuit.b[labels.index("common_hepatic")])[0])
    before = circuit.bed_in.copy()
    circuit.bed_R2[liver] *= 20.0
    circuit.stale = True
    circuit.steady()
    change = circuit.bed_in - before
    assert circuit.bed_in[liver] < 0.2 * before[liver]
    assert (np.delete(change, liver) > 0.0).all()
    assert abs(change.sum()) < 1e-9 * before.sum()
