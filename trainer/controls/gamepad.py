"""Gamepads and 3D mice beside the keyboard: sticks move and turn, triggers are the pedals. The keyboard stays alive.

Several devices may be in use at once; each has the profile of its name (`pads.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from trainer.commands import Action, Commands, Hand
from trainer.controls.keyboard import Held, KeyboardController
from trainer.controls.layout import HOLD_ACTS, KeyLayout
from trainer.controls.options import ControlOptions
from trainer.controls.pads import Pad, Role, pad_for
from trainer.frame import Frame
from trainer.units import rad

_FIRST_BUTTON = 200_000
"""Held buttons are kept like keys, under numbers that no key has."""
_PER_DEVICE = 1_000


@dataclass
class _Device:
    pad: Pad
    axes: dict[int, float] = field(default_factory=dict)


class GamepadController(KeyboardController):
    """Fed with `plug`, `axis` and `button` besides `key`; sticks add to what the keys do."""

    def __init__(self, options: ControlOptions, layout: KeyLayout) -> None:
        super().__init__(options, layout)
        self._pads: dict[int, _Device] = {}
        self._acts: list[tuple[int, str, bool]] = []

    # -- events ---------------------------------------------------------------------------------------------
    def plug(self, device: int, name: str) -> None:
        """A device is there; its name decides which profile it has. One that was there keeps what it holds."""
        pad = pad_for(name)
        if device not in self._pads or self._pads[device].pad != pad:
            self._pads[device] = _Device(pad)

    def unplug(self, device: int) -> None:
        """A device is gone: its sticks rest, its buttons are up."""
        self._pads.pop(device, None)
        first = _FIRST_BUTTON + device * _PER_DEVICE
        self._acts = [a for a in self._acts if not first <= a[0] < first + _PER_DEVICE]
        for key in [k for k in self._held if first <= k < first + _PER_DEVICE]:
            self._held[key].released = True

    def axis(self, number: int, value: float, device: int = 0) -> None:
        """A stick or trigger moved; value -1..1."""
        self._of(device).axes[number] = value

    def button(self, number: int, down: bool, device: int = 0) -> None:
        """A button went down or up."""
        act = self._of(device).pad.buttons.get(number, "")
        if act:
            self._acts.append((_FIRST_BUTTON + device * _PER_DEVICE + number % _PER_DEVICE, act, down))

    def _of(self, device: int) -> _Device:
        if device not in self._pads:
            self.plug(device, "")
        return self._pads[device]

    def release_all(self) -> None:
        for device in self._pads.values():
            device.axes.clear()
        self._acts.clear()
        super().release_all()

    def close(self) -> None:
        self._pads.clear()
        self._acts.clear()
        super().close()

    # -- commands -------------------------------------------------------------------------------------------
    def _more_actions(self, frame: Frame) -> list[Action]:
        """Button edges since the last poll, in order."""
        out: list[Action] = []
        acts, self._acts = self._acts, []
        for key, act, down in acts:
            if act not in HOLD_ACTS:
                out += self._act(act, frame) if down else []
            elif down:
                self._held[key] = Held(act)
            elif key in self._held:
                self._held[key].released = True
        return out

    def poll(self, frame: Frame) -> Commands:
        commands = super().poll(frame)
        push, turn = self._stick("push"), self._stick("turn")
        primary, secondary = self._stick("carm_lao"), self._stick("carm_cra")
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
            fluoro_pedal=commands.fluoro_pedal or self._pedal("fluoro"),
            dsa_pedal=commands.dsa_pedal or self._pedal("dsa"),
        )

    def _stick(self, role: Role) -> float:
        """The strongest deflection of any device."""
        values = [d.pad.value(role, d.axes) for d in self._pads.values()]
        return max(values, key=abs, default=0.0)

    def _pedal(self, role: Role) -> bool:
        return any(d.pad.pressed(role, d.axes) for d in self._pads.values())
