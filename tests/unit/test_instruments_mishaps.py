"""Wires that are let go of, lost or too short; kinks; position kept and lost in an exchange."""

from dataclasses import replace

import numpy as np
import pytest
from instruments_tree import access_at_start, bent, straight, vessel_tree

from trainer.commands import Hand
from trainer.frame import Event
from trainer.instruments.catalog import load_catalog
from trainer.instruments.instruments import Instruments
from trainer.instruments.kinks import Kinks, Part, bend_at, kinked, set_bend, strain
from trainer.instruments.mishap_rules import mishap_rules
from trainer.instruments.profile import TABLE_MM, make_profile
from trainer.instruments.stack import Line

DT = 1 / 60
RULES = mishap_rules()


def tray(length_mm: float = 160.0) -> Instruments:
    tree = vessel_tree({"artery": ("", straight(length_mm), 3.0)})
    return Instruments(tree, access_at_start(tree), load_catalog())


def go(t: Instruments, slot: str, goal_mm: float, most: int = 4000) -> None:
    for _ in range(most):
        left = goal_mm - t.held[slot].inserted_mm
        if abs(left) < 1e-6:
            return
        t.step((Hand(slot, float(np.clip(left / DT, -300.0, 300.0))),), np.zeros(3), DT)


def told(t: Instruments) -> list[Event]:
    return t.mishaps.take(1.0, t.tree.names)


def catheter_over(t: Instruments, wire: str, catheter_mm: float = 60.0, wire_mm: float = 100.0) -> None:
    assert t.insert("catheter", "mpa_5f") is None
    assert t.insert("wire", wire) is None
    go(t, "wire", wire_mm)
    go(t, "catheter", catheter_mm)


def test_a_held_wire_stays_and_one_let_go_of_follows_the_catheter() -> None:
    t = tray()
    catheter_over(t, "wire_035_angled")
    go(t, "catheter", 40.0)
    assert t.held["wire"].inserted_mm == pytest.approx(100.0, abs=0.01)
    assert t.hold("wire", False) is None
    go(t, "catheter", 20.0)
    assert t.held["wire"].inserted_mm == pytest.approx(100.0 - 20.0 * RULES.tails.follow_share, abs=0.1)
    assert t.hold("wire", True) is None
    go(t, "catheter", 40.0)
    assert t.held["wire"].inserted_mm == pytest.approx(84.0, abs=0.1)


def test_only_a_wire_in_another_device_can_be_let_go_of() -> None:
    t = tray()
    assert t.insert("wire", "wire_035_angled") is None
    assert "Only a wire" in (t.hold("wire", False) or "")
    assert "no catheter" in (t.hold("catheter", False) or "")


def test_the_tail_warns_then_slips_in_and_comes_out_only_with_the_catheter() -> None:
    t = tray()
    catheter_over(t, "wire_035_angled", 20.0, 30.0)
    wire = t.held["wire"]
    # shorten it: 25 mm stand out of the hub
    wire.spec = wire.spec.model_copy(update={"length_mm": wire.inserted_mm - t.held["catheter"].hub_mm + 40.0})
    told(t)
    go(t, "wire", 45.0)
    events = told(t)
    assert [e.code for e in events] == ["device.tail_short"]
    assert not wire.lost
    go(t, "wire", 80.0, most=60)
    (event,) = told(t)
    assert (event.code, event.severity, event.vessel) == ("device.wire_lost", "major", "artery")
    assert wire.lost
    assert t.held["wire"].hub_mm == pytest.approx(t.held["catheter"].hub_mm)
    before = wire.inserted_mm
    t.step((Hand("wire", -60.0, 2.0),), np.zeros(3), DT)
    assert (wire.inserted_mm, wire.angle_rad) == (before, 0.0)  # it cannot be gripped
    go(t, "catheter", 0.0)
    assert wire.inserted_mm == pytest.approx(before - 20.0, abs=1e-6)  # it goes with the catheter
    assert "lost in" in (t.remove("wire") or "")
    assert t.remove("catheter") is None
    assert not t.held


def test_a_wire_alone_in_the_sheath_is_not_lost() -> None:
    t = tray()
    assert t.insert("wire", "wire_035_angled") is None
    t.held["wire"].spec = t.held["wire"].spec.model_copy(update={"length_mm": 60.0})
    go(t, "wire", 100.0, most=120)
    assert t.held["wire"].inserted_mm == 60.0
    assert not t.held["wire"].lost
    assert told(t) == []


def test_a_wire_that_is_too_short_for_an_exchange_says_the_lengths() -> None:
    t = tray()
    assert t.insert("wire", "wire_035_angled") is None
    t.held["wire"].inserted_mm = 1300.0
    text = t.insert("catheter", "cobra_2_5f") or ""
    assert "of its 1800 mm 500 mm stand outside" in text
    assert "650 mm" in text
    assert "exchange wire" in text


def exchange(wire_moves_mm: float) -> Event:
    t = tray()
    catheter_over(t, "wire_035_angled")
    told(t)
    go(t, "catheter", 0.0)
    assert t.remove("catheter") is None
    go(t, "wire", 100.0 + wire_moves_mm)
    assert t.insert("catheter", "cobra_2_5f") is None
    go(t, "catheter", 55.0)
    (event,) = told(t)
    assert event.code == "exchange.done"
    return event


def test_an_exchange_measures_how_far_the_wire_moved() -> None:
    assert exchange(0.0).detail["moved_mm"] == pytest.approx(0.0, abs=2.0)
    assert exchange(-35.0).detail["moved_mm"] == pytest.approx(35.0, abs=2.0)


def test_a_wire_taken_out_in_an_exchange_has_lost_position() -> None:
    t = tray()
    catheter_over(t, "wire_035_angled")
    go(t, "catheter", 0.0)
    assert t.remove("catheter") is None
    go(t, "wire", 0.0)
    assert t.remove("wire") is None
    assert told(t)[-1].detail["out"] is True


def test_taking_the_wire_out_before_the_catheter_is_no_exchange() -> None:
    t = tray()
    catheter_over(t, "wire_035_angled")
    go(t, "wire", t.held["catheter"].hub_mm)
    assert t.remove("wire") is None
    go(t, "catheter", 0.0)
    assert t.remove("catheter") is None
    assert [e for e in told(t) if e.code == "exchange.done"] == []


# -- kinks ------------------------------------------------------------------------------------------------


def circle(radius_mm: float, length_mm: float = 60.0, twist: float = 0.0) -> Line:
    """A centerline bent to a circle in the x-z plane, toward +x, with a device twisted evenly along it."""
    s = np.arange(-1.0, length_mm + 0.5)
    a = s / radius_mm
    x = np.stack([radius_mm * (1 - np.cos(a)), 0 * a, radius_mm * np.sin(a)], axis=1)
    none = np.zeros(len(s))
    line = Line(s, x, {"catheter": twist * 0.5 * (s[1:] + s[:-1]), "wire": np.zeros(len(s) - 1)}, none, none,
                np.zeros((len(s), 3)), np.zeros(len(s), np.int64))
    line.curvature = np.full(len(s), 1.0 / radius_mm)
    return line


def part(slot: str = "catheter", bend: float = 100.0, radius_mm: float = 6.0, arc: float = 0.0) -> Part:
    profile = make_profile(600.0, 0.8, [(0.0, bend, bend)], [(60.0, arc, 0.0)])
    return Part(slot, profile, 60.0, radius_mm, ())


def test_strain_is_the_square_of_curvature_over_its_limit() -> None:
    got = strain(circle(9.0), [part()], RULES.kinks)["catheter"].share
    assert got == pytest.approx((6.0 / 9.0) ** 2, rel=1e-6)
    # the made shape does not count: half of the bend was there before
    made = strain(circle(9.0), [part(arc=60.0 / 18.0)], RULES.kinks)["catheter"].share
    assert made == pytest.approx((6.0 / 18.0) ** 2, rel=1e-6)
    # a wire of the same stiffness inside doubles the limit
    both = strain(circle(9.0), [part(), part("wire", radius_mm=4.0)], RULES.kinks)
    assert both["catheter"].share == pytest.approx((3.0 / 9.0) ** 2, rel=1e-6)
    # twist adds its own square
    twisted = strain(circle(9.0, twist=0.75), [part()], RULES.kinks)["catheter"].share
    assert twisted == pytest.approx((6.0 / 9.0) ** 2 + 0.25, rel=1e-3)
    assert strain(circle(100.0, twist=5.0), [part()], RULES.kinks) == {}  # twist of a straight device kinks nothing


def test_a_kink_needs_time_and_comes_once() -> None:
    kinks, p, found = Kinks(RULES.kinks), part(), []
    for _ in range(round(RULES.kinks.lasting_s / DT) - 1):
        found += kinks.look(circle(5.0), [p], DT)
    assert found == []
    ((slot, at),) = kinks.look(circle(5.0), [p], DT)
    assert slot == "catheter"
    every = tuple(np.arange(0.0, 61.0, 5.0))
    assert strain(circle(5.0), [p._replace(kinks=every)], RULES.kinks)["catheter"].share == 0.0
    assert 0.0 < at.from_tip_mm < 60.0


def test_a_kink_softens_a_few_millimeters_only() -> None:
    p = part().profile
    soft = kinked(p, 30.0, RULES.kinks)
    d = np.arange(len(p.bend)) * TABLE_MM
    assert soft.bend[60] == pytest.approx(RULES.kinks.stiffness_left * p.bend[60])
    far = np.abs(d - 30.0) >= 0.5 * RULES.kinks.length_mm
    assert np.array_equal(soft.bend[far], p.bend[far])


@pytest.mark.parametrize("angle", [0.0, 0.7])
def test_the_bend_that_a_wire_keeps_is_the_bend_it_had(angle: float) -> None:
    line = circle(10.0)
    line.theta["wire"] = np.full(len(line.s) - 1, angle)
    # bending toward +x from +z turns about +y; first director x, second y
    bend = bend_at(line, np.array([1.0, 0.0, 0.0]), "wire", 30.0, 5.0)
    assert np.linalg.norm(bend) == pytest.approx(0.5, rel=0.25)  # nodes at both edges of the window count
    assert bend / np.linalg.norm(bend) == pytest.approx([np.sin(angle), np.cos(angle)], abs=1e-6)
    kept = set_bend(part("wire").profile, 30.0, bend, 5.0)
    assert kept.turn1[-1] - kept.turn1[0] == pytest.approx(bend[0])
    assert kept.turn2[-1] - kept.turn2[0] == pytest.approx(bend[1])


def test_a_catheter_forced_round_a_tight_bend_kinks_and_a_wire_inside_keeps_it_open() -> None:
    def through(wire: bool) -> tuple[Instruments, list[Event]]:
        tree = vessel_tree({"artery": ("", bent(40.0, 4.0, 1.6, 60.0), 1.6)})
        t = Instruments(tree, access_at_start(tree), load_catalog())
        t.mishaps._kinks.rules = t.mishaps.rules.kinks.model_copy(update={"radius_mm": {
            "catheter": 8.0, "microcatheter": 3.0, "wire": 1.0, "microwire": 1.0}})
        t.mishaps.rules = t.mishaps.rules.model_copy(update={"kinks": t.mishaps._kinks.rules})
        assert t.insert("catheter", "mpa_5f") is None
        if wire:
            assert t.insert("wire", "wire_035_amplatz") is None
            go(t, "wire", 30.0)
        t.held["catheter"].spec = t.held["catheter"].spec.model_copy(update={"hand_N": (50.0, 99.0)})
        for _ in range(240):
            t.step((Hand("catheter", 25.0), Hand("wire", 25.0 if wire else 0.0)), np.zeros(3), DT)
        return t, [e for e in told(t) if e.code == "device.kinked" and e.detail["slot"] == "catheter"]

    assert through(True)[1] == []
    t, events = through(False)
    assert len(events) == len(t.held["catheter"].kinks) >= 1
    assert events[0].vessel == "artery"
    assert events[0].position_mm is not None
    assert t.shapes().narrowed[0] == ("catheter", RULES.kinks.lumen_left, RULES.kinks.length_mm)
    assert t.held["catheter"].profile.bend.min() < t.held["catheter"].spec.profile().bend.min()


def test_a_thick_device_stops_at_a_kink_and_a_thin_one_passes() -> None:
    t = tray()
    assert t.insert("catheter", "mpa_5f") is None
    go(t, "catheter", 100.0)
    t.held["catheter"].kinks.append(40.0)
    assert t.insert("wire", "wire_035_angled") is None
    go(t, "wire", 90.0, most=300)
    assert t.held["wire"].inserted_mm == pytest.approx(60.0, abs=1e-3)
    thin = replace(t.held["wire"], spec=t.held["wire"].spec.model_copy(update={"outer_diameter_mm": 0.3}))
    t.held["wire"] = thin
    go(t, "wire", 90.0)
    assert t.held["wire"].inserted_mm == pytest.approx(90.0, abs=1e-3)
