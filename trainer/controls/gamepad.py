"""A gamepad beside the keyboard: sticks move and turn, triggers are the pedals. The keyboard stays alive.

Axis and button numbers are those of SDL's standard mapping as pygame shows it (unverified on real pads):
left stick 0, 1; right stick 2, 3; triggers 4, 5; buttons A 0, B 1, X 2, Y 3.
"""

from __future__ import annotations

from dataclasses import replace

from trainer.commands import Commands, Hand
from trainer.controls.keyboard import KeyboardController
from trainer.controls.layout import KeyLayout
from trainer.controls.options import ControlOptions
from trainer.frame import Frame
from trainer.units import rad

DEAD_BAND = 0.15
"""Share of a stick's travel that counts as rest."""
_SELECT = {0: "catheter", 1: "wire", 2: "microcatheter", 3: "microwire"}


class GamepadController(KeyboardController):
    """Fed with `axis` and `button` besides `key`; sticks add to what the keys do."""

    def __init__(self, options: ControlOptions, layout: KeyLayout) -> None:
        super().__init__(options, layout)
        self._axes: dict[int, float] = {}

    def axis(self, number: int, value: float) -> None:
        """A stick or trigger moved; value -1..1."""
        self._axes[number] = value

    def button(self, number: int, down: bool) -> None:
        """A button went down or up; the four face buttons take a device in hand."""
        if down and number in _SELECT:
            self._selected = _SELECT[number]

    def release_all(self) -> None:
        self._axes.clear()
        super().release_all()

    def close(self) -> None:
        self._axes.clear()
        super().close()

    def poll(self, frame: Frame) -> Commands:
        commands = super().poll(frame)
        push, turn = -self._stick(1), self._stick(0)
        primary, secondary = self._stick(2), -self._stick(3)
        present = any(d.slot == self._selected for d in frame.devices)
        if present and not commands.hands and (push or turn):
            speeds = self._options.hands.speeds
            hand = Hand(self._selected, push * speeds.advance_mm_s.fast, turn * speeds.torque_rad_s.fast)
            commands = replace(commands, hands=(hand,))
        if primary or secondary:
            carm = rad(self._options.hands.speeds.carm_deg_s.normal)
            commands = replace(commands, carm_rad_s=(primary * carm, secondary * carm))
        return replace(
            commands,
            fluoro_pedal=commands.fluoro_pedal or self._axes.get(5, -1.0) > 0.0,
            dsa_pedal=commands.dsa_pedal or self._axes.get(4, -1.0) > 0.0,
        )

    def _stick(self, number: int) -> float:
        """Deflection beyond the dead band, squared for a fine middle, -1..1."""
        value = self._axes.get(number, 0.0)
        beyond = max(0.0, abs(value) - DEAD_BAND) / (1.0 - DEAD_BAND)
        return beyond * beyond * (1.0 if value > 0 else -1.0)
