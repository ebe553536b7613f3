"""Transport against plug flow, closed forms and a plain second implementation."""

import numpy as np
import pytest
from flow_patient import DT, Y, new_flow, patient_of

from trainer.flow.transport import advect, plan


def test_plug_flow_arrival() -> None:
    # 300 mm at 1 mL/s through 1.5 mm radius: 141 mm/s, 2.12 s
    flow = new_flow(patient_of([("line", "", 300.0, 1.5, 1.5)], {"line": 1.0}))
    flow.inject_at("line", 0.05, 0.05, position_mm=0.1)
    cells, arrived, t = flow.cells, [], []
    last = flow.topology.arteries - 1
    for k in range(6 * 60):
        state = flow.step(DT)
        arrived.append(state.iodine_mg_mL[last])
        t.append((k + 1) * DT)
    weight = np.array(arrived)
    mean = float(np.array(t) @ weight / weight.sum())
    volume = cells.volume_mL.sum() - 0.5 * (cells.volume_mL[0] + cells.volume_mL[-1])
    # injected evenly over one second at 1.05 mL/s behind the tip
    assert mean - 0.5 == pytest.approx(volume / 1.05, rel=0.05)
    spread = np.sqrt(float((np.array(t) - mean) ** 2 @ weight / weight.sum()))
    assert spread == pytest.approx(1.0 / np.sqrt(12.0), rel=0.05)  # hardly wider than what was injected


def test_fork_splits_by_flow() -> None:
    flow = new_flow(patient_of(Y, {"left": 2.0, "right": 1.0}, organ="bowel"))
    flow.inject_at("trunk", 0.01, 0.1, fluid="deb_100_300", position_mm=10.0)
    for _ in range(60 * 20):
        state = flow.step(DT)
    shares = state.embolic_by_territory_mL
    assert shares["at_left"] / shares["at_right"] == pytest.approx(2.0, rel=0.01)
    assert sum(shares.values()) + state.embolic_systemic_mL == pytest.approx(0.1 * 0.125, rel=1e-6)


def test_bed_transit_time() -> None:
    flow = new_flow(patient_of([("line", "", 20.0, 1.0, 1.0)], {"line": 0.5}, transit_s=6.0))
    flow.inject_at("line", 0.05, 0.01)
    iodine, out, before = flow.ledger.index_iodine, [], 0.0
    for _ in range(40 * 60):
        flow.step(DT)
        out.append(flow.ledger.systemic[iodine] - before)
        before = float(flow.ledger.systemic[iodine])
    t = (np.arange(len(out)) + 1) * DT
    w = np.array(out)
    mean = float(t @ w / w.sum())
    artery = 0.5 * flow.cells.volume_mL.sum() / 0.5
    assert mean - 0.1 - artery == pytest.approx(6.0, rel=0.03)
    assert w.sum() == pytest.approx(3.0, rel=1e-3)


def plain(m: np.ndarray, a: np.ndarray, b: np.ndarray, q: np.ndarray, out_cell: np.ndarray,
          out_q: np.ndarray, volume: np.ndarray, up: np.ndarray, down: np.ndarray, h: float) -> np.ndarray:
    """One sub-step of one species, cell by cell, as slowly and plainly as possible."""
    c = m / volume
    leaving = np.zeros(len(m))
    ways = np.zeros(len(m), int)
    for e, f in enumerate(q):
        d = a[e] if f > 0 else b[e]
        if d >= 0 and f != 0:
            leaving[d] += abs(f)
            ways[d] += 1
    for o, f in enumerate(out_q):
        if f > 0:
            leaving[out_cell[o]] += f
            ways[out_cell[o]] += 1
    new = m.copy()
    for e, f in enumerate(q):
        d, r = (a[e], b[e]) if f > 0 else (b[e], a[e])
        if d < 0 or m[d] <= 0:
            continue
        share = abs(f) * h / max(volume[d], leaving[d] * h)
        face = c[d]
        if ways[d] == 1 and up[d] >= 0 and down[d] >= 0:
            back, ahead = c[d] - c[up[d]], c[down[d]] - c[d]
            if back * ahead > 0:
                slope = np.sign(back) * min(abs(back), abs(ahead))
                face += 0.5 * (1 - share) * slope * np.sign(f)
        moved = share * volume[d] * face
        new[d] -= moved
        if r >= 0:
            new[r] += moved
    for o, f in enumerate(out_q):
        d = out_cell[o]
        if f > 0 and m[d] > 0:
            new[d] -= m[d] * f * h / max(volume[d], leaving[d] * h)
    return new


@pytest.mark.parametrize("seed", range(4))
def test_kernel_equals_plain_reference(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = 30
    up = np.array([-1] + [k - 1 if rng.random() < 0.7 else int(rng.integers(0, k)) for k in range(1, n)])
    children = np.bincount(up[up >= 0], minlength=n)
    down = np.full(n, -1)
    for i in range(n):
        if up[i] >= 0 and children[up[i]] == 1:
            down[up[i]] = i
    q = rng.normal(0.0, 1.0, n)
    volume = rng.uniform(0.01, 0.05, n)
    out_cell = np.flatnonzero(children == 0)
    out_q = rng.normal(0.5, 0.5, len(out_cell))
    mass = np.zeros((2, n))
    mass[1] = rng.uniform(0.0, 1.0, n) * (rng.random(n) < 0.6)
    outflow, outs = np.zeros(n), np.zeros(n, np.int64)
    b = np.arange(n)
    steps = plan(up, b, q, out_cell, out_q, volume, DT, mass[1] > 0.0, outflow, outs)
    expected = mass[1].copy()
    for _ in range(steps):
        expected = plain(expected, up, b, q, out_cell, out_q, volume, up, down, DT / steps)
    left, lost = np.zeros((2, len(out_cell))), np.zeros(2)
    total = mass[1].sum()
    advect(mass, np.array([1]), up, b, q, out_cell, out_q, volume, up, down, outflow, outs, DT, steps,
           np.zeros(0, np.int64), np.zeros((0, 2)), np.zeros((2, n)), np.zeros((2, n)),
           np.zeros((2, len(out_cell)), np.bool_), left, lost)
    assert mass[1] == pytest.approx(expected, rel=1e-12, abs=1e-15)
    assert mass[1].min() >= -1e-15
    assert mass[1].sum() + left[1].sum() + lost[1] == pytest.approx(total, rel=1e-13)
    assert not mass[0].any()
