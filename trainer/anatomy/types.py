"""The patient as flat arrays. Built once by `build.build_patient`; never changed afterwards.

Frame: patient LPS, mm, origin at the celiac ostium. The arrays describe the patient at end expiration;
breathing adds `tree.breathing[p] * offset` to point p (see motion.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class VesselTree:
    """Vessels as polylines with radii. V vessels, P points in all; vessel v owns points first[v]:first[v+1].

    A vessel begins at its parent's centerline: points[first[v]] == points[attach[v]], where attach[v] is
    the index of a point of the parent (-1 for the root). Radii are the vessel's own from its first point on.
    Parents come before children. Spacing of points is at most about 2 mm in named vessels.
    """

    names: tuple[str, ...]
    parent: Ints  # (V,) -1 for the root
    first: Ints  # (V+1,)
    points: Floats  # (P, 3) mm
    radius: Floats  # (P,) mm
    attach: Ints  # (V,) index into points, -1 for the root
    breathing: Floats  # (P,) share of the liver's displacement, 0..1
    generated: Bools  # (V,) True for vessels of the generated distal trees
    joins: tuple[tuple[int, int], ...] = ()
    """Arcades: (vessel whose distal end opens into another one, index of the point there)."""

    @property
    def count(self) -> int:
        return len(self.names)

    def index(self, name: str) -> int:
        """Index of a vessel. Raises ValueError when there is none of this name."""
        return self.names.index(name)

    def arc(self, v: int) -> Floats:
        """Arc length along vessel v at each of its points, mm, from 0 at its first point."""
        p = self.points[self.first[v] : self.first[v + 1]]
        steps = np.linalg.norm(np.diff(p, axis=0), axis=1)
        return np.concatenate([[0.0], np.cumsum(steps)])

    def path(self, v: int) -> list[int]:
        """Vessels from the root to v, v included."""
        out = [v]
        while self.parent[out[-1]] >= 0:
            out.append(int(self.parent[out[-1]]))
        return out[::-1]


@dataclass(frozen=True, slots=True)
class Beds:
    """Capillary beds, one per terminal vessel end (B in all). A vessel that ends without children has
    exactly one bed at its distal end; every bed has such a vessel."""

    vessel: Ints  # (B,) the terminal vessel
    territory: Ints  # (B,) index into Patient.territories
    center: Floats  # (B, 3) mm
    sigma: Floats  # (B, 3) mm, semi-axes of the Gaussian blob that is its blush
    tissue_mL: Floats  # (B,) volume of tissue perfused
    flow_mL_s: Floats  # (B,) mean flow at rest that the bed's resistance is set for
    transit_s: Floats  # (B,) mean transit time artery to vein at rest
    breathing: Floats  # (B,)
    vein: Ints  # (B,) index into Patient.veins of the vein that drains it, -1: straight to the systemic pool


@dataclass(frozen=True, slots=True)
class Territory:
    """Tissue with a name. organ: tumor | liver | an organ's name (gallbladder, stomach, ...) | systemic."""

    name: str
    organ: str
    segment: str = ""
    """Couinaud segment '1'..'8' for liver and tumor."""


@dataclass(frozen=True, slots=True)
class Tumor:
    name: str
    center: Floats  # (3,) mm
    diameter_mm: float
    segment: str
    feeder: str
    """Name of the vessel whose only bed is the tumor's (or of the trunk of all tumor vessels)."""


@dataclass(frozen=True, slots=True)
class Breathing:
    rate_hz: float
    amplitude_mm: tuple[float, float, float]
    """Displacement of the liver at full inspiration (LPS; caudal is negative z)."""
    hold_drift_mm: float
    """How far a held breath still drifts."""


@dataclass(frozen=True, slots=True)
class Heart:
    rate_bpm: float
    systolic_mmHg: float
    diastolic_mmHg: float
    mean_mmHg: float


@dataclass(frozen=True, slots=True)
class Access:
    """Where the sheath lies: its mouth on a vessel's centerline and the direction into the patient."""

    route: str  # right_femoral | left_femoral | left_radial
    vessel: str
    mouth: Floats  # (3,) mm
    direction: Floats  # (3,) unit vector of the sheath at its mouth, pointing into the patient
    sheath_inner_mm: float
    sheath_mm: float = 0.0
    """Length from the mouth back to the sheath's hub, where the hub of a device comes to a stop."""
    punctured: str = ""
    """Vessel that is punctured, and where along it by its anatomy, mm."""
    puncture_mm: float = 0.0


@dataclass(frozen=True, slots=True)
class Couinaud:
    """Liver surfaces and segment rule; see couinaud.py for the functions."""

    surfaces: tuple[tuple[Floats, Floats], ...]  # (center (3,), coefficients (81,)) of each closed surface
    planes: Mapping[str, tuple[Floats, float]]  # name -> (normal, d): positive side normal.x > d


@dataclass(frozen=True, slots=True)
class Shunt:
    """A way from the end of an artery into a vein, past all tissue."""

    vessel: int
    vein: int
    """Index into Patient.veins, -1: straight to the systemic pool. Portal branches are entered at their beginning."""
    conductance: float
    """mL/s/mmHg"""
    caliber_um: float = 1000.0
    """Widest sphere that passes."""


@dataclass(frozen=True, slots=True)
class Stenosis:
    """A narrowing whose diameter falls and rises again linearly. The tree's radii have it already."""

    vessel: int
    at_mm: float
    length_mm: float
    share: float
    """Diameter left in its middle."""

    def factor(self, arc_mm: Floats) -> Floats:
        """Diameter (N,) along its vessel as a share of the healthy one."""
        near = np.clip(1.0 - np.abs(arc_mm - self.at_mm) / (0.5 * self.length_mm), 0.0, 1.0)
        return np.asarray(1.0 - (1.0 - self.share) * near)


@dataclass(frozen=True, slots=True)
class Patient:
    tree: VesselTree
    beds: Beds
    territories: tuple[Territory, ...]
    veins: VesselTree
    """Portal and hepatic veins, for late phases. Roots are outlets; children drain into their parents."""
    vein_kind: tuple[str, ...]
    """Per vein: portal (splenic, mesenteric, trunk), hepatic and systemic veins run toward their parents;
    portal_branch (intrahepatic portal branches) runs from the portal trunk's first point into the liver."""
    tumors: tuple[Tumor, ...]
    liver: Couinaud
    breathing: Breathing
    heart: Heart
    access: Access
    body: Mapping[str, float] = field(default_factory=dict)
    """Options of the X-ray body, e.g. size (1 = as measured)."""
    ct: Path | None = None
    """Body file of the patient's own CT, in place of the built-in body."""
    viscosity_mPa_s: float = 3.5
    shunts: tuple[Shunt, ...] = ()
    """Arterioportal and hepatic-vein shunts."""
    stenoses: tuple[Stenosis, ...] = ()

    def territory_index(self, name: str) -> int:
        return [t.name for t in self.territories].index(name)
