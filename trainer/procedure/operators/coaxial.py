"""From the trunk to the feeder: base catheter over its wire, then microcatheter over microwire."""

from __future__ import annotations

from trainer.procedure.operators.hands import Moves
from trainer.procedure.operators.steering import BASE, MICRO, Steering

SEAT_MM = 55.0
"""How deep beyond the aorta's middle the base catheter is seated, where the artery is wide enough."""


class Coaxial(Steering):
    """Needs what Operator has."""

    def seat(self) -> Moves:
        """Wire into the artery beyond the trunk, base catheter after it, for support."""
        yield from self.view(*self.seat_view)
        yield from self.to_tip("wire", -2.0)
        self.eyes.expect("catheter", self.inserted("catheter"), self.ostium_mm + 14.0)
        self.eyes.expect("wire", self.inserted("wire"), self.ostium_mm + 12.0)
        goal = self.seat_mm()
        yield from self.steer(BASE, goal + 25.0)
        yield from self.bring(BASE, goal)
        at = self.place("catheter")
        self.note(f"catheter seated at {at.s_mm if at else -1:.0f} for {goal:.0f}")

    def seat_mm(self) -> float:
        """Where the base catheter shall stand: deep, but not where it would fill the artery."""
        deepest = self.ostium_mm + 12.0
        for s, r in zip(self.way.s, self.way.radius, strict=True):
            if self.ostium_mm + 12.0 < s < self.ostium_mm + SEAT_MM and r > 1.9:
                deepest = float(s)
        return deepest

    def go_coaxial(self) -> Moves:
        """Microcatheter and microwire through the base catheter to its tip."""
        yield from self.act("insert", slot="microcatheter", device=self.tray.microcatheter)
        yield from self.act("insert", slot="microwire", device=self.tray.microwire)
        yield from self.to_tip("microcatheter", -5.0)
        yield from self.to_tip("microwire", 2.0)
        base = self.eyes.expected("catheter", self.inserted("catheter"))
        for slot in ("microcatheter", "microwire"):
            self.eyes.expect(slot, self.inserted(slot), base + self.beyond(slot))
        self.eyes.expect("microwire", self.inserted("microwire"), base - 3.0)

    def select(self) -> Moves:
        """Steers through every fork until the microcatheter stands where the treatment starts."""
        goal = self.goal_mm()
        yield from self.steer(MICRO, goal + 2.0)
        yield from self.bring(MICRO, goal)
        at = self.place("microcatheter")
        self.note(f"microcatheter at {at.s_mm if at else -1:.0f} for {goal:.0f}")

    def goal_mm(self) -> float:
        """Where the tip shall stand, by length along the way."""
        if self.skill.treat_from == "lobe":
            return self.way.start_of("right_hepatic_artery") + 8.0
        start = self.way.start_of(self.feeder)
        if self.skill.treat_from == "segment":
            return start - 8.0
        return start + 0.55 * (float(self.way.s[-1]) - start)
