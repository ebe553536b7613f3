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


class TrayMenu:
    """Devices in the patient to take out, and devices on the table to put in."""

    def __init__(self, options: ControlOptions) -> None:
        self._options, self._cursor, self.done = options, 0, False
        self.inserted = ""
        """Slot of the device that was just put in; the hand then holds it."""

    def press(self, act: str, frame: Frame) -> list[Action]:
        entries = self._entries(frame)
        if act in ("menu_up", "menu_down") and entries:
            self._cursor = (self._cursor + (1 if act == "menu_down" else -1)) % len(entries)
        elif act == "menu_enter" and entries:
            row, device, slot = entries[min(self._cursor, len(entries) - 1)]
            if not row.enabled:
                return []
            self.done = True
            if device is None:
                return [Action("remove", {"slot": slot})]
            self.inserted = slot
            return [Action("insert", {"slot": slot, "device": device.id})]
        return []

    def view(self, frame: Frame) -> MenuView:
        rows = tuple(row for row, _, _ in self._entries(frame))
        return MenuView(
            "Devices", rows, min(self._cursor, max(0, len(rows) - 1)), "Enter chooses, Esc closes"
        )

    def _entries(self, frame: Frame) -> list[tuple[MenuRow, DeviceChoice | None, str]]:
        """What can be put in, then what can be taken out, then what cannot be done now and why."""
        out: list[tuple[MenuRow, DeviceChoice | None, str]] = []
        by_slot = {d.slot: d for d in frame.devices}
        for slot in SLOTS:
            if slot in by_slot:
                device = by_slot[slot]
                left = left_to_withdraw_mm(device, frame.devices)
                ready = left <= AT_HUB_MM
                note = "tip is back at its hub" if ready else f"withdraw {left:.0f} mm first"
                out.append((MenuRow(f"Remove {device.label}", note=note, enabled=ready), None, slot))
        for choice in self._options.devices:
            if choice.slot in by_slot:
                continue
            why = refusal(choice.slot, set(by_slot))
            note = why or choice.note
            out.append((MenuRow(f"Insert {choice.label}", note=note, enabled=not why), choice, choice.slot))
        return sorted(out, key=lambda entry: (not entry[0].enabled, entry[1] is None))


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
