"""Errors about the anatomy that know which key of the patient's description is at fault."""

from __future__ import annotations

from collections.abc import Callable

from trainer.errors import AnatomyError

Keys = tuple[str | int, ...]
Where = Callable[[Keys], str]
"""Turns keys below `patient:` into `file:line`."""


class AnatomyFault(AnatomyError):
    """An AnatomyError. keys: path below the `patient:` section, empty when the fault is not in it."""

    def __init__(self, what: str, *, where: str = "", mend: str = "", keys: Keys = ()) -> None:
        super().__init__(what, where=where, mend=mend)
        self.keys = keys


def nowhere(_: Keys) -> str:
    """The `Where` of a description that came from no file."""
    return ""
