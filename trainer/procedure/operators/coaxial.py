"""From the trunk to the feeder: base catheter over its wire, then microcatheter over microwire."""

from __future__ import annotations

from collections.abc import Generator

from trainer.commands import Commands
from trainer.procedure.operators.eyes import Place
from trainer.procedure.operators.hands import Moves
from trainer.procedure.operators.steering import BASE, DOUBT_MM, MICRO, Steering

SEAT_MM = 55.0
"""How deep beyond the aorta's middle the base catheter is seated, where the artery is wide enough."""

SEATED_OFF_MM = 6.0
SUPPORT_MM = 25.0
"""How far the wire stands beyond the seat when the catheter is fed over it."""
MOST_LEADS = 4
SLACK_STEPS, SLACK_STEP_MM = 8, 1.5
SHORT_MM = 4.0
"""How far short of its goal a microcatheter may end."""
IN_FEEDER_MM = 4.0
"""How far in the feeder it must at least stand."""


class Coaxial(Steering):
    """Needs what Operator has."""

    def seat(self) -> Moves:
        """Wire into the artery beyond the trunk, base catheter after it, for support.

        Where the way goes on into a narrow branch the hooked catheter stays as it is: pushed over its wire it
        would only climb back into the aorta, and the wire in its tip would straighten the hook.
        """
        yield from self.view(*self.seat_view)
        if self.seats_deep:
            yield from self.to_tip("wire", -2.0)
        yield from self.glance()
        tip = self.sight_in_trunk()
        self.eyes.expect("catheter", self.inserted("catheter"), tip)
        if not self.seats_deep:
            self.seated = True
            return
        self.eyes.expect("wire", self.inserted("wire"), tip - 2.0)
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
        """Steers through the forks until the microcatheter stands where the treatment starts; says if it does."""
        goal = self.goal_mm()
        for _ in range(MOST_LEADS):
            yield from self.steer(MICRO, goal + 2.0)
            if self.fell_out:
                return False
            yield from self.bring(MICRO, goal)
            at = self.place("microcatheter")
            self.note(f"microcatheter at {at.s_mm if at else -1:.0f} for {goal:.0f}")
            if self.arrived(at):
                return True
            if at is None:
                continue
            # a base catheter that gave way has drawn the wire back: what was fed says less than what is seen
            self.eyes.expect("microwire", self.inserted("microwire"), at.s_mm + self.beyond("microwire"))
        return False

    def arrived(self, at: Place | None) -> bool:
        """Whether a microcatheter seen at a place may treat from there."""
        least = self.goal_mm() - SHORT_MM
        if self.skill.treat_from == "feeder":
            least = min(least, self.way.start_of(self.feeder) + IN_FEEDER_MM)
        return at is not None and at.off_mm < DOUBT_MM and at.s_mm > least

    def position(self) -> Generator[Commands, None, bool]:
        """Selects and frees the lumen, anew when the tip sprang away with the wire; says if it may treat."""
        if self.tray.fine_microwire != self.tray.microwire:
            yield from self.leave_trunk()
        for _ in range(MOST_LEADS):
            there = yield from self.select()
            if not there:
                return False
            still = yield from self.free_lumen()
            if still:
                return True
            yield from self.rewire()
        return False

    def free_lumen(self) -> Generator[Commands, None, bool]:
        """Takes the push out of the microcatheter, then its wire out; says if the tip is still where it was.

        A microcatheter that was fed against a yielding base catheter springs when the wire leaves it.
        """
        yield from self.glance()
        before = self.place("microcatheter")
        for _ in range(SLACK_STEPS):
            yield from self.push("microcatheter", -SLACK_STEP_MM, 10.0)
            yield from self.glance()
            at = self.place("microcatheter")
            if at is None or before is None or at.s_mm < before.s_mm - 1.0 or at.off_mm > DOUBT_MM:
                yield from self.push("microcatheter", SLACK_STEP_MM, 10.0)
                break
        yield from self.take_out("microwire")
        yield from self.glance()
        at = self.place("microcatheter")
        self.note(f"without wire at {at.s_mm if at else -1:.0f}, off {at.off_mm if at else -1:.1f}")
        return self.arrived(at)

    def rewire(self) -> Moves:
        """The microwire back through the microcatheter to its tip."""
        at = self.eyes.expected("microcatheter", self.inserted("microcatheter"))
        yield from self.act("insert", slot="microwire", device=self.tray.fine_microwire)
        yield from self.to_tip("microwire", 2.0)
        self.eyes.expect("microwire", self.inserted("microwire"), at + 2.0)

    def back_to_base(self) -> Moves:
        """Microcatheter and microwire out, the wire back in the base catheter: to hook the trunk anew."""
        for slot in ("microwire", "microcatheter"):
            yield from self.take_out(slot)
        yield from self.act("insert", slot="wire", device=self.tray.wire)
        yield from self.to_tip("wire", 0.0)
        self.seated = False

    def leave_trunk(self) -> Moves:
        """Into the first branch with the long-tipped wire; then that out and the finer one in."""
        leaves = [f.s_mm for f in self.way.forks if f.s_mm > self.ostium_mm + 1.0]
        yield from self.steer(MICRO, leaves[0] + 35.0)
        yield from self.bring(MICRO, leaves[0] + 25.0)
        yield from self.take_out("microwire")
        yield from self.rewire()

    def goal_mm(self) -> float:
        """Where the tip shall stand, by length along the way."""
        if self.skill.treat_from == "lobe":
            return self.way.start_of("right_hepatic_artery") + 8.0
        start = self.way.start_of(self.feeder)
        if self.skill.treat_from == "segment":
            return start - 8.0
        return start + 0.55 * (float(self.way.s[-1]) - start)
