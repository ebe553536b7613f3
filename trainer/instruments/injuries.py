"""What devices do to the wall: contact force and pressure in each vessel, and spasm, dissection, perforation.

`Instruments` shows it the stack after each step. A place is a short length of a vessel. Thresholds are data
(assets/wall/injury.yaml), none of them validated.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from trainer.anatomy.types import VesselTree
from trainer.frame import Event
from trainer.instruments.injury_rules import InjuryRules, injury_rules
from trainer.instruments.types import Injury, Shapes

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Motion = Mapping[str, tuple[float, float]]
"""Advance, mm, and turn, rad, of each device's hub in the step."""

STEPS_OF_NARROWING = 20
"""A narrowing is told in this many steps, so that flow and picture are not made anew in each step."""
FLUID_KG_L = 1.1
"""Of blood and contrast."""
HEALED = 0.02
"""Share of the radius below which a narrowing is gone."""


@dataclass(frozen=True, slots=True)
class WallLoad:
    """Largest contact force, N, and contact pressure, kPa, by vessel index, where anything touches."""

    force_N: Mapping[int, float]
    pressure_kPa: Mapping[int, float]


@dataclass(slots=True)
class _Wound:
    """An injury with what changes about it."""

    kind: str
    vessel: int
    position_mm: float
    narrowing: float
    relaxed: bool = False
    goal: float = 0.0


@dataclass(slots=True)
class Injuries:
    """The wall's state. `look` moves it on by one step; `take` fetches the events since the last call."""

    tree: VesselTree
    rules: InjuryRules = field(default_factory=injury_rules)
    events: list[Event] = field(default_factory=list)
    load: WallLoad = field(default_factory=lambda: WallLoad({}, {}))
    _wounds: list[_Wound] = field(default_factory=list)
    _told: tuple[Injury, ...] = ()
    _pressed_s: dict[tuple[str, str], float] = field(default_factory=dict)
    _first: Ints = field(init=False)
    _rubbed: Floats = field(init=False)

    def __post_init__(self) -> None:
        places = [1 + int(self.tree.arc(v)[-1] / self.rules.spasm.place_mm) for v in range(self.tree.count)]
        self._first = np.concatenate([[0], np.cumsum(places)]).astype(np.int64)
        self._rubbed = np.zeros(int(self._first[-1]))

    def take(self, t_s: float) -> list[Event]:
        """What happened since the last call."""
        out = [Event(t_s, e.code, e.severity, e.text, e.vessel, e.position_mm, e.detail) for e in self.events]
        self.events.clear()
        return out

    @property
    def now(self) -> tuple[Injury, ...]:
        """The injuries as flow and picture see them; the same object until one changes."""
        return self._told

    def relax(self, nitroglycerin_ug_mL: Sequence[float]) -> None:
        """Tells the concentration at each injury of `now`, in its order."""
        for wound, much in zip(self._wounds, nitroglycerin_ug_mL, strict=True):
            wound.relaxed = wound.relaxed or (wound.kind == "spasm" and much >= self.rules.spasm.relaxes_ug_mL)

    def look(self, shapes: Shapes, kinds: Mapping[str, str], moved: Motion, pushed: Collection[str],
             dt_s: float) -> tuple[Injury, ...]:
        """One step. kinds: kind of the device in each slot; pushed: slots that a hand advances (it may slip back).
        Returns `now`."""
        self._rubbed *= np.exp(-dt_s / self.rules.spasm.forgets_s)
        if len(shapes.s) > 1:
            force = shapes.wall_force * _cells(shapes.s)
            self._measure(shapes, force)
            self._look_for_spasm(shapes, force, moved, dt_s)
            for k, slot in enumerate(shapes.slots):
                self._look_at_end(shapes, force, k, kinds[slot], slot in pushed, dt_s)
        else:
            self.load = WallLoad({}, {})
        self._heal(dt_s)
        return self._told

    def _measure(self, shapes: Shapes, force: Floats) -> None:
        """The load now. Pressure: a contact's force over its length and the device's diameter."""
        touched = np.flatnonzero((force > 0.0) & (shapes.vessel >= 0))
        if not len(touched):
            self.load = WallLoad({}, {})
            return
        half = 0.5 * self.rules.contact.window_mm
        total = np.concatenate([[0.0], np.cumsum(force)])
        first = np.searchsorted(shapes.s, shapes.s[touched] - half)
        last = np.searchsorted(shapes.s, shapes.s[touched] + half, "right")
        near = total[last] - total[first]
        pressure = 1e3 * near / (self.rules.contact.window_mm * 2.0 * shapes.radius[touched])
        most_N: dict[int, float] = {}
        most_kPa: dict[int, float] = {}
        for v, n, p in zip(shapes.vessel[touched].tolist(), near.tolist(), pressure.tolist(), strict=True):
            most_N[v] = max(most_N.get(v, 0.0), n)
            most_kPa[v] = max(most_kPa.get(v, 0.0), p)
        self.load = WallLoad(most_N, most_kPa)

    def _look_for_spasm(self, shapes: Shapes, force: Floats, moved: Motion, dt_s: float) -> None:
        rules = self.rules.spasm
        slip = np.zeros(len(force))
        for k in reversed(range(len(shapes.slots))):  # the outermost device there rubs
            advance, turn = moved.get(shapes.slots[k], (0.0, 0.0))
            here = shapes.s < shapes.device_end[k]
            slip[here] = abs(advance) + abs(turn) * shapes.radius[here]
        work = force * slip
        at = np.flatnonzero((work > 0.0) & (shapes.vessel >= 0) & (2.0 * shapes.lumen_mm <= rules.widest_mm))
        if not len(at):
            return
        vessel = shapes.vessel[at]
        place = self._first[vessel] + np.minimum((shapes.position_mm[at] / rules.place_mm).astype(np.int64),
                                                 self._first[vessel + 1] - self._first[vessel] - 1)
        np.add.at(self._rubbed, place, work[at])
        worst = int(at[np.argmax(self._rubbed[place])])
        bin_ = int(place[np.argmax(self._rubbed[place])])
        if self._rubbed[bin_] < rules.rub_Nmm:
            return
        self._rubbed[bin_] = 0.0
        v, p = int(shapes.vessel[worst]), float(shapes.position_mm[worst])
        known = self._near("spasm", v, p, 0.5 * rules.length_mm)
        if known is not None:
            known.goal, known.relaxed = rules.narrowing, False
            return
        self._wounds.append(_Wound("spasm", v, p, 0.0, goal=rules.narrowing))
        self._tell("wall.spasm", "minor", "the wall was rubbed until it went into spasm", shapes, worst,
                   force_N=self.load.force_N.get(v, 0.0))

    def _look_at_end(self, shapes: Shapes, force: Floats, k: int, kind: str, pushed: bool, dt_s: float) -> None:
        """Dissection and perforation by a device's end that is pushed on."""
        slot, end = shapes.slots[k], float(shapes.device_end[k])
        tip = next(t for t in shapes.tips if t.slot == slot)
        near = np.abs(shapes.s - end) <= self.rules.contact.end_mm
        pressed = float(force[near].sum()) if tip.vessel >= 0 and pushed else 0.0
        node = min(int(np.searchsorted(shapes.s, end)), len(shapes.s) - 1)
        pierce, tear = self.rules.perforation, self.rules.dissection
        thin = 2.0 * tip.lumen_radius_mm <= pierce.widest_mm
        for what, limit, lasting, apart in (
            ("perforation", pierce.end_N.get(kind, np.inf) if thin else np.inf, pierce.lasting_s, pierce.apart_mm),
            ("dissection", tear.end_N.get(kind, np.inf), tear.lasting_s, tear.apart_mm),
        ):
            held = self._pressed_s.get((what, slot), 0.0) + dt_s if pressed > limit else 0.0
            self._pressed_s[what, slot] = held
            if held == 0.0 or held < lasting - 1e-9 or self._near(what, tip.vessel, tip.position_mm, apart):
                continue
            self._wounds.append(_Wound(what, tip.vessel, tip.position_mm,
                                       tear.narrowing if what == "dissection" else 0.0))
            text = (f"the {slot} was pushed through the wall" if what == "perforation" else
                    f"the end of the {slot} went under the inner layer of the wall and lifted a flap")
            self._tell(f"wall.{what}", "critical" if what == "perforation" else "major", text, shapes, node,
                       vessel=tip.vessel, slot=slot, force_N=pressed)

    def jet(self, shapes: Shapes, speeds_m_s: Mapping[str, float], dt_s: float) -> None:
        """A fast injection from an end that touches the wall lifts a flap. speeds: in the end hole, by slot."""
        rules = self.rules.jet
        for slot in {what[1] for what in self._pressed_s if what[0] == "jet"} - set(speeds_m_s):
            self._pressed_s["jet", slot] = 0.0
        for slot, speed in speeds_m_s.items():
            k = shapes.slots.index(slot) if slot in shapes.slots else -1
            strikes = 0.5 * FLUID_KG_L * speed**2
            if k < 0 or strikes < rules.kPa or shapes.tips[k].vessel < 0:
                self._pressed_s["jet", slot] = 0.0
                continue
            tip, near = shapes.tips[k], np.abs(shapes.s - shapes.device_end[k]) <= self.rules.contact.end_mm
            touching = float((shapes.wall_force * _cells(shapes.s))[near].sum()) >= rules.touching_N
            held = self._pressed_s.get(("jet", slot), 0.0) + dt_s if touching else 0.0
            self._pressed_s["jet", slot] = held
            tear = self.rules.dissection
            if held < rules.lasting_s or self._near("dissection", tip.vessel, tip.position_mm, tear.apart_mm):
                continue
            self._wounds.append(_Wound("dissection", tip.vessel, tip.position_mm, tear.narrowing))
            node = min(int(np.searchsorted(shapes.s, shapes.device_end[k])), len(shapes.s) - 1)
            self._tell("wall.dissection", "major", f"what was injected left the {slot} at {speed:.0f} m/s against the "
                       "wall and lifted a flap", shapes, node, vessel=tip.vessel, slot=slot, jet_kPa=strikes)

    def _near(self, kind: str, vessel: int, position_mm: float, apart_mm: float) -> _Wound | None:
        return next((w for w in self._wounds if w.kind == kind and w.vessel == vessel
                     and abs(w.position_mm - position_mm) <= apart_mm), None)

    def _heal(self, dt_s: float) -> None:
        """Spasms come and go; `now` follows in steps."""
        rules = self.rules.spasm
        for w in self._wounds:
            if w.kind != "spasm":
                continue
            if w.goal > 0.0 and not w.relaxed:
                w.narrowing += (w.goal - w.narrowing) * (1.0 - np.exp(-dt_s / rules.comes_s))
                if w.narrowing > 0.97 * w.goal:
                    w.goal = 0.0
            else:
                w.narrowing *= np.exp(-dt_s / (rules.relaxed_heals_s if w.relaxed else rules.heals_s))
        self._wounds = [w for w in self._wounds if w.kind != "spasm" or (w.goal > 0.0 and not w.relaxed)
                        or w.narrowing > HEALED]
        told = tuple(self._shown(w) for w in self._wounds)
        if told != self._told:
            self._told = told

    def _shown(self, w: _Wound) -> Injury:
        left = 1.0 - np.round(w.narrowing * STEPS_OF_NARROWING) / STEPS_OF_NARROWING
        length = {"spasm": self.rules.spasm.length_mm, "dissection": self.rules.dissection.length_mm}.get(w.kind, 0.0)
        return Injury(w.kind, w.vessel, w.position_mm, length, float(left))

    def _tell(self, code: str, severity: str, text: str, shapes: Shapes, node: int, vessel: int = -1,
              **detail: object) -> None:
        v = vessel if vessel >= 0 else int(shapes.vessel[node])
        x, y, z = (float(c) for c in shapes.nodes[node])
        pressure = self.load.pressure_kPa.get(v, 0.0)
        self.events.append(Event(0.0, code, severity, text, self.tree.names[v], (x, y, z),
                                 {**detail, "pressure_kPa": pressure}))


def _cells(s: Floats) -> Floats:
    """Length (N,) of centerline that each node stands for, mm."""
    out = np.zeros(len(s))
    h = 0.5 * np.diff(s)
    out[:-1] += h
    out[1:] += h
    return out


def open_share(injury: Injury, at_mm: Floats) -> Floats:
    """Share of the radius left open by an injury at positions (n,) along its vessel.

    A spasm is cosine-shaped about its place; a dissection begins at its place and tapers at both ends.
    """
    if injury.length_mm <= 0.0:
        return np.ones(len(at_mm))
    middle = injury.position_mm + (0.5 * injury.length_mm if injury.kind == "dissection" else 0.0)
    away = np.minimum(np.abs(np.asarray(at_mm) - middle) / (0.5 * injury.length_mm), 1.0)
    if injury.kind == "dissection":
        away = np.maximum(0.0, (away - 0.7) / 0.3)
    shape = 0.5 * (1.0 + np.cos(np.pi * away))
    return np.asarray(1.0 - (1.0 - injury.left) * shape)
