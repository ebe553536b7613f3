"""What the stack must do whatever the hands do: stay finite, inside, inextensible, and reproducible."""

import numpy as np
import pytest
from abuse import patient_of, run
from instruments_tree import access_at_start, bent, fork, vessel_tree

from trainer.commands import Hand
from trainer.instruments.catalog import load_catalog
from trainer.instruments.instruments import Instruments
from trainer.instruments.model import Law
from trainer.instruments.profile import make_profile
from trainer.instruments.stack import Move, Stack
from trainer.instruments.types import Shapes
from trainer.instruments.wall import build_lumen

CATALOG = load_catalog()
DT = 1 / 60


def triaxial() -> Instruments:
    """Catheter, microcatheter and microwire in a bend with branches of 6, 3 and 1.2 mm diameter."""
    trunk = bent(60.0, 25.0, 1.2, 60.0, 1.5)
    side = trunk[50] + np.linspace(0, 40, 21)[:, None] * np.array([0.2, 0.9, 0.38])
    twig = side[12] + np.linspace(0, 25, 14)[:, None] * np.array([0.7, 0.6, 0.38])
    tree = vessel_tree({"trunk": ("", trunk, 3.0), "side": ("trunk", side, np.linspace(1.5, 1.1, 21)),
                        "twig": ("side", twig, 0.6)})
    tray = Instruments(tree, access_at_start(tree), CATALOG)
    for slot, device, ahead in (("catheter", "cobra_2_5f", 70.0), ("microcatheter", "micro_24f", 85.0),
                                ("microwire", "microwire_016_75", 95.0)):
        assert tray.insert(slot, device) is None
        while tray.held[slot].inserted_mm < ahead - 1e-6:
            speed = min(300.0 if tray.held[slot].inserted_mm < 0 else 30.0,
                        (ahead - tray.held[slot].inserted_mm) / DT)
            tray.step((Hand(slot, speed),), np.zeros(3), DT)
    return tray


def abuse(tray: Instruments, seed: int, seconds: int) -> tuple[list[Shapes], float]:
    rng = np.random.default_rng(seed)
    shapes, stretch = [], 0.0
    for _ in range(2 * seconds):
        hands = tuple(Hand(s, float(rng.uniform(-60, 60)), float(rng.uniform(-12, 12))) for s in tray.held)
        for _ in range(30):
            shapes.append(tray.step(hands, np.zeros(3), DT))
            line = tray.stack.line
            stretch = max(stretch, line.stretch if line else 0.0)
    return shapes, stretch


@pytest.mark.parametrize("seed", [1, 2])
def test_abuse_keeps_devices_finite_whole_and_inside(seed: int) -> None:
    tray = triaxial()
    shapes, stretch = abuse(tray, seed, 8)
    for s in shapes:
        assert np.isfinite(s.nodes).all()
        assert np.isfinite(s.hub_force).all()
    depth = np.array([s.max_penetration_mm for s in shapes])
    assert depth.max() < 0.1
    assert stretch < 0.005
    for slot, held in tray.held.items():
        assert shapes[-1].device_end[list(tray.held).index(slot)] == held.inserted_mm


def test_a_rammed_tip_stays_inside() -> None:
    """A base catheter pushed and drawn with full speed against the end of a vessel for three seconds."""
    tree = vessel_tree({"trunk": ("", [[0, 0, 0], [0, 0, 80.0]], 3.0)})
    tray = Instruments(tree, access_at_start(tree), CATALOG)
    assert tray.insert("catheter", "cobra_2_5f") is None
    depth = []
    for step in range(300):
        speed = -20.0 if step > 120 and step % 10 == 0 else 60.0
        depth.append(tray.step((Hand("catheter", speed),), np.zeros(3), DT).max_penetration_mm)
    assert tray.held["catheter"].inserted_mm > 75.0
    assert max(depth) < 0.1


def test_the_same_hands_give_the_same_bits() -> None:
    first, _ = abuse(triaxial(), 5, 2)
    again, _ = abuse(triaxial(), 5, 2)
    for a, b in zip(first, again, strict=True):
        assert np.array_equal(a.nodes, b.nodes)
        assert np.array_equal(a.hub_force, b.hub_force)


@pytest.mark.parametrize("anatomy", ["michels_1", "michels_3"])
def test_abuse_in_a_whole_patient(anatomy: str) -> None:
    """Half a minute of random hands in a breathing patient; tests/abuse.py makes the long runs."""
    patient = patient_of(anatomy)
    held = []
    result = run(patient, anatomy, 3, 1800, lambda tray, step: held.append(tray.stack.line is not None))
    assert result.finite
    assert result.booked
    assert result.deepest_mm < 0.1
    assert result.stretch < 0.005
    assert result.farthest_mm > 300.0
    assert sum(held) > 1500
    assert run(patient, anatomy, 3, 300).digest == run(patient, anatomy, 3, 300).digest


def test_abuse_deep_in_branches_stops_nothing_for_good() -> None:
    """Devices pressed into a branch, where a step is often done again: they stay inside and still go on."""
    patient = patient_of("michels_1", seed=2)
    held = []
    result = run(patient, "michels_1", 2, 1500, lambda tray, step: held.append(tray.stack.last is None), placed=0.75)
    assert result.finite
    assert result.deepest_mm < 0.1
    assert result.stretch < 0.005
    longest = max(len(still) for still in "".join("h" if h else "m" for h in held).split("m"))
    assert longest < 30  # a stack that is left as it lies has no motion behind it


def test_a_tip_sliding_inside_the_stack_moves_nothing_by_jumps() -> None:
    """A wire slides through a precurved catheter in free space in 0.1 mm steps: no motion of the catheter's
    tip jumps by more than 0.02 mm against its neighbors in time."""
    tree = vessel_tree({"hall": ("", [[0, 0, -200.0], [0, 0, 400.0]], 150.0)})
    stack = Stack(build_lumen(tree), np.zeros(3), np.array([0.0, 0.0, 1.0]),
                  Law(drag=0.0, iterations=60, tolerance=1e-7))
    cobra = make_profile(300.0, 0.83, [(0.0, 120.0, 120.0), (80.0, 220.0, 300.0)],
                         [(7.0, 0.0, 0.0), (22.7, 1.745, 0.0)])
    wire = make_profile(600.0, 0.44, [(0.0, 10.0, 8.0), (100.0, 600.0, 460.0)])
    tip, places = 60.0, []
    for _ in range(40):
        tip += 0.5
        stack.solve([Move("catheter", cobra, 0.0, 80.0, 0.0, 0.0, 0.0), Move("wire", wire, 0.0, tip, 0.5, 0, 0)],
                    np.zeros(3))
    for _ in range(120):
        tip += 0.1
        stack.solve([Move("catheter", cobra, 0.0, 80.0, 0.0, 0.0, 0.0), Move("wire", wire, 0.0, tip, 0.1, 0, 0)],
                    np.zeros(3))
        line = stack.line
        assert line is not None
        places.append([np.interp(80.0, line.s, line.x[:, c]) for c in range(3)])
    path = np.array(places)
    assert np.linalg.norm(path[-1] - path[0]) > 0.5
    assert np.linalg.norm(path[2:] - 2 * path[1:-1] + path[:-2], axis=1).max() < 0.02


def selects(device: str, turn: float) -> bool:
    """Whether a shaped wire, its hub turned, goes into the branch of a 60 degree fork."""
    tree = fork(60.0, 3.0, 2.0)
    tray = Instruments(tree, access_at_start(tree), CATALOG)
    tray.insert("wire", device)
    tray.held["wire"].angle_rad = turn
    for _ in range(int(95 / 20 * 60)):
        shapes = tray.step((Hand("wire", 20.0),), np.zeros(3), DT)
    return shapes.tips[0].vessel == 1


def test_turning_the_hub_selects_the_branch() -> None:
    """One contiguous window of handle angles enters the branch, the others stay in the parent."""
    chosen = [selects("wire_035_angled", np.radians(a)) for a in range(0, 360, 30)]
    assert 2 <= sum(chosen) <= 7
    changes = sum(a != b for a, b in zip(chosen, chosen[1:] + chosen[:1], strict=True))
    assert changes == 2


def test_a_straight_wire_stays_in_the_parent() -> None:
    assert not selects("wire_035_bentson", 0.0)


def test_a_wire_straightens_the_catheter_and_lets_it_spring_back() -> None:
    tree = vessel_tree({"hall": ("", [[0, 0, 0], [0, 0, 400.0]], 250.0)})
    tray = Instruments(tree, access_at_start(tree), CATALOG)
    tray.insert("catheter", "cobra_2_5f")

    def tilt(steps: int, slot: str, speed: float) -> float:
        for _ in range(steps):
            shapes = tray.step((Hand(slot, speed),), np.zeros(3), DT)
        return float(np.degrees(np.arccos(shapes.tips[0].direction[2])))

    tilt(150, "catheter", 40.0)
    free = tilt(240, "catheter", 0.0)  # drag lets a moving curve lag behind
    tray.insert("wire", "wire_035_angled")
    tilt(131, "wire", 300.0)
    straight = tilt(180, "wire", 50.0)
    tilt(255, "wire", -60.0)
    back = tilt(240, "wire", 0.0)
    assert free == pytest.approx(119.4, abs=1.0)
    assert straight < 0.5 * free
    assert back == pytest.approx(free, abs=1.0)
