"""Leading a shaped wire along the way, fork by fork, with the device around it following.

A wire that leaves the way, or is fed without moving on, is pulled back before the fork where it went wrong, its
tip aimed at the wanted branch, and advanced again; where no fork is near it is turned and tried.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from trainer.procedure.operators.aiming import OFFSETS_DEG, Aiming
from trainer.procedure.operators.eyes import Place
from trainer.procedure.operators.hands import Moves


@dataclass(frozen=True, slots=True)
class Pair:
    """A wire, the device that follows over it, and how they are led."""

    lead: str
    follow: str
    chunk_mm: float
    speed_mm_s: float
    lead_max_mm: float
    gap_mm: float
    """How far the follower stays behind the wire's tip."""
    turn_rad: float = math.radians(50.0)
    slack_mm: float = 9.0
    """Length fed without the tip moving on, after which it is stuck."""
    follow_back: bool = True
    """Whether the follower may be pulled back with the wire; a hooked base catheter may not."""
    aim: str = ""
    """Device whose own tip is turned too, when tries just beyond it were in vain."""
    max_tries: int = 90
    free_mm: float = 4.0
    """Length of the wire that stays outside the follower when it is turned."""
    lost_mm: float = math.inf
    """Distance from the way at which the support itself has slipped."""


BASE = Pair(
    "wire",
    "catheter",
    chunk_mm=8.0,
    speed_mm_s=20.0,
    lead_max_mm=45.0,
    gap_mm=25.0,
    turn_rad=math.radians(60.0),
    slack_mm=22.0,
    follow_back=False,
    max_tries=9,
    lost_mm=14.0,
)
MICRO = Pair(
    "microwire",
    "microcatheter",
    chunk_mm=5.0,
    speed_mm_s=15.0,
    lead_max_mm=30.0,
    gap_mm=10.0,
    aim="catheter",
    free_mm=5.0,
    lost_mm=25.0,
)

AIM_EVERY = 4
AIM_REACH_MM = 25.0
AIM_TURN_RAD = math.radians(25.0)
BEFORE_FORK_MM = 3.0
"""How far before a fork a tip is aimed."""
PAST_FORK_MM = 1.5
"""How far past the fork before it a tip stays, when it is drawn back."""
MANY_TRIES = 6
"""Tries at one fork after which a tip is drawn back farther."""
OFF_MM = 2.5
DOUBT_MM = 1.4
"""Distance from the way below which the operator trusts the tip to be on it."""


class Steering(Aiming):
    """Needs what Operator has."""

    fell_out = False
    """The support slipped while a wire was led: the way must be begun anew."""

    def steer(self, pair: Pair, goal_mm: float) -> Moves:
        """Leads the wire's tip to a length along the way; stops with a note when it cannot be done."""
        tries, sure = 0, 0
        self.aimed.clear()
        self.fell_out = False
        while tries < pair.max_tries:
            fed = self.inserted(pair.lead)
            yield from self.push(pair.lead, pair.chunk_mm, pair.speed_mm_s)
            yield from self.glance()
            now = self.place(pair.lead)
            if now is None:
                tries += 1
                continue
            if now.off_mm > pair.lost_mm:
                self.note(f"{pair.lead} fell out of the way: {now.off_mm:.0f} mm off at {now.s_mm:.0f}")
                self.fell_out = True
                return
            held_up = self.inserted(pair.lead) < fed + 0.3 * pair.chunk_mm
            if held_up or self.astray(pair, now):
                tries, sure = tries + 1, 0
                yield from self.back_and_turn(pair, now, tries)
                continue
            if now.s_mm >= goal_mm:
                return
            sure = sure + 1 if now.off_mm < DOUBT_MM else 0
            if self.beyond(pair.lead) > pair.lead_max_mm and sure >= 2:
                yield from self.follow(pair, self.beyond(pair.lead) - pair.gap_mm)
        self.note(f"{pair.lead} did not reach {goal_mm:.0f}")

    def astray(self, pair: Pair, now: Place) -> bool:
        """The tip left the way, or length was fed and it did not move on."""
        if now.off_mm > DOUBT_MM and self.eyes.beside(self.way, pair.lead, now.s_mm) < now.off_mm - 1.0:
            return True
        behind = self.eyes.expected(pair.lead, self.inserted(pair.lead)) - now.s_mm
        wide = max(self.caliber(self.way, now.s_mm), self.caliber(self.way, now.s_mm - 8.0))
        return now.off_mm > OFF_MM - 1.0 + wide or behind > pair.slack_mm

    def back_and_turn(self, pair: Pair, now: Place, tries: int) -> Moves:
        """Pulls the wire back before the last branch and turns its tip; further back when that was in vain."""
        expected = self.eyes.expected(pair.lead, self.inserted(pair.lead))
        crossing = self.crossing_near(pair.lead, max(expected, now.s_mm))
        before = [j for j in self.way.junctions if j < max(expected, now.s_mm) - 1.0]
        target = before[-1] - 5.0 if before else expected - 15.0
        again = tries - 1
        if crossing is not None:
            target = min(target, crossing.s_mm - BEFORE_FORK_MM)
            again = self.aimed.get(round(crossing.s_mm), -1) + 1
        target -= 3.0 * (again // MANY_TRIES)
        if crossing is not None and again < 2 * MANY_TRIES:  # a fork that was passed is not given up at once
            passed = [j for j in before if j < crossing.s_mm - BEFORE_FORK_MM]
            target = max(target, passed[-1] + PAST_FORK_MM if passed else target)
        if pair.aim:  # the base catheter's tip is as far back as a microwire need go
            target = max(target, self.eyes.expected(pair.aim, self.inserted(pair.aim)) + 3.0)
        back = min(max(expected - target, 6.0), 40.0)
        self.note(
            f"{pair.lead} off {now.off_mm:.1f} at {now.s_mm:.0f} (fed {expected:.0f}), back {back:.0f}"
            f" for the fork at {crossing.s_mm if crossing else -1:.0f}"
            f" [{self.frame.truth.tip_vessel.get(pair.lead, '')}]"
        )
        short = self.beyond(pair.lead) - back - pair.free_mm
        if short < 0.0 and pair.follow_back:
            yield from self.push(pair.follow, short, pair.speed_mm_s)
        elif short < 0.0:
            back = max(self.beyond(pair.lead) + 2.0, 0.0)
        yield from self.push(pair.lead, -back, 1.5 * pair.speed_mm_s)
        if crossing is None:
            yield from self.turn(pair.lead, pair.turn_rad, 4.0)
        else:
            self.aimed[round(crossing.s_mm)] = again
            yield from self.aim(pair.lead, crossing, math.radians(OFFSETS_DEG[again % len(OFFSETS_DEG)]))
        if pair.aim and tries % AIM_EVERY == 0:
            base = self.eyes.expected(pair.aim, self.inserted(pair.aim))
            if before and before[-1] < base + AIM_REACH_MM:
                yield from self.turn(pair.aim, AIM_TURN_RAD, 3.0)
        yield from self.glance()

    def follow(self, pair: Pair, mm: float) -> Moves:
        """Feeds the follower over the wire, which is held."""
        yield from self.push(pair.follow, mm, pair.speed_mm_s)
        yield from self.glance()
        self.place(pair.follow)

    def bring(self, pair: Pair, goal_mm: float) -> Moves:
        """Feeds the follower until its own tip is seen at a length along the way."""
        for _ in range(30):
            yield from self.glance()
            at = self.place(pair.follow)
            if at is None:
                continue
            left = goal_mm - at.s_mm
            if left < 1.0 or self.beyond(pair.lead) < 1.0:
                return
            yield from self.push(pair.follow, min(left, 8.0, self.beyond(pair.lead)), pair.speed_mm_s)
