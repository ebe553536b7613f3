"""Coils pushed out of a catheter: where they come to lie, how dense their nest is, where they are seen."""

from __future__ import annotations

import math
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from trainer.anatomy.types import VesselTree
from trainer.errors import nearest
from trainer.frame import Event
from trainer.instruments.types import Coil, TipPose
from trainer.resources import resource
from trainer.textfile import StrictModel, read_model

Floats = NDArray[np.float64]

STEP_MM = 1.0
"""How finely a migrating coil looks for its place."""
POINT_MM = 0.6
"""Spacing of the points of a nest."""
MOVED_MM = 5.0
"""A coil that comes to lie farther from the tip has migrated."""


class CoilSpec(StrictModel):
    """One coil on the table."""

    label: str
    loop_mm: float = Field(gt=0)
    length_mm: float = Field(gt=0)
    wire_mm: float = Field(gt=0)
    least_lumen_mm: float = Field(gt=0)


class CoilRules(StrictModel):
    fits_share: float = Field(gt=0, le=1)
    packing: float = Field(gt=0, lt=1)
    closes_per_packing: float = Field(gt=0)
    most_at_once: float = Field(gt=0, lt=1)
    finally_: float = Field(alias="finally", gt=0, lt=1)
    clotting_s: float = Field(gt=0)
    protrudes_mm: float = Field(ge=0)


class CoilFile(StrictModel):
    format: Literal[1]
    rules: CoilRules
    coils: dict[str, CoilSpec]
    source: str


@cache
def coil_file() -> CoilFile:
    """The shipped coils and how they behave."""
    return read_model(CoilFile, resource("assets", "coils", "coils.yaml"))[0]


class Coils:
    """All coils in one patient. `placed` is the same object until one more comes."""

    def __init__(self, tree: VesselTree) -> None:
        self.tree = tree
        self.placed: tuple[Coil, ...] = ()
        self._told: list[tuple[str, str, str, int, Floats]] = []
        self._children: list[list[tuple[float, int]]] = [[] for _ in range(tree.count)]
        for v in range(1, tree.count):
            p = int(tree.parent[v])
            self._children[p].append((float(tree.arc(p)[tree.attach[v] - tree.first[p]]), v))

    def deploy(self, name: str, tip: TipPose, lumen_mm: float) -> str | None:
        """Pushes a coil out of a tip whose lumen is lumen_mm wide. An error text for the operator, or None."""
        specs, rules = coil_file().coils, coil_file().rules
        if name not in specs:
            return f"There is no coil '{name}'. {nearest(name, specs)}"
        spec = specs[name]
        if lumen_mm < spec.least_lumen_mm:
            return (f"The {spec.label} does not pass a lumen of {lumen_mm:.2f} mm; "
                    f"it needs {spec.least_lumen_mm:.2f} mm.")
        if tip.vessel < 0:
            return "The tip is still in the sheath."
        vessel, at, way = self._lodges(tip.vessel, tip.position_mm, rules.fits_share * spec.loop_mm)
        coil, back = self._nest(name, spec, vessel, at, rules.packing)
        self.placed = (*self.placed, coil)
        middle = coil.points[len(coil.points) // 2]
        if way > MOVED_MM:
            text = f"The {spec.label} was too small for its vessel and went {way:.0f} mm on with the blood."
            self._told.append(("coil.migrated", "major", text, vessel, middle))
        elif back > rules.protrudes_mm:
            text = f"The {spec.label} did not find room ahead and reaches {back:.0f} mm back past the tip."
            self._told.append(("coil.protrudes", "minor", text, vessel, middle))
        else:
            self._told.append(("coil.placed", "info", f"{spec.label} placed", vessel, middle))
        return None

    def take(self, t_s: float) -> list[Event]:
        """What happened since the last call."""
        out = [Event(t_s, code, grade, text, self.tree.names[v], (float(p[0]), float(p[1]), float(p[2])), {})
               for code, grade, text, v, p in self._told]
        self._told = []
        return out

    def _radius(self, vessel: int, at_mm: float) -> float:
        own = slice(int(self.tree.first[vessel]), int(self.tree.first[vessel + 1]))
        return float(np.interp(at_mm, self.tree.arc(vessel), self.tree.radius[own]))

    def _lodges(self, vessel: int, at_mm: float, most_mm: float) -> tuple[int, float, float]:
        """Vessel and place where the lumen is no wider than most_mm, from a place on with the widest branch, and how
        far that is, mm. At the end of the last branch at the latest."""
        way = 0.0
        while True:
            end = float(self.tree.arc(vessel)[-1])
            while at_mm < end and 2.0 * self._radius(vessel, at_mm) > most_mm:
                at_mm, way = at_mm + STEP_MM, way + STEP_MM
            if at_mm < end:
                return vessel, at_mm, way
            onward = [c for place, c in self._children[vessel] if place >= end - 1e-6]
            if not onward:
                return vessel, end, way
            vessel, at_mm = max(onward, key=lambda c: self._radius(c, 0.0)), 0.0

    def _nest(self, name: str, spec: CoilSpec, vessel: int, at_mm: float, packing: float) -> tuple[Coil, float]:
        """The nest from a place on, and how far it reaches back from there for want of room, mm."""
        radius, end = self._radius(vessel, at_mm), float(self.tree.arc(vessel)[-1])
        volume = 0.25 * math.pi * spec.wire_mm**2 * spec.length_mm
        length = volume / (packing * math.pi * radius**2)
        last = min(at_mm + length, end)
        first = max(last - length, 0.0)
        points, share = self._tangle(spec, vessel, first, last)
        return Coil(name, vessel, first, last, packing, spec.wire_mm, points, share), max(at_mm - first, 0.0)

    def _tangle(self, spec: CoilSpec, vessel: int, first: float, last: float) -> tuple[Floats, Floats]:
        """Points (N, 3) of the wire in its nest at end expiration, and their share (N,) of breathing. The loops turn
        about the vessel, tipped to and fro by a golden angle, so that no two nests look alike."""
        own = slice(int(self.tree.first[vessel]), int(self.tree.first[vessel + 1]))
        arc, line = self.tree.arc(vessel), self.tree.points[own]
        u = np.linspace(0.0, 1.0, max(12, round(spec.length_mm / POINT_MM)))
        along = first + u * (last - first)
        radius = 0.9 * np.interp(along, arc, self.tree.radius[own]) - 0.5 * spec.wire_mm
        center = np.stack([np.interp(along, arc, line[:, c]) for c in range(3)], axis=1)
        ahead = np.stack([np.interp(along + 0.5, arc, line[:, c]) for c in range(3)], axis=1)
        behind = np.stack([np.interp(along - 0.5, arc, line[:, c]) for c in range(3)], axis=1)
        tangent = (ahead - behind) / np.linalg.norm(ahead - behind, axis=1)[:, None]
        side = np.cross(tangent, np.eye(3)[int(np.argmin(np.abs(tangent[0])))])
        side /= np.linalg.norm(side, axis=1)[:, None]
        other = np.cross(tangent, side)
        mean = max(float(radius.mean()), 0.2)
        angle = u * spec.length_mm / mean
        tip = 2.399963 * len(self.placed) + 0.61803 * angle
        wide = np.maximum(radius, 0.1)[:, None]
        ring = np.cos(angle)[:, None] * side + np.sin(angle)[:, None] * other
        lean = (0.6 * np.sin(tip) * np.cos(angle))[:, None] * tangent
        share = np.interp(along, arc, self.tree.breathing[own])
        return center + wide * (ring * (0.75 + 0.25 * np.cos(tip))[:, None] + lean), share
