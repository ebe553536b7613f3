"""A vessel tree of 1.25 m and a coaxial stack of three devices with 1.2 m of it inside."""

from __future__ import annotations

import math

import numpy as np
from instruments_tree import access_at_start, laid, vessel_tree, winding
from numpy.typing import NDArray

from trainer.anatomy.types import VesselTree
from trainer.instruments.catalog import load_catalog
from trainer.instruments.instruments import Held, Instruments

Floats = NDArray[np.float64]
INSIDE_MM = {"catheter": 790.0, "microcatheter": 1120.0, "microwire": 1200.0}
DEVICES = {"catheter": "vertebral_5f", "microcatheter": "micro_24f", "microwire": "microwire_016_75"}
LONG_MM = {"catheter": 1000.0, "microcatheter": 1350.0, "microwire": 1800.0}
"""The catalog's microcatheter is 1.1 m long; here it needs more."""


def bends(count: int, length_mm: float, radius_mm: float) -> list[tuple[float, float, float]]:
    """S bends: arcs to opposite sides, their plane turning slowly about the course."""
    return [(length_mm, radius_mm, math.pi * (k % 2) + 0.5 * k) for k in range(count)]


def leaving(course: Floats, at: int, angle_deg: float) -> Floats:
    """A direction (3,) that leaves the course at a point by an angle."""
    d = course[at + 1] - course[at]
    d /= np.linalg.norm(d)
    side = np.cross(d, np.eye(3)[int(np.argmin(np.abs(d)))])
    a = np.radians(angle_deg)
    out: Floats = np.cos(a) * d + np.sin(a) * side / np.linalg.norm(side)
    return out


def long_tree(angle_deg: float = 40.0) -> tuple[VesselTree, Floats, Floats]:
    """The tree; the course (n, 3) mm through its main vessels and the radius (n,) mm there. angle_deg: at which each
    vessel leaves the one before."""
    trunk = winding([0, 0, 0], [0, 0, 1], [(40.0, 1e9, 0.0)] + bends(10, 80.0, 110.0))
    branch = winding(trunk[-16], leaving(trunk, -16, angle_deg), [(20.0, 1e9, 0.0)] + bends(9, 26.0, 35.0))
    twig = winding(branch[-8], leaving(branch, -8, angle_deg), [(10.0, 1e9, 0.0)] + bends(11, 18.0, 25.0))
    aside = winding(branch[40], leaving(branch, 40, -60.0), [(40.0, 60.0, 0.0)])
    wide, narrow = np.linspace(4.0, 2.6, len(trunk)), np.linspace(1.9, 1.2, len(branch))
    thin = np.linspace(0.9, 0.55, len(twig))
    tree = vessel_tree({"trunk": ("", trunk, wide), "branch": ("trunk", branch, narrow),
                        "twig": ("branch", twig, thin), "aside": ("branch", aside, 0.7)})
    course = np.concatenate([trunk[:-16], branch[:-8], twig])
    return tree, course, np.concatenate([wide[:-16], narrow[:-8], thin])


def long_stack(angle_deg: float = 40.0) -> tuple[Instruments, Floats, Floats]:
    """The stack laid along the course and let rest there; the course and its radius."""
    tree, course, radius = long_tree(angle_deg)
    tray = Instruments(tree, access_at_start(tree), load_catalog())
    for slot, device in DEVICES.items():
        spec = tray.catalog.devices[device].model_copy(update={"length_mm": LONG_MM[slot]})
        tray.held[slot] = Held(spec, spec.profile(), INSIDE_MM[slot])
    tray.stack.line = laid(course, max(INSIDE_MM.values()))
    for _ in range(240):
        tray.step((), np.zeros(3), 1 / 60)
    return tray, course, radius


__all__ = ["INSIDE_MM", "long_stack", "long_tree"]
