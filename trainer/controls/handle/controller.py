"""A handle in the operator's hands, beside the keyboard: channels slide and roll devices, pedals and buttons act."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from trainer.commands import SLOTS, Action, Commands, Hand
from trainer.controls.handle.axes import Axis, Pace
from trainer.controls.handle.link import Link
from trainer.controls.handle.mapping import slot_of
from trainer.controls.handle.messages import Hello
from trainer.controls.handle.session import ButtonEdge, Reading
from trainer.controls.handle.settings import CLUTCH, HandleSettings, default_settings, load_settings
from trainer.controls.keyboard import Held, KeyboardController, lumen_slot
from trainer.controls.layout import HOLD_ACTS, KeyLayout
from trainer.controls.menus import outer_of
from trainer.controls.options import ControlOptions
from trainer.controls.protocol import MAX_ADVANCE_MM_S, MAX_TORQUE_RAD_S
from trainer.controls.puncture import NEEDLE_SLOT
from trainer.controls.view import Hint
from trainer.errors import TrainerError
from trainer.frame import Frame
from trainer.units import STEP_S, rad

PAUSE_S = 2.0
"""Readings further apart than this: the procedure stood still, and what the hand did meanwhile does not count."""
STALE_S = 1.0
"""A pedal pressed this long ago (while the handle was unplugged) no longer starts anything."""
FORCE_STEP = 4
"""Brake levels closer than this are not sent again."""
WARN_STEPS = 60
FINGER_MM_RAD = 10.0
"""The finger on the skin moves sidewise so much when channel 1 is rolled (authored)."""
MAX_SYRINGE_ML_S = 50.0
_FIRST_KEY = 100_000
"""Buttons are held like keys, under numbers that no key has."""


class HandleController(KeyboardController):
    """Reads a Link at each poll; never waits for it. While the handle is gone its hands are still."""

    def __init__(
        self,
        options: ControlOptions,
        layout: KeyLayout,
        link: Link,
        settings: Callable[[Hello], HandleSettings] = load_settings,
    ) -> None:
        super().__init__(options, layout)
        self._link, self._settings_of = link, settings
        self._hello: Hello | None = None
        self._settings: HandleSettings | None = None
        self._reading: Reading | None = None
        self._slides: list[Axis] = []
        self._rolls: list[Axis] = []
        self._paces: dict[str, tuple[Pace, Pace]] = {}
        self._syringe_at: int | None = None
        self._push = Pace()
        self._clutched = False
        self._levels = (0, 0, 0)
        self._warned = 0
        self._fault = ""

    # -- the controller's protocol ------------------------------------------------------------------------------
    def poll(self, frame: Frame) -> Commands:
        if self._closed:
            return Commands()
        self._read()
        commands = super().poll(frame)
        reading, settings = self._reading, self._settings
        if reading is None or settings is None or not reading.live:
            return commands
        hands = self._hands_of(commands, frame, self._moved(reading))
        commands = replace(commands, hands=hands)
        if any(reading.joystick) and not any(commands.carm_rad_s):
            speed = rad(self._options.hands.speeds.carm_deg_s.normal) / 127.0
            primary, secondary = reading.joystick
            commands = replace(commands, carm_rad_s=(primary * speed, secondary * speed))
        return self._with_syringe(commands, frame, reading, settings)

    def feedback(self, frame: Frame) -> None:
        """Brakes follow hub forces; lamps show the beam, the injector and warnings."""
        super().feedback(frame)
        if self._settings is None or self._closed:
            return
        levels = [0, 0, 0]
        for channel, place in enumerate(self._settings.channels):
            slot = slot_of(place, frame.devices, self._selected)
            force = next((abs(d.hub_force_N) for d in frame.devices if d.slot == slot), 0.0)
            levels[channel] = min(255, round(255.0 * force / self._settings.full_force_N))
        near = all(abs(a - b) < FORCE_STEP for a, b in zip(levels, self._levels, strict=True))
        if not near or (not any(levels) and any(self._levels)):
            self._levels = (levels[0], levels[1], levels[2])
            self._link.set_force(self._levels)
        if any(event.severity in ("major", "critical") for event in frame.events):
            self._warned = WARN_STEPS
        self._warned = max(0, self._warned - 1)
        injecting = frame.injection.state in ("injecting", "limited")
        self._link.set_lamps(int(frame.xray.beam_on) | 2 * int(injecting) | 4 * int(self._warned > 0))

    def close(self) -> None:
        super().close()
        self._link.close()

    # -- readings ---------------------------------------------------------------------------------------------
    def _read(self) -> None:
        before, self._reading = self._reading, self._link.newest()
        hello = self._link.hello
        if hello is not None and hello != self._hello:
            self._meet(hello)
        reading = self._reading
        if reading is None or not reading.live:
            self._release_buttons()
            self._syringe_at = None
        elif before is not None and reading.at_s - before.at_s > PAUSE_S:
            self._forget()

    def _meet(self, hello: Hello) -> None:
        """A handle answered, for the first time or after another one."""
        same = self._hello is not None and (hello.id, hello.name) == (self._hello.id, self._hello.name)
        self._hello = hello
        if same:
            return
        self._fault = ""
        try:
            settings = self._settings_of(hello)
        except TrainerError as error:
            settings, self._fault = default_settings(hello), f"its settings are not used: {error}"
        self._settings = settings
        self._slides = [Axis(axis, roll=False) for axis in settings.slides]
        self._rolls = [Axis(axis, roll=True) for axis in settings.rolls]
        self._syringe_at = None

    def _forget(self) -> None:
        for axis in (*self._slides, *self._rolls):
            axis.forget()
        for paces in self._paces.values():
            for pace in paces:
                pace.forget()
        self._syringe_at = None

    def _moved(self, reading: Reading) -> list[tuple[float, float]]:
        """Slide (mm) and roll (rad) of each channel since the last poll; none while the clutch is held."""
        slides = [axis.moved(reading.counts[2 * n]) for n, axis in enumerate(self._slides)]
        rolls = [axis.moved(reading.counts[2 * n + 1]) for n, axis in enumerate(self._rolls)]
        if self._clutched:
            return [(0.0, 0.0)] * len(slides)
        return list(zip(slides, rolls))

    # -- hands ------------------------------------------------------------------------------------------------
    def _hands_of(
        self, commands: Commands, frame: Frame, moved: list[tuple[float, float]]
    ) -> tuple[Hand, ...]:
        """The hands of the keys, and those of the channels; a device moved by both gets the sum."""
        wanted = self._puncture_moves(moved) if frame.access is not None else self._moves(frame, moved)
        hands = {hand.slot: hand for hand in commands.hands}
        for slot in wanted:
            self._paces.setdefault(slot, (Pace(), Pace()))
        for slot, (push, turn) in self._paces.items():
            slide, roll = wanted.get(slot, (0.0, 0.0))
            push.add(slide)
            turn.add(roll)
            fastest = self._fastest(slot, push.left, frame)
            advance, torque = push.rate(fastest), turn.rate(self._options.hands.speeds.torque_rad_s.fast)
            if fastest and (advance or torque):
                keys = hands.get(slot, Hand(slot))
                hands[slot] = Hand(
                    slot,
                    max(-MAX_ADVANCE_MM_S, min(MAX_ADVANCE_MM_S, keys.advance_mm_s + advance)),
                    max(-MAX_TORQUE_RAD_S, min(MAX_TORQUE_RAD_S, keys.torque_rad_s + torque)),
                )
        return tuple(hands.values())

    def _fastest(self, slot: str, way: float, frame: Frame) -> float:
        """How fast a device can be moved now, mm/s; 0 when there is none."""
        if slot not in SLOTS:
            return MAX_ADVANCE_MM_S if frame.access is not None else 0.0
        device = next((device for device in frame.devices if device.slot == slot), None)
        if device is None:
            self._paces[slot][0].forget()
            self._paces[slot][1].forget()
            return 0.0
        speeds, covered = self._options.hands.speeds, -device.beyond_mm
        slow, fast = speeds.advance_mm_s.fast, speeds.advance_in_lumen_mm_s.fast
        if covered <= 0.0 or outer_of(slot, frame.devices) is None:
            return slow
        return fast if way < 0.0 else max(slow, min(fast, covered / STEP_S))

    def _moves(self, frame: Frame, moved: list[tuple[float, float]]) -> dict[str, tuple[float, float]]:
        out: dict[str, tuple[float, float]] = {}
        places = self._settings.channels if self._settings else []
        for place, (slide, roll) in zip(places, moved):
            slot = slot_of(place, frame.devices, self._selected)
            if slot:
                before = out.get(slot, (0.0, 0.0))
                out[slot] = (before[0] + slide, before[1] + roll)
        return out

    def _puncture_moves(self, moved: list[tuple[float, float]]) -> dict[str, tuple[float, float]]:
        """Channel 1 is the needle, or the finger on the skin."""
        if not moved:
            return {}
        slide, roll = moved[0]
        if self._selected == NEEDLE_SLOT:
            return {"needle": (slide, 0.0)}
        return {"skin_along": (slide, 0.0), "skin_across": (roll * FINGER_MM_RAD, 0.0)}

    def _with_syringe(
        self, commands: Commands, frame: Frame, reading: Reading, settings: HandleSettings
    ) -> Commands:
        before, self._syringe_at = self._syringe_at, reading.syringe
        pushed = 0.0 if before is None else (reading.syringe - before) * settings.syringe.mL_per_count
        self._push.add(max(0.0, pushed))
        rate = self._push.rate(MAX_SYRINGE_ML_S)
        slot = lumen_slot(self._selected, frame)
        if rate <= 0.0 or not slot or commands.syringe_mL_s > 0.0:
            return commands
        return replace(commands, syringe_slot=slot, syringe_mL_s=max(0.0, min(MAX_SYRINGE_ML_S, rate)))

    # -- buttons ----------------------------------------------------------------------------------------------
    def _more_actions(self, frame: Frame) -> list[Action]:
        """Edges since the last poll, in order, as the acts they stand for."""
        out: list[Action] = []
        for edge in self._link.edges():
            act = self._act_of(edge.button)
            if act == CLUTCH:
                self._clutched = edge.down
            elif act in HOLD_ACTS:
                self._hold(edge, act)
            elif act and edge.down:
                out += self._act(act, frame)
        return out

    def _act_of(self, button: int) -> str:
        acts = self._settings.buttons if self._settings else []
        return acts[button] if button < len(acts) else ""

    def _hold(self, edge: ButtonEdge, act: str) -> None:
        key = _FIRST_KEY + edge.button
        if edge.down:
            late = self._reading is not None and self._reading.at_s - edge.at_s > STALE_S
            if not late:
                self._held[key] = Held(act)
        elif key in self._held:
            self._held[key].released = True

    def _release_buttons(self) -> None:
        self._clutched = False
        for key in [key for key in self._held if key >= _FIRST_KEY]:
            del self._held[key]

    # -- what the screen shows ----------------------------------------------------------------------------------
    def _publish(self, frame: Frame, acts: set[str]) -> None:
        super()._publish(frame, acts)
        said = self._words()
        others = tuple(hint for hint in self.view.hints if hint.key != "handle")
        self.view = replace(self.view, hints=(*((Hint("handle", said, True),) if said else ()), *others))

    def _words(self) -> str:
        reading = self._reading
        if reading is None or not reading.live:
            met = self._hello is not None
            return "gone; hands frozen until it is back" if met else self._link.trouble or "connecting"
        if self._clutched:
            return "clutch: the rods move nothing"
        return self._fault
