"""Hands at the table in a straight aorta with a celiac trunk: what tests of catheter handling share."""

import numpy as np
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
