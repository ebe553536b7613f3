"""Injuries of the wall in the picture: narrowed vessels, flaps as lucent lines, contrast that stays outside.

A flap is drawn as a thin frustum along the vessel, off its axis, that takes away the contrast of its cell.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from trainer.anatomy.types import Patient, VesselTree
from trainer.flow.types import Cells
from trainer.imaging.blush import Clouds
from trainer.imaging.geometry import Geometry
from trainer.imaging.patient_body import Scene
from trainer.imaging.pose import Pose
from trainer.imaging.vessels import frusta
from trainer.instruments.injuries import open_share
from trainer.instruments.types import Injury

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FLAP_SHARE = 0.33
"""Radius of the lucent line, by that of the vessel (authored)."""
FLAP_OFF = 0.35
"""Its distance from the axis, by the vessel's radius."""
DISSECTED_SHARE = 0.5
"""Share of the true lumen's narrowing that shows: the false lumen fills with contrast too."""
STAIN_BLOBS = 30
STAIN_MM = (2.0, 15.0)
"""Size of the smallest part of a stain and spread of all of them, mm (authored)."""


class Drawn:
    """Vessels, beds and stains as the picture shows them now. `injuries` are those that it has."""

    def __init__(self, patient: Patient, cells: Cells, beds: Clouds, seed: int) -> None:
        self._cells, self._tree, self._beds, self._seed = cells, patient.tree, beds, seed
        self._whole = frusta(cells, patient)
        self.rows, self.clouds, self.flaps = self._whole, beds, np.zeros(0, np.int64)
        self.injuries: tuple[Injury, ...] = ()

    def injure(self, injuries: tuple[Injury, ...]) -> None:
        """Takes over the injuries."""
        if [i for i in injuries if i.kind == "perforation"] != [i for i in self.injuries if i.kind == "perforation"]:
            self.clouds = stained(self._beds, self._tree, injuries, self._seed)
        self.injuries = injuries
        self.rows, self.flaps = injured_rows(self._whole, self._cells, injuries)

    def pose(self, geometry: Geometry, scene: Scene) -> Pose:
        """A view of them, not yet ready."""
        return Pose(geometry, scene, self.rows, self.clouds, self.flaps)

    def again(self, pose: Pose) -> Pose:
        """The same view of them as they are now, not yet ready; pose must be ready."""
        return pose.redrawn(self.rows, self.clouds, self.flaps)


def injured_rows(rows: Floats, cells: Cells, injuries: Sequence[Injury]) -> tuple[Floats, Ints]:
    """Frusta (C + F, 22) of the cells with their lumens narrowed, F of them flaps; the cells (F,) of the flaps."""
    out, flaps, of = rows.copy(), [], []
    for i in injuries:
        if i.length_mm <= 0.0:
            continue
        mine = np.flatnonzero((cells.vessel == i.vessel) & ~cells.is_vein)
        for column, at in ((6, cells.from_mm[mine]), (7, cells.to_mm[mine])):
            share = open_share(i, at)
            out[mine, column] *= share if i.kind == "spasm" else 1.0 - DISSECTED_SHARE * (1.0 - share)
        if i.kind == "dissection":
            within = mine[(cells.to_mm[mine] > i.position_mm) & (cells.from_mm[mine] < i.position_mm + i.length_mm)]
            flaps.append(_flap(out[within]))
            of.append(within)
    if not flaps:
        return out, np.zeros(0, np.int64)
    return np.concatenate([out, *flaps]), np.concatenate(of).astype(np.int64)


def _flap(rows: Floats) -> Floats:
    """Thin frusta beside the axes of rows (F, 22)."""
    flap = rows.copy()
    axis = rows[:, 3:6] - rows[:, 0:3]
    axis /= np.maximum(np.linalg.norm(axis, axis=1, keepdims=True), 1e-9)
    side = np.cross(axis, np.array([0.3, 1.0, 0.2]))
    side /= np.maximum(np.linalg.norm(side, axis=1, keepdims=True), 1e-9)
    flap[:, 0:3] += FLAP_OFF * rows[:, 6:7] * side
    flap[:, 3:6] += FLAP_OFF * rows[:, 7:8] * side
    flap[:, 6:8] *= FLAP_SHARE
    return flap


def stained(base: Clouds, tree: VesselTree, injuries: Sequence[Injury], seed: int) -> Clouds:
    """The clouds of the beds, and behind them one of each hole: irregular, beside the vessel."""
    first, means, covs, masses, shares = [], [], [], [], []
    holes = [i for i in injuries if i.kind == "perforation"]
    for k, hole in enumerate(holes):
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(81, k)))
        own = slice(int(tree.first[hole.vessel]), int(tree.first[hole.vessel + 1]))
        arc = tree.arc(hole.vessel)
        point = np.array([np.interp(hole.position_mm, arc, tree.points[own, c]) for c in range(3)])
        away = rng.normal(0.0, 1.0, 3)
        away /= np.linalg.norm(away)
        small, spread = STAIN_MM
        far = spread * rng.uniform(0.02, 1.0, STAIN_BLOBS)[:, None]
        means.append(point + far * (away + rng.normal(0.0, 0.55, (STAIN_BLOBS, 3))))
        s2 = (small * (0.5 + 1.2 * far[:, 0] / spread)) ** 2 * np.exp(rng.normal(0.0, 0.4, STAIN_BLOBS))
        zero = np.zeros(STAIN_BLOBS)
        covs.append(np.column_stack([s2, zero, zero, 1.4 * s2, zero, 0.8 * s2]))
        weight = rng.gamma(2.5, 1.0, STAIN_BLOBS)
        masses.append(weight / weight.sum())
        shares.append(float(np.interp(hole.position_mm, arc, tree.breathing[own])))
        first.append(int(base.first[-1]) + (k + 1) * STAIN_BLOBS)
    if not holes:
        return base
    return Clouds(np.concatenate([base.first, first]).astype(np.int64), np.vstack([base.mean, *means]),
                  np.vstack([base.cov, *covs]), np.concatenate([base.mass, *masses]),
                  np.concatenate([base.share, shares]))
