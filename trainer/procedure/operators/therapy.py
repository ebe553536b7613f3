"""Test run, drug, embolic to near stasis, completion run."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
from numpy.typing import NDArray

from trainer.commands import Commands
from trainer.procedure.operators.coaxial import Coaxial
from trainer.procedure.operators.hands import Moves
from trainer.units import STEP_S

Floats = NDArray[np.float64]

GLIMPSE_S = 2.0
ALIQUOT_ML = 1.0
CLEARING_S = 4.0
MAX_EMBOLIC_ML = 20.0
SYRINGE_ML = 10.0
SLOWEST_ML_S = 0.06
SLOWING = 0.12
STASIS = 0.4
"""Share of the column that still stands after the watch, at which the end point is called."""
BESIDE_MM = 5.0
REFLUX_GREY = 8.0
"""Darkening behind the tip that is taken for reflux, grey levels."""


class Therapy(Coaxial):
    """Needs what Operator has."""

    def treat(self) -> Moves:
        """From a microcatheter whose lumen is free."""
        if self.skill.test_run:
            yield from self.run("microcatheter", self.tray.contrast, rate=0.3, volume=1.5, seconds=6.0)
        yield from self.act("fov", diagonal_mm=220.0)
        yield from self.load(self.tray.drug)
        yield from self.hand_inject(volume_mL=6.0, rate_mL_s=0.3)
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

        After each aliquot the column is watched. Ends when it stands, or refluxes at the slowest rate.
        """
        rate, given, left = self.skill.embolic_mL_s, 0.0, 0.0
        clear = yield from self.watch(self.ahead())
        behind = yield from self.watch(self.behind())
        alarm = float(np.median(behind)) + REFLUX_GREY if behind else 255.0
        while given < MAX_EMBOLIC_ML:
            if left < ALIQUOT_ML:
                yield from self.load(self.tray.embolic)
                left = SYRINGE_ML
            before = self.frame.injection.syringe_left_mL
            refluxed = yield from self.aliquot(rate, alarm)
            gone = max(before - self.frame.injection.syringe_left_mL, 0.05)
            given, left = given + gone, left - gone
            if not self.skill.stop_at_stasis:
                continue
            stands = standing(np.array((yield from self.watch(self.ahead()))), np.array(clear))
            self.note(f"given {given:.1f} mL at {rate:.2f} mL/s, column left {stands:.2f}, reflux {refluxed}")
            if stands > STASIS or (refluxed and rate <= SLOWEST_ML_S):
                return
            if refluxed or stands > SLOWING:
                rate = max(0.6 * rate, SLOWEST_ML_S)

    def aliquot(self, rate_mL_s: float, alarm: float) -> Generator[Commands, None, bool]:
        """One aliquot; stops at once, and says so, when contrast is seen behind the tip."""
        seen, back = self.frame.xray.live_id, [0.0]
        for _ in range(round(ALIQUOT_ML / rate_mL_s / STEP_S)):
            yield Commands(syringe_slot="microcatheter", syringe_mL_s=rate_mL_s, fluoro_pedal=True)
            if self.frame.xray.live_id != seen and self.frame.xray.beam_on:
                seen = self.frame.xray.live_id
                back.append(self.darkness(self.behind()))
                if self.skill.stop_at_stasis and len(back) > 5 and float(np.mean(back[-4:])) > alarm:
                    return True
        return False

    def ahead(self) -> NDArray[np.bool_]:
        """The feeder beyond the tip, as a choice of points of the way."""
        return self.way.s > self.goal_mm() + 2.0

    def behind(self) -> NDArray[np.bool_]:
        """The feeder behind the tip, back to its origin."""
        start = self.way.start_of(self.feeder)
        return (self.way.s > start - 2.0) & (self.way.s < max(self.goal_mm() - 4.0, start + 4.0))

    def watch(self, where: NDArray[np.bool_]) -> Generator[Commands, None, list[float]]:
        """Darkness of a part of the way in each picture of a few seconds without injecting, first picture first."""
        dark: list[float] = []
        seen = self.frame.xray.live_id
        for _ in range(round(CLEARING_S / STEP_S)):
            yield Commands(fluoro_pedal=True)
            if self.frame.xray.live_id != seen and self.frame.xray.beam_on:
                seen = self.frame.xray.live_id
                dark.append(self.darkness(where))
        return dark

    def darkness(self, where: NDArray[np.bool_]) -> float:
        """How much darker a part of the way is than its surroundings, grey levels."""
        sight, live = self.eyes.sight, self.frame.xray.live
        if sight is None or live is None:
            return 0.0
        course = self.way.moved(sight.breath)[where]
        px = sight.geometry.resized(live.shape[0]).project(course)
        along = np.gradient(px, axis=0)
        normal = np.stack([-along[:, 1], along[:, 0]], axis=1)
        normal /= np.linalg.norm(normal, axis=1)[:, None] + 1e-9
        wide = BESIDE_MM / sight.geometry.pixel_iso_mm

        def grey(at: Floats) -> float:
            c = np.clip(np.rint(at).astype(int), 0, live.shape[0] - 1)
            return float(live[c[:, 1], c[:, 0]].mean())

        return 0.5 * (grey(px + wide * normal) + grey(px - wide * normal)) - grey(px)


def standing(dark: Floats, clear: Floats) -> float:
    """Share of the contrast column that is left at the end of a watch (0 cleared .. 1 stands).

    dark: the feeder's darkness in each picture after the injection; clear: the same before any was given.
    """
    if len(dark) < 8 or len(clear) < 4:
        return 0.0
    base, scatter = float(np.median(clear)), float(np.std(clear))
    early, late = float(np.mean(dark[1:5])) - base, float(np.mean(dark[-6:])) - base
    return late / early if early > max(scatter, 1.0) else 0.0
