"""Moves that every simulated operator is made of, as generators of Commands: one yield is one step.

    class Mine(Script):
        def procedure(self):
            yield from self.push("wire", 100.0)

A script sees the newest Frame as `self.frame` and, through `self.eyes`, what the live picture shows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from dataclasses import replace
from typing import Any

from trainer.commands import IDLE, Action, Commands, Hand
from trainer.frame import DeviceView, Frame
from trainer.procedure.operators.eyes import Eyes, Place
from trainer.procedure.operators.plan import Way
from trainer.units import STEP_S

Moves = Generator[Commands, None, None]
ARRIVAL_MM = 0.05
WITHDRAW_MM_S = 250.0
MOST_FLUSH_S = 20.0


class Script:
    """A controller that plays a procedure written as a generator. `poll` gives idle hands after its end."""

    def __init__(self, way: Way) -> None:
        self.way = way
        self.eyes = Eyes()
        self.frame: Frame
        self.notes: list[str] = []
        self._moves: Moves | None = None
        self.foot_down = False
        """Fluoroscopy whenever a device is in and no run is made."""

    def procedure(self) -> Moves:
        """The procedure; overridden by each operator."""
        yield IDLE

    def poll(self, frame: Frame) -> Commands:
        self.frame = frame
        self.eyes.look(frame)
        if self._moves is None:
            self._moves = self.procedure()
        commands = next(self._moves, IDLE)
        if self.foot_down and frame.devices and not commands.dsa_pedal and not frame.finished:
            return replace(commands, fluoro_pedal=True)
        return commands

    def feedback(self, frame: Frame) -> None:
        """A script has no hand to feel with."""

    def close(self) -> None:
        if self._moves is not None:
            self._moves.close()
        self._moves = iter(())  # type: ignore[assignment]

    # -- what the hand knows ------------------------------------------------------------------------------

    def device(self, slot: str) -> DeviceView | None:
        return next((d for d in self.frame.devices if d.slot == slot), None)

    def inserted(self, slot: str) -> float:
        view = self.device(slot)
        return view.inserted_mm if view else 0.0

    def place(self, slot: str) -> Place | None:
        """Where on the way the slot's tip is seen."""
        return self.eyes.place(self.way, slot)

    def note(self, text: str) -> None:
        """Writes down what the operator thinks, for whoever debugs a procedure."""
        self.notes.append(f"{self.frame.t_s:7.2f} {text}")

    # -- moves --------------------------------------------------------------------------------------------

    def act(self, kind: str, **args: Any) -> Moves:
        yield Commands(actions=(Action(kind, args),))

    def wait(self, seconds: float, fluoro: bool = False) -> Moves:
        for _ in range(max(1, round(seconds / STEP_S))):
            yield Commands(fluoro_pedal=fluoro)

    def injection(self, slot: str, fluid: str, rate: float, volume: float, limit_psi: float = 900.0) -> Action:
        """A power injection with a short rise."""
        return Action(
            "inject",
            {
                "slot": slot,
                "fluid": fluid,
                "rate_mL_s": rate,
                "volume_mL": volume,
                "rise_s": 0.3,
                "limit_psi": limit_psi,
            },
        )

    def hands(
        self,
        *hands: Hand,
        seconds: float,
        fluoro: bool = True,
        until: Callable[[], bool] | None = None,
    ) -> Moves:
        for _ in range(max(1, math.ceil(seconds / STEP_S))):
            yield Commands(hands=hands, fluoro_pedal=fluoro)
            if until and until():
                return

    def push(
        self,
        slot: str,
        mm: float,
        speed_mm_s: float = 20.0,
        fluoro: bool = True,
        until: Callable[[], bool] | None = None,
    ) -> Moves:
        """Advances (or retracts, mm < 0) a hub by a length; stops early when `until` holds or it is held up."""
        goal = self.inserted(slot) + mm
        for _ in range(math.ceil(3.0 * abs(mm) / speed_mm_s / STEP_S) + 2):
            left = goal - self.inserted(slot)
            if abs(left) < ARRIVAL_MM or left * mm <= 0.0:
                return
            speed = math.copysign(min(speed_mm_s, abs(left) / STEP_S), left)
            yield Commands(hands=(Hand(slot, speed),), fluoro_pedal=fluoro)
            if until and until():
                return

    def take_out(self, slot: str) -> Moves:
        """Withdraws a device to the hub of the one around it and takes it off the table; nothing if it is not in."""
        slots = [d.slot for d in self.frame.devices]
        if slot not in slots:
            return
        k = slots.index(slot)
        around = self.frame.devices[k - 1] if k else None
        inside = self.frame.devices[k].beyond_mm + around.length_mm if around else self.inserted(slot)
        yield from self.push(slot, -inside, WITHDRAW_MM_S, fluoro=False)
        yield from self.act("remove", slot=slot)
        if around is not None:
            yield from self.flush(around.slot)

    def flush(self, slot: str) -> Moves:
        """Draws back and pushes saline through a lumen that has air in its hub or was not flushed for long."""
        view = self.device(slot)
        if view is None or not view.lumen:
            return
        yield from self.act("flush", slot=slot)
        for _ in range(round(MOST_FLUSH_S / STEP_S)):
            view = self.device(slot)
            if view is None or view.lumen != "flushing":
                return
            yield IDLE

    def turn(self, slot: str, angle_rad: float, speed_rad_s: float = 3.0, fluoro: bool = True) -> Moves:
        steps = max(1, math.ceil(abs(angle_rad) / speed_rad_s / STEP_S))
        for _ in range(steps):
            yield Commands(hands=(Hand(slot, 0.0, angle_rad / steps / STEP_S),), fluoro_pedal=fluoro)

    def glance(self, seconds: float = 0.3) -> Moves:
        """A short look: fluoroscopy until a new picture came."""
        before = self.frame.xray.live_id
        for _ in range(max(2, round(seconds / STEP_S))):
            yield Commands(fluoro_pedal=True)
            if self.frame.xray.live_id > before and self.frame.xray.beam_on:
                return

    def view(self, primary_deg: float, secondary_deg: float = 0.0) -> Moves:
        """Drives the C-arm to a view and waits for it."""
        yield from self.act("view", primary_deg=primary_deg, secondary_deg=secondary_deg)
        for _ in range(900):
            xray = self.frame.xray
            if abs(xray.primary_deg - primary_deg) < 0.2 and abs(xray.secondary_deg - secondary_deg) < 0.2:
                return
            yield IDLE

    def table(self, x_mm: float, y_mm: float, z_mm: float) -> Moves:
        """Moves the isocenter to a patient point and waits for it."""
        yield from self.act("table", x_mm=x_mm, y_mm=y_mm, z_mm=z_mm)
        for _ in range(900):
            at = self.frame.xray.isocenter_mm
            if max(abs(a - b) for a, b in zip(at, (x_mm, y_mm, z_mm), strict=True)) < 0.5:
                return
            yield IDLE
