"""One procedure from the first frame to the result. The window, the simulated operators and replay use it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from trainer.anatomy.types import Patient
from trainer.commands import Commands
from trainer.errors import FileError
from trainer.frame import Frame
from trainer.procedure.clock import Clock
from trainer.procedure.recording import SUFFIX, Recorder
from trainer.scenario.checking import located, target_of
from trainer.scenario.loading import CaseFile
from trainer.scoring.debrief import debrief
from trainer.scoring.errors import HandlingError
from trainer.scoring.harm import harms
from trainer.scoring.measures import Measures
from trainer.scoring.result import Result
from trainer.scoring.rubric import grade


class Player(Protocol):
    """Whoever plays: a keyboard, a handle, a simulated operator, a recording."""

    def poll(self, frame: Frame) -> Commands: ...


class Stepped(Protocol):
    """A simulation, as far as a session needs it."""

    patient: Patient

    def reset(self, seed: int) -> Frame: ...
    def step(self, commands: Commands) -> Frame: ...
    def drug_exposure(self) -> Mapping[str, float]: ...
    def aftermath(self) -> Mapping[str, float]: ...


class Session:
    """`frame` is what is to be shown; `step` makes one 60 Hz step; `close` ends, finished or not."""

    def __init__(
        self,
        case: CaseFile,
        seed: int,
        controller: Player,
        recorder: Recorder | None = None,
        *,
        operator: str = "human",
        simulation: Stepped | None = None,
    ) -> None:
        """simulation: another than the case's own, for tests. Raises ScenarioError or AnatomyError."""
        self.case, self.seed, self.operator = case, seed, operator
        self.controller, self.recorder = controller, recorder
        self._feel: Callable[[Frame], None] | None = getattr(controller, "feedback", None)
        """What the hand feels after a step; a recording feels nothing."""
        self.clock = Clock()
        self.simulation: Stepped = _simulation(case) if simulation is None else simulation
        with located(case):
            self.frame = self.simulation.reset(seed)
        self.measures = Measures(self.simulation.patient, target_of(case), self.frame)
        self.new_errors: tuple[HandlingError, ...] = ()
        """Handling errors that the last step brought."""
        self._result: Result | None = None

    @property
    def finished(self) -> bool:
        """Whether the operator has finished the procedure."""
        return self.frame.finished

    def step(self) -> Frame:
        """Polls the controller and makes one step. After the finish the last frame stays."""
        if self.finished or self._result is not None:
            return self.frame
        frame = self.play(self.controller.poll(self.frame))
        if self._feel is not None:
            self._feel(frame)
        return frame

    def play(self, commands: Commands) -> Frame:
        """One step with given commands."""
        self.frame = self.simulation.step(commands)
        self.new_errors = self.measures.feed(self.frame, commands)
        if self.recorder is not None:
            self.recorder.note(commands, self.frame)
        return self.frame

    def advance(self, elapsed_s: float) -> Frame:
        """As many steps as `elapsed_s` of wall time asks for; `clock.speed` tells when that was too many."""
        for _ in range(self.clock.advance(elapsed_s)):
            if self.finished:
                break
            self.step()
        return self.frame

    def result(self) -> Result:
        """The graded result; the first call ends the procedure and closes its recording."""
        if self._result is None:
            path = self.recorder.path if self.recorder is not None else None
            bare = self.measures.result(self.case.scenario.id, self.seed, self.operator, self.finished)
            history, albi = self.case.scenario.history, self.case.scenario.history.labs.albi()
            bare = replace(bare, exposure=self.simulation.drug_exposure(),
                           harm=harms(bare, self.simulation.aftermath(), history.child_pugh,
                                      albi[1] if albi is not None else None))
            self._result = _graded(bare, self.case, path)
            if self.recorder is not None:
                self.recorder.finish(self._result.to_json())
        return self._result

    def debrief(self) -> Mapping[str, Any]:
        """Data of the debrief screen; stores the result beside the recording."""
        result = self.result()
        data = debrief(self.simulation.patient, result, self.frame.truth.embolic_by_place)
        saved = save_result(result, self.recorder.path) if self.recorder is not None else None
        return {**data, "saved": str(saved) if saved else ""}

    def close(self) -> None:
        """Ends the procedure; an unfinished one keeps a recording with a footer that says so."""
        self.result()


def _simulation(case: CaseFile) -> Stepped:
    # imported here: the compilers behind it take seconds, and a replay with another simulation needs none
    from trainer.scenario.building import build

    return build(case)


def _graded(bare: Result, case: CaseFile, recording: Path | None) -> Result:
    score = grade(case.scenario.rubric, bare)
    return replace(bare, score=score, recording=str(recording) if recording is not None else None)


def result_path(recording: Path) -> Path:
    """Where the result of a recording is stored."""
    return recording.with_name(recording.name.removesuffix(SUFFIX) + ".result.json")


def save_result(result: Result, recording: Path) -> Path:
    """Writes the Result document beside its recording. Raises FileError when that is impossible."""
    path = result_path(recording)
    try:
        path.write_text(json.dumps(result.to_json(), indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise FileError(f"cannot be written ({error.strerror})", where=str(path)) from None
    return path


def recording_path(folder: Path, scenario: str, seed: int, operator: str) -> Path:
    """A name in `folder` that no file has yet, e.g. segment_8_first_case-seed1-expert.jsonl.gz."""
    stem, number = f"{scenario}-seed{seed}-{operator}", 1
    path = folder / f"{stem}{SUFFIX}"
    while path.exists():
        number += 1
        path = folder / f"{stem}-{number}{SUFFIX}"
    return path
