"""Small vessel trees for the tests of the instruments."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trainer.anatomy.types import Access, VesselTree
from trainer.instruments.mesh import lay_nodes
from trainer.instruments.stack import Line

Floats = NDArray[np.float64]


def vessel_tree(vessels: dict[str, tuple[str, ArrayLike, ArrayLike]]) -> VesselTree:
    """A tree of name -> (parent name or '', points (n, 3) mm, radius (n,) or one number, mm)."""
    names = tuple(vessels)
    points = [np.asarray(v[1], float) for v in vessels.values()]
    radius = [np.broadcast_to(np.asarray(v[2], float), len(p)).copy()
              for v, p in zip(vessels.values(), points, strict=True)]
    first = np.concatenate([[0], np.cumsum([len(p) for p in points])])
    parent = np.array([names.index(v[0]) if v[0] else -1 for v in vessels.values()])
    every = np.concatenate(points)
    attach = np.full(len(names), -1)
    for v, p in enumerate(parent):
        if p >= 0:
            own = every[first[p] : first[p + 1]]
            attach[v] = first[p] + int(np.linalg.norm(own - points[v][0], axis=1).argmin())
    return VesselTree(names, parent, first, every, np.concatenate(radius), attach,
                      np.zeros(len(every)), np.zeros(len(names), bool))


def straight(length_mm: float, step_mm: float = 2.0) -> Floats:
    """Points (n, 3) from the origin along +z."""
    z = np.linspace(0.0, length_mm, int(length_mm / step_mm) + 1)
    return np.stack([0 * z, 0 * z, z], axis=1)


def bent(before_mm: float, radius_mm: float, angle_rad: float, after_mm: float, step_mm: float = 0.5) -> Floats:
    """Points (n, 3): straight along +z, an arc toward +x, straight again."""
    a = np.linspace(0.0, angle_rad, int(radius_mm * angle_rad / step_mm) + 1)[1:]
    arc = np.stack([radius_mm * (1 - np.cos(a)), 0 * a, before_mm + radius_mm * np.sin(a)], axis=1)
    out = np.array([np.sin(angle_rad), 0.0, np.cos(angle_rad)])
    d = np.arange(2.0, after_mm + 1e-9, 2.0)
    return np.concatenate([straight(before_mm), arc, arc[-1] + d[:, None] * out])


def winding(start: ArrayLike, direction: ArrayLike, arcs: list[tuple[float, float, float]],
            step_mm: float = 2.0) -> Floats:
    """Points (n, 3) of arcs (length mm, radius mm, plane rad) joined without a kink; plane: turn about the course."""
    x, t = np.asarray(start, float), np.asarray(direction, float) / np.linalg.norm(direction)
    side = np.cross(t, np.eye(3)[int(np.argmin(np.abs(t)))])
    side /= np.linalg.norm(side)
    out = [x]
    for length, radius, plane in arcs:
        inward = np.cos(plane) * side + np.sin(plane) * np.cross(t, side)
        axis = np.cross(t, inward)
        count = max(1, round(length / step_mm))
        angle = length / count / radius

        def turned(v: Floats, by: float, axis: Floats = axis) -> Floats:
            return np.cos(by) * v + np.sin(by) * np.cross(axis, v) + (1.0 - np.cos(by)) * (axis @ v) * axis

        for _ in range(count):
            x = x + length / count * turned(t, 0.5 * angle)
            t, side = turned(t, angle), turned(side, angle)
            out.append(x)
    return np.array(out)


def laid(points: Floats, total: float) -> Line:
    """A line that follows points (n, 3) for `total` mm."""
    arc = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    s = lay_nodes(total)
    x = np.stack([np.interp(s, arc, points[:, c]) for c in range(3)], axis=1)
    x[0] = points[0] - (points[1] - points[0]) / np.linalg.norm(points[1] - points[0])
    n = len(s)
    return Line(s, x, {}, np.zeros(n), np.zeros(n), np.zeros((n, 3)), np.full(n, -1), tension=np.zeros(n - 1),
                curvature=np.zeros(n))


def fork(angle_deg: float, parent_mm: float = 3.0, branch_mm: float = 2.0) -> VesselTree:
    """A straight parent along +z, 120 mm, and a branch toward +x leaving it at z = 60."""
    a = np.radians(angle_deg)
    d = np.arange(0.0, 61.0, 2.0)
    branch = np.array([0.0, 0.0, 60.0]) + d[:, None] * np.array([np.sin(a), 0.0, np.cos(a)])
    return vessel_tree({"parent": ("", straight(120.0), parent_mm),
                        "branch": ("parent", branch, np.linspace(branch_mm, 0.7 * branch_mm, len(d)))})


def access_at_start(tree: VesselTree, sheath_inner_mm: float = 1.9) -> Access:
    """A sheath whose mouth is the first point of the first vessel, pointing along it."""
    direction = tree.points[1] - tree.points[0]
    return Access("test", tree.names[0], tree.points[0].copy(), direction / np.linalg.norm(direction),
                  sheath_inner_mm)
