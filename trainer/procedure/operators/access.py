"""The simulated operator punctures the artery: a look at the femoral head, the pulse, needle, wire, sheath."""

from __future__ import annotations

import numpy as np

from trainer.anatomy.types import Patient
from trainer.commands import Commands, Hand
from trainer.frame import AccessView
from trainer.instruments.puncture import POINT_ACROSS, POINT_ALONG, Puncture
from trainer.procedure.operators.base import Operator, Tray
from trainer.procedure.operators.hands import Moves
from trainer.procedure.operators.skill import HABITS, Habits, Skill
from trainer.units import STEP_S

AIM_SHARE = -0.45
"""Where the artery is to be entered, by the head's radius below its middle: lower to middle third."""
FINGER_MM_S, NEEDLE_MM_S = 12.0, 8.0
STRIDE_MM = 2.0
DEEPEST_MM = 62.0
MOST_TRIES = 6


class Access(Operator):
    """Uses the landmark in the picture, the pulse and the blood; not where the artery truly lies."""

    def __init__(self, patient: Patient, tray: Tray, feeder: str, skill: Skill,
                 habits: Habits = HABITS["good"]) -> None:
        super().__init__(patient, tray, feeder, skill, habits)
        self._groin = Puncture(patient)

    @property
    def _access(self) -> AccessView:
        view = self.frame.access
        assert view is not None
        return view

    def puncture(self) -> Moves:
        """Nothing when the sheath is in place."""
        if self.frame.access is None:
            return
        yield from self._go(POINT_ALONG, self._wanted_along() - self._groin.start[0] - self._access.along_mm)
        if self._groin.landmark is not None:
            x, y, z = (float(v) for v in self._groin.landmark[0])
            yield from self.table(x, y, z)
            yield from self._beam(1.2)
        yield from self._find_pulse()
        for _ in range(MOST_TRIES):
            yield from self._seek_blood()
            if self._access.blood == "bright":
                break
            yield from self._go(POINT_ACROSS, STRIDE_MM)
        for step in ("wire", "needle_out", "sheath", "dilator_out"):
            yield from self.act("puncture", step=step)
            yield from self.wait(0.4)

    def _wanted_along(self) -> float:
        """Skin point, mm: from the head's middle in the picture and the needle's angle."""
        groin = self._groin
        if groin.landmark is None:
            return groin.ideal_along_mm
        middle, radius = groin.landmark
        height = middle[2] + AIM_SHARE * radius
        s = float(np.interp(height, groin.course.points[:, 2], groin.course.s))
        return groin.ideal_along_mm + s

    def _beam(self, seconds: float) -> Moves:
        for _ in range(round(seconds / STEP_S)):
            yield Commands(fluoro_pedal=True)

    def _go(self, slot: str, way_mm: float) -> Moves:
        """Moves finger or needle by a length."""
        speed = FINGER_MM_S if slot != "needle" else NEEDLE_MM_S
        left = abs(way_mm)
        while left > 1e-6:
            step = min(left, speed * STEP_S)
            left -= step
            yield Commands(hands=(Hand(slot, float(np.sign(way_mm)) * step / STEP_S),))

    def _find_pulse(self) -> Moves:
        """Sideways in small strides to where the pulse is clearest."""
        for way in (-STRIDE_MM, STRIDE_MM, -0.4 * STRIDE_MM, 0.4 * STRIDE_MM):
            while True:
                before = self._access.pulse
                yield from self._go(POINT_ACROSS, way)
                if self._access.pulse <= before:
                    yield from self._go(POINT_ACROSS, -way)
                    break

    def _seek_blood(self) -> Moves:
        """In until blood pulses; past the artery, back until it does; else out again."""
        while self._access.blood != "bright" and self._access.depth_mm < DEEPEST_MM:
            yield Commands(hands=(Hand("needle", NEEDLE_MM_S),))
        while self._access.blood != "bright" and self._access.depth_mm > 0.0:
            yield Commands(hands=(Hand("needle", -NEEDLE_MM_S),))
        if self._access.blood == "bright":
            yield from self._go("needle", 0.8)
