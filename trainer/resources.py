"""Finds the data that the program ships, from a checkout and from an installed wheel alike."""

from __future__ import annotations

from pathlib import Path

from trainer.errors import FileError

_PACKED = Path(__file__).parent / "_data"
_CHECKOUT = Path(__file__).parent.parent


def resource(*parts: str) -> Path:
    """Path of a shipped file or folder, e.g. `resource("assets", "devices")`.

    Raises FileError when it is absent (a broken installation).
    """
    for root in (_PACKED, _CHECKOUT):
        path = root.joinpath(*parts)
        if path.exists():
            return path
    raise FileError(
        f"the shipped data '{'/'.join(parts)}' is missing",
        where="installation",
        mend="Install the trainer again.",
    )
