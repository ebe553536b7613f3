"""From the sheath to the trunk that leads to the tumor: climb the aorta over a wire, form the catheter's curve,
hook the ostium."""

from __future__ import annotations

import math
from collections.abc import Generator

import numpy as np
from numpy.typing import NDArray

from trainer.commands import Commands
from trainer.procedure.operators.coaxial import Coaxial
from trainer.procedure.operators.eyes import flat
from trainer.procedure.operators.hands import Moves

Floats = NDArray[np.float64]

WIRE_LEAD_MM = 60.0
VIEWED_AHEAD_MM = 40.0
"""How far ahead of a tip the picture is centered."""
ABOVE_MM = 28.0
"""How far above the ostium the catheter is formed before it is pulled down."""
MAX_CANNULATIONS = 5
NEAR_BEST_MM = 0.5
HOOKED_MM = 3.0
BESIDE_TRUNK_MM, CLEAR_OF_AORTA_MM = 4.0, 0.5
DEEPEN_STEPS, DEEPEN_STEP_MM = 12, 1.5
AIMS_DEG = (0.0, 340.0, 20.0, 320.0, 40.0, 300.0, 60.0)


def _apart(course: Floats, point: Floats) -> float:
    """Distance from a point (2,) to the nearest of a course (N, 2)."""
    return float(np.min(np.linalg.norm(course - point, axis=1)))


class Approach(Coaxial):
    """Needs way, up_way, trunk and the tray of an Operator."""

    def climb(self) -> Moves:
        """Wire and catheter up the aorta, until the catheter's tip is above the trunk's ostium."""
        yield from self.act("insert", slot="catheter", device=self.tray.catheter)
        yield from self.act("insert", slot="wire", device=self.tray.wire)
        yield from self.to_tip("wire", 0.0)
        yield from self.push("wire", 70.0, 30.0)
        yield from self.climb_on()

    def climb_on(self) -> Moves:
        """Wire ahead all the way, then the catheter over its stiff part, to above the ostium.

        A catheter that is pushed over the wire's soft end keeps its curve and scrapes along the wall.
        """
        self.eyes.forget_slack("wire")
        goal = self.ostium_mm + ABOVE_MM
        yield from self.lead_up(goal + WIRE_LEAD_MM)
        while self.inserted("catheter") < goal - 1.0:
            before = self.inserted("catheter")
            yield from self.center_on(self.up_way, before + VIEWED_AHEAD_MM)
            yield from self.push("catheter", min(50.0, goal - before), self.skill.push_mm_s)
            if self.inserted("catheter") < before + 1.0:
                self.note("catheter does not follow")
                return

    def cannulate(self) -> Moves:
        """Hooks the trunk and seats the catheter in it; climbs again when it slipped out."""
        for _ in range(MAX_CANNULATIONS):
            hooked = yield from self.engage()
            if hooked:
                yield from self.seat()
            if self.seated:
                return
            yield from self.climb_on()

    def lead_up(self, goal_mm: float) -> Moves:
        """Advances the wire up the aorta to a length; a wire that leaves it is pulled back and turned."""
        tries, viewed = 0, -math.inf
        while self.inserted("wire") < goal_mm - 0.5 and tries < 12:
            if self.inserted("wire") > viewed + 50.0:
                viewed = self.inserted("wire")
                yield from self.center_on(self.up_way, viewed + VIEWED_AHEAD_MM)
            yield from self.push("wire", min(25.0, goal_mm - self.inserted("wire")), self.skill.push_mm_s)
            yield from self.glance()
            at = self.eyes.place(self.up_way, "wire")
            if at is None or at.off_mm < self.caliber(self.up_way, at.s_mm) + 4.0:
                continue
            tries += 1
            self.note(f"wire off the aorta by {at.off_mm:.0f} mm at {at.s_mm:.0f}")
            yield from self.push("wire", -45.0, 40.0)
            yield from self.turn("wire", math.radians(70.0))

    def engage(self) -> Generator[Commands, None, bool]:
        """Wire back, tip toward the ostium, pull down until the tip drops into the trunk; says if it did."""
        yield from self.view(*self.profile_view)
        yield from self.center_on(self.up_way, self.ostium_mm + 10.0)
        if self.device("wire") is not None:
            yield from self.push("wire", -(self.beyond("wire") + 90.0), 60.0)
        for attempt, aim in enumerate(AIMS_DEG):
            yield from self.aim_tip(math.radians(aim))
            yield from self.pull_down(self.ostium_mm - 25.0)
            if self.hooked():
                yield from self.deepen()
            if self.hooked():
                self.note(f"hooked at try {attempt + 1}, aim {aim:.0f}, {self.reach():.0f} mm deep")
                return True
            yield from self.push("catheter", self.ostium_mm + ABOVE_MM - self.inserted("catheter"), 20.0)
        self.note("the trunk was not hooked")
        return False

    def pull_down(self, low_mm: float) -> Moves:
        """Pulls the formed catheter down the aorta; keeps its tip turned to the trunk's side by small turns.

        The picture does not tell the sense of an error, so a correction that makes it worse is reversed.
        """
        sense, last = -1.0, self.tip_side()
        while self.inserted("catheter") > low_mm and not self.hooked():
            yield from self.push("catheter", -1.5, 10.0)
            yield from self.glance()
            side = self.tip_side()
            if side < last - 0.2:
                sense = -sense
            last = side
            if side < self.caliber(self.up_way, self.ostium_mm) - 2.5:
                yield from self.turn("catheter", sense * math.radians(8.0), 3.0)

    def deepen(self) -> Moves:
        """Draws a hooked catheter on as long as its tip is seen to go deeper: that is how a hook seats itself."""
        for _ in range(DEEPEN_STEPS):
            before = self.reach()
            yield from self.push("catheter", -DEEPEN_STEP_MM, 10.0)
            yield from self.glance()
            if self.reach() < before - 0.2:
                yield from self.push("catheter", DEEPEN_STEP_MM, 10.0)
                yield from self.glance()
                return

    def aim_tip(self, offset_rad: float) -> Moves:
        """Turns the catheter until its tip is seen to point at the trunk's side, plus an offset.

        Always in the same sense: a shaft that is turned back first unwinds its stored twist.
        """
        best_side = -1e9
        for _ in range(18):
            yield from self.turn("catheter", math.radians(20.0), 4.0)
            yield from self.glance()
            best_side = max(best_side, self.tip_side())
        for _ in range(36):
            yield from self.turn("catheter", math.radians(10.0), 3.0)
            yield from self.glance()
            if self.tip_side() > best_side - NEAR_BEST_MM:
                break
        yield from self.turn("catheter", math.radians(10.0) + offset_rad, 3.0)
        yield from self.glance()

    def tip_side(self) -> float:
        """How far the catheter's tip stands from the aorta's middle toward the trunk's side, mm in the picture."""
        sight = self.eyes.sight
        if sight is None or "catheter" not in sight.tips:
            return -1e9
        tip = sight.tips["catheter"]
        middle = flat(sight.geometry, self.up_way.points)
        nearest = middle[int(np.argmin(np.linalg.norm(middle - tip, axis=1)))]
        return float((tip - nearest) @ self.trunk_side())

    def trunk_side(self) -> Floats:
        """Direction (2,) in the picture in which the trunk leaves the aorta."""
        sight = self.eyes.sight
        assert sight is not None
        i = self.way.at(self.ostium_mm)
        a, b = flat(sight.geometry, self.way.points[[i, self.way.at(self.ostium_mm + 12.0)]])
        d = b - a
        out: Floats = d / max(float(np.linalg.norm(d)), 1e-9)
        return out

    def reach(self) -> float:
        """How far the tip is seen along the trunk beyond the aorta's edge, mm; negative when it is not in it.

        A trunk may run down along the aorta: a tip in the aorta's shadow is not in the trunk, however near.
        """
        sight = self.eyes.sight
        if sight is None or "catheter" not in sight.tips:
            return -1.0
        i = self.way.at(self.ostium_mm)
        root, out = flat(sight.geometry, self.way.points[[i, self.way.at(self.ostium_mm + 18.0)]])
        tip = sight.tips["catheter"]
        along = (out - root) / max(float(np.linalg.norm(out - root)), 1e-9)
        course = flat(sight.geometry, self.way.points[i : self.way.at(self.ostium_mm + 45.0)])
        aorta = flat(sight.geometry, self.up_way.points)
        width = self.caliber(self.up_way, self.ostium_mm)
        if _apart(course, tip) > BESIDE_TRUNK_MM or _apart(aorta, tip) < width + CLEAR_OF_AORTA_MM:
            return -1.0
        return float((tip - root) @ along) - width

    def hooked(self) -> bool:
        """The tip is seen beyond the aorta's edge, in line with the trunk."""
        return self.reach() > HOOKED_MM

    def make_way(self) -> Moves:
        """The wire out of the base catheter; the working view."""
        yield from self.take_out("wire")
        if not self.seats_deep:
            yield from self.keep_hook()
        yield from self.view(*self.working_view)
        yield from self.center_on(self.way, self.way.s[-1] - 45.0)

    def keep_hook(self) -> Moves:
        """A hooked catheter may slip out as its wire leaves it: looks, and hooks the trunk again."""
        for _ in range(MAX_CANNULATIONS):
            yield from self.view(*self.profile_view)
            yield from self.glance()
            if self.hooked():
                break
            self.note("the hook slipped")
            yield from self.push("catheter", self.ostium_mm + ABOVE_MM - self.inserted("catheter"), 20.0)
            yield from self.engage()
            yield from self.seat()

    def map_run(self) -> Moves:
        """The map: a power injection in the trunk, filmed to the veins."""
        yield from self.run("catheter", self.tray.contrast, rate=5.0, volume=15.0, seconds=7.0)
