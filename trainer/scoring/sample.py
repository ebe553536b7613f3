"""Thins the 60 Hz frames to 20 Hz samples that all running measures read.

Counters in a frame only grow and flags are gathered over the skipped steps, so nothing is lost but motion
back and forth within 50 ms.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from trainer.commands import SLOTS, Commands
from trainer.frame import Event, Frame
from trainer.scoring.topology import Floats, Topology
from trainer.units import STEP_S

EVERY = 3
SAMPLE_S = EVERY * STEP_S

Point = tuple[float, float, float]


@dataclass(frozen=True)
class Spot:
    """Where a tip is: vessel index (-1 in the sheath or outside), arc length and point at end expiration."""

    vessel: int
    name: str
    at_mm: float
    point_mm: Point


NOWHERE = Spot(-1, "", 0.0, (0.0, 0.0, 0.0))


@dataclass(frozen=True)
class Sample:
    """The frame at the end of a sample, and what happened since the sample before."""

    frame: Frame
    topology: Topology
    dt_s: float
    advanced_mm: dict[str, float]
    """Hub travel by slot since the last sample; positive into the patient."""
    hands: bool
    """A hand moved."""
    busy: bool
    """A hand, the gantry, the table or an injection moved."""
    beam: bool
    acquiring: bool
    """A DSA run was being taken."""
    contrast_mL: float
    drug_mg: float
    embolic_mL: float
    delivering: str
    """Slot through which something leaves, '' when nothing does."""
    wall_force_N: float
    power: bool
    """The power injector, not a hand, was injecting."""
    limited: bool
    """It reached its pressure limit."""
    events: tuple[Event, ...]

    @property
    def t_s(self) -> float:
        return self.frame.t_s

    @cached_property
    def leader(self) -> str:
        """Slot of the device that reaches deepest, '' when none is past the sheath."""
        inside = [d for d in self.frame.devices if d.inserted_mm > 0.0]
        return max(inside, key=lambda d: d.inserted_mm).slot if inside else ""

    @cached_property
    def spots(self) -> dict[str, Spot]:
        """Where each device's tip is, by slot."""
        truth, breath = self.frame.truth, self.frame.vitals.breath
        return {slot: _spot(self.topology, name, truth.tip_mm.get(slot), breath)
                for slot, name in truth.tip_vessel.items()}  # fmt: skip

    def spot(self, slot: str) -> Spot:
        return self.spots.get(slot, NOWHERE)

    @property
    def source(self) -> Spot:
        """Where what is given leaves the device."""
        return self.spot(self.delivering)


def _spot(topology: Topology, name: str, tip: Point | None, breath: float) -> Spot:
    if not name or tip is None:
        return NOWHERE
    v = topology.patient.tree.index(name)
    point: Floats = np.asarray(tip, dtype=float)
    rest = topology.rest_point(v, point, breath)
    return Spot(v, name, topology.place(v, point, breath), (float(rest[0]), float(rest[1]), float(rest[2])))


class Sampler:
    """Feed every frame with the commands that led to it; a Sample comes back at every third."""

    def __init__(self, topology: Topology, first: Frame) -> None:
        self._topology, self._last, self._first_step = topology, first, first.step
        self._inserted = {d.slot: d.inserted_mm for d in first.devices}
        self._slot = ""
        self._clear()

    def _clear(self) -> None:
        self._hands = self._busy = self._beam = self._acquiring = self._power = self._limited = False
        self._force = 0.0
        self._events: list[Event] = []

    def feed(self, frame: Frame, commands: Commands) -> Sample | None:
        """Gathers one step. Returns a sample every EVERY steps and at the last frame."""
        moving = any(h.advance_mm_s or h.torque_rad_s for h in commands.hands)
        injecting = frame.injection.rate_mL_s > 0.0 or commands.syringe_mL_s > 0.0
        self._hands |= moving
        self._busy |= moving or injecting or any(commands.carm_rad_s) or any(commands.table_mm_s)
        self._busy |= bool(commands.actions)
        self._beam |= frame.xray.beam_on
        self._acquiring |= frame.xray.beam_on and (commands.dsa_pedal or frame.xray.live_kind == "dsa")
        power = frame.injection.rate_mL_s > 0.0 and not commands.syringe_mL_s > 0.0
        self._power |= power
        self._limited |= power and frame.injection.state == "limited"
        self._force = max(self._force, frame.truth.max_wall_force_N)
        self._events.extend(frame.events)
        if frame.injection.slot:
            self._slot = frame.injection.slot
        elif commands.syringe_slot and commands.syringe_mL_s > 0.0:
            self._slot = commands.syringe_slot
        if (frame.step - self._first_step) % EVERY and not frame.finished:
            return None
        sample = self._sample(frame)
        self._last = frame
        self._inserted = {d.slot: d.inserted_mm for d in frame.devices}
        self._clear()
        return sample

    def _sample(self, frame: Frame) -> Sample:
        now, before = frame.injection, self._last.injection
        given = (now.contrast_mL - before.contrast_mL, now.drug_mg - before.drug_mg,
                 now.embolic_mL - before.embolic_mL)  # fmt: skip
        gantry = (frame.xray.primary_deg, frame.xray.secondary_deg, frame.xray.isocenter_mm)
        last = (self._last.xray.primary_deg, self._last.xray.secondary_deg, self._last.xray.isocenter_mm)
        advanced = {d.slot: d.inserted_mm - self._inserted.get(d.slot, d.inserted_mm) for d in frame.devices}
        return Sample(
            frame=frame, topology=self._topology, dt_s=frame.t_s - self._last.t_s,
            advanced_mm={slot: advanced.get(slot, 0.0) for slot in SLOTS},
            hands=self._hands, busy=self._busy or gantry != last, beam=self._beam, acquiring=self._acquiring,
            contrast_mL=max(given[0], 0.0), drug_mg=max(given[1], 0.0), embolic_mL=max(given[2], 0.0),
            delivering=self._slot if max(given) > 0.0 else "", wall_force_N=self._force,
            power=self._power, limited=self._limited, events=tuple(self._events),
        )  # fmt: skip
