"""Poses single and coaxial rods in free space: the public test interface of the mechanics.

The same kernels serve the trainer. See README.md for a case in ten lines.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trainer.instruments.assemble import new_rod
from trainer.instruments.band import even, solve_band
from trainer.instruments.elastic import bishop
from trainer.instruments.mesh import GHOST_MM
from trainer.instruments.model import Law, Report, Rod
from trainer.instruments.newton import equilibrium, system
from trainer.instruments.profile import Profile, make_profile, stack_tables

Floats = NDArray[np.float64]

FREE = Law(drag=0.0, tolerance=1e-9, still=1e-6, iterations=400, max_move=5.0, reach=1e9)
"""Free space, solved to convergence."""
HELD = 1e12
"""Stiffness, N/mm and N mm, that holds a clamped end."""


@dataclass(frozen=True, slots=True)
class Device:
    """One rod of a case: stiffness N mm2, natural curvature 1/mm in its plane, how far it is inserted."""

    length_mm: float
    bend: float
    twist: float
    curvature: float = 0.0
    plane_rad: float = 0.0
    hub_rad: float = 0.0
    radius_mm: float = 0.3

    def profile(self) -> Profile:
        return make_profile(self.length_mm, self.radius_mm, [(0.0, self.bend, self.twist)],
                            [(self.length_mm, self.curvature * self.length_mm, self.plane_rad)])


@dataclass(frozen=True, slots=True)
class Posed:
    """A solved case. Nodes (N, 3) from the clamp on, their arclength s (N,), twist (K, N-1) of edges."""

    nodes: Floats
    s: Floats
    twist: Floats
    report: Report
    rod: Rod = field(repr=False)

    def bend_angle(self) -> float:
        """Bend summed over all vertices from the clamp to the last edge, rad."""
        t = np.diff(self.rod.x, axis=0)
        t /= np.linalg.norm(t, axis=1)[:, None]
        cosine = np.clip((t[1:] * t[:-1]).sum(1), -1, 1)
        return float(np.arccos(cosine).sum())


def pose_rod(devices: tuple[Device, ...], nodes: int = 201, tip_load_N: ArrayLike = (0.0, 0.0, 0.0),
             tip_torque_Nmm: ArrayLike = 0.0, bow_mm: float = 0.0) -> Rod:
    """A rod clamped at the origin along +z, first director +x, straight (with a bow of `bow_mm` in x as
    imperfection), hubs at the clamp. Not yet solved."""
    tables = stack_tables([d.profile() for d in devices])
    tips = np.array([d.length_mm for d in devices])
    s = np.concatenate([[-GHOST_MM], np.linspace(0.0, tips.max(), nodes)])
    x = np.zeros((len(s), 3))
    x[:, 2] = s
    x[2:, 0] = bow_mm * (s[2:] / s[-1]) ** 2
    theta = np.repeat(np.array([[d.hub_rad] for d in devices]), len(s) - 1, axis=1)
    rod = new_rod(s, x, theta, np.array([1.0, 0.0, 0.0]), tips, tables)
    rod.load[-1] = tip_load_N
    rod.torque[:] = tip_torque_Nmm
    bishop(rod)
    return rod


def solve_free_rod(devices: tuple[Device, ...], nodes: int = 201, tip_load_N: ArrayLike = (0.0, 0.0, 0.0),
                   tip_torque_Nmm: ArrayLike = 0.0, bow_mm: float = 0.0, law: Law = FREE) -> Posed:
    """Equilibrium of coaxial rods clamped at the origin along +z with a dead load at the tip."""
    rod = pose_rod(devices, nodes, tip_load_N, tip_torque_Nmm, bow_mm)
    report = equilibrium(rod, law)
    bishop(rod)
    s = np.concatenate([[0.0], np.cumsum(rod.rest[1:])])
    return Posed(rod.x[1:].copy(), s, rod.theta[:, 1:].copy(), report, rod)


def place(rod: Rod, points: ArrayLike, twist_rad: float = 0.0) -> None:
    """Puts a posed rod onto points (N, 3), the first of which is the clamp, twisted evenly by an angle over its
    length. Use it to ask whether a known equilibrium is stable."""
    x = np.asarray(points, dtype=np.float64)
    rod.x[1:] = x
    rod.x[0] = x[0] - GHOST_MM * (x[1] - x[0]) / np.linalg.norm(x[1] - x[0])
    middle = np.cumsum(rod.rest) - 0.5 * rod.rest
    share = np.clip((middle - rod.rest[0]) / (rod.rest[1:].sum() - 0.5 * rod.rest[-1]), 0.0, 1.0)
    rod.theta[:] = twist_rad * share
    bishop(rod)


def is_stable(rod: Rod, clamped_end: bool = False) -> bool:
    """Whether the present shape is a strict minimum of energy (its Hessian is positive definite).

    clamped_end: the last edge is held too, in place, direction and twist; else it is free.
    """
    kinds, n = rod.theta.shape[0], rod.x.shape[0]
    block = 3 + kinds
    size = (n - 2) * block
    gradient, band = np.zeros(size), np.zeros((size, 2 * block + 3))
    system(rod, FREE, gradient, band)
    if clamped_end:
        band[-block:, 0] += HELD
        band[-2 * block + kinds : -block, 0] += HELD
    return solve_band(band, even(size, band.shape[1] - 1), np.zeros(size))
