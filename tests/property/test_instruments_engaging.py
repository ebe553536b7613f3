"""Curved catheters at a trunk of the aorta: what a Cobra enters, what a hook enters, a Simmons to be formed first.

The hand aims the tip at the trunk's side of the aorta, give or take an error, and after that only looks how deep
the tip lies in the trunk, as a profile view shows it.
"""

from copy import deepcopy

import numpy as np
import pytest
from instruments_tree import Floats, access_at_start, straight, vessel_tree

from trainer.anatomy.types import VesselTree
from trainer.commands import Hand
from trainer.instruments.catalog import Catalog, load_catalog
from trainer.instruments.instruments import Instruments
from trainer.instruments.types import TipPose

CATALOG = load_catalog()
DT = 1 / 60
AORTA_MM, CELIAC_MM = 10.0, 3.5
CELIAC_Z, RENAL_Z = 150.0, 60.0
WIRE = "wire_035_angled"
CELIAC, RENAL = 1, 2
SEEN_MM = 1.5
"""A tip this far outside the aorta's outline has visibly dropped into a trunk."""


def trunk(z_mm: float, side: float, caudal_deg: float, aorta_mm: float = AORTA_MM) -> tuple[Floats, Floats]:
    """Start (3,) and direction (3,) of a trunk whose axis crosses the wall at z, `caudal_deg` from straight down."""
    a = np.radians(caudal_deg)
    out = np.array([side * np.sin(a), 0.0, -np.cos(a)])
    return np.array([0.0, 0.0, z_mm - aorta_mm * out[2] / np.sin(a)]), out


def abdomen(caudal_deg: float, aorta_mm: float) -> VesselTree:
    """A straight aorta, a celiac trunk on its +x side, and below it a renal artery on the other."""
    along = np.arange(0.0, 81.0, 2.0)[:, None]
    celiac, renal = trunk(CELIAC_Z, 1.0, caudal_deg, aorta_mm), trunk(RENAL_Z, -1.0, 100.0, aorta_mm)
    return vessel_tree({
        "aorta": ("", straight(300.0), aorta_mm),
        "celiac": ("aorta", celiac[0] + along * celiac[1], np.linspace(CELIAC_MM, 3.2, len(along))),
        "renal": ("aorta", renal[0] + along * renal[1], np.linspace(4.0, 3.7, len(along)))})


class Operator:
    """Hands at the table: a catheter and a wire in an `abdomen`."""

    def __init__(self, caudal_deg: float, catheter: str, friction: float | None = None,
                 aorta_mm: float = AORTA_MM) -> None:
        spec = CATALOG[catheter]
        if friction is not None:
            spec = spec.model_copy(update={"friction": friction})
        tree = abdomen(caudal_deg, aorta_mm)
        self.tray = Instruments(tree, access_at_start(tree), Catalog({**CATALOG.devices, catheter: spec}))
        self.start, self.out = trunk(CELIAC_Z, 1.0, caudal_deg, aorta_mm)
        self.aorta_mm, self.edge = aorta_mm, aorta_mm / np.sin(np.radians(caudal_deg))
        assert self.tray.insert("catheter", catheter) is None
        assert self.tray.insert("wire", WIRE) is None
        self.move("wire", -self.at("wire"), 300.0)

    def at(self, slot: str) -> float:
        return self.tray.held[slot].inserted_mm

    def move(self, slot: str, mm: float, speed: float = 15.0, turn: float = 0.0) -> None:
        """Advances and turns one hub, in equal steps."""
        count = max(1, int(np.ceil(max(abs(mm) / speed, abs(turn) / 4.0) / DT - 1e-9)))
        for _ in range(count):
            self.shapes = self.tray.step((Hand(slot, mm / count / DT, turn / count / DT),), np.zeros(3), DT)

    def tip(self, slot: str = "catheter") -> TipPose:
        return self.shapes.tips[self.shapes.slots.index(slot)]

    def depth(self, slot: str = "catheter") -> float:
        """How far the tip lies in the celiac, mm, from where the trunk's axis leaves the aorta; 0 outside."""
        pose = self.tip(slot)
        return float((pose.position - self.start) @ self.out - self.edge) if pose.vessel == CELIAC else 0.0

    def reverse(self) -> float:
        """How far the catheter's highest point lies above its tip, mm: the length of a formed distal limb."""
        own = self.shapes.nodes[self.shapes.s <= self.at("catheter") + 0.1]
        return float(own[:, 2].max() - self.tip().position[2])

    def outside(self) -> bool:
        return bool(np.hypot(*self.tip().position[:2]) > self.aorta_mm - self.tip().outer_radius_mm + SEEN_MM)

    def climb(self, top_mm: float) -> None:
        """Wire, catheter over it, wire back until the catheter's curve is free of it."""
        self.move("wire", top_mm + 70.0, 60.0)
        self.move("catheter", top_mm, 60.0)
        self.move("wire", top_mm - 120.0 - self.at("wire"), 60.0)

    def aim(self, side_deg: float) -> None:
        """Turns the tip to a side of the aorta; moving to and fro lets the shaft's stored twist go."""
        for _ in range(40):
            x, y, _ = self.tip().position
            off = (np.radians(side_deg) - np.arctan2(y, x) + np.pi) % (2 * np.pi) - np.pi
            self.move("catheter", 0.0, turn=float(np.clip(off, -0.5, 0.5)))
            for mm in (-4.0, 4.0, -4.0, 4.0):
                self.move("catheter", mm, 20.0)
            if abs(off) < np.radians(3.0):
                return

    def pull_down(self, most_mm: float = 75.0) -> bool:
        """Draws the catheter down until its tip has dropped into a trunk; says if it did."""
        for _ in range(int(most_mm)):
            self.move("catheter", -1.0, 10.0)
            if self.outside():
                return True
        return False

    def follow(self, sense: float, most_mm: float) -> float:
        """Moves the catheter on as long as that takes its tip deeper, and back by what did not. mm moved."""
        best, kept, moved = self.depth(), 0.0, 0.0
        while moved < most_mm and moved - kept < 4.0:
            self.move("catheter", sense, 10.0)
            moved += 1.0
            if self.depth() > best + 0.05:
                best, kept = self.depth(), moved
        self.move("catheter", -sense * (moved - kept), 10.0)
        return kept

    def enter(self) -> bool:
        """Pull-down, drawn on while it helps, wire 20 mm out, and then pushed or drawn, whichever leads deeper.
        True if catheter and wire are then in the trunk, the catheter deeper than the trunk's radius."""
        if not self.pull_down():
            return False
        self.follow(-1.0, 12.0)
        self.move("wire", self.at("catheter") - self.at("wire"), 60.0)
        self.move("wire", 20.0, 20.0)
        if self.follow(1.0, 20.0) < 2.0:
            self.follow(-1.0, 12.0)
        return self.tip("wire").vessel == CELIAC and self.depth() > CELIAC_MM


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
