"""What the window needs from the layers that the composition root hands to it. Structural types only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from trainer.frame import Frame


class Row(Protocol):
    """One line of an open menu."""

    @property
    def text(self) -> str: ...
    @property
    def value(self) -> str: ...
    @property
    def note(self) -> str: ...
    @property
    def enabled(self) -> bool: ...


class MenuPort(Protocol):
    """An open menu of the hand."""

    @property
    def title(self) -> str: ...
    @property
    def rows(self) -> Sequence[Row]: ...
    @property
    def cursor(self) -> int: ...
    @property
    def footer(self) -> str: ...


class HintPort(Protocol):
    @property
    def key(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def urgent(self) -> bool: ...


class HandView(Protocol):
    """What is in hand, the open menu, and what can be done now."""

    @property
    def selected(self) -> str: ...
    @property
    def gang(self) -> bool: ...
    @property
    def cruise(self) -> bool: ...
    @property
    def speed(self) -> str: ...
    @property
    def armed(self) -> str: ...
    @property
    def menu(self) -> MenuPort | None: ...
    @property
    def hints(self) -> Sequence[HintPort]: ...
    @property
    def keymap(self) -> Sequence[tuple[str, str]]: ...
    @property
    def layout(self) -> str: ...
    @property
    def keys(self) -> Mapping[str, str]: ...


class HandPort(Protocol):
    """A controller that is fed by the window's key events."""

    @property
    def view(self) -> HandView: ...
    def key(self, scancode: int, down: bool) -> None: ...
    def release_all(self) -> None: ...
    def close(self) -> None: ...


class SessionPort(Protocol):
    """One procedure. `step` polls the controller and gives the next frame; the first is `frame`."""

    @property
    def frame(self) -> Frame: ...
    def step(self) -> Frame: ...
    def debrief(self) -> Mapping[str, Any]:
        """Everything that the debrief shows, as plain data (see debrief.py); stores the result first."""
        ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Case:
    """A case as the list and the briefing show it. fault: why it cannot be played, with file and line."""

    id: str
    title: str
    path: Path
    difficulty: str = ""
    summary: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    """Patient, history, labs: (name, value)."""
    task: tuple[str, ...] = ()
    """What is to be done, one line each."""
    plan: tuple[tuple[str, str], ...] = ()
    """Target, drug, embolic, end point: (name, value)."""
    meta: str = ""
    """Patient, diagnosis and time to plan, in one line for the case list."""
    hazards: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    """Teaching notes before the procedure; not shown in an exam."""
    lesson: str = ""
    """Teaching note of the debrief."""
    bands: tuple[tuple[str, str], ...] = ()
    """What practiced operators need: (figure, range)."""
    fault: str = ""


Report = Callable[[float, str], None]
"""Progress: share done 0..1, and what is being done."""


@dataclass(frozen=True, slots=True)
class Room:
    """A prepared X-ray room: the session and the hand that plays it."""

    session: SessionPort
    hand: HandPort


@dataclass(frozen=True, slots=True)
class Backstage:
    """All that the window calls outside itself; every one of these runs in a background thread.

    list_cases: the cases that can be chosen. warm: imports and compiles what every case needs.
    open_room: builds the patient and everything for one case: (case, seed, report) -> Room.
    """

    list_cases: Callable[[], Sequence[Case]]
    open_room: Callable[[Case, int, Report], Room]
    warm: Callable[[Report], None] = field(default=lambda report: None)
