"""Test run, drug, embolic to near stasis, completion run."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
from numpy.typing import NDArray

from trainer.commands import Commands
from trainer.procedure.operators.coaxial import Coaxial
from trainer.procedure.operators.column import Clear, Glimpse, darkness, standing
from trainer.procedure.operators.hands import Moves
from trainer.units import STEP_S

GLIMPSE_S = 2.0
DRUG_ML, DRUG_PARTS = 6.0, 3
ALIQUOT_ML = 1.0
CLEAR_S = 8.0
"""Two breaths: the picture without contrast is known in every state of the breath."""
CLEARING_S = 4.0
MAX_EMBOLIC_ML = 20.0
SYRINGE_ML = 10.0
SLOWEST_ML_S = 0.06
SLOWING = 0.3
STASIS = 0.4
"""Share of the column that still stands after the watch, at which the end point is called."""
LATEST = 8
"""Exposures over which the eye averages."""
LAST_WATCHED = 12
"""Exposures at the end of a watch that tell whether the column stands."""
CREPT_MM, MOST_FED_MM = 1.5, 3.0
REFLUX_GREY = 10.0
"""Darkening behind the tip that is taken for reflux, grey levels."""


class Therapy(Coaxial):
    """Needs what Operator has."""

    _looked = -1
    _tip_mm = 0.0
    """Where the tip was seen when the treatment began, by length along the way."""

    def treat(self) -> Moves:
        """From a microcatheter whose lumen is free."""
        yield from self.glance()
        at = self.place("microcatheter")
        self._tip_mm = at.s_mm if at is not None else self.goal_mm()
        if self.skill.test_run:
            yield from self.run("microcatheter", self.tray.contrast, rate=0.3, volume=1.5, seconds=6.0)
        yield from self.act("fov", diagonal_mm=self.habits.near_mm)
        yield from self.flush("microcatheter")
        yield from self.load(self.tray.drug)
        for _ in range(DRUG_PARTS):
            yield from self.hand_inject(volume_mL=DRUG_ML / DRUG_PARTS, rate_mL_s=0.3)
            yield from self.glance()
            yield from self.hold_place()
        yield from self.embolize()
        yield from self.load("saline")
        yield from self.hand_inject(volume_mL=1.0, rate_mL_s=0.05)
        yield from self.run("microcatheter", self.tray.contrast, rate=0.1, volume=0.5, seconds=6.0)

    def load(self, fluid: str) -> Moves:
        yield from self.act("load_syringe", fluid=fluid, size_mL=SYRINGE_ML)

    def hand_inject(self, volume_mL: float, rate_mL_s: float) -> Moves:
        """A slow hand injection with a glimpse of fluoroscopy now and then."""
        for i in range(round(volume_mL / rate_mL_s / STEP_S)):
            looking = (i * STEP_S) % (2.5 * GLIMPSE_S) < GLIMPSE_S
            yield Commands(syringe_slot="microcatheter", syringe_mL_s=rate_mL_s, fluoro_pedal=looking)

    def embolize(self) -> Moves:
        """Aliquots under fluoroscopy, slower as soon as the column creeps back past the tip.

        After each aliquot the column is watched. Ends when it stands twice in a row, or refluxes at the slowest rate.
        """
        rate, given, left, stood = self.skill.embolic_mL_s, 0.0, 0.0, False
        clear = Clear((yield from self.watch(CLEAR_S)))
        while given < MAX_EMBOLIC_ML:
            if left < ALIQUOT_ML:
                yield from self.load(self.tray.embolic)
                left = SYRINGE_ML
            before = self.frame.injection.syringe_left_mL
            seen = yield from self.aliquot(rate, clear)
            gone = max(before - self.frame.injection.syringe_left_mL, 0.05)
            given, left = given + gone, left - gone
            if not self.skill.stop_at_stasis:
                continue
            early = clear.ahead(seen[-LATEST:])
            refluxed = self.refluxes(clear, seen)
            stands = standing(early, clear.ahead((yield from self.watch(CLEARING_S))[-LAST_WATCHED:]))
            self.note(
                f"given {given:.1f} mL at {rate:.2f} mL/s, column {early:.0f} grey, left {stands:.2f},"
                f" reflux {refluxed}"
            )
            if (stands > STASIS and stood) or (refluxed and rate <= SLOWEST_ML_S):
                return
            stood = stands > STASIS
            yield from self.flush("microcatheter")
            if refluxed or stands > SLOWING:
                rate = max(0.6 * rate, SLOWEST_ML_S)
            yield from self.hold_place()

    def hold_place(self) -> Moves:
        """Brings back a microcatheter that is seen to creep from where the test run was made.

        Breathing works stored push out of the shaft, most often forward.
        """
        at = self.place("microcatheter")
        crept = at.s_mm - self._tip_mm if at is not None else 0.0
        if abs(crept) > CREPT_MM:
            self.note(f"microcatheter crept by {crept:.1f}")
            yield from self.push("microcatheter", -max(-MOST_FED_MM, min(MOST_FED_MM, crept)), 5.0)

    def aliquot(self, rate_mL_s: float, clear: Clear) -> Generator[Commands, None, list[Glimpse]]:
        """One aliquot; stops at once when contrast is seen behind the tip. Gives what was seen."""
        seen: list[Glimpse] = []
        for _ in range(round(ALIQUOT_ML / rate_mL_s / STEP_S)):
            yield Commands(syringe_slot="microcatheter", syringe_mL_s=rate_mL_s, fluoro_pedal=True)
            self.glimpse(seen)
            if self.skill.stop_at_stasis and self.refluxes(clear, seen):
                break
        return seen

    def refluxes(self, clear: Clear, seen: list[Glimpse]) -> bool:
        """Contrast is seen behind the tip in the last exposures."""
        return len(seen) >= LATEST and clear.behind(seen[-LATEST:]) > REFLUX_GREY

    def ahead(self) -> NDArray[np.bool_]:
        """The feeder beyond the tip, as a choice of points of the way."""
        return self.way.s > self._tip_mm + 2.0

    def behind(self) -> NDArray[np.bool_]:
        """The feeder behind the tip, back to before its origin."""
        start = self.way.start_of(self.feeder)
        return (self.way.s > start - 4.0) & (self.way.s < max(self._tip_mm - 3.0, start + 1.0))

    def watch(self, seconds: float) -> Generator[Commands, None, list[Glimpse]]:
        """What is seen of the feeder in a time without injecting, first exposure first."""
        seen: list[Glimpse] = []
        for _ in range(round(seconds / STEP_S)):
            yield Commands(fluoro_pedal=True)
            self.glimpse(seen)
        return seen

    def glimpse(self, seen: list[Glimpse]) -> None:
        """Takes in the feeder when there is a new exposure."""
        xray, sight = self.frame.xray, self.eyes.sight
        if sight is None or xray.live is None or not xray.beam_on or xray.live_id == self._looked:
            return
        self._looked = xray.live_id
        way = self.way.moved(sight.breath)
        ahead, behind = (darkness(xray.live, sight.geometry, way[part]) for part in (self.ahead(), self.behind()))
        seen.append(Glimpse(sight.breath, ahead, behind))
