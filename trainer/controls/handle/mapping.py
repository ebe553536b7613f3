"""Which device a channel moves, told from what lies in the patient."""

from __future__ import annotations

from collections.abc import Sequence

from trainer.commands import SLOTS
from trainer.frame import DeviceView

_SOLID = ("wire", "microwire")
_NESTED = ("catheter", "microcatheter", "wire", "microwire")
"""From the outside in."""


def slot_of(place: str, devices: Sequence[DeviceView], selected: str) -> str:
    """The slot that a channel moves now, '' when there is nothing for it.

    place: one of settings.PLACES. inner is the innermost device when it is a wire or lies in another one; outer is
    the device around it, or a catheter that lies alone.
    """
    filled = [slot for slot in _NESTED if any(device.slot == slot for device in devices)]
    if place in SLOTS:
        return place if place in filled else ""
    if place == "selected":
        return selected if selected in filled else ""
    if not filled:
        return ""
    has_inner = len(filled) > 1 or filled[-1] in _SOLID
    if place == "inner":
        return filled[-1] if has_inner else ""
    if not has_inner:
        return filled[-1]
    return filled[-2] if len(filled) > 1 else ""
