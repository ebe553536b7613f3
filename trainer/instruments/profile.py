"""What one device is along its length, as tables that kernels read. Distance d runs from the tip, mm."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

TABLE_MM = 0.5
"""Spacing of the tables."""


class Profile(NamedTuple):
    """Tables of one device at d = 0, TABLE_MM, ... (T,)."""

    length: float  # mm, tip to hub
    outer_radius: float  # mm
    bend: Floats  # EI, N mm2
    twist: Floats  # integral of 1/GJ from the tip to d, 1/(N mm)
    turn1: Floats  # integral of natural curvature about the first director from the tip to d, rad
    turn2: Floats  # about the second


def make_profile(length_mm: float, outer_radius_mm: float, stiffness: ArrayLike,
                 arcs: ArrayLike = ()) -> Profile:
    """A profile from stiffness points (d_mm, EI, GJ), rising in d and joined linearly (constant beyond the
    last), and arcs from the tip (length_mm, angle_rad, plane_rad): each bends by its angle over its length."""
    d = np.arange(0.0, length_mm + 2 * TABLE_MM, TABLE_MM)
    points = np.atleast_2d(np.asarray(stiffness, float))
    ei = np.interp(d, points[:, 0], points[:, 1])
    gj = np.interp(d, points[:, 0], points[:, 2])
    flex = 1.0 / gj
    twist = np.concatenate([[0.0], np.cumsum(0.5 * TABLE_MM * (flex[1:] + flex[:-1]))])
    knots, one, two = [0.0], [0.0], [0.0]
    for arc_mm, angle, plane in np.asarray(arcs, float).reshape(-1, 3):
        knots.append(knots[-1] + arc_mm)
        one.append(one[-1] + angle * np.cos(plane))
        two.append(two[-1] + angle * np.sin(plane))
    return Profile(float(length_mm), float(outer_radius_mm), ei, twist, np.interp(d, knots, one),
                   np.interp(d, knots, two))


class Tables(NamedTuple):
    """Profiles of the devices in the stack, padded to one width: (K, T)."""

    length: Floats  # (K,)
    radius: Floats  # (K,)
    bend: Floats
    twist: Floats
    turn1: Floats
    turn2: Floats


def stack_tables(profiles: list[Profile]) -> Tables:
    """Tables of several devices, outermost first."""
    width = max(len(p.bend) for p in profiles)

    def pad(rows: list[Floats]) -> Floats:
        return np.array([np.pad(r, (0, width - len(r)), mode="edge") for r in rows])

    return Tables(np.array([p.length for p in profiles]), np.array([p.outer_radius for p in profiles]),
                  pad([p.bend for p in profiles]), pad([p.twist for p in profiles]),
                  pad([p.turn1 for p in profiles]), pad([p.turn2 for p in profiles]))


@njit(cache=True, nogil=True)
def read(table: Floats, d: float) -> float:
    """Linear interpolation in a table at distance d from the tip, clamped at both ends."""
    place = d / TABLE_MM
    if place <= 0.0:
        return float(table[0])
    i = int(place)
    if i >= table.shape[0] - 1:
        return float(table[table.shape[0] - 1])
    share = place - i
    return float(table[i] * (1.0 - share) + table[i + 1] * share)
