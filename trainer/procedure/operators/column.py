"""What the eye makes of a contrast column in the live picture.

The grey along a vessel changes with what the breath moves over it. An operator knows the picture without contrast
and sees only what differs from it: darkness is compared with that of the same state of the breath.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainer.imaging.geometry import Geometry

Floats = NDArray[np.float64]

BESIDE_MM = 5.0
"""Distance from a vessel at which its surroundings are looked at."""
BREATH_BINS = 8
LEAST_GREY = 5.0
"""Darkening that an eye can just tell, grey levels."""


@dataclass(frozen=True, slots=True)
class Glimpse:
    """Darkness of two parts of the way in one exposure, grey levels above the surroundings."""

    breath: float
    ahead: float
    behind: float


def darkness(live: NDArray[np.uint8], geometry: Geometry, course: Floats) -> float:
    """How much darker a course (N, 3) mm is than its surroundings in a picture, grey levels."""
    px = geometry.resized(live.shape[0]).project(course)
    along = np.gradient(px, axis=0)
    normal = np.stack([-along[:, 1], along[:, 0]], axis=1)
    normal /= np.linalg.norm(normal, axis=1)[:, None] + 1e-9
    wide = BESIDE_MM / geometry.pixel_iso_mm

    def grey(at: Floats) -> float:
        c = np.clip(np.rint(at).astype(int), 0, live.shape[0] - 1)
        return float(live[c[:, 1], c[:, 0]].mean())

    return 0.5 * (grey(px + wide * normal) + grey(px - wide * normal)) - grey(px)


class Clear:
    """The picture without contrast, by the state of the breath."""

    def __init__(self, seen: Sequence[Glimpse]) -> None:
        self._breath, self._ahead, self._behind = np.zeros(1), np.zeros(1), np.zeros(1)
        if seen:
            breath, ahead, behind = np.array([(g.breath, g.ahead, g.behind) for g in seen]).T
            place = np.clip((breath * BREATH_BINS).astype(int), 0, BREATH_BINS - 1)
            filled = np.unique(place)
            self._breath, self._ahead, self._behind = (
                np.array([v[place == b].mean() for b in filled]) for v in (breath, ahead, behind)
            )

    def ahead(self, seen: Sequence[Glimpse]) -> float:
        """Mean darkening beyond the tip over some exposures, grey levels; 0 without any."""
        return self._excess([(g.breath, g.ahead) for g in seen], self._ahead)

    def behind(self, seen: Sequence[Glimpse]) -> float:
        """Mean darkening behind the tip over some exposures, grey levels; 0 without any."""
        return self._excess([(g.breath, g.behind) for g in seen], self._behind)

    def _excess(self, seen: Sequence[tuple[float, float]], clear: Floats) -> float:
        if not seen:
            return 0.0
        breath, dark = np.array(seen).T
        return float(np.mean(dark - np.interp(breath, self._breath, clear)))


def standing(early: float, late: float) -> float:
    """Share of a contrast column that is left after a watch (0 cleared .. 1 stands).

    early: darkening at the end of an injection; late: at the end of the watch, both in grey levels. A column that
    can hardly be seen was washed on by brisk flow: it does not stand.
    """
    return late / early if min(early, late) > LEAST_GREY else 0.0
