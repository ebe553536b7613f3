"""The device catalog: YAML files under assets/devices, and the user's own."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from trainer.errors import DeviceError, nearest
from trainer.instruments.profile import Profile, make_profile
from trainer.resources import resource
from trainer.textfile import StrictModel, line_of, read_model

Kind = Literal["sheath", "catheter", "wire", "microcatheter", "microwire"]

SLOT_OF: Mapping[str, str] = {k: k for k in ("catheter", "wire", "microcatheter", "microwire")}
"""Slot that takes each kind; a sheath is part of the access."""


STRAIGHT_END_MM, MOST_BENT_DEG = 1.0, 120.0
"""A tip that is shaped by hand: its end stays straight, and a sharper bend would break it (unverified)."""


class StiffnessPoint(StrictModel):
    """Stiffness at a distance from the tip; joined linearly, constant beyond the last point."""

    from_tip_mm: float = Field(ge=0)
    bend_Nmm2: float = Field(gt=0)
    twist_Nmm2: float = Field(gt=0)


class Arc(StrictModel):
    """A piece of the tip's natural shape, counted from the tip. plane_deg turns about the device's axis."""

    length_mm: float = Field(gt=0)
    angle_deg: float = 0.0
    plane_deg: float = 0.0


class XrayLayer(StrictModel):
    """A tube (or core, inner_mm 0) of one material between two distances from the tip."""

    material: str
    outer_mm: float = Field(gt=0)
    inner_mm: float = Field(default=0.0, ge=0)
    from_tip_mm: float = Field(default=0.0, ge=0)
    to_tip_mm: float | None = None
    """None: to the hub."""


class SideHoles(StrictModel):
    """Holes in the wall between two distances from the tip; fluid leaves through them and the end alike."""

    count: int = Field(gt=0)
    from_tip_mm: float = Field(ge=0)
    to_tip_mm: float = Field(ge=0)


class Seal(StrictModel):
    """A part that widens: a balloon, or a valve that opens against backward flow. Closes arteries up to its
    diameter."""

    from_tip_mm: float = Field(ge=0)
    length_mm: float = Field(gt=0)
    diameter_mm: float = Field(gt=0)


class DeviceSpec(StrictModel):
    """One device. mm, N mm2, mL, psi; angles in degrees. Every value has its source in `sources`."""

    id: str = ""
    kind: Kind
    label: str
    outer_diameter_mm: float = Field(gt=0)
    inner_diameter_mm: float = Field(default=0.0, ge=0)
    """Lumen; 0 for wires."""
    length_mm: float = Field(gt=20, le=4000)
    dead_space_mL: float = Field(default=0.0, ge=0)
    max_pressure_psi: float = Field(default=0.0, ge=0)
    friction: float = Field(gt=0, lt=1)
    """Coulomb coefficient against a wet vessel wall, and inside another device."""
    hand_N: tuple[float, float] = (4.0, 8.0)
    """Axial force where the hand begins to give way, and where it moves no further."""
    stiffness: tuple[StiffnessPoint, ...] = Field(min_length=1)
    tip: tuple[Arc, ...] = ()
    shapeable_mm: float = Field(default=0.0, ge=0)
    """Length of the tip that the operator may bend before insertion; 0 when it keeps its shape."""
    kink_radius_mm: float | None = Field(default=None, gt=0)
    """Smallest bend radius; None: that of its kind in assets/mishaps/mishaps.yaml."""
    side_holes: SideHoles | None = None
    balloon: Seal | None = None
    valve: Seal | None = None
    xray: tuple[XrayLayer, ...] = Field(min_length=1)
    sources: Mapping[str, str]
    """Source or `unverified` per key, e.g. {stiffness: "unverified: tube geometry"}."""

    @model_validator(mode="after")
    def _check(self) -> DeviceSpec:
        if self.inner_diameter_mm >= self.outer_diameter_mm:
            raise ValueError("inner_diameter_mm must be smaller than outer_diameter_mm")
        if self.kind in ("sheath", "catheter", "microcatheter") and self.inner_diameter_mm <= 0:
            raise ValueError(f"a {self.kind} needs inner_diameter_mm")
        if not 0.0 < self.hand_N[0] < self.hand_N[1]:
            raise ValueError("hand_N must be two rising forces")
        at = [p.from_tip_mm for p in self.stiffness]
        if any(b <= a for a, b in pairwise(at)):
            raise ValueError("stiffness points must rise in from_tip_mm")
        if sum(a.length_mm for a in self.tip) > self.length_mm:
            raise ValueError("the tip shape is longer than the device")
        if self.shapeable_mm > 0.0 and sum(a.length_mm for a in self.tip) > self.shapeable_mm:
            raise ValueError("the tip shape is longer than shapeable_mm")
        for name in ("side_holes", "balloon", "valve"):
            if getattr(self, name) is not None and self.kind not in ("catheter", "microcatheter"):
                raise ValueError(f"a {self.kind} has no {name}")
        for layer in self.xray:
            if layer.inner_mm >= layer.outer_mm:
                raise ValueError(f"xray layer of {layer.material}: inner_mm must be smaller than outer_mm")
        missing = {"stiffness", "friction", "hand_N", "outer_diameter_mm", "length_mm", "xray"} - set(self.sources)
        if missing:
            raise ValueError(f"sources lacks {', '.join(sorted(missing))} (write 'unverified' if so)")
        return self

    @property
    def unverified(self) -> tuple[str, ...]:
        """Keys whose value has no source that was read."""
        return tuple(k for k, v in self.sources.items() if v.startswith("unverified"))

    @property
    def openings_mm(self) -> tuple[float, ...]:
        """Distances from the tip at which the lumen is open: the end, and side holes."""
        holes = self.side_holes
        if holes is None:
            return (0.0,)
        return (0.0, *(float(d) for d in np.linspace(holes.from_tip_mm, holes.to_tip_mm, holes.count)))

    def profile(self) -> Profile:
        """Tables for the mechanics."""
        return make_profile(
            self.length_mm, 0.5 * self.outer_diameter_mm,
            [(p.from_tip_mm, p.bend_Nmm2, p.twist_Nmm2) for p in self.stiffness],
            [(a.length_mm, math.radians(a.angle_deg), math.radians(a.plane_deg)) for a in self.tip],
        )

    def shaped(self, tip_mm: float, tip_deg: float) -> DeviceSpec:
        """The device with its tip bent by an angle over a length behind a straight millimeter. Raises ValueError,
        in words for the operator, when it cannot be bent so."""
        if self.shapeable_mm <= 0.0:
            raise ValueError(f"{self.label} keeps its shape: its tip cannot be bent.")
        if not (math.isfinite(tip_mm) and 1.0 <= tip_mm <= self.shapeable_mm - STRAIGHT_END_MM):
            raise ValueError(f"The tip of {self.label} can be bent over 1 to "
                             f"{self.shapeable_mm - STRAIGHT_END_MM:g} mm, not {tip_mm:g}.")
        if not (math.isfinite(tip_deg) and abs(tip_deg) <= MOST_BENT_DEG):
            raise ValueError(f"A tip is bent by up to {MOST_BENT_DEG:g} degrees, not {tip_deg:g}.")
        arcs = (Arc(length_mm=STRAIGHT_END_MM), Arc(length_mm=tip_mm, angle_deg=tip_deg))
        return self.model_copy(update={"tip": arcs})

    def passes(self, outer: DeviceSpec) -> bool:
        """Whether this device fits through the lumen of another."""
        return self.outer_diameter_mm < outer.inner_diameter_mm


class CatalogFile(StrictModel):
    """One file of the catalog."""

    format: Literal[1]
    devices: Mapping[str, DeviceSpec]


@dataclass(frozen=True)
class Catalog:
    """All devices known, by id."""

    devices: Mapping[str, DeviceSpec]

    def __getitem__(self, device_id: str) -> DeviceSpec:
        """A device. Raises DeviceError naming the nearest id."""
        try:
            return self.devices[device_id]
        except KeyError:
            raise DeviceError(f"no device '{device_id}' in the catalog", mend=nearest(device_id, self.devices)) \
                from None

    def of_kind(self, kind: str) -> tuple[DeviceSpec, ...]:
        return tuple(d for d in self.devices.values() if d.kind == kind)

    @cached_property
    def version(self) -> str:
        """Digest of everything in the catalog, for recordings."""
        text = "\n".join(d.model_dump_json() for _, d in sorted(self.devices.items()))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def load_catalog(extra_dirs: Iterable[Path] = ()) -> Catalog:
    """The shipped devices and those of further folders. Raises ScenarioError, FileError or DeviceError
    naming file and line."""
    devices: dict[str, DeviceSpec] = {}
    for folder in (resource("assets", "devices"), *extra_dirs):
        for path in sorted(folder.glob("*.yaml")):
            model, node = read_model(CatalogFile, path)
            for device_id, spec in model.devices.items():
                if device_id in devices:
                    raise DeviceError(f"the device '{device_id}' exists already",
                                      where=f"{path}:{line_of(node, ('devices', device_id))}",
                                      mend="Give it another id.")
                devices[device_id] = spec.model_copy(update={"id": device_id})
    return Catalog(devices)
