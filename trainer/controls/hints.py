"""What the hand can do now, in plain words, from the frame and the state of the hand."""

from __future__ import annotations

from trainer.commands import SLOTS
from trainer.controls.layout import KeyLayout, shortened
from trainer.controls.menus import AT_HUB_MM, left_to_withdraw_mm, refusal, to_flush
from trainer.controls.view import Hint
from trainer.frame import Frame

HIGH_HUB_FORCE_N = 2.0
"""Hub force above which the hand is told to stop pushing (unverified)."""


def hints(frame: Frame, layout: KeyLayout, selected: str, *, gang: bool) -> tuple[Hint, ...]:
    """Keys that do something useful in the present state, the urgent ones first."""
    book = _Book(layout)
    _warnings(frame, book)
    _device(frame, book, selected, gang)
    _imaging(frame, book)
    _injecting(frame, book)
    book.add("finish", "finish the procedure")
    return tuple(sorted(book.out, key=lambda hint: not hint.urgent))


class _Book:
    def __init__(self, layout: KeyLayout) -> None:
        self.layout = layout
        self.out: list[Hint] = []

    def add(self, acts: str, text: str, urgent: bool = False) -> None:
        """acts: one act, or several separated by blanks."""
        keys = [key for act in acts.split() if (key := self.layout.label(act))]
        if keys:
            self.out.append(Hint(" ".join(shortened(keys)), text, urgent))


def _warnings(frame: Frame, book: _Book) -> None:
    for device in frame.devices:
        if device.hub_force_N > HIGH_HUB_FORCE_N:
            force = f"{device.slot} pushes back with {device.hub_force_N:.1f} N"
            book.add("retract", f"{force}: pull back or turn", True)
        if device.hold == "lost":
            book.add("tray", f"the {device.slot} is lost in the device around it: take out both", True)
    slot = to_flush(frame)
    if slot:
        words = {d.slot: d.lumen for d in frame.devices}[slot]
        book.add("flush", f"{slot}: {words}", words == "air in hub")
    if frame.xray.beam_on and frame.xray.live_kind == "dsa" and not frame.vitals.holding_breath:
        book.add("breath_hold", "hold the breath: a run smears while the patient breathes", True)
    if frame.injection.state == "limited":
        book.add("stop_injection", "pressure limit: less than asked is delivered", True)


def _device(frame: Frame, book: _Book, selected: str, gang: bool) -> None:
    filled = {d.slot for d in frame.devices}
    device = next((d for d in frame.devices if d.slot == selected), None)
    if device is None:
        why = refusal(selected, filled)
        book.add("tray", f"no {selected}: {why}" if why else f"choose a {selected}", not filled)
    else:
        inside = " with all inside it" if gang else ""
        book.add("advance retract", f"advance, pull back the {selected}{inside}")
        book.add("torque_ccw torque_cw", "turn it at the hub")
        book.add("fast fine", "hold for fast, fine")
        left = left_to_withdraw_mm(device, frame.devices)
        book.add("tray", "remove it, or insert another" if left <= AT_HUB_MM else "insert a device")
        book.add("gang", "move it alone" if gang else "move it with all inside it")
        book.add("cruise", "keep this motion going")
    others = [slot for slot in SLOTS if slot in filled and slot != selected]
    for slot in others:
        book.add(f"select_{slot}", f"take the {slot}")


def _imaging(frame: Frame, book: _Book) -> None:
    book.add("fluoro", "fluoroscopy (hold)", frame.xray.live is None)
    book.add("dsa", "DSA run (hold)")
    if frame.xray.runs:
        book.add("roadmap", "roadmap off" if frame.xray.roadmap else "roadmap on")
        book.add("review_back review_on", "look through the last run")
    book.add("carm_rao carm_lao carm_cra carm_cau", "turn the C-arm")
    book.add("table_left table_head table_feet table_right", "move the table")
    book.add("breath_hold", "let the patient breathe" if frame.vitals.holding_breath else "hold the breath")


def _injecting(frame: Frame, book: _Book) -> None:
    injection = frame.injection
    if any(d.slot in ("catheter", "microcatheter") for d in frame.devices) and not to_flush(frame):
        book.add("flush", "flush the lumen: draw back, saline")
    if injection.state in ("injecting", "limited"):
        book.add("stop_injection", "stop the injection", True)
    book.add("injector", "set the power injector")
    book.add("inject", "inject as set")
    book.add("syringe", "load the hand syringe")
    if injection.syringe_left_mL > 0.0:
        book.add("hand_inject", f"push the syringe ({injection.syringe_left_mL:.1f} mL left)")
