"""The hand while it punctures the artery: a finger on the skin, a needle, and the acts that follow."""

from __future__ import annotations

from trainer.commands import Action, Hand
from trainer.controls.layout import KeyLayout, shortened
from trainer.controls.view import Hint, MenuRow, MenuView
from trainer.frame import AccessView, Frame

NEEDLE_SLOT = "wire"
"""The selection (key) with which the hand holds the needle; any other is the finger on the skin."""
SPEEDS_MM_S = {"fine": 2.0, "normal": 8.0, "fast": 25.0}
"""Needle and finger (authored)."""
STEPS = (
    ("wire", "Guide wire through the needle"),
    ("needle_out", "Needle out"),
    ("press", "Press on the puncture"),
    ("sheath", "Sheath with dilator over the wire"),
    ("dilator_out", "Dilator and wire out"),
)


def puncture_hands(selected: str, push: float, turn: float, pace: str) -> tuple[Hand, ...]:
    """Arrows as motion: up and down move the needle in and out, or the finger to head and feet; left and right the
    finger to the picture's left and right."""
    speed = SPEEDS_MM_S[pace]
    if selected == NEEDLE_SLOT:
        return (Hand("needle", push * speed),) if push else ()
    moves = (("skin_along", push), ("skin_across", turn))
    return tuple(Hand(slot, way * speed) for slot, way in moves if way)


def _why_not(step: str, access: AccessView) -> str:
    """Why a step cannot be done now, '' when it can."""
    if step == "wire":
        return "it is in" if access.wire else "" if access.depth_mm > 0.0 else "puncture first"
    if step == "needle_out":
        return "" if access.needle and access.depth_mm > 0.0 else "it is out"
    if step == "press":
        return "" if access.bleeds else "nothing bleeds"
    if step == "sheath":
        if access.sheath:
            return "it is in"
        return "" if access.wire and not access.needle else "first the wire in, then the needle out"
    return "" if access.sheath else "first the sheath"


class PunctureMenu:
    """The acts of a puncture, those that can be done now first in order."""

    def __init__(self) -> None:
        self._cursor, self.done = 0, False
        self._placed = False

    def press(self, act: str, frame: Frame) -> list[Action]:
        if frame.access is None:
            self.done = True
            return []
        if act in ("menu_up", "menu_down"):
            self._cursor = (self._cursor + (1 if act == "menu_down" else -1)) % len(STEPS)
            return []
        step = STEPS[self._cursor][0]
        if act != "menu_enter" or _why_not(step, frame.access):
            return []
        self.done = True
        return [Action("puncture", {"step": step})]

    def view(self, frame: Frame) -> MenuView:
        access = frame.access
        if access is None:
            return MenuView("Puncture", (), 0, "the sheath is in place")
        if not self._placed:  # begins at the first act that can be done
            self._placed = True
            self._cursor = next((k for k, (step, _) in enumerate(STEPS) if not _why_not(step, access)), 0)
        rows = tuple(MenuRow(text, note=_why_not(step, access), enabled=not _why_not(step, access))
                     for step, text in STEPS)
        return MenuView("Puncture", rows, self._cursor, "Enter does it, Esc closes")


def puncture_hints(frame: Frame, layout: KeyLayout, selected: str) -> tuple[Hint, ...]:
    """Keys that help during the puncture, the next step first."""
    access = frame.access
    if access is None:
        return ()
    needle = selected == NEEDLE_SLOT

    def hint(acts: str, text: str, urgent: bool = False) -> Hint:
        keys = [key for act in acts.split() if (key := layout.label(act))]
        return Hint(" ".join(shortened(keys)), text, urgent)

    menu = access.bleeds or access.wire or access.blood == "bright"
    first = hint("tray", access.next, True) if menu else hint("advance retract", access.next, True)
    moves = (hint("advance retract", "needle in, out") if needle else
             hint("advance retract torque_ccw torque_cw", "finger to head, feet, sides (needle out)"))
    other = hint("select_catheter", "the finger on the skin") if needle else hint("select_wire", "take the needle")
    return (first, moves, other, hint("fast fine", "hold for fast, fine"), hint("tray", "wire, sheath, press"),
            hint("fluoro", "fluoroscopy (hold)", frame.xray.live is None),
            hint("table_left table_head table_feet table_right", "move the table to the groin"))
