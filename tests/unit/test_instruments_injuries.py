"""When the wall is injured, and how spasm heals."""

from dataclasses import replace

import numpy as np
import pytest
from instruments_tree import access_at_start, straight, vessel_tree

from trainer.commands import Hand
from trainer.instruments.catalog import load_catalog
from trainer.instruments.injuries import Injuries, open_share
from trainer.instruments.injury_rules import injury_rules
from trainer.instruments.instruments import Instruments
from trainer.instruments.types import Injury, Shapes, TipPose

DT = 1 / 60
RULES = injury_rules()
TREE = vessel_tree({"wide": ("", straight(100.0), 2.0), "thin": ("wide", straight(100.0), 0.7)})


def wire(vessel: int = 1, force_N: float = 0.0, at_mm: float = 60.0, slot: str = "microwire") -> Shapes:
    """A straight wire whose last 4 mm press with a force in all, its tip at a place of a vessel of TREE."""
    s = np.arange(0.0, at_mm + 0.5, 1.0)
    n, lumen = len(s), (2.0, 0.7)[vessel]
    wall = np.zeros(n)
    wall[-3:] = force_N / 2.5  # the last node stands for half a millimeter
    tip = TipPose(slot, np.array([0.0, 0.0, at_mm]), np.array([0.0, 0.0, 1.0]), vessel, at_mm, lumen, 0.2)
    nodes = np.stack([0 * s, 0 * s, s], axis=1)
    return Shapes((slot,), ("wire",), nodes, s, np.full(n, 0.2), np.full(n, vessel), s.copy(), wall,
                  np.array([at_mm]), (tip,), np.zeros(1), np.zeros(1), force_N, 0.0, 0.0, True,
                  lumen_mm=np.full(n, lumen))


def look(injuries: Injuries, shapes: Shapes, advance_mm: float, seconds: float) -> tuple[Injury, ...]:
    slot = shapes.slots[0]
    for _ in range(round(seconds / DT)):
        injuries.look(shapes, {slot: slot}, {slot: (advance_mm, 0.0)}, {slot} if advance_mm > 0.0 else (), DT)
    return injuries.now


def test_force_and_pressure_of_a_contact() -> None:
    """0.5 N on a 0.4 mm device over the window: force over window times diameter."""
    injuries = Injuries(TREE)
    look(injuries, wire(force_N=0.5), 0.0, DT)
    assert injuries.load.force_N == {1: pytest.approx(0.5)}
    area = RULES.contact.window_mm * 0.4
    assert injuries.load.pressure_kPa == {1: pytest.approx(1e3 * 0.5 / area)}
    look(injuries, wire(), 0.0, DT)
    assert injuries.load.force_N == {}


def test_rubbing_a_small_artery_brings_spasm_that_heals() -> None:
    rules, injuries = RULES.spasm, Injuries(TREE)
    assert look(injuries, wire(force_N=0.3), 0.3, 1.0) == ()
    assert look(injuries, wire(force_N=0.3), 0.3, 9.0)[0].kind == "spasm"
    events = injuries.take(7.0)
    assert [(e.code, e.vessel, e.t_s) for e in events] == [("wall.spasm", "thin", 7.0)]
    assert events[0].position_mm is not None
    assert injuries.take(8.0) == []
    worst = look(injuries, wire(), 0.0, 4.0 * rules.comes_s)[0]
    assert worst.left == pytest.approx(1.0 - rules.narrowing, abs=0.06)
    half = look(injuries, wire(), 0.0, rules.heals_s * np.log(2.0))[0]
    assert 1.0 - half.left == pytest.approx(0.5 * rules.narrowing, abs=0.05)
    assert look(injuries, wire(), 0.0, 5.0 * rules.heals_s) == ()


def test_nitroglycerin_ends_a_spasm_in_about_a_minute() -> None:
    rules, injuries = RULES.spasm, Injuries(TREE)
    look(injuries, wire(force_N=0.3), 0.3, 10.0)
    look(injuries, wire(), 0.0, 4.0 * rules.comes_s)
    injuries.relax([rules.relaxes_ug_mL - 0.1])
    assert look(injuries, wire(), 0.0, 5.0)[0].left < 0.5
    injuries.relax([rules.relaxes_ug_mL])
    after = look(injuries, wire(), 0.0, 60.0)
    assert not after or after[0].left > 0.85


def test_wide_vessels_and_rest_bring_no_spasm() -> None:
    injuries = Injuries(TREE)
    assert look(injuries, wire(vessel=0, force_N=0.5), 1.0, 20.0) == ()
    assert look(injuries, wire(force_N=0.5), 0.0, 60.0) == ()
    for _ in range(40):  # now and then: it fades in between
        look(injuries, wire(force_N=0.3), 0.3, 1.0)
        look(injuries, wire(), 0.0, 60.0)
    assert injuries.now == ()


@pytest.mark.parametrize("slot", ["wire", "microwire"])
def test_a_wire_pushed_into_the_wall_of_a_small_artery_goes_through(slot: str) -> None:
    rules = RULES.perforation
    limit = rules.end_N[slot]
    assert look(Injuries(TREE), wire(force_N=0.95 * limit, slot=slot), 0.01, 3.0) == ()
    assert look(Injuries(TREE), wire(force_N=1.1 * limit, slot=slot), 0.0, 3.0) == ()
    assert look(Injuries(TREE), wire(force_N=1.05 * limit, slot=slot), 0.001, rules.lasting_s - DT) == ()
    injuries = Injuries(TREE)
    found = look(injuries, wire(force_N=1.05 * limit, slot=slot), 0.001, 3.0)
    assert [(i.kind, i.vessel, i.position_mm, i.left) for i in found] == [("perforation", 1, 60.0, 1.0)]
    event = injuries.take(1.0)[0]
    assert (event.code, event.severity, event.vessel) == ("wall.perforation", "critical", "thin")
    assert event.detail["force_N"] == pytest.approx(1.05 * limit)


def test_an_end_that_is_pushed_on_lifts_a_flap() -> None:
    rules = RULES.dissection
    injuries = Injuries(TREE)
    found = look(injuries, wire(vessel=0, force_N=1.2 * rules.end_N["catheter"], slot="catheter"), 0.01, 2.0)
    assert [i.kind for i in found] == ["dissection"]
    assert found[0].left == pytest.approx(1.0 - rules.narrowing)
    assert look(injuries, wire(vessel=0), 0.0, 600.0) == found  # a flap stays


def test_a_fast_jet_from_an_end_that_touches_the_wall_lifts_a_flap() -> None:
    """As fast in the middle of the vessel, or slower at the wall: nothing."""
    limit = np.sqrt(2.0 * RULES.jet.kPa / 1.1)
    for force, speed, torn in ((0.05, 1.2 * limit, True), (0.0, 1.2 * limit, False), (0.05, 0.8 * limit, False)):
        injuries, shapes = Injuries(TREE), wire(0, force, slot="catheter")
        for _ in range(round(2.0 * RULES.jet.lasting_s * 60)):
            injuries.jet(shapes, {"catheter": float(speed)}, 1.0 / 60.0)
        injuries.look(shapes, {"catheter": "catheter"}, {}, (), 1.0 / 60.0)
        events = injuries.take(1.0)
        assert [e.code for e in events] == (["wall.dissection"] if torn else [])
        assert [i.kind for i in injuries.now] == (["dissection"] if torn else [])
        assert not torn or "m/s" in events[0].text


def test_narrowings_have_their_shape() -> None:
    spasm = Injury("spasm", 0, 50.0, 16.0, 0.4)
    assert open_share(spasm, np.array([41.9, 46.0, 50.0, 54.0, 58.1])) == pytest.approx([1.0, 0.7, 0.4, 0.7, 1.0])
    flap = Injury("dissection", 0, 50.0, 20.0, 0.5)
    assert open_share(flap, np.array([49.9, 60.0, 65.0, 70.1])) == pytest.approx([1.0, 0.5, 0.5, 1.0])
    assert open_share(replace(spasm, kind="perforation", length_mm=0.0), np.array([50.0])) == pytest.approx([1.0])


def ram(speed: float, seconds: float) -> Instruments:
    """A stiff 0.035 in wire pushed by hand into an artery of 1.2 mm that ends, no device around it."""
    course = np.concatenate([straight(60.0), [[0.0, 0.0, 60.5]]])
    tree = vessel_tree({"a": ("", course, np.linspace(1.4, 0.5, len(course)))})
    tray = Instruments(tree, access_at_start(tree), load_catalog())
    assert tray.insert("wire", "wire_035_amplatz") is None
    for _ in range(round(seconds / DT)):
        tray.step((Hand("wire", speed),), np.zeros(3), DT)
    return tray


def test_a_wire_rammed_into_the_end_of_an_artery_goes_through_and_a_slow_one_does_not() -> None:
    rammed = ram(60.0, 3.0)
    assert "wall.perforation" in [e.code for e in rammed.injuries.take(0.0)]
    gentle = ram(15.0, 3.0)  # 45 mm: it stays in the middle
    assert gentle.injuries.take(0.0) == []
