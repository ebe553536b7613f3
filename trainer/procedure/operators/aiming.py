"""Turning a shaped tip toward the wanted branch of a fork, by what the picture shows.

Depth is not seen. So the operator drives the C-arm to a view in which the branches lie apart, draws the wire
back before the fork and turns it once around: where its tip stands farthest to the wanted side it lies in the
plane of the picture, and points right.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainer.imaging.geometry import Geometry
from trainer.procedure.operators.base import VIEWS_DEG, Operator
from trainer.procedure.operators.eyes import flat
from trainer.procedure.operators.hands import Moves
from trainer.procedure.operators.plan import Aside, Way
from trainer.units import rad

Floats = NDArray[np.float64]

LEAD_MM = 6.0
"""Distance from a fork at which the directions of its branches are taken."""
SHAFT_NODES = 12
"""Points of the seen course behind the tip against which its side is judged."""
STEP_RAD = math.radians(15.0)
NEAR_BEST_MM = 0.5
OFFSETS_DEG = (0.0, 30.0, 330.0, 60.0, 300.0, 90.0, 270.0, 120.0, 240.0, 180.0)
"""Aims tried one after the other: what is seen in one plane may still miss in depth. Never turned back, which
would first unwind the twist that the shaft has stored."""
OPEN_ENOUGH = 0.75
WORTH_A_DRIVE = 0.15
NEAREST_MM = 15.0


@dataclass(frozen=True, slots=True)
class Crossing:
    """A fork on the way: where it is, and which way the wanted branch parts from the other."""

    s_mm: float
    at: Floats  # (3,) mm
    toward: Floats  # (3,) unit vector across the parent, from the other branch to the wanted one
    along: Floats  # (3,) unit vector of the parent


def crossing_of(way: Way, aside: Aside) -> Crossing | None:
    """The fork at which a branch leaves the way; None where the branch runs along with it."""
    at, wanted = way.points[way.at(aside.s_mm)], way.points[way.at(aside.s_mm + LEAD_MM)]
    along = at - way.points[way.at(aside.s_mm - LEAD_MM)]
    along = along / max(float(np.linalg.norm(along)), 1e-9)
    reach = np.linalg.norm(aside.points - aside.points[0], axis=1)
    other = aside.points[min(int(np.searchsorted(reach, LEAD_MM)), len(aside.points) - 1)]
    toward = _unit(wanted - at) - _unit(other - at)
    toward = toward - (toward @ along) * along
    if np.linalg.norm(toward) < 0.1:
        return None
    return Crossing(aside.s_mm, at, _unit(toward), along)


def openness(crossing: Crossing, view_deg: tuple[float, float]) -> tuple[float, float]:
    """Share of the sideways and of the parent's direction that lies in the picture's plane of a view."""
    x, y, z = (float(v) for v in crossing.at)
    geometry = Geometry(primary=rad(view_deg[0]), secondary=rad(view_deg[1]), isocenter=(x, y, z))
    seen = [
        float(np.linalg.norm(np.diff(flat(geometry, np.array([crossing.at, crossing.at + 5.0 * d])), axis=0))) / 5.0
        for d in (crossing.toward, crossing.along)
    ]
    return seen[0], seen[1]


def open_view(crossing: Crossing, views: Iterable[tuple[float, float]] = VIEWS_DEG) -> tuple[float, float]:
    """The view that shows the branches of a fork best apart."""

    def worth(view: tuple[float, float]) -> float:
        across, along = openness(crossing, view)
        return across + 0.3 * along - 0.001 * (abs(view[0]) + abs(view[1]))

    return max(views, key=worth)


class Aiming(Operator):
    """Needs what Operator has."""

    def crossing_near(self, slot: str, s_mm: float) -> Crossing | None:
        """The fork at which a tip that is off the way must have gone wrong."""
        aside = self.eyes.nearest_aside(self.way, slot, s_mm, NEAREST_MM)
        return None if aside is None else crossing_of(self.way, aside)

    def aim(self, slot: str, crossing: Crossing, offset_rad: float) -> Moves:
        """Turns a wire, its tip drawn back before a fork, until it is seen to point to the wanted branch."""
        xray = self.frame.xray
        now, best = (xray.primary_deg, xray.secondary_deg), open_view(crossing)
        seen = openness(crossing, now)[0]
        if seen < OPEN_ENOUGH and openness(crossing, best)[0] > seen + WORTH_A_DRIVE:
            yield from self.view(*best)
        farthest = -math.inf
        for _ in range(round(2.0 * math.pi / STEP_RAD)):
            yield from self.turn(slot, STEP_RAD, 4.0)
            yield from self.glance()
            farthest = max(farthest, self.to_side(crossing))
        for _ in range(round(2.5 * math.pi / STEP_RAD)):
            if self.to_side(crossing) > farthest - NEAR_BEST_MM:
                break
            yield from self.turn(slot, STEP_RAD, 4.0)
            yield from self.glance()
        if offset_rad > 0.0:
            yield from self.turn(slot, offset_rad, 4.0)

    def to_side(self, crossing: Crossing) -> float:
        """How far the leading tip is seen to stand toward the wanted branch, mm from its own shaft."""
        sight = self.eyes.sight
        if sight is None or len(sight.shape) <= SHAFT_NODES:
            return -math.inf
        root, end = flat(sight.geometry, np.array([crossing.at, crossing.at + LEAD_MM * crossing.toward]))
        return float((sight.shape[-1] - sight.shape[-SHAFT_NODES]) @ _unit(end - root))


def _unit(vector: Floats) -> Floats:
    out: Floats = vector / max(float(np.linalg.norm(vector)), 1e-9)
    return out
