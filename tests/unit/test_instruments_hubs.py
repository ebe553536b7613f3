"""Hubs: insertion, removal, limits and bookkeeping, in a straight vessel."""

from dataclasses import replace

import numpy as np
import pytest
from instruments_tree import access_at_start, bent, straight, vessel_tree

from trainer.commands import Hand
from trainer.instruments.catalog import load_catalog
from trainer.instruments.instruments import LUMEN_SPEED, VESSEL_SPEED, Instruments
from trainer.instruments.profile import make_profile
from trainer.instruments.stack import Move
from trainer.instruments.stops import HubStops

STILL = np.zeros(3)
DT = 1 / 60


@pytest.fixture
def tray() -> Instruments:
    tree = vessel_tree({"aorta": ("", straight(500.0), 8.0)})
    return Instruments(tree, access_at_start(tree), load_catalog())


def drive(tray: Instruments, steps: int, slot: str, speed: float, turn: float = 0.0):  # type: ignore[no-untyped-def]
    shapes = tray.shapes()
    for _ in range(steps):
        shapes = tray.step((Hand(slot, speed, turn),), STILL, DT)
    return shapes


def test_no_device_gives_empty_shapes(tray: Instruments) -> None:
    shapes = tray.step((), STILL, DT)
    assert shapes.slots == ()
    assert len(shapes.nodes) == 0
    assert tray.views(shapes) == ()


def test_the_order_of_the_stack_is_kept(tray: Instruments) -> None:
    assert "catheter first" in (tray.insert("microcatheter", "micro_24f") or "")
    assert "microcatheter first" in (tray.insert("microwire", "microwire_016_75") or "")
    assert "not a wire" in (tray.insert("wire", "cobra_2_5f") or "")
    assert "nearest" in (tray.insert("nearest", "cobra_2_5f") or "")
    assert "cobra_2_5f" in (tray.insert("catheter", "cobra") or "")
    assert tray.insert("catheter", "cobra_2_5f") is None
    assert "Take out" in (tray.insert("catheter", "rc1_5f") or "")
    assert tray.insert("wire", "wire_035_angled") is None
    assert "wire first" in (tray.insert("microcatheter", "micro_24f") or "")
    assert tray.order() == ["catheter", "wire"]


def test_an_inner_device_starts_at_the_hub_around_it(tray: Instruments) -> None:
    tray.insert("catheter", "cobra_2_5f")
    drive(tray, 60, "catheter", 50.0)
    tray.insert("wire", "wire_035_angled")
    view = tray.views(tray.step((), STILL, DT))[1]
    assert view.inserted_mm == pytest.approx(50.0 - 650.0)
    assert view.beyond_mm == pytest.approx(-650.0)


def test_insertion_is_booked_exactly(tray: Instruments) -> None:
    tray.insert("wire", "wire_035_angled")
    shapes = drive(tray, 120, "wire", 30.0, 1.0)
    view = tray.views(shapes)[0]
    assert view.inserted_mm == pytest.approx(60.0, abs=1e-9)
    assert view.rotation_rad == pytest.approx(2.0, abs=1e-9)
    assert shapes.s[-1] == pytest.approx(60.0, abs=1e-9)
    drawn = np.linalg.norm(np.diff(shapes.nodes, axis=0), axis=1).sum()
    assert drawn == pytest.approx(60.0, rel=1e-3)


def test_speeds_are_limited(tray: Instruments) -> None:
    tray.insert("catheter", "cobra_2_5f")
    shapes = drive(tray, 60, "catheter", 1e5)
    assert tray.views(shapes)[0].inserted_mm <= VESSEL_SPEED + LUMEN_SPEED * DT + 1e-9
    tray.insert("wire", "wire_035_angled")
    before = tray.held["wire"].inserted_mm
    drive(tray, 30, "wire", 1e5)
    assert tray.held["wire"].inserted_mm - before == pytest.approx(LUMEN_SPEED / 2)
    drive(tray, 1, "wire", float("nan"))
    assert np.isfinite(tray.held["wire"].inserted_mm)


def test_a_hub_stops_at_the_hub_around_it(tray: Instruments) -> None:
    tray.insert("catheter", "cobra_2_5f")
    drive(tray, 20, "catheter", 50.0)
    tray.insert("wire", "wire_035_angled")
    tray.held["wire"].inserted_mm = tray.held["catheter"].hub_mm + 1800.0 - 0.5
    tray.stack.line = None
    tray._keep_order()
    assert tray.held["wire"].hub_mm <= tray.held["catheter"].hub_mm + 1e-9


def test_removal_only_at_the_hub_and_exchange_over_the_wire(tray: Instruments) -> None:
    tray.insert("wire", "wire_035_angled")
    drive(tray, 200, "wire", 50.0)
    assert tray.insert("catheter", "cobra_2_5f") is None
    drive(tray, 100, "catheter", 50.0)
    assert "Withdraw" in (tray.remove("catheter") or "")
    at = tray.held["wire"].inserted_mm
    drive(tray, 110, "catheter", -50.0)
    assert tray.remove("catheter") is None
    assert tray.held["wire"].inserted_mm == at
    shapes = tray.step((), STILL, DT)
    assert shapes.slots == ("wire",)
    assert shapes.tips[0].position_mm == pytest.approx(at, abs=2.5)  # the tip is bent
    assert tray.remove("microwire") == "There is no microwire to take out."


def test_a_short_wire_does_not_take_a_catheter(tray: Instruments) -> None:
    tray.insert("wire", "wire_035_angled")
    tray.held["wire"].inserted_mm = 1500.0
    assert "too short" in (tray.insert("catheter", "cobra_2_5f") or "")


def test_a_thick_device_does_not_pass_the_sheath() -> None:
    tree = vessel_tree({"aorta": ("", straight(100.0), 8.0)})
    tray = Instruments(tree, access_at_start(tree, sheath_inner_mm=1.2), load_catalog())
    assert "does not pass through the sheath" in (tray.insert("catheter", "cobra_2_5f") or "")


def test_clockwise_from_behind_is_positive_about_the_tip_direction(tray: Instruments) -> None:
    """Seen along the device toward its tip, a positive turn carries the bent tip clockwise."""
    tray.insert("catheter", "cobra_2_5f")
    shapes = drive(tray, 200, "catheter", 40.0)
    axis = tray.access.direction

    def azimuth() -> float:
        d = shapes.tips[0].direction
        d = d - axis * (d @ axis)
        return float(np.arctan2(d @ np.cross(axis, [1.0, 0, 0]), d @ np.array([1.0, 0, 0])))

    before = azimuth()
    shapes = drive(tray, 120, "catheter", 0.0, 1.0)
    turned = (azimuth() - before + np.pi) % (2 * np.pi) - np.pi
    assert 1.2 < turned < 2.2  # the wall holds back some of the 2 rad


def test_a_hub_at_the_sheath_stops_and_is_told_once() -> None:
    tree = vessel_tree({"aorta": ("", straight(700.0), 8.0)})
    access = replace(access_at_start(tree), sheath_mm=110.0)
    tray, stops = Instruments(tree, access, load_catalog()), HubStops()
    tray.insert("catheter", "cobra_2_5f")  # 650 mm

    def push(mm_s: float, steps: int) -> list[str]:
        told = []
        for _ in range(steps):
            tray.step((Hand("catheter", mm_s),), np.zeros(3), 1 / 60)
            told += [e.text for e in stops.look(tray, 0.0)]
        return told

    push(0.0, 1)
    tray.held["catheter"].inserted_mm = 530.0
    told = push(30.0, 60)
    assert tray.held["catheter"].inserted_mm == pytest.approx(540.0)
    assert told == ["the hub of 5 F Cobra C2, 65 cm is at the hub of the sheath: no length left"]
    assert push(-30.0, 60) == []
    assert len(push(30.0, 90)) == 1


def test_devices_that_lie_where_none_lay_are_solved() -> None:
    """A stack put in place at once, not by hand, has no state to go back to when its first solve is a bad one."""
    tree = vessel_tree({"v": ("", bent(60.0, 25.0, 1.2, 120.0), 2.0)})
    tray = Instruments(tree, access_at_start(tree), load_catalog())
    assert tray.insert("wire", "wire_035_angled") is None
    tray.held["wire"].inserted_mm = 140.0
    for _ in range(20):
        tray.step((), np.zeros(3), 1 / 60)
    assert tray.stack.line is not None
    assert tray.stack.line.s[-1] == 140.0


def test_a_device_is_never_taken_for_one_that_was_let_go() -> None:
    """Tables of the devices are kept from step to step; they must not outlive the device."""
    tree = vessel_tree({"v": ("", straight(100.0), 2.0)})
    stack = Instruments(tree, access_at_start(tree), load_catalog()).stack
    made = make_profile(400.0, 0.3, [(0.0, 20.0, 20.0)])
    for length in range(400, 420):  # the memory of one profile becomes the next one's
        move = Move("wire", made._replace(length=float(length)), 0.0, 50.0, 0.0, 0.0, 0.0)
        assert stack.tables([move]).length[0] == length
        del move


def test_a_held_stack_is_at_rest() -> None:
    """What could not be done leaves no motion behind for the next step to go on with, and moves with the wall."""
    tree = vessel_tree({"v": ("", straight(100.0), 2.0)})
    tray = Instruments(tree, access_at_start(tree), load_catalog())
    assert tray.insert("wire", "wire_035_angled") is None
    tray.held["wire"].inserted_mm = 0.0
    for _ in range(60):
        tray.step((Hand("wire", 30.0),), np.zeros(3), 1 / 60)
    before = tray.stack.line
    assert before is not None
    tray.stack.hold(np.zeros(3))
    assert tray.stack.last is None
    assert tray.stack.line is not None
    assert np.array_equal(tray.stack.line.x, before.x)
