"""From the trunk to the feeder: base catheter over its wire, then microcatheter over microwire."""

from __future__ import annotations

from collections.abc import Generator

from trainer.commands import Commands
from trainer.procedure.operators.hands import Moves
from trainer.procedure.operators.steering import BASE, MICRO, Steering

SEAT_MM = 55.0
"""How deep beyond the aorta's middle the base catheter is seated, where the artery is wide enough."""

SEATED_OFF_MM = 6.0
SUPPORT_MM = 25.0
"""How far the wire stands beyond the seat when the catheter is fed over it."""
MOST_LEADS = 3
SHORT_MM = 4.0
"""How far short of its goal a microcatheter may end."""
IN_FEEDER_MM = 1.0
"""How far in the feeder it must at least stand."""


class Coaxial(Steering):
    """Needs what Operator has."""

    def seat(self) -> Moves:
        """Wire into the artery beyond the trunk, base catheter after it, for support.

        Where the way goes on into a narrow branch the hooked catheter stays as it is: pushed over its wire it
        would only climb back into the aorta.
        """
        yield from self.view(*self.seat_view)
        yield from self.to_tip("wire", -2.0)
        yield from self.glance()
        tip = self.sight_in_trunk()
        self.eyes.expect("catheter", self.inserted("catheter"), tip)
        self.eyes.expect("wire", self.inserted("wire"), tip - 2.0)
        if not self.seats_deep:
            self.seated = True
            return
        goal = self.seat_mm()
        yield from self.steer(BASE, goal + SUPPORT_MM)
        yield from self.bring(BASE, goal)
        at = self.place("catheter")
        self.seated = at is not None and at.off_mm < SEATED_OFF_MM and at.s_mm > goal - 12.0
        self.note(f"catheter seated at {at.s_mm if at else -1:.0f} for {goal:.0f}: {self.seated}")

    def sight_in_trunk(self) -> float:
        """Length along the way at which the hooked catheter's tip is seen."""
        return self.eyes.sighted(self.way, "catheter", self.ostium_mm + 5.0, self.ostium_mm + 40.0)

    def seat_mm(self) -> float:
        """Where the base catheter shall stand: deep, but not where it would fill the artery."""
        limit = self.ostium_mm + SEAT_MM
        deepest = self.ostium_mm + 12.0
        for s, r in zip(self.way.s, self.way.radius, strict=True):
            if deepest < s < limit and r > 1.9:
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

    def select(self) -> Generator[Commands, None, bool]:
        """Steers through every fork until the microcatheter stands where the treatment starts; says if it does."""
        goal = self.goal_mm()
        if self.tray.fine_microwire != self.tray.microwire:
            leaves = [f.s_mm for f in self.way.forks if f.s_mm > self.ostium_mm + 1.0]
            yield from self.steer(MICRO, leaves[0] + 35.0)
            yield from self.bring(MICRO, leaves[0] + 25.0)
            yield from self.change_microwire()
        least = goal - SHORT_MM
        if self.skill.treat_from == "feeder":
            least = min(least, self.way.start_of(self.feeder) + IN_FEEDER_MM)
        for _ in range(MOST_LEADS):
            yield from self.steer(MICRO, goal + 2.0)
            yield from self.bring(MICRO, goal)
            at = self.place("microcatheter")
            self.note(f"microcatheter at {at.s_mm if at else -1:.0f} for {goal:.0f}")
            if at is None:
                continue
            if at.off_mm < SEATED_OFF_MM and at.s_mm > least:
                return True
            # a base catheter that gave way has drawn the wire back: what was fed says less than what is seen
            self.eyes.expect("microwire", self.inserted("microwire"), at.s_mm + self.beyond("microwire"))
        return False

    def change_microwire(self) -> Moves:
        """The long-tipped wire out, the finer one in, the microcatheter held."""
        at = self.eyes.expected("microcatheter", self.inserted("microcatheter"))
        yield from self.push("microwire", -(self.inserted("microwire") + 1800.0), 250.0, fluoro=False)
        yield from self.act("remove", slot="microwire")
        yield from self.act("insert", slot="microwire", device=self.tray.fine_microwire)
        yield from self.to_tip("microwire", 2.0)
        self.eyes.expect("microwire", self.inserted("microwire"), at + 2.0)

    def goal_mm(self) -> float:
        """Where the tip shall stand, by length along the way."""
        if self.skill.treat_from == "lobe":
            return self.way.start_of("right_hepatic_artery") + 8.0
        start = self.way.start_of(self.feeder)
        if self.skill.treat_from == "segment":
            return start - 8.0
        return start + 0.55 * (float(self.way.s[-1]) - start)
