"""Plays a recording again through the same simulation and says whether it comes out the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainer import __version__
from trainer.commands import Commands
from trainer.errors import RecordingError, TrainerError
from trainer.frame import Frame
from trainer.procedure.digest import STEP_BYTES, catalog_version, frame_digest, picture_digest
from trainer.procedure.recording import Recording, read_recording
from trainer.procedure.session import Session, Stepped
from trainer.scenario.loading import parse
from trainer.units import STEP_S

Progress = Callable[[int, int], None]
"""Called with (steps done, steps in all)."""

_FREE = ("recording", "version")
"""Result fields that do not come from the simulation."""


@dataclass(frozen=True, slots=True)
class Replay:
    """Outcome of a replay."""

    recording: Recording
    result: Mapping[str, Any]
    """Of the simulation now."""
    verified: bool | None
    """None when nothing was compared."""
    difference: str = ""
    """The first difference, in a sentence."""
    first_step: int | None = None
    """Step (from 1) at which it showed, when it showed in a step."""


class _Comparison:
    """Compares frames with the checks of a recording."""

    def __init__(self, recording: Recording) -> None:
        self.marks = [mark for check in recording.checks for mark in check.steps]
        self.pictures = {check.step: check.picture for check in recording.checks}
        self.difference, self.first_step = "", None

    first_step: int | None

    def see(self, step: int, frame: Frame) -> None:
        if self.difference:
            return
        if frame_digest(frame)[:STEP_BYTES].hex() != self.marks[step - 1]:
            self._found(step, f"step {step} ({step * STEP_S:.2f} s) differs from the recording")
        elif step in self.pictures and picture_digest(frame) != self.pictures[step]:
            self._found(step, f"the live image of step {step} ({step * STEP_S:.2f} s) differs")

    def _found(self, step: int, difference: str) -> None:
        self.difference, self.first_step = difference, step

    def compare_results(self, now: Mapping[str, Any], then: Mapping[str, Any]) -> None:
        if self.difference:
            return
        for key in then:
            if key not in _FREE and now.get(key) != then[key]:
                change = f"{then[key]!r:.80} became {now.get(key)!r:.80}"
                self.difference = f"the result differs in '{key}': {change}"
                return


def replay(
    path: Path,
    verify: bool = False,
    *,
    progress: Progress | None = None,
    simulation: Stepped | None = None,
) -> Replay:
    """Simulates a recording again. verify: compare every step, the images of each second, and the result.

    Raises RecordingError when the file is damaged, altered, or holds what this program cannot play.
    """
    recording = read_recording(path)
    try:
        case = parse(recording.scenario_text, f"{path} (scenario inside)")
        session = Session(case, recording.seed, _Nobody(), operator=recording.operator, simulation=simulation)
    except TrainerError as error:
        raise RecordingError(f"cannot be played by this program: {error}", where=str(path)) from None
    comparison = _Comparison(recording)
    for step, commands in enumerate(recording.commands(), start=1):
        frame = session.play(commands)
        if verify:
            comparison.see(step, frame)
        if progress is not None and step % 60 == 0:
            progress(step, recording.steps)
    result = session.result().to_json()
    if verify and recording.result is not None:
        comparison.compare_results(result, recording.result)
    difference = comparison.difference + _other_versions(recording) if comparison.difference else ""
    verified = (not difference) if verify else None
    return Replay(recording, result, verified, difference, comparison.first_step)


def _other_versions(recording: Recording) -> str:
    said = []
    if recording.program != __version__:
        said.append(f"program {recording.program}, this is {__version__}")
    if recording.catalog != catalog_version():
        said.append(f"device and anatomy data {recording.catalog}, these are {catalog_version()}")
    return f". It was recorded with {'; '.join(said)}" if said else ""


class _Nobody:
    def poll(self, frame: Frame) -> Commands:
        raise RecordingError("a replay asks nobody for commands")
