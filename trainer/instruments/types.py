"""Values that cross the border of the instruments layer."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class TipPose:
    """A device's tip: where it is and in which vessel."""

    slot: str
    position: Floats  # (3,) mm, breathing included
    direction: Floats  # (3,) unit
    vessel: int
    """Index into the tree; -1 while inside the sheath or outside the patient."""
    position_mm: float
    """Arc length along that vessel, mm."""
    lumen_radius_mm: float
    outer_radius_mm: float


@dataclass(frozen=True, slots=True)
class Sealing:
    """A balloon that is filled, or a valve: nodes first..last-1 of the centerline widen to a radius, mm.

    one_way: only against backward flow.
    """

    slot: str
    first: int
    last: int
    radius_mm: float
    one_way: bool


@dataclass(frozen=True, slots=True)
class Injury:
    """An injury of the wall, as flow and picture see it."""

    kind: str
    """spasm | dissection | perforation"""
    vessel: int
    position_mm: float
    length_mm: float
    """Of the narrowed part: about the place of a spasm, beyond that of a dissection; 0 for a hole."""
    left: float
    """Share of the radius left where it is narrowest."""


@dataclass(frozen=True, slots=True)
class Coil:
    """A coil where it lies, as flow and picture see it."""

    name: str
    """Of assets/coils."""
    vessel: int
    from_mm: float
    """Its nest, along the vessel."""
    to_mm: float
    packing: float
    """Share of the nest's volume that is wire."""
    wire_mm: float
    points: Floats  # (N, 3) mm along the wire, at end expiration
    breathing: Floats  # (N,) share of the liver's displacement


@dataclass(frozen=True, slots=True)
class Shapes:
    """The shared centerline after a step. N nodes from the sheath mouth (s = 0) to the most distal tip.

    device_end[k] is the arclength s at which device k (outermost first, order of `slots`) ends.
    """

    slots: tuple[str, ...]
    devices: tuple[str, ...]  # catalog ids
    nodes: Floats  # (N, 3) mm, breathing included
    s: Floats  # (N,) mm
    radius: Floats  # (N,) outer radius of the outermost device there, mm
    vessel: Ints  # (N,) vessel that holds the node, -1 none
    position_mm: Floats  # (N,) arc length along that vessel
    wall_force: Floats  # (N,) N per mm of length
    device_end: Floats  # (K,) mm
    tips: tuple[TipPose, ...]  # one per device
    hub_force: Floats  # (K,) N
    hub_torque: Floats  # (K,) N mm
    max_wall_force_N: float
    max_penetration_mm: float
    residual_N: float
    converged: bool
    sealings: tuple[Sealing, ...] = ()
    narrowed: tuple[tuple[str, float, float], ...] = ()
    """Kinks of lumens: slot, share of the inner diameter left, length, mm."""
    lumen_mm: Floats = field(default_factory=lambda: np.zeros(0))  # (N,) radius of the vessel at each node, mm
    injuries: tuple[Injury, ...] = ()
    """Injuries of the wall; the same object until one changes."""
    coils: tuple[Coil, ...] = ()
    """Coils left in the patient; the same object until one more comes."""
    offset_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Displacement of the liver by breathing that the nodes include."""
