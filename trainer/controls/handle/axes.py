"""Counts of one axis made into motion: direction, dead band, backlash; and motion made into a bounded speed."""

from __future__ import annotations

import math

from trainer.controls.handle.settings import AxisSettings
from trainer.units import STEP_S

BACKLOG = 30.0
"""Motion (mm or rad) kept for later steps when the hand was faster than an instrument may be; more slips through the
fingers."""


class Axis:
    """One slide (mm) or roll (rad). Feed it every reading; it never loses motion and never jumps."""

    def __init__(self, settings: AxisSettings, *, roll: bool) -> None:
        unit = 2.0 * math.pi if roll else 1.0
        self._unit = unit * settings.direction / settings.counts_per_unit
        self._band = settings.dead_band_counts
        self._backlash = math.radians(settings.backlash) if roll else settings.backlash
        self._at: int | None = None
        self._way = 0

    def forget(self) -> None:
        """The next reading is where the axis is; whatever happened before it counts for nothing."""
        self._at = None

    def moved(self, count: int) -> float:
        """Motion since the last reading, mm or rad."""
        if self._at is None:
            self._at = count
        step = count - self._at
        if abs(step) <= self._band:
            return 0.0
        self._at = count
        way = 1 if step * self._unit > 0 else -1
        play = self._backlash * way if self._way and way != self._way else 0.0
        self._way = way
        return step * self._unit + play


class Pace:
    """Motion handed out no faster than an instrument can follow; the hand is followed a little later then."""

    def __init__(self) -> None:
        self._left = 0.0

    @property
    def left(self) -> float:
        """Motion still to come; its sign tells the way."""
        return self._left

    def add(self, motion: float) -> None:
        """The hand moved by so much more, mm or rad."""
        self._left = max(-BACKLOG, min(BACKLOG, self._left + motion))

    def rate(self, limit_per_s: float) -> float:
        """Speed of this step, mm/s or rad/s, at most `limit_per_s` either way."""
        most = limit_per_s * STEP_S
        now = max(-most, min(most, self._left))
        self._left -= now
        return now / STEP_S

    def forget(self) -> None:
        self._left = 0.0
