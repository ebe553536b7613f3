"""Curved catheters at a trunk of the aorta: what a Cobra enters, what a hook enters, a Simmons to be formed first.

The hand aims the tip at the trunk's side of the aorta, give or take an error, and after that only looks how deep
the tip lies in the trunk, as a profile view shows it.
"""

from copy import deepcopy

import pytest
from celiac_table import CATALOG, CELIAC_MM, CELIAC_Z, RENAL, RENAL_Z, Operator


def tries(catheter: str, caudal_deg: float) -> list[bool]:
    """Five aiming errors, with two frictions and heights of the start: ten honest tries."""
    entered = []
    for friction, above in ((0.08, 28.0), (0.15, 24.0)):
        ready = Operator(caudal_deg, catheter, friction)
        ready.climb(CELIAC_Z + above)
        for error in (-20.0, -10.0, 0.0, 10.0, 20.0):
            hand = deepcopy(ready)
            hand.aim(error)
            entered.append(hand.enter())
    return entered


@pytest.mark.parametrize("caudal_deg", [120.0, 90.0])
def test_a_cobra_enters_an_upward_or_level_celiac_in_most_tries(caudal_deg: float) -> None:
    assert sum(tries("cobra_2_5f", caudal_deg)) >= 6


def test_a_steep_downward_celiac_takes_a_hook_and_rarely_a_cobra() -> None:
    cobra, hook = sum(tries("cobra_2_5f", 30.0)), sum(tries("rc1_5f", 30.0))
    assert cobra <= 2
    assert hook >= cobra + 3


@pytest.mark.parametrize("catheter", ["simmons_1_5f", "simmons_2_5f"])
def test_a_simmons_that_was_not_formed_points_up_and_engages_nothing(catheter: str) -> None:
    hand = Operator(60.0, catheter)
    hand.climb(CELIAC_Z + 60.0)
    hand.move("wire", -hand.at("wire") + 10.0, 60.0)
    hand.aim(0.0)
    for _ in range(110):
        hand.move("catheter", -1.0, 10.0)
        assert hand.tip().direction[2] > 0.5
        assert hand.reverse() < 5.0
        assert hand.depth() < CELIAC_MM
    assert hand.tip().position[2] < CELIAC_Z - 30.0


def exchanged(catheter: str, aorta_mm: float) -> Operator:
    """A Simmons that followed a wire 25 mm into the renal artery, which a Cobra had found; the wire drawn back."""
    hand = Operator(60.0, "cobra_2_5f", aorta_mm=aorta_mm)
    hand.climb(RENAL_Z + 25.0)
    hand.aim(180.0)
    assert hand.pull_down()
    hand.move("wire", hand.at("catheter") + 70.0 - hand.at("wire"), 30.0)
    hand.move("catheter", 20.0)
    assert hand.tip("wire").vessel == RENAL
    hand.move("catheter", -hand.at("catheter") - 1.0, 60.0)
    hand.move("catheter", -CATALOG["cobra_2_5f"].length_mm, 300.0)
    assert hand.tray.remove("catheter") is None
    assert hand.tray.insert("catheter", catheter) is None
    hand.move("catheter", -hand.at("catheter"), 300.0)
    while hand.tip().vessel != RENAL or -hand.tip().position[0] < aorta_mm + 25.0:
        assert hand.at("catheter") < 150.0
        hand.move("catheter", 5.0, 20.0)
    hand.move("wire", -hand.at("wire") + 10.0, 60.0)
    return hand


def formed(catheter: str, aorta_mm: float) -> Operator:
    """A Simmons turned over by pushing it with its tip in the renal artery, then up above the celiac trunk."""
    hand = exchanged(catheter, aorta_mm)
    assert hand.reverse() < 5.0  # still straight up from the groin and over into the branch
    for _ in range(30):
        hand.move("catheter", 10.0, 20.0)
        if hand.tip().vessel == 0 and hand.tip().position[2] > CELIAC_Z + 20.0:
            break
    return hand


@pytest.mark.parametrize(("catheter", "aorta_mm"), [("simmons_1_5f", 10.0), ("simmons_2_5f", 13.0)])
def test_a_simmons_that_was_formed_engages_and_goes_deeper_when_drawn(catheter: str, aorta_mm: float) -> None:
    ready = formed(catheter, aorta_mm)
    assert ready.tip().direction[2] < -0.8
    assert ready.reverse() > 40.0  # it keeps its curve all the way up the aorta
    for above in (0.0, 12.0, 24.0):
        hand = deepcopy(ready)
        hand.move("catheter", above, 20.0)
        hand.aim(0.0)
        assert hand.pull_down()
        before = hand.depth()
        hand.move("catheter", -20.0, 10.0)
        assert hand.depth() > before + 10.0  # it is drawn in, as no other catheter is
        assert hand.reverse() > 30.0  # and has not come straight


def test_a_simmons_too_wide_for_the_aorta_turns_aside() -> None:
    hand = formed("simmons_2_5f", 10.0)
    hand.aim(0.0)
    assert not hand.pull_down()
