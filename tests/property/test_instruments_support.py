"""What holds a base catheter in a trunk, and what throws it out: the wire inside it, and a microcatheter pushed on."""

import numpy as np
import pytest
from celiac_table import CELIAC_MM, CELIAC_Z, DT, Operator

from trainer.commands import Hand

BEYOND_MM = 6.0
"""So far beyond the catheter's tip a microcatheter stands at the beginning."""


def engaged(catheter: str, caudal_deg: float) -> Operator:
    """A base catheter in the celiac trunk, over its wire."""
    hand = Operator(caudal_deg, catheter, 0.08)
    hand.climb(CELIAC_Z + 28.0)
    hand.aim(0.0)
    assert hand.enter()
    return hand


def without_wire(hand: Operator) -> Operator:
    while "wire" in hand.tray.held and hand.tray.remove("wire") is not None:
        hand.move("wire", -100.0, 300.0)
    return hand


def with_microcatheter(hand: Operator) -> Operator:
    """A microcatheter over its wire, just out of the base catheter."""
    assert hand.tray.insert("microcatheter", "micro_24f") is None
    assert hand.tray.insert("microwire", "microwire_016_75") is None
    hand.move("microcatheter", hand.at("catheter") - 5.0 - hand.at("microcatheter"), 300.0)
    hand.move("microwire", hand.at("catheter") - 3.0 - hand.at("microwire"), 300.0)
    push(hand, BEYOND_MM + 5.0)
    return hand


def push(hand: Operator, mm: float) -> None:
    """Microcatheter and microwire on together, all else held still."""
    for _ in range(round(mm / 15.0 / DT)):
        hand.shapes = hand.tray.step((Hand("microcatheter", 15.0), Hand("microwire", 15.0)), np.zeros(3), DT)


def test_the_tip_moves_when_the_wire_is_drawn_out_of_it() -> None:
    """No hand touches the catheter: its own shape comes back, and its tip goes where that points."""
    hand = engaged("rc1_5f", 30.0)
    hub, tip, direction = hand.at("catheter"), hand.tip().position.copy(), hand.tip().direction.copy()
    without_wire(hand)
    assert hand.at("catheter") == hub
    assert np.linalg.norm(hand.tip().position - tip) > 2.0
    assert np.degrees(np.arccos(direction @ hand.tip().direction)) > 5.0


def test_a_wire_drawn_out_slowly_moves_the_tip_in_one_jump() -> None:
    """Most of the way nothing is seen; when the stiff part leaves the bend, the tip goes at once."""
    hand = engaged("rc1_5f", 30.0)
    moved, last = [], hand.tip().position.copy()
    for _ in range(60):
        hand.move("wire", -1.0, 10.0)
        moved.append(float(np.linalg.norm(hand.tip().position - last)))
        last = hand.tip().position.copy()
    assert max(moved) > 5.0 * np.median(moved)


def test_a_microcatheter_pushed_against_resistance_backs_a_hook_out_of_a_downward_trunk() -> None:
    """It first goes on with the catheter still in the trunk; held up, it throws the catheter out, whose hub did not
    move."""
    hand = with_microcatheter(without_wire(engaged("rc1_5f", 30.0)))
    hub, depth = hand.at("catheter"), hand.depth()
    push(hand, 30.0)
    assert hand.depth() == pytest.approx(depth, abs=1.0)
    push(hand, 60.0)
    assert hand.at("catheter") == hub
    assert hand.depth() == 0.0
    assert hand.tip().vessel != hand.tip("microcatheter").vessel


def test_a_catheter_deep_in_a_level_trunk_gives_way_less_and_the_microcatheter_pays() -> None:
    """The same push against the same end: more force at the hub, the base catheter stays in."""
    hand = with_microcatheter(without_wire(engaged("cobra_2_5f", 90.0)))
    push(hand, 20.0)
    free, most = hand.shapes.hub_force[1], 0.0
    for _ in range(30):
        push(hand, 2.0)
        most = max(most, float(hand.shapes.hub_force[1]))
    assert hand.depth() > CELIAC_MM + 10.0
    assert most > free + 0.2
