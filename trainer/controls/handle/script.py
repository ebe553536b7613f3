"""Scripts for an emulated handle: what a person does, and when. One act a line:

    # seconds  act     arguments
    0.0        slide   1 100 2.0      channel, mm, taking seconds
    2.0        roll    1 -90 1.0      channel, degrees clockwise, taking seconds
    3.0        tap     0              press and release a button; also press, release
    4.0        syringe 0.5 2.0        share pushed home 0..1, taking seconds
    6.0        stick   0.5 -1         C-arm joystick, -1..1 each
    7.0        unplug  1.5            the cable is out for seconds
    9.0        overspeed 3            steps that could not be counted
   10.0        end
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from trainer.controls.handle.emulator import EmulatedHandle
from trainer.errors import ScenarioError, at_line, nearest
from trainer.textfile import read_text

ACTS = {"slide": 3, "roll": 3, "press": 1, "release": 1, "tap": 1, "syringe": 2, "stick": 2, "unplug": 1,
        "overspeed": 1, "end": 0}  # fmt: skip
"""Acts and how many numbers follow them."""
TAP_S = 0.08


@dataclass(frozen=True, slots=True)
class Act:
    """One line of a script."""

    at_s: float
    what: str
    values: tuple[float, ...]

    @property
    def lasts_s(self) -> float:
        return self.values[-1] if self.what in ("slide", "roll", "syringe", "unplug") else 0.0


def read_script(path: Path) -> list[Act]:
    """The acts of a script file in the order of their times. Raises FileError or ScenarioError with file and line."""
    acts = []
    for number, line in enumerate(read_text(path).splitlines(), 1):
        words = line.split("#")[0].split()
        if words:
            acts.append(_act(words, at_line(path, number)))
    return sorted(acts, key=lambda act: act.at_s)


def _act(words: list[str], where: str) -> Act:
    what = words[1] if len(words) > 1 else ""
    if what not in ACTS:
        raise ScenarioError(f"'{' '.join(words)}' is no act of a handle", where=where,
                            mend="A line is: seconds, act, numbers. " + nearest(what, ACTS))  # fmt: skip
    try:
        at_s, *values = (float(word) for word in (words[0], *words[2:]))
    except ValueError:
        raise ScenarioError(f"'{' '.join(words)}' holds something that is no number", where=where) from None
    if len(values) != ACTS[what]:
        raise ScenarioError(f"'{what}' takes {ACTS[what]} number(s), not {len(values)}", where=where)
    act = Act(at_s, what, tuple(values))
    if not all(math.isfinite(v) for v in (at_s, *values)) or at_s < 0.0 or act.lasts_s < 0.0:
        raise ScenarioError("times are finite and not negative", where=where)
    if what in ("slide", "roll") and values[0] not in (1.0, 2.0, 3.0):
        raise ScenarioError(f"there is no channel {values[0]:g}", where=where, mend="Channels are 1, 2 and 3.")
    if what in ("press", "release", "tap") and values[0] not in range(16):
        raise ScenarioError(f"there is no button {values[0]:g}", where=where, mend="Buttons are 0 to 15.")
    return act


class Player:
    """Plays acts on an emulated handle as time goes on."""

    def __init__(self, acts: list[Act]) -> None:
        self._waiting = [part for act in acts for part in _parts(act)]
        self._waiting.sort(key=lambda act: act.at_s)
        self._going: list[tuple[Act, float]] = []
        self._syringe_from: dict[Act, int] = {}
        self.unplugged_until = 0.0
        """The cable is out until then."""
        self.done = False

    def play(self, handle: EmulatedHandle, now: float) -> None:
        """Does what is due at `now`, s since the script began. Call often."""
        while self._waiting and self._waiting[0].at_s <= now:
            act = self._waiting.pop(0)
            if act.lasts_s > 0.0 and act.what != "unplug":
                self._going.append((act, 0.0))
                self._syringe_from[act] = handle.syringe
            else:
                self._at_once(act, handle)
        still = []
        for act, done in self._going:
            share = min(1.0, (now - act.at_s) / act.lasts_s)
            self._part(act, handle, done, share)
            if share < 1.0:
                still.append((act, share))
        self._going = still
        self.done = self.done or not (self._waiting or self._going or now < self.unplugged_until)

    def _at_once(self, act: Act, handle: EmulatedHandle) -> None:
        if act.what in ("press", "release"):
            handle.button(int(act.values[0]), act.what == "press")
        elif act.what == "stick":
            first, second = (round(127 * max(-1.0, min(1.0, v))) for v in act.values)
            handle.joystick = (first, second)
        elif act.what == "unplug":
            self.unplugged_until = act.at_s + act.lasts_s
        elif act.what == "overspeed":
            handle.overspeed += int(act.values[0])
        elif act.what == "end":
            self._waiting, self._going, self.done = [], [], True
        else:
            self._syringe_from[act] = handle.syringe
            self._part(act, handle, 0.0, 1.0)

    def _part(self, act: Act, handle: EmulatedHandle, done: float, share: float) -> None:
        if act.what == "slide":
            handle.slide(int(act.values[0]), act.values[1] * (share - done))
        elif act.what == "roll":
            handle.roll(int(act.values[0]), act.values[1] / 360.0 * (share - done))
        else:
            start, goal = self._syringe_from[act], 1023.0 * max(0.0, min(1.0, act.values[0]))
            handle.syringe = round(start + (goal - start) * share)


def _parts(act: Act) -> list[Act]:
    if act.what != "tap":
        return [act]
    return [Act(act.at_s, "press", act.values), Act(act.at_s + TAP_S, "release", act.values)]
