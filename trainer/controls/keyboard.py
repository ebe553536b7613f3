"""The keyboard as a pair of hands: a pure state machine from key events to Commands.

Events may come from another thread; `poll` takes them in order. A key that was pressed and released between
two polls still counts as a short tap.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

from trainer.commands import IDLE, SLOTS, Action, Commands, Hand
from trainer.controls.console import ConsoleMenu
from trainer.controls.hints import hints
from trainer.controls.layout import HOLD_ACTS, KeyLayout
from trainer.controls.menus import (
    FinishMenu,
    Injection,
    InjectorMenu,
    Menu,
    SyringeMenu,
    TrayMenu,
    first_injection,
    outer_of,
    to_flush,
)
from trainer.controls.options import ControlOptions, HandRates
from trainer.controls.puncture import PunctureMenu, puncture_hands, puncture_hints
from trainer.controls.scancodes import plain
from trainer.controls.view import ControlView
from trainer.frame import DeviceView, Frame
from trainer.units import rad

TAP_STEPS = 2
"""A tap moves a hand for at least this many steps."""
PEDAL_TAP_STEPS = 6
"""A tapped pedal is down at least this long (0.1 s)."""
REPEAT_AFTER, REPEAT_EVERY = 24, 5
"""Menu keys repeat after this many steps, then every so many."""
SLOW_NEAR_TIP_MM = 15.0
"""In-lumen speed ends this far before the tip would leave the device around it."""
_REPEATED = ("menu_up", "menu_down", "menu_left", "menu_right")
HINT_EVERY = 12
"""Hints are renewed every so many steps."""


@dataclass
class Held:
    """An act that lasts. age: steps since it began."""

    act: str
    age: int = 0
    released: bool = False

    @property
    def least(self) -> int:
        return PEDAL_TAP_STEPS if self.act in ("fluoro", "dsa") else TAP_STEPS


class KeyboardController:
    """Feed it with `key`, ask it with `poll`. The state that the screen shows is `view`, one frozen value."""

    def __init__(self, options: ControlOptions, layout: KeyLayout) -> None:
        self._options, self._layout = options, layout
        self._events: deque[tuple[int, bool]] = deque()
        self._down: set[int] = set()
        self._held: dict[int, Held] = {}
        self._latched: set[str] = set()
        self._menu: Menu | None = None
        self._cruise: tuple[str, ...] = ()
        self._selected, self._gang, self._closed = "catheter", False, False
        self._injection = first_injection(options)
        self._syringe_size = options.hands.syringes_mL[-2]
        self._polls = 0
        self._shutters: tuple[float, float] | None = None
        self._feed_gap = 0
        self.view = ControlView(
            keymap=tuple(layout.rows()),
            layout=layout.title,
            keys={act: layout.label(act) for act in layout.keys},
            armed=self._injection.words(options),
        )

    # -- events ---------------------------------------------------------------------------------------------
    def key(self, scancode: int, down: bool) -> None:
        """A key went down or up. May be called from any thread."""
        self._events.append((plain(scancode), down))

    def release_all(self) -> None:
        """Lets go of every key, e.g. when the window loses the focus. May be called from any thread."""
        self._events.append((-1, False))

    def poll(self, frame: Frame) -> Commands:
        """What the keys ask for in the coming step."""
        if self._closed:
            return IDLE
        self._polls += 1
        actions: list[Action] = []
        while self._events:
            scancode, down = self._events.popleft()
            if scancode < 0:
                self._let_go()
            elif down:
                actions += self._pressed(scancode, frame)
            else:
                self._released(scancode)
        actions += self._more_actions(frame)
        actions += self._repeat(frame)
        acts = {held.act for held in self._held.values()} | self._latched | set(self._cruise)
        actions += self._move_shutters(acts, frame)
        commands = self._commands(acts, frame, tuple(actions))
        self._age()
        self._publish(frame, acts)
        return commands

    def feedback(self, frame: Frame) -> None:
        """A keyboard cannot push back; forces are shown and heard instead."""

    def close(self) -> None:
        """Lets go; later polls are idle."""
        self._closed = True
        self._events.clear()
        self._let_go()

    def _more_actions(self, frame: Frame) -> list[Action]:
        """Acts of whatever else than keys a hand has buttons on."""
        return []

    # -- keys -----------------------------------------------------------------------------------------------
    def _pressed(self, scancode: int, frame: Frame) -> list[Action]:
        if scancode in self._down:
            return []
        menu_act = self._layout.act(scancode, self._down, menu=True) if self._menu else ""
        act = menu_act or self._layout.act(scancode, self._down)
        self._down.add(scancode)
        if not act:
            return []
        if act in HOLD_ACTS:
            if act in self._layout.latch:
                self._latched ^= {act}
                return []
            if act in ("advance", "retract", "torque_cw", "torque_ccw"):
                self._cruise = ()
            self._held[scancode] = Held(act)
            return []
        if act.startswith("menu_"):
            self._held[scancode] = Held(act)
        return self._act(act, frame)

    def _released(self, scancode: int) -> None:
        self._down.discard(scancode)
        held = self._held.get(scancode)
        if held:
            held.released = True

    def _age(self) -> None:
        for scancode, held in list(self._held.items()):
            held.age += 1
            if held.released and held.age >= held.least:
                del self._held[scancode]

    def _let_go(self) -> None:
        self._down.clear()
        self._held.clear()
        self._latched.clear()
        self._cruise = ()

    def _repeat(self, frame: Frame) -> list[Action]:
        out: list[Action] = []
        for held in self._held.values():
            due = held.age >= REPEAT_AFTER and (held.age - REPEAT_AFTER) % REPEAT_EVERY == 0
            if self._menu and due and held.act in _REPEATED:
                out += self._in_menu(held.act, frame)
        return out

    # -- acts -----------------------------------------------------------------------------------------------
    def _act(self, act: str, frame: Frame) -> list[Action]:
        """One press. Gives the discrete actions that follow at once."""
        if act.startswith("menu_"):
            return self._in_menu(act, frame)
        if act in ("tray", "injector", "syringe", "console", "finish"):
            self._open(act, frame)
            return []
        if act.startswith("select_"):
            self._select(act.removeprefix("select_"), frame)
            return []
        if act == "gang":
            self._gang = not self._gang
            return []
        if act == "cruise":
            moving = ("advance", "retract", "torque_cw", "torque_ccw", "fast", "fine")
            self._cruise = () if self._cruise else tuple(
                h.act for h in self._held.values() if h.act in moving
            )  # fmt: skip
            return []
        return [a for a in (self._machine(act, frame),) if a is not None]

    def _machine(self, act: str, frame: Frame) -> Action | None:
        """A button of the X-ray machine, the injector or the patient's coach."""
        hands, xray = self._options.hands, frame.xray
        if act in hands.views_deg:
            primary, secondary = hands.views_deg[act]
            return Action("view", {"primary_deg": primary, "secondary_deg": secondary})
        if act.startswith("review_"):
            return self._show_stored(act, frame)
        if act == "roadmap":
            return Action("roadmap", {"on": not xray.roadmap})
        if act in ("zoom_in", "zoom_out"):
            return Action("fov", {"diagonal_mm": _zoomed(xray.fov_mm, hands.fov_mm, act == "zoom_in")})
        if act == "pulse_rate":
            return Action("pulse_rate", {"hz": _next(xray.pulse_rate_hz, hands.pulse_rates_hz)})
        if act == "dsa_rate":
            return Action("dsa_rate", {"hz": _next(xray.dsa_rate_hz, hands.dsa_rates_hz)})
        if act == "breath_hold":
            return Action("breath_hold", {"on": not frame.vitals.holding_breath})
        if act == "shutters_open":
            return Action("collimate", {"left": 0.0, "right": 0.0, "top": 0.0, "bottom": 0.0})
        if act == "stop_injection":
            return Action("stop_injection")
        if act == "inject":
            return self._injection.action()
        if act == "flush":
            slot = to_flush(frame) or lumen_slot(self._selected, frame)
            return Action("flush", {"slot": slot}) if slot else None
        return None

    def _select(self, name: str, frame: Frame) -> None:
        self._cruise = ()
        if name != "next":
            self._selected = name
            return
        filled = [s for s in SLOTS if any(d.slot == s for d in frame.devices)] or list(SLOTS)
        at = filled.index(self._selected) + 1 if self._selected in filled else 0
        self._selected = filled[at % len(filled)]

    def _open(self, which: str, frame: Frame) -> None:
        self._cruise = ()
        if self._menu is not None:
            self._close_menu()
            return
        if which == "tray":
            self._menu = PunctureMenu() if frame.access is not None else TrayMenu(self._options)
        elif which == "injector":
            self._injection = _through_innermost(self._injection, frame)
            self._menu = InjectorMenu(self._options, self._injection)
        elif which == "syringe":
            self._menu = SyringeMenu(self._options, frame.injection.syringe_fluid, self._syringe_size)
        elif which == "console":
            self._menu = ConsoleMenu()
        else:
            self._menu = FinishMenu()

    def _in_menu(self, act: str, frame: Frame) -> list[Action]:
        if self._menu is None:
            return []
        if act == "menu_close":
            self._close_menu()
            return []
        actions = self._menu.press(act, frame)
        if self._menu.done:
            self._close_menu()
        return actions

    def _close_menu(self) -> None:
        if isinstance(self._menu, InjectorMenu):
            self._injection = self._menu.setting
        elif isinstance(self._menu, SyringeMenu):
            self._syringe_size = self._menu.size_mL
        elif isinstance(self._menu, TrayMenu) and self._menu.inserted:
            self._selected = self._menu.inserted
        self._menu = None

    def _show_stored(self, act: str, frame: Frame) -> Action | None:
        runs = frame.xray.runs
        if not runs:
            return None
        run, image, count = frame.xray.reviewed
        if act.startswith("review_run"):
            run, image = max(1, min(runs, run + (1 if act == "review_run_on" else -1))), -1
        elif act == "review_peak":
            image = -1
        else:
            image = max(0, min(count - 1, image + (1 if act == "review_on" else -1)))
        return Action("review", {"run": run, "image": image})

    # -- rates ----------------------------------------------------------------------------------------------
    def _commands(self, acts: set[str], frame: Frame, actions: tuple[Action, ...]) -> Commands:
        speeds = self._options.hands.speeds
        pace = _pace(acts)
        carm = rad(getattr(speeds.carm_deg_s, pace))
        table = getattr(speeds.table_mm_s, pace)
        syringe_slot, syringe = self._syringe(acts, frame, pace)
        return Commands(
            hands=self._hands(acts, frame),
            fluoro_pedal="fluoro" in acts,
            dsa_pedal="dsa" in acts,
            syringe_slot=syringe_slot,
            syringe_mL_s=syringe,
            carm_rad_s=(
                carm * _sign(acts, "carm_lao", "carm_rao"),
                carm * _sign(acts, "carm_cra", "carm_cau"),
            ),
            table_mm_s=(
                table * _sign(acts, "table_right", "table_left"),
                table * _sign(acts, "table_down", "table_up"),
                table * _sign(acts, "table_head", "table_feet"),
            ),
            actions=actions,
        )

    def _hands(self, acts: set[str], frame: Frame) -> tuple[Hand, ...]:
        device = next((d for d in frame.devices if d.slot == self._selected), None)
        push = _sign(acts, "advance", "retract")
        turn = _sign(acts, "torque_cw", "torque_ccw")
        if frame.access is not None:
            return puncture_hands(self._selected, push, turn, _pace(acts))
        if device is None or not (push or turn):
            return ()
        pace, speeds = _pace(acts), self._options.hands.speeds
        torque = turn * float(getattr(speeds.torque_rad_s, pace))
        advance = push * self._advance_speed(device, frame.devices, push, pace)
        moved = [Hand(device.slot, advance, torque)]
        if self._gang:
            inside = SLOTS[SLOTS.index(device.slot) + 1 :]
            moved += [Hand(d.slot, advance, 0.0) for d in frame.devices if d.slot in inside]
        return tuple(moved)

    def _advance_speed(
        self, device: DeviceView, devices: tuple[DeviceView, ...], push: float, pace: str
    ) -> float:
        """mm/s; faster while the tip is still inside the device around it and nothing else moves with it."""
        speeds = self._options.hands.speeds
        covered = -device.beyond_mm - (SLOW_NEAR_TIP_MM if push > 0 else 0.0)
        inside = outer_of(device.slot, devices) is not None and covered > 0.0 and not self._gang
        rates: HandRates = speeds.advance_in_lumen_mm_s if inside else speeds.advance_mm_s
        return float(getattr(rates, pace))

    def _syringe(self, acts: set[str], frame: Frame, pace: str) -> tuple[str, float]:
        if "hand_inject" not in acts:
            return "", 0.0
        slot = lumen_slot(self._selected, frame)
        if not slot:
            return "", 0.0
        rates = self._options.syringe_rates(frame.injection.syringe_fluid)
        return slot, float(getattr(rates, pace))

    def _move_shutters(self, acts: set[str], frame: Frame) -> list[Action]:
        wide = _sign(acts, "shutter_narrower", "shutter_wider")
        tall = _sign(acts, "shutter_shorter", "shutter_taller")
        if not (wide or tall):
            self._shutters = None
            return []
        if self._shutters is None:
            left, _, top, _ = frame.xray.collimation
            self._shutters, self._feed_gap = (left, top), 0
        self._feed_gap -= 1
        if self._feed_gap > 0:
            return []
        self._feed_gap = 6
        x, y = (
            max(0.0, min(0.45, s + 0.03 * by)) for s, by in zip(self._shutters, (wide, tall), strict=True)
        )
        self._shutters = (x, y)
        return [Action("collimate", {"left": x, "right": x, "top": y, "bottom": y})]

    def _publish(self, frame: Frame, acts: set[str]) -> None:
        old = self.view
        renew = self._polls % HINT_EVERY == 1 or old.selected != self._selected or old.gang != self._gang
        shown = old.hints
        if renew and frame.access is not None:
            shown = puncture_hints(frame, self._layout, self._selected)
        elif renew:
            shown = hints(frame, self._layout, self._selected, gang=self._gang)
        setting = self._menu.setting if isinstance(self._menu, InjectorMenu) else self._injection
        self.view = ControlView(
            selected=self._selected, gang=self._gang, cruise=bool(self._cruise), speed=_pace(acts),
            armed=setting.words(self._options), menu=self._menu.view(frame) if self._menu else None,
            hints=shown, keymap=old.keymap, layout=old.layout, keys=old.keys,
        )  # fmt: skip


def _sign(acts: set[str], plus: str, minus: str) -> float:
    return float(plus in acts) - float(minus in acts)


def _pace(acts: set[str]) -> str:
    if "fine" in acts:
        return "fine"
    return "fast" if "fast" in acts else "normal"


def _next(value: float, values: list[float]) -> float:
    return next((v for v in values if v > value + 1e-6), values[0])


def _zoomed(value: float, fields_mm: list[float], closer: bool) -> float:
    at = min(range(len(fields_mm)), key=lambda i: abs(fields_mm[i] - value))
    return fields_mm[max(0, min(len(fields_mm) - 1, at + (1 if closer else -1)))]


def lumen_slot(selected: str, frame: Frame) -> str:
    """The device through which a hand injects: the one in hand, or the innermost that has a lumen."""
    slots = [d.slot for d in frame.devices]
    if selected in slots and selected in ("catheter", "microcatheter"):
        return selected
    return next((s for s in ("microcatheter", "catheter") if s in slots), "")


def _through_innermost(setting: Injection, frame: Frame) -> Injection:
    slot = lumen_slot("", frame) or setting.slot
    return replace(setting, slot=slot)
