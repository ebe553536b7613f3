"""Time of one mechanics step, printed; no assertion on seconds. Run with -s: the table is the result."""

import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from trainer.commands import Hand
from trainer.instruments.instruments import Held, Instruments

sys.path.insert(0, str(Path(__file__).parents[1] / "property"))
sys.path.insert(0, str(Path(__file__).parent))

from long_stack import INSIDE_MM, long_stack, long_tree
from test_instruments_behavior import triaxial

DT = 1 / 60
STEPS = 240
"""Steps of a phase."""


def hand(catheter: float, micro: float, wire: float, turn: float = 0.0, all_turn: bool = False) -> tuple[Hand, ...]:
    """Advance, mm/s, of the three devices, and the turn of the wire or of all, rad/s."""
    other = turn if all_turn else 0.0
    return (Hand("catheter", catheter, 0.3 * other), Hand("microcatheter", micro, other),
            Hand("microwire", wire, turn))


# what the hands do, and after how many steps they turn back (0: never)
PHASES = {
    "slide the wire": (hand(0, 0, 10.0), 60),
    "turn the wire": (hand(0, 0, 0, 3.0), 0),
    "slide and turn all": (hand(2.0, 5.0, 10.0, 3.0, True), 60),
    "push against resistance": (hand(5.0, 10.0, 20.0), 0),
    "pull back": (hand(-5.0, -10.0, -20.0), 0),
}


@dataclass
class Seen:
    """What the steps of one phase were like."""

    ms: list[float]
    contacts: list[int]
    iterations: list[int]
    capped: list[bool]
    depth: list[float]
    nodes: int = 0

    def row(self, name: str) -> str:
        ms, depth = np.array(self.ms), np.array(self.depth)
        return (f"{name:26} {ms.mean():6.2f} {np.percentile(ms, 50):6.2f} {np.percentile(ms, 99):6.2f} {ms.max():6.2f}"
                f" {self.nodes:6d} {np.mean(self.contacts):8.1f} {np.mean(self.iterations):6.1f}"
                f" {100 * np.mean(self.capped):6.0f} {np.percentile(depth, 50):8.3f} {np.percentile(depth, 99):6.3f}"
                f" {depth.max():6.3f}")


HEAD = (f"{'ms of one step (CPU time)':26} {'mean':>6} {'p50':>6} {'p99':>6} {'max':>6} {'nodes':>6} {'contacts':>8}"
        f" {'iter.':>6} {'cap %':>6} {'in wall':>8} {'p99':>6} {'max mm':>6}")


@pytest.fixture
def one_core() -> Iterator[None]:
    """Runs on one core, so that nothing is spread over several."""
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    if allowed:
        os.sched_setaffinity(0, {min(allowed)})
    yield
    if allowed:
        os.sched_setaffinity(0, allowed)


def watch(tray: Instruments, hands: tuple[Hand, ...], turn_back: int) -> Seen:
    seen, sign = Seen([], [], [], [], []), 1.0
    for step in range(STEPS):
        if turn_back and step and step % turn_back == 0:
            sign = -sign
        now = tuple(Hand(h.slot, sign * h.advance_mm_s, sign * h.torque_rad_s) for h in hands)
        begin = time.thread_time()
        tray.step(now, np.zeros(3), DT)
        seen.ms.append(1e3 * (time.thread_time() - begin))
        line = tray.stack.line
        assert line is not None
        assert np.isfinite(line.x).all()
        seen.contacts.append(int((line.pressing > 0).sum()))
        seen.iterations.append(line.iterations)
        seen.capped.append(line.iterations >= tray.stack.law.iterations)
        seen.depth.append(line.penetration_mm)
        seen.nodes = len(line.s)
    return seen


def short_wire() -> Instruments:
    """A 0.035 in wire, as long inside as CathSim's: the same vessel, one device."""
    tray, _, _ = long_stack()
    tray.held.clear()
    spec = tray.catalog.devices["wire_035_angled"]
    tray.held["wire"] = Held(spec, spec.profile(), 0.0)
    tray.stack.line = tray.stack.last = None
    while tray.held["wire"].inserted_mm < 166.0:
        left = 166.0 - tray.held["wire"].inserted_mm
        tray.step((Hand("wire", min(40.0, left / DT)),), np.zeros(3), DT)
    return tray


def test_bench_long_stack_beside_mujoco(one_core: None) -> None:
    """1.2 m of three devices with contact and friction, and CathSim's wire in the same vessel."""
    tray, _, _ = long_stack()
    print(f"\n\n1.2 m inside: {INSIDE_MM}\n{HEAD}")
    together = Seen([], [], [], [], [])
    for name, (hands, back) in PHASES.items():
        seen = watch(tray, hands, back)
        print(seen.row(name))
        for key in ("ms", "contacts", "iterations", "capped", "depth"):
            getattr(together, key).extend(getattr(seen, key))
        together.nodes = seen.nodes
    print(together.row("together"))
    assert together.nodes > 300
    assert np.mean(together.contacts) > 20
    small = watch(short_wire(), (Hand("wire", 10.0, 1.0),), 60)
    print(small.row("one wire, 166 mm"))
    beside_mujoco(float(np.mean(together.ms)) / 1e3 / DT, float(np.mean(small.ms)) / 1e3 / DT)


def beside_mujoco(stack: float, wire: float) -> None:
    """Prints MuJoCo's cost and the ratios. stack, wire: our CPU s per simulated s, 1.2 m and 166 mm."""
    pytest.importorskip("mujoco", reason="pip install 'catheter-trainer[validate]'")
    from mujoco_wire import run

    _, course, radius = long_tree()
    print(f"\nCPU s per simulated s, one core: stack of three, 1.2 m {stack:.3f}; one wire, 166 mm {wire:.3f}")
    print(f"{'MuJoCo, the same vessel, CathSim wire':62} {'ms/step':>8} {'CPU s/s':>8} {'contacts':>8}"
          f" {'/ stack':>8} {'/ wire':>8}")
    for name, options in {
        "166 mm, 1761 hulls: as published": {"steps": 60},
        "166 mm, 1761 hulls, margin 0 (touches nothing)": {"steps": 60, "margin_m": 0.0},
        "166 mm, 1761 boxes, margin 0": {"steps": 60, "margin_m": 0.0, "mesh": False},
        "166 mm, 177 hulls": {"steps": 60, "hulls": 177},
        "166 mm, 1761 hulls, no blood drag": {"steps": 60, "blood": False},
        "166 mm, 177 hulls, no blood drag": {"steps": 60, "hulls": 177, "blood": False},
        "166 mm, 1761 hulls, no blood drag, margin 0 (touches nothing)":
            {"steps": 60, "blood": False, "margin_m": 0.0},
        "1.2 m, 1761 hulls, no blood drag, margin 0": {"steps": 5, "shaft": 597, "blood": False, "margin_m": 0.0},
    }.items():
        cost = run(course, radius, **options)  # type: ignore[arg-type]
        assert cost.finite
        other = f"{cost.cpu_per_simulated / wire:8.1f}" if "shaft" not in options else f"{'':8}"
        print(f"{name:62} {cost.ms_per_step:8.2f} {cost.cpu_per_simulated:8.3f} {cost.contacts:8.0f}"
              f" {cost.cpu_per_simulated / stack:8.1f} {other}", flush=True)


@pytest.mark.parametrize("make", [triaxial, lambda: long_stack()[0]], ids=["130 mm", "1.2 m"])
@pytest.mark.parametrize("what", ["idle", "slide", "turn", "all"])
def test_bench_triaxial_step(benchmark, make, what: str) -> None:  # type: ignore[no-untyped-def]
    tray = make()
    hands = {"idle": (), "slide": (Hand("microwire", 10.0),), "turn": (Hand("microwire", 0.0, 3.0),),
             "all": (Hand("catheter", 2.0, 1.0), Hand("microcatheter", 5.0), Hand("microwire", 10.0, 3.0))}[what]
    sign = [1.0]

    def step() -> None:
        tray.step(tuple(Hand(h.slot, sign[0] * h.advance_mm_s, h.torque_rad_s) for h in hands), np.zeros(3), DT)
        sign[0] = -sign[0]

    benchmark(step)
