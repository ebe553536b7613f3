"""Menus of the hand: which device, which fluid, which injection. Pure state; the screen draws their view."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from trainer.commands import SLOTS, Action
from trainer.controls.options import ControlOptions, DeviceChoice
from trainer.controls.view import MenuRow, MenuView
from trainer.frame import DeviceView, Frame

AT_HUB_MM = 5.0
"""A device may be taken out when its tip is this close to its hub, mm."""


class Menu(Protocol):
    """An open menu. `press` takes menu_up, menu_down, menu_left, menu_right, menu_enter and gives the acts
    that follow; `done` closes it."""

    done: bool

    def press(self, act: str, frame: Frame) -> list[Action]: ...

    def view(self, frame: Frame) -> MenuView: ...


def left_to_withdraw_mm(device: DeviceView, devices: tuple[DeviceView, ...]) -> float:
    """How far a device's tip is from its way out (hub of the device around it, or the sheath mouth), mm."""
    outer = outer_of(device.slot, devices)
    if outer is None:
        return max(0.0, device.inserted_mm)
    return max(0.0, device.inserted_mm - (outer.inserted_mm - outer.length_mm))


def outer_of(slot: str, devices: tuple[DeviceView, ...]) -> DeviceView | None:
    """The device around the one in `slot`, or None when it is the outermost."""
    around = {
        "wire": ("catheter",),
        "microcatheter": ("catheter",),
        "microwire": ("microcatheter", "catheter"),
    }
    by_slot = {d.slot: d for d in devices}
    return next((by_slot[s] for s in around.get(slot, ()) if s in by_slot), None)


def to_flush(frame: Frame) -> str:
    """The innermost device whose hub shows air or that a flush is due for, '' when there is none."""
    return next((d.slot for d in reversed(frame.devices) if d.lumen in ("air in hub", "flush due")), "")


@dataclass(frozen=True, slots=True)
class _Entry:
    row: MenuRow
    act: Action
    device: DeviceChoice | None = None
    """What goes in; None when the entry is about a device in place."""


class TrayMenu:
    """Devices in the patient to take out, and devices on the table to put in."""

    def __init__(self, options: ControlOptions) -> None:
        self._options, self._cursor, self.done = options, 0, False
        self._bends: dict[str, int] = {}
        self.inserted = ""
        """Slot of the device that was just put in; the hand then holds it."""

    def press(self, act: str, frame: Frame) -> list[Action]:
        entries = self._entries(frame)
        if not entries:
            return []
        if act in ("menu_up", "menu_down"):
            self._cursor = (self._cursor + (1 if act == "menu_down" else -1)) % len(entries)
            return []
        entry = entries[min(self._cursor, len(entries) - 1)]
        device = entry.device
        if act in ("menu_left", "menu_right") and device is not None and device.shapeable:
            many = len(self._options.hands.tip_shapes) + 1
            self._bends[device.id] = (self._bends.get(device.id, 0) + (1 if act == "menu_right" else -1)) % many
        if act != "menu_enter" or not entry.row.enabled:
            return []
        self.done = True
        self.inserted = device.slot if device is not None else ""
        return [entry.act]

    def view(self, frame: Frame) -> MenuView:
        rows = tuple(entry.row for entry in self._entries(frame))
        return MenuView(
            "Devices", rows, min(self._cursor, max(0, len(rows) - 1)), "Enter chooses, Esc closes"
        )

    def _entries(self, frame: Frame) -> list[_Entry]:
        """What can be put in, then what can be done with what is in, then what cannot be done now and why."""
        by_slot = {d.slot: d for d in frame.devices}
        out = [e for slot in SLOTS if slot in by_slot for e in self._in_place(by_slot[slot], frame)]
        out += [self._insertion(c, set(by_slot)) for c in self._options.devices if c.slot not in by_slot]
        out += [self._coil(c.id, c.label, frame) for c in self._options.coils]
        return sorted(out, key=lambda e: (not e.row.enabled, e.device is None, e.act.kind != "remove"))

    def _in_place(self, device: DeviceView, frame: Frame) -> list[_Entry]:
        left = left_to_withdraw_mm(device, frame.devices)
        ready = left <= AT_HUB_MM
        note = "tip is back at its hub" if ready else f"withdraw {left:.0f} mm first"
        if device.hold == "lost":
            ready, note = False, "its tail is lost in the device around it: take that out"
        out = [
            _Entry(
                MenuRow(f"Remove {device.label}", note=note, enabled=ready), Action("remove", {"slot": device.slot})
            )
        ]
        if device.slot in ("catheter", "microcatheter"):
            note = f"{device.label}{': ' if device.lumen else ''}{device.lumen}"
            out.append(_Entry(MenuRow("Flush the lumen", note=note), Action("flush", {"slot": device.slot})))
        elif outer_of(device.slot, frame.devices) is not None and device.hold != "lost":
            held = device.hold == "held"
            words = "Let go of" if held else "Hold"
            note = "it then goes with the device around it" if held else "it then stays where it is"
            row = MenuRow(f"{words} the {device.slot}", note=note)
            out.append(_Entry(row, Action("hold", {"slot": device.slot, "on": not held})))
        if device.balloon:
            fill = device.balloon == "empty"
            row = MenuRow(f"{'Fill' if fill else 'Empty'} the balloon", note=device.label)
            out.append(_Entry(row, Action("inflate", {"slot": device.slot, "on": fill})))
        return out

    def _coil(self, name: str, label: str, frame: Frame) -> _Entry:
        """A coil to be pushed out of the innermost device, if that is a catheter."""
        inner = frame.devices[-1] if frame.devices else None
        slot = inner.slot if inner is not None else ""
        free = slot in ("catheter", "microcatheter")
        note = f"through the {slot}" if free else f"take out the {slot} first" if slot else "needs a catheter"
        return _Entry(MenuRow(f"Push {label}", note=note, enabled=free), Action("coil", {"slot": slot, "coil": name}))

    def _insertion(self, choice: DeviceChoice, filled: set[str]) -> _Entry:
        why = refusal(choice.slot, filled)
        args: dict[str, object] = {"slot": choice.slot, "device": choice.id}
        note = choice.note
        if choice.shapeable:
            bend = self._bends.get(choice.id, 0)
            shape = self._options.hands.tip_shapes[bend - 1] if bend else None
            note += f"; tip: {shape.label if shape else 'as it comes'} (left, right)"
            if shape is not None:
                args |= {"tip_mm": shape.tip_mm, "tip_deg": shape.tip_deg}
        row = MenuRow(f"Insert {choice.label}", note=why or note, enabled=not why)
        return _Entry(row, Action("insert", args), choice)


def refusal(slot: str, filled: set[str]) -> str:
    """Why no device can go into an empty slot now; '' when one can."""
    if slot == "wire" and "microcatheter" in filled:
        return "the microcatheter is in the way"
    if slot == "microcatheter" and "wire" in filled:
        return "the wire is in the way"
    if slot == "microcatheter" and "catheter" not in filled:
        return "needs a catheter around it"
    if slot == "microwire" and "microcatheter" not in filled:
        return "needs a microcatheter around it"
    return ""


@dataclass(frozen=True, slots=True)
class Injection:
    """A power injection as set at the injector."""

    preset: str
    fluid: str
    slot: str
    rate_mL_s: float
    volume_mL: float
    rise_s: float
    limit_psi: float

    def action(self) -> Action:
        return Action("inject", {
            "slot": self.slot, "fluid": self.fluid, "rate_mL_s": self.rate_mL_s, "volume_mL": self.volume_mL,
            "rise_s": self.rise_s, "limit_psi": self.limit_psi,
        })  # fmt: skip

    def words(self, options: ControlOptions) -> str:
        fluid = options.fluid(self.fluid)
        label = fluid.label if fluid else self.fluid
        return f"{self.rate_mL_s:g} mL/s, {self.volume_mL:g} mL, {self.slot}, {label}"


def first_injection(options: ControlOptions) -> Injection:
    """The injector as it stands at the start: contrast, the first preset, through the catheter."""
    preset = options.hands.injections[0]
    fluid = next((f.id for f in options.fluids if f.kind == "contrast"), "")
    fluid = fluid or (options.fluids[0].id if options.fluids else "")
    return Injection(
        preset.label, fluid, "catheter", preset.rate_mL_s, preset.volume_mL, preset.rise_s, preset.limit_psi
    )


_RATE_STEPS = (0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 15.0, 20.0)
_VOLUME_STEPS = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0, 16.0, 20.0, 25.0, 30.0, 40.0)
_RISE_STEPS = (0.0, 0.3, 0.5, 1.0)
_LIMIT_STEPS = (100.0, 200.0, 300.0, 500.0, 750.0, 1000.0, 1200.0)


def stepped(value: float, steps: tuple[float, ...], by: int) -> float:
    """The next value of a rising list above (by = 1) or below (by = -1) the present one."""
    if by > 0:
        return next((s for s in steps if s > value + 1e-9), steps[-1])
    return next((s for s in reversed(steps) if s < value - 1e-9), steps[0])


class InjectorMenu:
    """The power injector's panel. `setting` is what it is set to."""

    def __init__(self, options: ControlOptions, setting: Injection) -> None:
        self._options, self.setting, self.done, self._cursor = options, setting, False, 0

    def press(self, act: str, frame: Frame) -> list[Action]:
        if act in ("menu_up", "menu_down"):
            self._cursor = (self._cursor + (1 if act == "menu_down" else -1)) % 8
        elif act in ("menu_left", "menu_right"):
            self._change(1 if act == "menu_right" else -1)
        elif act == "menu_enter":
            self.done = True
            if self._cursor == 7:
                return [self.setting.action()]
        return []

    def _change(self, by: int) -> None:
        s, options = self.setting, self._options
        if self._cursor == 0:
            labels = [p.label for p in options.hands.injections]
            at = labels.index(s.preset) if s.preset in labels else (-1 if by > 0 else 0)
            preset = options.hands.injections[(at + by) % len(labels)]
            self.setting = replace(
                s,
                preset=preset.label,
                rate_mL_s=preset.rate_mL_s,
                volume_mL=preset.volume_mL,
                rise_s=preset.rise_s,
                limit_psi=preset.limit_psi,
            )
        elif self._cursor == 1 and options.fluids:
            self.setting = replace(s, fluid=_around([f.id for f in options.fluids], s.fluid, by))
        elif self._cursor == 2:
            self.setting = replace(s, slot=_around(["catheter", "microcatheter"], s.slot, by))
        elif self._cursor == 3:
            self.setting = replace(s, preset="own", rate_mL_s=stepped(s.rate_mL_s, _RATE_STEPS, by))
        elif self._cursor == 4:
            self.setting = replace(s, preset="own", volume_mL=stepped(s.volume_mL, _VOLUME_STEPS, by))
        elif self._cursor == 5:
            self.setting = replace(s, rise_s=stepped(s.rise_s, _RISE_STEPS, by))
        elif self._cursor == 6:
            self.setting = replace(s, limit_psi=stepped(s.limit_psi, _LIMIT_STEPS, by))

    def view(self, frame: Frame) -> MenuView:
        s = self.setting
        fluid = self._options.fluid(s.fluid)
        through = next((d.label for d in frame.devices if d.slot == s.slot), f"{s.slot} (not in place)")
        rows = (
            MenuRow("Preset", s.preset), MenuRow("Fluid", fluid.label if fluid else s.fluid),
            MenuRow("Through", through), MenuRow("Rate", f"{s.rate_mL_s:g} mL/s"),
            MenuRow("Volume", f"{s.volume_mL:g} mL"), MenuRow("Rise", f"{s.rise_s:g} s"),
            MenuRow("Pressure limit", f"{s.limit_psi:g} psi"), MenuRow("Inject now"),
        )  # fmt: skip
        return MenuView("Power injector", rows, self._cursor, "Left and right change, Esc keeps and closes")


class SyringeMenu:
    """What goes into the hand syringe, and how large it is (a small one pushes harder)."""

    def __init__(self, options: ControlOptions, fluid: str, size_mL: float) -> None:
        self._options, self.done, self._cursor = options, False, 0
        ids = [f.id for f in options.fluids]
        self.fluid = fluid if fluid in ids else (ids[0] if ids else "")
        self.size_mL = size_mL

    def press(self, act: str, frame: Frame) -> list[Action]:
        if act in ("menu_up", "menu_down"):
            self._cursor = (self._cursor + (1 if act == "menu_down" else -1)) % 3
        elif act in ("menu_left", "menu_right"):
            by = 1 if act == "menu_right" else -1
            if self._cursor == 0 and self._options.fluids:
                self.fluid = _around([f.id for f in self._options.fluids], self.fluid, by)
            elif self._cursor == 1:
                self.size_mL = stepped(self.size_mL, tuple(self._options.hands.syringes_mL), by)
        elif act == "menu_enter" and self.fluid:
            self.done = True
            return [Action("load_syringe", {"fluid": self.fluid, "size_mL": self.size_mL})]
        return []

    def view(self, frame: Frame) -> MenuView:
        fluid = self._options.fluid(self.fluid)
        rows = (
            MenuRow("Fluid", fluid.label if fluid else "none on the table"),
            MenuRow("Syringe", f"{self.size_mL:g} mL"),
            MenuRow("Load", note="what is still in the syringe is discarded"),
        )
        return MenuView("Hand syringe", rows, self._cursor, "Enter loads, Esc closes")


class FinishMenu:
    """Asks before the procedure ends."""

    def __init__(self) -> None:
        self.done, self._cursor = False, 0

    def press(self, act: str, frame: Frame) -> list[Action]:
        if act in ("menu_up", "menu_down"):
            self._cursor = 1 - self._cursor
        elif act == "menu_enter":
            self.done = True
            if self._cursor == 1:
                return [Action("finish")]
        return []

    def view(self, frame: Frame) -> MenuView:
        rows = (MenuRow("Keep working"), MenuRow("Finish and see the debrief"))
        return MenuView("Finish the procedure?", rows, self._cursor, "Enter chooses, Esc closes")


def _around(items: list[str], item: str, by: int) -> str:
    at = items.index(item) if item in items else 0
    return items[(at + by) % len(items)]
