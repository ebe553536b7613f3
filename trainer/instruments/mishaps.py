"""Mishaps of the hands: a wire let go of or lost in the device around it, kinks, position lost in an exchange.

`Instruments` asks it how far a hub moves that nobody holds, and shows it the stack after each step. What happened
waits in `events`, without a time, until `take` fetches it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from trainer.commands import SLOTS
from trainer.frame import Event
from trainer.instruments.kinks import Kinks, Part, Strain, bend_at, kinked, set_bend
from trainer.instruments.mishap_rules import MishapRules, mishap_rules
from trainer.instruments.profile import TABLE_MM, Profile
from trainer.instruments.types import Shapes, TipPose

if TYPE_CHECKING:
    from trainer.instruments.instruments import Held, Instruments

HUBLESS = ("wire", "microwire")
"""Devices without a hub of their own: their tail end goes into the hub around them."""
PUSHED_IN_MM = 0.05


@dataclass(slots=True)
class _Withdrawal:
    """The last withdrawal of an outer device: its depth before, its lowest since, and where the wire's tip was."""

    high_mm: float
    low_mm: float
    tip: TipPose | None = None


@dataclass(slots=True)
class _Exchange:
    """An outer device was taken off over a wire that stays."""

    inner: str
    tip: TipPose
    depth_mm: float
    moved_mm: float = 0.0


@dataclass(slots=True)
class Mishaps:
    rules: MishapRules = field(default_factory=mishap_rules)
    events: list[Event] = field(default_factory=list)
    _kinks: Kinks = field(init=False)
    _warned: set[str] = field(default_factory=set)
    _withdrawals: dict[str, _Withdrawal] = field(default_factory=dict)
    _exchanges: dict[str, _Exchange] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._kinks = Kinks(self.rules.kinks)

    def take(self, t_s: float, names: tuple[str, ...]) -> list[Event]:
        """What happened since the last call. names: vessels of the tree by index."""
        out = [replace(e, t_s=t_s, vessel=names[int(e.vessel)] if e.vessel else "") for e in self.events]
        self.events.clear()
        return out

    # -- hubs ---------------------------------------------------------------------------------------------

    def driven(self, tray: Instruments, slot: str, wish_mm: float, moved: Mapping[str, float]) -> float:
        """How far a hub is to move: what the hand wants, or where the device around it takes a wire nobody holds."""
        held, outer = tray.held[slot], tray.outer_of(slot)
        if held.lost:
            return moved.get(outer, 0.0)
        if held.free and wish_mm == 0.0:
            return self.rules.tails.follow_share * moved.get(outer, 0.0)
        return self._through_kinks(tray, slot, wish_mm)

    def _through_kinks(self, tray: Instruments, slot: str, wish_mm: float) -> float:
        """What a kink of the device around leaves of a motion: a thick device stops before it, or is pinched in it."""
        outer = tray.held.get(tray.outer_of(slot))
        if outer is None or not outer.kinks:
            return wish_mm
        held, left = tray.held[slot], self.rules.kinks.lumen_left * outer.spec.inner_diameter_mm
        if held.spec.outer_diameter_mm < left:
            return wish_mm
        for from_tip in outer.kinks:
            place = outer.inserted_mm - from_tip
            if held.inserted_mm > place:
                wish_mm *= self.rules.kinks.drag_share
            else:
                wish_mm = min(wish_mm, max(0.0, place - held.inserted_mm - 1e-6))
        return wish_mm

    def tail(self, tray: Instruments, slot: str, over_mm: float) -> None:
        """over_mm: how far the hands would have brought this device's end past the hub around it."""
        held, outer = tray.held[slot], tray.held.get(tray.outer_of(slot))
        if outer is None or held.lost or slot not in HUBLESS:
            return
        left, rules = -over_mm, self.rules.tails
        if left > rules.rearmed_mm:
            self._warned.discard(slot)
        elif left < rules.warning_mm and slot not in self._warned:
            self._warned.add(slot)
            self._tell("device.tail_short", "minor",
                       f"only {max(left, 0.0):.0f} mm of the {slot} ({held.spec.length_mm:.0f} mm long, "
                       f"{held.inserted_mm:.0f} mm inside) stand out of the hub of {outer.spec.label}; to take that "
                       f"off over it takes more than {outer.spec.length_mm:.0f} mm outside the patient", slot, None)
        if over_mm > PUSHED_IN_MM:
            held.lost = True
            self._tell("device.wire_lost", "major",
                       f"the tail of the {slot} slipped into the hub of {outer.spec.label}: it cannot be gripped; "
                       f"it comes out only together with that device", slot, self._tip(tray, slot))

    def refused(self, tray: Instruments, slot: str) -> str | None:
        """Why a device that is lost cannot be taken out by itself."""
        held = tray.held[slot]
        if not held.lost:
            return None
        return f"The {slot} is lost in {tray.held[tray.outer_of(slot)].spec.label}: take that out together with it."

    def narrowed(self, tray: Instruments) -> tuple[tuple[str, float, float], ...]:
        """Kinks of lumens: slot, share of the inner diameter left, length, mm."""
        rules = self.rules.kinks
        return tuple((slot, rules.lumen_left, rules.length_mm) for slot in tray.order() if slot not in HUBLESS
                     for _ in tray.held[slot].kinks)

    # -- taking out and putting in --------------------------------------------------------------------------

    def removed(self, tray: Instruments, slot: str) -> None:
        """A device has just been taken out; what was lost in it came along."""
        after = SLOTS[SLOTS.index(slot) + 1 :]
        for inner in after:
            if inner in tray.held and tray.held[inner].lost:
                del tray.held[inner]
                self._warned.discard(inner)
        self._warned.discard(slot)
        done = self._withdrawals.pop(slot, None)
        inner = next((s for s in after if s in tray.held), "")
        if inner in HUBLESS and done is not None and done.tip is not None and done.tip.slot == inner:
            self._exchanges[slot] = _Exchange(inner, done.tip, done.high_mm)
        for outer, exchange in list(self._exchanges.items()):
            if exchange.inner == slot:
                del self._exchanges[outer]
                self._moved(outer, exchange, None)

    def too_short(self, inner: Held, spec_length_mm: float, start_mm: float) -> str:
        """Words for a wire that is too short for a device to go on or come off over it."""
        outside = start_mm - inner.hub_mm
        return (f"{inner.spec.label} is too short: of its {inner.spec.length_mm:.0f} mm {outside:.0f} mm stand "
                f"outside; a device of {spec_length_mm:.0f} mm goes over it only when more than that does. "
                f"Use an exchange wire.")

    # -- after a step ---------------------------------------------------------------------------------------

    def after(self, tray: Instruments, shapes: Shapes, dt_s: float) -> None:
        tips = {t.slot: t for t in shapes.tips}
        self._follow_withdrawals(tray, tips)
        for outer, exchange in list(self._exchanges.items()):
            tip = tips.get(exchange.inner)
            exchange.moved_mm = max(exchange.moved_mm, _apart(exchange.tip, tip))
            held = tray.held.get(outer)
            if held is None or tip is None:
                continue
            inside = tray.held[exchange.inner].inserted_mm
            if held.inserted_mm > min(exchange.depth_mm, inside) - self.rules.exchange.reached_mm:
                del self._exchanges[outer]
                self._moved(outer, exchange, tip)
        self._look_for_kinks(tray, shapes, dt_s)

    def _follow_withdrawals(self, tray: Instruments, tips: Mapping[str, TipPose]) -> None:
        order = tray.order()
        for outer, inner in pairwise(order):
            if inner not in HUBLESS:
                continue
            at = tray.held[outer].inserted_mm
            known = self._withdrawals.get(outer)
            started = known is not None and known.tip is not None and known.tip.slot == inner
            if known is None or not started or at > known.low_mm + self.rules.exchange.run_mm:
                known = self._withdrawals[outer] = _Withdrawal(at, at)
            known.low_mm = min(known.low_mm, at)
            if known.tip is None or at > known.high_mm - self.rules.exchange.run_mm:
                tip = tips[inner]
                known.tip = replace(tip, position=tip.position.copy())

    def _moved(self, outer: str, exchange: _Exchange, tip: TipPose | None) -> None:
        out = tip is None
        words = ("the wire came out during the exchange" if out else
                 f"the wire's tip moved {exchange.moved_mm:.0f} mm during the exchange of the {outer}")
        self._tell("exchange.done", "info", words, exchange.inner, exchange.tip, out=out, moved_mm=exchange.moved_mm)

    def _look_for_kinks(self, tray: Instruments, shapes: Shapes, dt_s: float) -> None:
        line = tray.stack.line
        if line is None:
            return
        radius = self.rules.kinks.radius_mm
        parts = [Part(slot, h.profile, h.inserted_mm, h.spec.kink_radius_mm or radius[slot], tuple(h.kinks))
                 for slot, h in ((s, tray.held[s]) for s in tray.order()) if h.inserted_mm > 0.0]
        for slot, strain in self._kinks.look(line, parts, dt_s):
            held = tray.held[slot]
            held.profile = self._worn(tray, slot, strain)
            held.kinks.append(strain.from_tip_mm)
            node = min(int(np.searchsorted(shapes.s, strain.s_mm)), len(shapes.s) - 1)
            at = TipPose(slot, shapes.nodes[node], shapes.nodes[node], int(shapes.vessel[node]),
                         float(shapes.position_mm[node]), 0.0, 0.0)
            self._tell("device.kinked", "major",
                       f"{held.spec.label} kinked {strain.from_tip_mm:.0f} mm behind its tip", slot, at,
                       from_tip_mm=strain.from_tip_mm)

    def _worn(self, tray: Instruments, slot: str, strain: Strain) -> Profile:
        """The kinked device: softer at the place, and a wire keeps part of its bend."""
        held, rules, line = tray.held[slot], self.rules.kinks, tray.stack.line
        profile, d, half = held.profile, strain.from_tip_mm, 0.5 * self.rules.kinks.window_mm
        if slot in HUBLESS and line is not None:
            bend = bend_at(line, tray.stack.first_director, slot, strain.s_mm, rules.window_mm)
            x = np.arange(len(profile.turn1)) * TABLE_MM
            made = [float(np.interp(d + half, x, t) - np.interp(d - half, x, t))
                    for t in (profile.turn1, profile.turn2)]
            profile = set_bend(profile, d, rules.wire_set * (bend - np.array(made)), rules.window_mm)
        return kinked(profile, d, rules)

    def _tip(self, tray: Instruments, slot: str) -> TipPose | None:
        return next((t for t in tray.shapes().tips if t.slot == slot), None)

    def _tell(self, code: str, severity: str, text: str, slot: str, at: TipPose | None, **more: Any) -> None:
        place = None if at is None or at.vessel < 0 else at
        point = None if place is None else tuple(float(v) for v in place.position)
        self.events.append(Event(0.0, code, severity, text, "" if place is None else str(place.vessel),
                                 point, {"slot": slot, **more}))  # type: ignore[arg-type]


def _apart(before: TipPose, now: TipPose | None) -> float:
    """How far a tip has moved, mm: along the vessel in the same one, else straight."""
    if now is None:
        return 0.0
    if now.vessel == before.vessel and now.vessel >= 0:
        return abs(now.position_mm - before.position_mm)
    return float(np.linalg.norm(now.position - before.position))
