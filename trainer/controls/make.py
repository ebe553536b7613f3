"""Makes a controller by the name that the command line knows."""

from __future__ import annotations

from collections.abc import Iterable

from trainer.controls.gamepad import GamepadController
from trainer.controls.keyboard import KeyboardController
from trainer.controls.layout import load_layout
from trainer.controls.options import CoilChoice, ControlOptions, DeviceChoice, FluidChoice, FluidKind
from trainer.errors import CallError, nearest

KINDS = ("keyboard", "left_hand", "gamepad", "auto")


def make_controller(kind: str, options: ControlOptions) -> KeyboardController:
    """keyboard | left_hand | a key layout file | gamepad | auto (gamepad and keyboard).

    Raises CallError for anything else, and FileError or ScenarioError for a faulty layout file.
    """
    if kind in ("gamepad", "auto"):
        return GamepadController(options, load_layout())
    if kind in ("keyboard", "left_hand"):
        return KeyboardController(options, load_layout("standard" if kind == "keyboard" else kind))
    if kind.endswith((".yaml", ".yml")):
        return KeyboardController(options, load_layout(kind))
    raise CallError(f"no controls called '{kind}'", where="--controls", mend=nearest(kind, KINDS))


def make_hand(
    kind: str,
    devices: Iterable[tuple[str, str, str, str, bool]],
    fluids: Iterable[tuple[str, str, str]],
    coils: Iterable[tuple[str, str]] = (),
) -> KeyboardController:
    """A controller for a case given as plain data.

    devices: (id, slot, label, note, whether its tip can be shaped); fluids: (id, label, kind); coils:
    (id, label). The
    kind of a fluid is contrast, saline, drug or embolic; anything else is pushed like a drug.
    """
    return make_controller(
        kind,
        ControlOptions(
            devices=tuple(DeviceChoice(*device) for device in devices),
            fluids=tuple(FluidChoice(name, label, fluid_kind(what)) for name, label, what in fluids),
            coils=tuple(CoilChoice(*coil) for coil in coils),
        ),
    )


def fluid_kind(word: str) -> FluidKind:
    """The kind of a fluid whose rates the hand uses."""
    return word if word in ("contrast", "saline", "drug", "embolic") else "drug"  # type: ignore[return-value]
