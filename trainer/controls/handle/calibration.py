"""Calibration: a person moves each rod by a known way, the counts tell scale, direction, trembling and play."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from trainer.controls.handle.messages import Can, Hello
from trainer.controls.handle.settings import AxisSettings, HandleSettings, SyringeSettings
from trainer.errors import TrainerError

LEAST_COUNTS = 20
"""Fewer counts than this for a whole way mean that the sensor does not see the rod."""
MOST_PLAY = 0.25
"""More play than this share of the way is a mistake in moving, not play."""


class CalibrationError(TrainerError):
    """Raised when what was measured cannot be right."""


@dataclass(frozen=True, slots=True)
class Stroke:
    """Counts of one axis: trembling at rest (smallest, largest), at the start, at the far end, back again."""

    trembling: tuple[int, int]
    start: int
    far: int
    back: int


def fit_axis(stroke: Stroke, way: float, name: str, *, roll: bool) -> AxisSettings:
    """Settings of an axis that was moved by `way` (mm, or turns clockwise) and back. Raises CalibrationError."""
    there, again = stroke.far - stroke.start, stroke.back - stroke.far
    if abs(there) < LEAST_COUNTS:
        raise CalibrationError(f"{name} changed by only {abs(there)} counts", where="handle calibrate",
                               mend="Does the rod turn its wheel, and are both signal wires connected?")  # fmt: skip
    if there * again >= 0:
        raise CalibrationError(f"{name} did not come back", where="handle calibrate",
                               mend="Move to the mark and back to where you began.")  # fmt: skip
    lost = abs(there) - abs(again)
    if abs(lost) > MOST_PLAY * abs(there):
        raise CalibrationError(f"{name} went {abs(there)} counts there and {abs(again)} back", where="handle calibrate",
                               mend="Move slowly, and stop at the same marks.")  # fmt: skip
    per_unit = abs(there) / way
    play = max(0.0, lost / per_unit) * (360.0 if roll else 1.0)
    shaking = stroke.trembling[1] - stroke.trembling[0]
    # one count of difference is rounding, not play
    return AxisSettings(
        counts_per_unit=round(per_unit, 4),
        direction=1 if there > 0 else -1,
        dead_band_counts=min(shaking, 10_000),
        backlash=round(play, 3) if lost > max(1, shaking) else 0.0,
    )


def fit_syringe(drawn: int, home: int, volume_mL: float) -> SyringeSettings:
    """Settings of a plunger. Raises CalibrationError when it hardly moved."""
    if abs(home - drawn) < LEAST_COUNTS:
        raise CalibrationError(f"the syringe changed by only {abs(home - drawn)} counts", where="handle calibrate",
                               mend="Is the slide potentiometer's middle pin at A0?")  # fmt: skip
    return SyringeSettings(drawn=drawn, home=home, volume_mL=volume_mL)


def calibrate(
    settings: HandleSettings,
    hello: Hello,
    ask: Callable[[str], None],
    counts: Callable[[], Sequence[int]],
    trembling: Callable[[], Sequence[tuple[int, int]]],
    syringe: Callable[[], int],
    *,
    channels: Sequence[int],
    mm: float,
    turns: float,
    volume_mL: float,
) -> HandleSettings:
    """Walks a person through all axes of `channels` (1..3) and gives the new settings.

    ask: shows a sentence and waits until the person has done it. counts: newest counts of the six axes. trembling:
    smallest and largest count of each axis over a short while. Raises CalibrationError.
    """
    slides, rolls = list(settings.slides), list(settings.rolls)
    ask("Let go of all rods. Press Enter, and touch nothing for two seconds")
    rest = trembling()
    for channel in channels:
        ways: tuple[tuple[Literal["slide", "roll"], float, str, str], ...] = (
            ("slide", mm, f"push the rod forward by {mm:g} mm", "pull it back to the mark"),
            ("roll", turns, f"turn it clockwise, seen from behind, by {turns:g} turn(s)", "turn it back"),
        )
        for kind, way, there, back in ways:
            if not hello.capabilities & (Can.SLIDE if kind == "slide" else Can.ROLL):
                continue
            axis = 2 * (channel - 1) + (kind == "roll")
            ask(f"Channel {channel}: move the rod a little that way to take up play, and mark where it is")
            start = counts()[axis]
            ask(f"Channel {channel}: {there}")
            far = counts()[axis]
            ask(f"Channel {channel}: {back}")
            stroke = Stroke(rest[axis], start, far, counts()[axis])
            fitted = fit_axis(stroke, way, f"the {kind} of channel {channel}", roll=kind == "roll")
            (slides if kind == "slide" else rolls)[channel - 1] = fitted
    change: dict[str, object] = {"slides": slides, "rolls": rolls}
    if hello.capabilities & Can.SYRINGE:
        ask(f"Draw the syringe back to {volume_mL:g} mL")
        drawn = syringe()
        ask("Push the syringe home")
        change["syringe"] = fit_syringe(drawn, syringe(), volume_mL)
    return settings.model_copy(update=change)
