"""Errors that a user can cause. Each message says what is wrong, where, and how to mend it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path


class TrainerError(Exception):
    """A user's mistake or a missing thing. Printed as one message, never as a traceback; exit code 2.

    what: the finding, one sentence. where: file and line, or the command. mend: what to do about it.
    """

    def __init__(self, what: str, *, where: str = "", mend: str = "") -> None:
        self.what, self.where, self.mend = what, where, mend
        text = f"{where}: {what}" if where else what
        text = text if text.endswith((".", "!", "?")) else text + "."
        super().__init__(f"{text} {mend}".rstrip() if mend else text)


class FileError(TrainerError):
    """Raised when a file cannot be read as what it should be (missing, binary, truncated, bad YAML)."""


class ScenarioError(TrainerError):
    """Raised when a scenario file asks for something impossible."""


class AnatomyError(TrainerError):
    """Raised when vessels, beds or territories contradict each other."""


class DeviceError(TrainerError):
    """Raised when a device is unknown, cannot pass another, or does not fit."""


class RecordingError(TrainerError):
    """Raised when a recording is damaged, altered, or belongs to another scenario."""


class CallError(TrainerError):
    """Raised when the command line was called wrongly."""


class MissingPartError(TrainerError):
    """Raised when a needed library is absent or the wrong one is installed."""


def at_line(path: Path | str, line: int | None) -> str:
    """`file:line`, or the file alone when the line is not known. line is counted from 1."""
    return f"{path}:{line}" if line else f"{path}"


def nearest(word: str, allowed: Iterable[str]) -> str:
    """A sentence with the nearest allowed word and the list, for the end of an error message."""
    names = sorted(allowed)
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.5)
    hint = f"Did you mean '{close[0]}'? " if close else ""
    shown = ", ".join(names[:24]) + (", ..." if len(names) > 24 else "")
    return f"{hint}Allowed: {shown}."
