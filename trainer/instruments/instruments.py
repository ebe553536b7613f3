"""What the operator's hands do to the devices: hubs, limits, insertion and removal, and one step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from trainer.anatomy.types import Access, VesselTree
from trainer.commands import SLOTS, Hand
from trainer.errors import nearest
from trainer.frame import DeviceView
from trainer.instruments.catalog import Catalog, DeviceSpec
from trainer.instruments.coils import Coils
from trainer.instruments.hubs import hub_forces
from trainer.instruments.injuries import Injuries
from trainer.instruments.mishaps import HUBLESS, Mishaps
from trainer.instruments.model import Law
from trainer.instruments.profile import Profile
from trainer.instruments.shapes import empty_shapes, make_shapes
from trainer.instruments.stack import PLAIN, Effort, Line, Move, Stack
from trainer.instruments.types import Sealing, Shapes
from trainer.instruments.wall import build_lumen

Floats = NDArray[np.float64]
Hubs = dict[str, tuple[float, float]]
"""Insertion, mm, and hub angle, rad, by slot."""

VESSEL_SPEED = 60.0
"""Fastest advance of a tip in a vessel, mm/s."""
LUMEN_SPEED = 300.0
"""Fastest advance of a tip inside another device or the sheath, mm/s."""
TURN_SPEED = 4.0 * math.pi
"""Fastest turn of a hub, rad/s (2 turns per second)."""
SOLVE_MM, SOLVE_RAD = 1.3, math.radians(13.0)
"""Largest motion in one solve; faster steps are split."""
LUMEN_WEIGHT = 0.4
"""Motion inside another device changes only stiffness, so it counts less."""
GIVE_MM_N, MOST_GIVE_MM = 0.1, 0.5
"""A hub whose hand is overcome slips back this far per N and step, and at most so far."""
DEEPEST_MM, MOST_STRETCH = (0.08, 0.085, 0.09, 0.095), (0.0042, 0.0044, 0.0046, 0.0048)
"""A trial of a step that drives a device deeper into the wall than this, or strains it more, is done again. The
last ones may go a little farther than the first, so that nothing stays caught at the limit."""
EFFORTS = ((1.0, PLAIN), (0.25, Effort(3, 20.0)), (0.1, Effort(3, 200.0)), (0.0, Effort(3, 2000.0)))
"""Share of the hands' motion and effort of each trial. Drag lets a snap through take more than one step."""
PRESSES = 4
"""Solves without motion that a trial may add: what the wall pushes with is carried from one to the next, so that each
leaves a device less deep in it."""
AT_HUB_MM = 5.0


@dataclass(slots=True)
class Held:
    """One device in the operator's hands. inserted_mm: tip past the sheath mouth."""

    spec: DeviceSpec
    profile: Profile
    inserted_mm: float
    angle_rad: float = 0.0
    inflated: bool = False
    free: bool = False
    """Nobody holds it: it goes with the device around it by friction."""
    lost: bool = False
    """Its tail end is in the device around it."""
    kinks: list[float] = field(default_factory=list)
    """Distances of kinks from the tip, mm."""

    @property
    def hub_mm(self) -> float:
        """Path coordinate of the hub (negative: outside the patient)."""
        return self.inserted_mm - self.spec.length_mm


class Instruments:
    """The coaxial stack in one patient. Advance with `step`; nothing else moves it."""

    def __init__(self, tree: VesselTree, access: Access, catalog: Catalog, law: Law | None = None) -> None:
        self.tree = tree
        self.access = access
        self.catalog = catalog
        self.stack = Stack(build_lumen(tree), access.mouth, access.direction, law)
        self.held: dict[str, Held] = {}
        self.mishaps = Mishaps()
        self.injuries = Injuries(tree)
        self.coils = Coils(tree)

    def outer_of(self, slot: str) -> str:
        """Slot of the device around this one; '' for the sheath."""
        inside = [s for s in SLOTS[: SLOTS.index(slot)] if s in self.held]
        return inside[-1] if inside else ""

    def order(self) -> list[str]:
        """Slots in use, outermost first."""
        return [s for s in SLOTS if s in self.held]

    def insert(self, slot: str, device_id: str, tip_mm: float = 0.0, tip_deg: float = 0.0) -> str | None:
        """Puts a device's tip into the hub of the one around it, bent over tip_mm by tip_deg if that is asked.
        An error text for the operator, or None."""
        if slot not in SLOTS:
            return f"There is no place '{slot}'. {nearest(slot, SLOTS)}"
        if device_id not in self.catalog.devices:
            return f"No device '{device_id}'. {nearest(device_id, self.catalog.devices)}"
        spec = self.catalog.devices[device_id]
        if spec.kind != slot:
            return f"{spec.label} is a {spec.kind}, not a {slot}."
        if slot in self.held:
            return f"Take out {self.held[slot].spec.label} first."
        if slot == "wire" and ("microcatheter" in self.held or "microwire" in self.held):
            return "Take out the microcatheter and microwire first."
        if slot == "microcatheter" and "wire" in self.held:
            return "Take out the wire first."
        if slot == "microcatheter" and "catheter" not in self.held:
            return "A microcatheter goes through a catheter: insert a catheter first."
        if slot == "microwire" and "microcatheter" not in self.held:
            return "A microwire goes through a microcatheter: insert a microcatheter first."
        if tip_mm or tip_deg:
            try:
                spec = spec.shaped(tip_mm, tip_deg)
            except ValueError as error:
                return str(error)
        outer = self.outer_of(slot)
        problem = self._fits(slot, spec, outer)
        if problem:
            return problem
        tip = self.held[outer].hub_mm if outer else 0.0
        self.held[slot] = Held(spec, spec.profile(), tip)
        return None

    def _fits(self, slot: str, spec: DeviceSpec, outer: str) -> str | None:
        if outer and not spec.passes(self.held[outer].spec):
            around = self.held[outer].spec
            return (f"{spec.label} ({spec.outer_diameter_mm:.2f} mm) does not pass through {around.label} "
                    f"(lumen {around.inner_diameter_mm:.2f} mm).")
        if not outer and spec.outer_diameter_mm >= self.access.sheath_inner_mm:
            return (f"{spec.label} ({spec.outer_diameter_mm:.2f} mm) does not pass through the sheath "
                    f"(lumen {self.access.sheath_inner_mm:.2f} mm).")
        for inner in SLOTS[SLOTS.index(slot) + 1 :]:
            if inner in self.held:
                other = self.held[inner]
                if not other.spec.passes(spec):
                    return f"{spec.label} does not go over {other.spec.label}."
                start = self.held[outer].hub_mm if outer else 0.0
                if other.hub_mm > start - spec.length_mm:
                    return self.mishaps.too_short(other, spec.length_mm, start)
                break
        return None

    def remove(self, slot: str) -> str | None:
        """Takes out a device whose tip is back at its hub. An error text for the operator, or None."""
        if slot not in self.held:
            return f"There is no {slot} to take out."
        lost = self.mishaps.refused(self, slot)
        if lost:
            return lost
        outer = self.outer_of(slot)
        tip, limit = self.held[slot].inserted_mm, self.held[outer].hub_mm if outer else 0.0
        if tip > limit + AT_HUB_MM:
            return (f"Withdraw {self.held[slot].spec.label} first: its tip is {tip - limit:.0f} mm inside "
                    f"{self.held[outer].spec.label if outer else 'the sheath'}.")
        del self.held[slot]
        self.mishaps.removed(self, slot)
        return None

    def hold(self, slot: str, on: bool) -> str | None:
        """The hand holds a device where it is, or lets go of it. An error text for the operator, or None."""
        if slot not in self.held:
            return f"There is no {slot} in place."
        if slot not in HUBLESS or not self.outer_of(slot):
            return "Only a wire inside another device can be let go of."
        self.held[slot].free = not on
        return None

    def inflate(self, slot: str, on: bool) -> str | None:
        """Fills or empties the balloon of a device. An error text for the operator, or None."""
        if slot not in self.held:
            return f"There is no {slot} in place."
        held = self.held[slot]
        if held.spec.balloon is None:
            return f"{held.spec.label} has no balloon."
        if on and held.inserted_mm < held.spec.balloon.from_tip_mm + held.spec.balloon.length_mm:
            return f"The balloon of {held.spec.label} is not out of the sheath yet."
        held.inflated = on
        return None

    def step(self, hands: tuple[Hand, ...], offset_mm: Floats, dt_s: float) -> Shapes:
        """Moves the hubs and solves for the new shape. offset_mm (3,): displacement of the liver by breathing."""
        before = {s: (h.inserted_mm, h.angle_rad) for s, h in self.held.items()}
        self._move_hubs(hands, dt_s)
        after = {s: (h.inserted_mm, h.angle_rad) for s, h in self.held.items()}
        self._solve_and_check(before, after, np.asarray(offset_mm, float))
        shapes = self.shapes()
        self.mishaps.after(self, shapes, dt_s)
        moved = {s: (h.inserted_mm - before[s][0], h.angle_rad - before[s][1]) for s, h in self.held.items()}
        kinds = {s: h.spec.kind for s, h in self.held.items()}
        pushed = {h.slot for h in hands if h.advance_mm_s > 0.0}
        x, y, z = (float(v) for v in offset_mm)
        return replace(shapes, injuries=self.injuries.look(shapes, kinds, moved, pushed, dt_s),
                       coils=self.coils.placed, offset_mm=(x, y, z))

    def coil(self, slot: str, name: str) -> str | None:
        """Pushes a coil out of the innermost catheter. An error text for the operator, or None."""
        order = self.order()
        if slot not in self.held or self.held[slot].spec.kind not in ("catheter", "microcatheter"):
            return f"There is no catheter in the slot '{slot}' to push a coil through."
        if order[-1] != slot:
            return f"Take out the {order[-1]} first: the coil needs the lumen."
        shapes = self.shapes()
        return self.coils.deploy(name, shapes.tips[shapes.slots.index(slot)], self.held[slot].spec.inner_diameter_mm)

    def _solve_and_check(self, before: Hubs, after: Hubs, offset: Floats) -> None:
        """Solves; where that rams a device into the wall it is done again with less of the
        motion (the hand has felt the wall and moved less), and at last not at all."""
        start = self.stack.state()
        for trial, (share, effort) in enumerate(EFFORTS):
            if trial:
                self._take_back(before, after, share)
                self.stack.last = None  # no guess from motion that is not to be
            now = {s: (h.inserted_mm, h.angle_rad) for s, h in self.held.items()}
            self._solve(before, now, offset, effort)
            for _ in range(PRESSES if trial else 1):
                if self._sound(start[0], trial):
                    break
                self._solve(now, now, offset, effort)
            if self._sound(start[0], trial):
                return
            self.stack.restore(start)
        self._take_back(before, after, 0.0)
        self.stack.hold(offset)

    def _take_back(self, before: Hubs, after: Hubs, share: float) -> None:
        """Sets the hubs to a share of their motion."""
        for slot, held in self.held.items():
            (tip0, angle0), (tip1, angle1) = before[slot], after[slot]
            held.inserted_mm = tip0 + share * (tip1 - tip0)
            held.angle_rad = angle0 + share * (angle1 - angle0)

    def _sound(self, old: Line | None, trial: int) -> bool:
        """Whether the devices lie within the wall and whole, or at least no worse than they did."""
        now = self.stack.line
        if now is None or old is None:  # nothing lay there before, so there is nothing to go back to
            return True
        return (now.penetration_mm <= max(DEEPEST_MM[trial], old.penetration_mm)
                and now.stretch <= max(MOST_STRETCH[trial], old.stretch))

    def _move_hubs(self, hands: Sequence[Hand], dt_s: float) -> None:
        """Applies the hands within speed, force, length and hub limits; `inserted_mm` stays exact."""
        wish = {s: [0.0, 0.0] for s in self.held}
        for hand in hands:
            if hand.slot in wish and math.isfinite(hand.advance_mm_s) and math.isfinite(hand.torque_rad_s):
                wish[hand.slot][0] += hand.advance_mm_s * dt_s
                wish[hand.slot][1] += hand.torque_rad_s * dt_s
        start = {s: h.inserted_mm for s, h in self.held.items()}
        for slot in self.order():
            held = self.held[slot]
            advance, turn = wish[slot]
            moved = {s: self.held[s].inserted_mm - start[s] for s in start}
            advance = self.mishaps.driven(self, slot, advance, moved)
            turn = 0.0 if held.lost else turn
            turn = max(-TURN_SPEED * dt_s, min(TURN_SPEED * dt_s, turn))
            held.angle_rad += turn
            in_vessel = held.inserted_mm > 0.0 and not self._inside_outer(slot)
            advance = self._limited(slot, advance, dt_s, in_vessel)
            if in_vessel and not held.lost:
                advance = self._yield(slot, advance)
            held.inserted_mm += advance
        self._keep_order()

    def _inside_outer(self, slot: str) -> bool:
        outer = self.outer_of(slot)
        return bool(outer) and self.held[slot].inserted_mm < self.held[outer].inserted_mm - 2.0

    def _limited(self, slot: str, advance: float, dt_s: float, in_vessel: bool) -> float:
        held, slow, fast = self.held[slot], VESSEL_SPEED * dt_s, LUMEN_SPEED * dt_s
        outer = self.outer_of(slot)
        end = self.held[outer].inserted_mm - 2.0 if outer else 0.0
        if in_vessel:
            limit = slow
        elif advance > 0:
            limit = min(fast, max(slow, end - held.inserted_mm))
        else:
            limit = fast
        return max(-limit, min(limit, advance))

    def _keep_order(self) -> None:
        """Lengths and hubs: no tip behind the hub around it, no hub past the hub around it."""
        for slot in self.order():
            held, outer = self.held[slot], self.outer_of(slot)
            lowest = self.held[outer].hub_mm if outer else 0.0
            highest = held.spec.length_mm + (min(lowest, 0.0) if outer else -self.access.sheath_mm)
            self.mishaps.tail(self, slot, held.inserted_mm - highest)
            held.inserted_mm = max(lowest, min(highest, held.inserted_mm))

    def _yield(self, slot: str, advance: float) -> float:
        """Motion, mm, that the hand still makes against the axial force on this device's free part: slowed
        between its two forces, pushed back beyond the second."""
        line, outer = self.stack.line, self.outer_of(slot)
        if line is None:
            return advance
        begin = max(0.0, self.held[outer].inserted_mm) if outer else 0.0
        middle = 0.5 * (line.s[1:] + line.s[:-1])
        first, last = np.searchsorted(middle, begin, "right"), np.searchsorted(middle, self.held[slot].inserted_mm)
        part = line.tension[first:last]
        if not len(part):
            return advance
        soft, hard = self.held[slot].spec.hand_N
        pushed, pulled = float(-part.min()), float(part.max())
        resisting = pushed if advance > 0 else pulled
        advance *= min(1.0, max(0.0, (hard - resisting) / (hard - soft)))
        if pushed > hard:
            advance -= min(MOST_GIVE_MM, GIVE_MM_N * (pushed - hard))
        elif pulled > hard:
            advance += min(MOST_GIVE_MM, GIVE_MM_N * (pulled - hard))
        return advance

    def _solve(self, before: Hubs, after: Hubs, offset: Floats, effort: Effort) -> None:
        largest = 0.0
        for slot, (tip, angle) in after.items():
            weight = LUMEN_WEIGHT if self._inside_outer(slot) else 1.0
            if tip > 0 or before[slot][0] > 0:
                largest = max(largest, weight * abs(tip - before[slot][0]) / SOLVE_MM)
            largest = max(largest, abs(angle - before[slot][1]) / SOLVE_RAD)
        parts = max(1, math.ceil(largest - 1e-9))
        start = self.stack.offset
        for part in range(1, parts + 1):
            share = part / parts
            moves = []
            for slot in self.order():
                (tip0, angle0), (tip1, angle1) = before[slot], after[slot]
                tip = tip0 + (tip1 - tip0) * share if part < parts else tip1
                if tip > 0.0:
                    held = self.held[slot]
                    moves.append(Move(slot, held.profile, held.spec.friction, tip, (tip1 - tip0) / parts,
                                      angle0 + (angle1 - angle0) * share, (angle1 - angle0) / parts))
            self.stack.solve(moves, start + (offset - start) * share, parts, effort)

    def shapes(self) -> Shapes:
        """The present shapes, without moving anything."""
        order = self.order()
        held = [self.held[s] for s in order]
        slots, ids = tuple(order), tuple(h.spec.id for h in held)
        tips = np.array([h.inserted_mm for h in held])
        radii = np.array([0.5 * h.spec.outer_diameter_mm for h in held])
        if self.stack.line is None:
            return empty_shapes(slots, ids, tips, radii, self.stack.mouth, self.stack.direction)
        force = hub_forces(self.stack.line, tips, np.array([h.spec.friction for h in held]))
        torque = np.array([self.stack.line.hub_torque.get(s, 0.0) for s in order])
        shapes = make_shapes(self.stack, slots, ids, tips, radii, force, torque, self._sealings())
        return replace(shapes, narrowed=self.mishaps.narrowed(self))

    def _sealings(self) -> tuple[Sealing, ...]:
        """Where the stack is widened by balloons and valves that are out of what surrounds them."""
        out = []
        assert self.stack.line is not None
        s = self.stack.line.s[1:]
        for slot in self.order():
            held, outer = self.held[slot], self.outer_of(slot)
            free = max(0.0, self.held[outer].inserted_mm if outer else 0.0)
            for seal, one_way in ((held.spec.balloon if held.inflated else None, False), (held.spec.valve, True)):
                if seal is None:
                    continue
                end = held.inserted_mm - seal.from_tip_mm
                first, last = np.searchsorted(s, [end - seal.length_mm, end])
                if end - seal.length_mm > free and last > first:
                    out.append(Sealing(slot, int(first), int(last), 0.5 * seal.diameter_mm, one_way))
        return tuple(out)

    def views(self, shapes: Shapes) -> tuple[DeviceView, ...]:
        """What the hand knows of each device."""
        out = []
        for k, slot in enumerate(shapes.slots):
            held, outer = self.held[slot], self.outer_of(slot)
            beyond = held.inserted_mm - (self.held[outer].inserted_mm if outer else 0.0)
            out.append(DeviceView(
                slot=slot, device=held.spec.id, label=held.spec.label, inserted_mm=held.inserted_mm,
                rotation_rad=held.angle_rad, beyond_mm=beyond, length_mm=held.spec.length_mm,
                outer_diameter_mm=held.spec.outer_diameter_mm, hub_force_N=float(shapes.hub_force[k]),
                hub_torque_Nmm=float(shapes.hub_torque[k]),
                balloon="" if held.spec.balloon is None else "full" if held.inflated else "empty",
                hold="lost" if held.lost else "free" if held.free else "held"))
        return tuple(out)

