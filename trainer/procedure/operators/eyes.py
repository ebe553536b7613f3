"""What a trained eye reads from the live monitor: where the devices' tips are in the picture.

A sight is two-dimensional and exists only while the beam is on. Depth is not seen; the operator gets it from
the planning CT by matching the seen tip to the known way.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainer.frame import Frame, XrayView
from trainer.imaging.geometry import Geometry
from trainer.procedure.operators.plan import Aside, Way

Floats = NDArray[np.float64]

BEAM_KINDS = ("fluoro", "dsa", "roadmap")
LOOK_BACK_MM = 25.0
LOOK_AHEAD_MM = 15.0
LEARN = 0.4
KEPT = 12
"""Steps remembered: a picture comes some steps after its pulse."""
PRIOR_WEIGHT = 0.2
"""Millimeters of picture distance that a millimeter of disagreement with the hub's length is worth."""


@dataclass(frozen=True, slots=True)
class Sight:
    t_s: float
    geometry: Geometry
    breath: float
    tips: Mapping[str, Floats]
    """Tip by slot, (2,) mm in the picture at the isocenter's scale: right, down."""
    shape: Floats
    """(N, 2) mm, the devices' course in the picture."""
    fed: Mapping[str, float]
    """Inserted length, mm, of each device at that time."""


@dataclass(frozen=True, slots=True)
class Place:
    """A seen tip matched to the way."""

    s_mm: float
    off_mm: float
    """Distance in the picture between the tip and the way there."""


def geometry_of(xray: XrayView) -> Geometry:
    """The C-arm's position as the monitor's readout shows it."""
    return Geometry(
        primary=math.radians(xray.primary_deg),
        secondary=math.radians(xray.secondary_deg),
        isocenter=xray.isocenter_mm,
        field_mm=xray.fov_mm,
        sid=xray.sid_mm,
        sod=xray.sod_mm,
    )


def flat(geometry: Geometry, points: Floats) -> Floats:
    """Picture positions (N, 2) in mm at the isocenter's scale of points (N, 3) mm."""
    out: Floats = geometry.project(points) * geometry.pixel_iso_mm
    return out


class Eyes:
    """Keeps the newest sight and matches tips to a way."""

    def __init__(self) -> None:
        self.sight: Sight | None = None
        self._seen = -1
        self._slack: dict[str, float] = {}
        self._lately: deque[Frame] = deque(maxlen=KEPT)

    def look(self, frame: Frame) -> None:
        """Takes in the live monitor if it shows a new exposure: devices as they were at its pulse."""
        self._lately.append(frame)
        xray = frame.xray
        if xray.live_id == self._seen or xray.live_kind not in BEAM_KINDS or not xray.beam_on:
            return
        self._seen = xray.live_id
        geometry = geometry_of(xray)
        then = min(self._lately, key=lambda f: abs(f.t_s - xray.live_t_s))
        tips = {slot: flat(geometry, np.array([p]))[0] for slot, p in then.truth.tip_mm.items()}
        course = then.truth.centerline_mm
        shape = flat(geometry, course) if len(course) else np.zeros((0, 2))
        fed = {d.slot: d.inserted_mm for d in then.devices}
        self.sight = Sight(then.t_s, geometry, then.vitals.breath, tips, shape, fed)

    def forget_slack(self, slot: str) -> None:
        """After a device was exchanged its hub length starts anew."""
        self._slack.pop(slot, None)

    def expect(self, slot: str, inserted_mm: float, s_mm: float) -> None:
        """Tells where a device's tip must be now, so that later sights are matched from there."""
        self._slack[slot] = inserted_mm - s_mm

    def expected(self, slot: str, inserted_mm: float) -> float:
        """Where the tip should be by the length that was fed in."""
        return inserted_mm - self._slack.get(slot, 0.0)

    def place(self, way: Way, slot: str) -> Place | None:
        """Where along the way the tip of a device is seen, or None when it is not in sight."""
        sight = self.sight
        if sight is None or slot not in sight.tips:
            return None
        inserted_mm = sight.fed.get(slot, 0.0)
        prior = self.expected(slot, inserted_mm)
        near = (way.s > prior - LOOK_BACK_MM) & (way.s < prior + LOOK_AHEAD_MM)
        if near.sum() < 2:
            near = np.abs(way.s - np.clip(prior, way.s[0], way.s[-1])) < LOOK_AHEAD_MM
        course = flat(sight.geometry, way.moved(sight.breath)[near])
        distance = np.linalg.norm(course - sight.tips[slot], axis=1)
        cost = distance + PRIOR_WEIGHT * np.abs(way.s[near] - prior)
        best = int(np.argmin(cost))
        found = Place(float(way.s[near][best]), float(distance[best]))
        i = min(best, len(course) - 2)
        plain = float(np.linalg.norm(course[i + 1] - course[i]) / (way.s[1] - way.s[0]))
        if found.off_mm < 3.0:
            # a foreshortened course tells little about the depth reached
            gain = LEARN * min(plain, 1.0) ** 2
            self._slack[slot] = inserted_mm - prior + gain * (prior - found.s_mm)
        return found

    def sighted(self, way: Way, slot: str, from_mm: float, to_mm: float) -> float:
        """Length along a part of the way at which a tip is seen nearest, whatever was fed in."""
        part = (way.s >= from_mm) & (way.s <= to_mm)
        sight = self.sight
        if sight is None or slot not in sight.tips or not part.any():
            return from_mm
        course = flat(sight.geometry, way.moved(sight.breath)[part])
        return float(way.s[part][int(np.argmin(np.linalg.norm(course - sight.tips[slot], axis=1)))])

    def beside(self, way: Way, slot: str, s_mm: float) -> float:
        """Distance in the picture from a tip to the nearest branch that left the way lately, mm."""
        return min((d for d, _ in self._asides(way, slot, s_mm)), default=math.inf)

    def nearest_aside(self, way: Way, slot: str, s_mm: float, most_mm: float) -> Aside | None:
        """The branch off the way, left lately, that a tip is seen nearest to; None when none is near."""
        near = [(d, a.s_mm, a) for d, a in self._asides(way, slot, s_mm) if d < most_mm]
        return min(near, key=lambda n: n[:2])[2] if near else None

    def _asides(self, way: Way, slot: str, s_mm: float) -> list[tuple[float, Aside]]:
        """Branches that left the way lately, with the distance in the picture from a tip to each, mm."""
        sight = self.sight
        if sight is None or slot not in sight.tips:
            return []
        out = []
        for aside in way.asides:
            if s_mm - LOOK_BACK_MM < aside.s_mm < s_mm + 4.0:
                clear = 2.0 * float(way.radius[way.at(aside.s_mm - 2.0)])
                away = np.linalg.norm(aside.points - aside.points[0], axis=1) > clear
                moved = aside.points + aside.breathing[:, None] * (sight.breath * way.amplitude_mm)
                distance = np.linalg.norm(flat(sight.geometry, moved[away]) - sight.tips[slot], axis=1)
                if len(distance):
                    out.append((float(distance.min()), aside))
        return out
