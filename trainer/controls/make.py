"""Makes a controller by the name that the command line knows."""

from __future__ import annotations

from collections.abc import Iterable

from trainer.controls.gamepad import GamepadController
from trainer.controls.keyboard import KeyboardController
from trainer.controls.layout import load_layout
from trainer.controls.options import CoilChoice, ControlOptions, DeviceChoice, FluidChoice, FluidKind
from trainer.errors import CallError, nearest

KINDS = ("keyboard", "left_hand", "gamepad", "serial", "serial:PORT", "auto")


def check_kind(kind: str) -> str:
    """`kind` itself when `make_controller` knows it. Raises CallError, also for a serial port that is not there."""
    if kind.startswith("serial:") and len(kind) > len("serial:"):
        from trainer.controls.handle.ports import require

        require(kind.removeprefix("serial:"))
    elif kind not in KINDS[:4] and kind != "auto" and not kind.endswith((".yaml", ".yml")):
        raise CallError(f"no controls called '{kind}'", where="--controls", mend=nearest(kind, KINDS))
    return kind


def make_controller(kind: str, options: ControlOptions) -> KeyboardController:
    """keyboard | left_hand | a key layout file | gamepad | serial | serial:PORT | auto (gamepad and keyboard).

    serial asks every port until a handle answers, and waits for one to be plugged in; the keyboard stays alive.
    Raises CallError for anything else, and FileError or ScenarioError for a faulty layout file.
    """
    check_kind(kind)
    if kind.split(":")[0] == "serial":
        from trainer.controls.handle.controller import HandleController
        from trainer.controls.handle.link import SerialLink

        return HandleController(options, load_layout(), SerialLink(kind.removeprefix("serial").removeprefix(":")))
    if kind in ("gamepad", "auto"):
        return GamepadController(options, load_layout())
    if kind in ("keyboard", "left_hand"):
        return KeyboardController(options, load_layout("standard" if kind == "keyboard" else kind))
    return KeyboardController(options, load_layout(kind))


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
