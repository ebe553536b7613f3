"""Bones as closed meshes: a dense cortex around spongy bone. Shapes measured where shapes.json has them;
articular pillars and laminae are constructed between pedicle and spinous process (body.md section 10)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trainer.anatomy.body import Rib, Vertebra
from trainer.imaging.meshes import Mesh, inset, lathe, tube

Floats = NDArray[np.float64]

CORTEX_MM = 0.55
"""Side cortex of a vertebral body: measured peak times width at 1500 HU (body.md section 4)."""
END_PLATE_MM = 0.9
ARCH_CORTEX_MM = 0.7
RIB_CORTEX_MM = 0.45
"""Reproduces the ribs' measured mean HU with a core of 100 HU."""
_LEFT, _BACK, _UP = np.eye(3)


def _body_rings(v: Vertebra, around: int) -> tuple[Floats, NDArray[np.bool_]]:
    """Rings (R, around, 3) of a waisted vertebral body in its own frame; which rings belong to end plates."""
    angle = np.linspace(0, 2 * np.pi, around, endpoint=False)
    c, s = np.cos(angle), np.sin(angle)
    ux = np.sign(c) * np.abs(c) ** 0.85
    uy = np.sign(s) * np.abs(s) ** 0.85
    uy = np.where(uy > 0, uy * (1 - 0.2 * np.exp(-((ux / 0.45) ** 2))), uy)
    front, middle, back = v.heights
    rings, plate = [], []

    def ring(t: float, inward: float) -> Floats:
        width, depth = (
            waist + (end - waist) * abs(t) ** 2.5 for waist, end in zip(v.waist, v.upper if t > 0 else v.lower)
        )
        rim = 0.5 * (front + back) + 0.5 * (back - front) * uy * inward
        height = middle + (rim - middle) * inward**4
        return np.stack([0.5 * width * ux * inward, 0.5 * depth * uy * inward, 0.5 * t * height], axis=1)

    for inward in (0.25, 0.5, 0.75, 0.9):
        rings.append(ring(-1.0, inward))
        plate.append(True)
    for t in (-1.0, -0.93, -0.8, -0.6, -0.3, 0.0, 0.3, 0.6, 0.8, 0.93, 1.0):
        rings.append(ring(t, 1.0))
        plate.append(abs(t) == 1.0)
    for inward in (0.9, 0.75, 0.5, 0.25):
        rings.append(ring(1.0, inward))
        plate.append(True)
    return np.array(rings), np.array(plate)


def _arch(v: Vertebra) -> list[Mesh]:
    """Pedicles, articular pillars, laminae, spinous and transverse processes, in the vertebra's frame."""
    local = [(v.axes @ (p - v.center), w, h) for p, w, h in v.pedicles]
    tip = v.axes @ (v.spinous_tip - v.center)
    cross = [v.axes @ (t - v.center) for t in v.transverse_tips]
    lumbar = v.name[0] == "L"
    depth = 0.5 * v.waist[1]
    back = float(np.mean([p[1] for p, _, _ in local]))
    out = []
    n = 10  # points around a process
    for (p, width, height), far in zip(local, cross):
        side = float(np.sign(p[0]))
        x = side * max(abs(p[0]), 9.0)
        start = np.array([x * 0.92, 0.78 * depth, p[2] + 1.0])
        stop = np.array([x * 1.05, p[1] + 5.0, p[2] - 1.0])
        out.append(tube(np.linspace(start, stop, 4), np.full(4, 0.5 * height), np.full(4, 0.5 * width), _UP))
        reach = 15.0 if lumbar else 11.0
        pillar = np.array(
            [
                [x * 1.05, p[1] + 5.0, p[2] + reach * 0.75],
                [x * 1.1, p[1] + 8.0, p[2]],
                [x * 1.0, p[1] + 11.0, p[2] - reach],
                [x * 0.95, p[1] + 12.0, p[2] - reach * 1.35],
            ]
        )
        out.append(tube(pillar, np.array([3.2, 4.6, 4.8, 3.6]), np.array([3.0, 4.0, 4.2, 3.0]), _LEFT, n))
        lamina = np.array(
            [[x * 0.95, p[1] + 8.0, p[2] - 5.0], [x * 0.5, p[1] + 13.0, p[2] - 7.0], [0.1 * x, p[1] + 16.0, p[2] - 9.0]]
        )
        out.append(tube(lamina, np.array([8.5, 8.0, 7.0]), np.array([2.4, 2.6, 2.8]), _UP, n))
        root = np.array([x * 1.1, p[1] + 6.0, p[2] - 1.0])
        way = np.linspace(root, far, 5)
        tall = np.array([5.4, 4.6, 4.2, 3.6, 2.2] if lumbar else [5.4, 4.6, 4.2, 4.2, 2.8])
        flat = np.array([3.2, 2.8, 2.4, 2.1, 1.2] if lumbar else [3.4, 3.2, 3.0, 3.0, 2.0])
        out.append(tube(way, tall, flat, _UP, n))
    low = float(np.mean([p[2] for p, _, _ in local]))
    spine = np.linspace(np.array([0.0, back + 15.0, low - 8.0]), tip, 6)
    tall = np.linspace(8.5, 9.5, 6) if lumbar else np.linspace(6.0, 4.5, 6)
    out.append(tube(spine, tall, np.array([2.6, 2.4, 2.2, 2.4, 3.0, 3.4]), np.array([0.0, 0.25, 1.0]), n))
    return out


def vertebra(v: Vertebra, around: int = 36) -> tuple[list[Mesh], list[Mesh]]:
    """Outer and inner (spongy) meshes of a vertebra, patient frame; around: points about its body."""
    rings, plate = _body_rings(v, around)
    body = lathe(rings)
    depth = np.append(np.repeat(np.where(plate, END_PLATE_MM, CORTEX_MM), rings.shape[1]), [END_PLATE_MM] * 2)
    arch = _arch(v)
    outer = [body, *arch]
    inner = [inset(body, depth), *(inset(m, ARCH_CORTEX_MM) for m in arch)]

    def placed(meshes: list[Mesh]) -> list[Mesh]:
        return [Mesh(m.vertices @ v.axes + v.center, m.faces) for m in meshes]

    return placed(outer), placed(inner)


def _smoothed(path: Floats, count: int) -> Floats:
    """Path of `count` points, evenly spaced, after a light running mean (labels carry voxel noise)."""
    p = path.copy()
    for _ in range(2):
        p[1:-1] = 0.25 * p[:-2] + 0.5 * p[1:-1] + 0.25 * p[2:]
    s = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(p, axis=0), axis=1))])
    at = np.linspace(0, s[-1], count)
    return np.stack([np.interp(at, s, p[:, k]) for k in range(3)], axis=1)


def rib(r: Rib) -> tuple[Mesh, Mesh]:
    """Outer and inner mesh of a rib. Its long axis lies in the chest wall: near the head it turns upright."""
    n = 28
    path = _smoothed(r.path, n)
    out_of_wall = path[:, :2] - np.array([-18.0, 0.0])
    normal = np.column_stack([out_of_wall, np.zeros(n)])
    tangent = np.gradient(path, axis=0)
    toward = np.cross(tangent, normal)
    toward *= np.sign(toward[:, 2:3])
    toward /= np.linalg.norm(toward, axis=1, keepdims=True)
    share = np.minimum(np.linspace(0, 1, n) / 0.2, 1.0)
    tip = np.clip((1.0 - np.linspace(0, 1, n)) / 0.16, 0.0, 1.0)
    long = r.half_long * (0.62 + 0.38 * share) * (0.55 + 0.45 * np.sqrt(tip))
    short = r.half_short * (1.35 - 0.35 * share) * (0.3 + 0.7 * tip)
    outer = tube(path, long, short, toward, around=12)
    return outer, inset(outer, RIB_CORTEX_MM)
