"""What every controller is, and the checker that each of them must pass.

A controller is anything that can be asked, once per 60 Hz step, what the operator does now. Keyboards,
gamepads, serial handles, recordings and simulated operators are all controllers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Protocol, runtime_checkable

from trainer.commands import ACTIONS, SLOTS, Action, Commands, from_json, to_json
from trainer.frame import Frame


@runtime_checkable
class Controller(Protocol):
    """The hand. `poll` and `feedback` are called once per step, in this order, from one thread."""

    def poll(self, frame: Frame) -> Commands:
        """What the operator does in the coming step, having seen `frame`."""
        ...

    def feedback(self, frame: Frame) -> None:
        """What the hand feels after the step (hub forces); may be ignored."""
        ...

    def close(self) -> None:
        """Lets go of every device and port. May be called twice; afterwards `poll` gives idle hands."""
        ...


class ControllerFault(AssertionError):
    """Raised by `check_controller` when a controller breaks the protocol."""


MAX_ADVANCE_MM_S = 400.0
"""Faster hands are taken for a fault of the controller."""
MAX_TORQUE_RAD_S = 60.0


def check_controller(make: Callable[[], Controller], frames: Iterable[Frame]) -> None:
    """Plays `frames` to a fresh controller and checks each answer.

    Raises ControllerFault naming the broken rule. Two controllers made alike and shown the same frames must
    answer alike (nothing may depend on a clock or on chance).
    """
    shown = list(frames)
    first, second = make(), make()
    if not isinstance(first, Controller):
        raise ControllerFault("has no poll, feedback and close")
    for frame in shown:
        commands, again = first.poll(frame), second.poll(frame)
        check_commands(commands)
        if commands != again:
            raise ControllerFault(f"answers step {frame.step} in two ways; clocks and chance are not allowed")
        first.feedback(frame)
        second.feedback(frame)
    for controller in (first, second):
        controller.close()
        controller.close()
    if shown and first.poll(shown[-1]) != Commands():
        raise ControllerFault("still moves after close()")


def check_commands(commands: Commands) -> None:
    """Raises ControllerFault when Commands hold something that no operator could do."""
    if not isinstance(commands, Commands):
        raise ControllerFault(f"poll gave {type(commands).__name__}, not Commands")
    slots = [hand.slot for hand in commands.hands]
    if len(set(slots)) != len(slots):
        raise ControllerFault("moves one device twice in a step")
    for hand in commands.hands:
        _check_slot(hand.slot)
        _check_rate("advance_mm_s", hand.advance_mm_s, MAX_ADVANCE_MM_S)
        _check_rate("torque_rad_s", hand.torque_rad_s, MAX_TORQUE_RAD_S)
    if commands.syringe_slot:
        _check_slot(commands.syringe_slot)
    if not (math.isfinite(commands.syringe_mL_s) and 0.0 <= commands.syringe_mL_s <= 50.0):
        raise ControllerFault(f"syringe_mL_s is {commands.syringe_mL_s}")
    for rate in (*commands.carm_rad_s, *commands.table_mm_s):
        _check_rate("jog", rate, 1000.0)
    for action in commands.actions:
        _check_action(action)
    if from_json(to_json(commands)) != commands:
        raise ControllerFault("Commands do not survive being recorded")


def _check_slot(slot: str) -> None:
    if slot not in SLOTS:
        raise ControllerFault(f"unknown slot '{slot}'; allowed: {', '.join(SLOTS)}")


def _check_rate(name: str, rate: float, limit: float) -> None:
    if not math.isfinite(rate) or abs(rate) > limit:
        raise ControllerFault(f"{name} is {rate}; at most {limit} is possible")


def _check_action(action: Action) -> None:
    wanted = ACTIONS.get(action.kind)
    if wanted is None:
        raise ControllerFault(f"unknown action '{action.kind}'")
    unknown = set(action.args) - set(wanted)
    if unknown:
        raise ControllerFault(f"action '{action.kind}' knows no {sorted(unknown)}")
