"""Opens the window: on the case list, or on one case (`play`)."""

from __future__ import annotations

import argparse
import os
from importlib import metadata

from trainer.errors import MissingPartError

REPAIR = "Run: pip uninstall -y pygame pygame-ce && pip install pygame-ce"


def check_pygame() -> None:
    """Raises MissingPartError when plain pygame lies over pygame-ce: both install the same module."""
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    try:
        metadata.version("pygame-ce")
    except metadata.PackageNotFoundError:
        raise MissingPartError("pygame-ce is not installed.", mend=REPAIR) from None
    try:
        metadata.version("pygame")
    except metadata.PackageNotFoundError:
        return
    what = "plain pygame is installed beside pygame-ce, and one overwrites the other."
    raise MissingPartError(what, mend=REPAIR)


def window(arguments: argparse.Namespace) -> int:
    """Runs the window until it is closed."""
    check_pygame()
    from trainer.controls.make import check_kind, make_hand
    from trainer.scenario.loading import find
    from trainer.screen.app import run

    if arguments.verb is None:
        return run(None, 1, "keyboard", False, None, make_hand=make_hand)
    check_kind(arguments.controls)
    case = find(arguments.scenario)
    return run(case.path, arguments.seed, arguments.controls, arguments.fullscreen, arguments.out,
               arguments.exam, make_hand=make_hand)  # fmt: skip
