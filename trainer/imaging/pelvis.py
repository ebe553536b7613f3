"""Pelvis, sacrum and femurs as closed meshes.

The iliac crest, the wall of the pelvic inlet and the femoral heads are measured (body.md sections 2, 3); what lies
between them is constructed. Every bone is a smooth union of round cones: where they meet there is no seam.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from trainer.anatomy.body import Body
from trainer.imaging.meshes import Mesh, inset, isosurface

Floats = NDArray[np.float64]

BLEND_MM = 1.6
"""Length over which neighboring cones melt together."""
REACH_MM = 9.0
"""A cone is felt so far outside it."""
WING_LINES, WING_STEPS = 56, 7
SPACING_MM = 2.9
HIP_CORTEX_MM, HEAD_CORTEX_MM, SHAFT_CORTEX_MM, SACRUM_CORTEX_MM = 1.0, 0.9, 4.6, 0.7
CORTEX, MARROW, SACRAL = 0.85, 0.13, 0.07
"""Shares of cortical bone."""


class Bone(NamedTuple):
    """A cortex between two meshes and what fills the inner one, as share of cortical bone."""

    outer: Mesh
    inner: Mesh
    cortex: float
    marrow: float


class _Cones:
    """Round cones, added (a, b, radii) or taken away."""

    def __init__(self) -> None:
        self.rows: list[Floats] = []

    def add(self, a: Floats, b: Floats, ra: float, rb: float, away: bool = False) -> None:
        self.rows.append(np.array([*a, *b, ra, rb, -1.0 if away else 1.0]))

    def chain(self, path: Floats, radii: Floats) -> None:
        for k in range(len(path) - 1):
            self.add(path[k], path[k + 1], float(radii[k]), float(radii[k + 1]))

    def mesh(self, spacing: float) -> Mesh:
        rows = np.array(self.rows)
        reach = rows[:, 6:8].max(axis=1)[:, None] + REACH_MM
        low = (np.minimum(rows[:, :3], rows[:, 3:6]) - reach).min(axis=0)
        high = (np.maximum(rows[:, :3], rows[:, 3:6]) + reach).max(axis=0)
        field = np.zeros(tuple(np.ceil((high - low) / spacing).astype(int) + 2))
        _melt(field, low, spacing, rows, BLEND_MM, REACH_MM)
        border = np.zeros(field.shape, dtype=bool)
        border[1:-1, 1:-1, 1:-1] = True
        return isosurface(np.where(border, np.log(np.maximum(field, 1e-4)), -1.0), low, spacing)


@njit(cache=True, nogil=True)
def _melt(field: Floats, low: Floats, spacing: float, rows: Floats, blend: float, reach: float) -> None:
    """Adds exp(-distance / blend) of every cone (rows: a, b, radii, sign) to a grid; holes multiply it."""
    nx, ny, nz = field.shape
    for sign in (1.0, -1.0):
        for r in range(rows.shape[0]):
            c = rows[r]
            if c[8] != sign:
                continue
            most = max(c[6], c[7]) + reach
            i0 = max(int((min(c[0], c[3]) - most - low[0]) / spacing), 0)
            i1 = min(int((max(c[0], c[3]) + most - low[0]) / spacing) + 2, nx)
            j0 = max(int((min(c[1], c[4]) - most - low[1]) / spacing), 0)
            j1 = min(int((max(c[1], c[4]) + most - low[1]) / spacing) + 2, ny)
            k0 = max(int((min(c[2], c[5]) - most - low[2]) / spacing), 0)
            k1 = min(int((max(c[2], c[5]) + most - low[2]) / spacing) + 2, nz)
            ux, uy, uz = c[3] - c[0], c[4] - c[1], c[5] - c[2]
            length2 = max(ux * ux + uy * uy + uz * uz, 1e-9)
            for i in range(i0, i1):
                x = low[0] + i * spacing - c[0]
                for j in range(j0, j1):
                    y = low[1] + j * spacing - c[1]
                    for k in range(k0, k1):
                        z = low[2] + k * spacing - c[2]
                        t = min(max((x * ux + y * uy + z * uz) / length2, 0.0), 1.0)
                        dx, dy, dz = x - t * ux, y - t * uy, z - t * uz
                        d = np.sqrt(dx * dx + dy * dy + dz * dz) - (c[6] + t * (c[7] - c[6]))
                        if sign > 0.0:
                            if d < reach:
                                field[i, j, k] += np.exp(-max(d, -6.0 * blend) / blend)
                        elif d < reach:
                            field[i, j, k] *= 1.0 - 1.0 / (1.0 + np.exp(min(d, 6.0 * blend) / (0.5 * blend)))


def bones(body: Body) -> list[Bone]:
    """All bones below the last vertebra."""
    right, left = (center for center, _ in body.femoral_heads)
    middle, across = 0.5 * (right + left), (left - right) / np.linalg.norm(left - right)
    crest, inlet = body.iliac_crest, body.pelvic_inlet
    out = []
    for side, (center, radius) in zip((-1.0, 1.0), body.femoral_heads, strict=True):
        def there(p: Floats, side: float = side) -> Floats:
            """A measured line of the left side, or its mirror image."""
            return p if side > 0.0 else p - 2.0 * ((p - middle) @ across)[:, None] * across

        hip = _hip(there(crest), there(inlet), center, radius, middle, side * across).mesh(SPACING_MM)
        out.append(Bone(hip, inset(hip, HIP_CORTEX_MM), CORTEX, MARROW))
        out += _femur(center, radius, side * across)
    sacrum = _sacrum(body, inlet[-1], middle, across).mesh(SPACING_MM)
    out.append(Bone(sacrum, inset(sacrum, SACRUM_CORTEX_MM), 0.8, SACRAL))
    return out


def _resampled(path: Floats, count: int) -> Floats:
    """A path with its voxel noise smoothed, as `count` evenly spaced points."""
    p = path.copy()
    for _ in range(4):
        p[1:-1] = 0.25 * p[:-2] + 0.5 * p[1:-1] + 0.25 * p[2:]
    s = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(p, axis=0), axis=1))])
    at = np.linspace(0.0, s[-1], count)
    return np.stack([np.interp(at, s, p[:, k]) for k in range(3)], axis=1)


def _hip(crest: Floats, inlet: Floats, head: Floats, radius: float, middle: Floats, out: Floats) -> _Cones:
    """One hip bone. crest from front to back, inlet from the pubic ramus to the sacrum; out: unit, away from middle."""
    b = _Cones()
    crest = _resampled(crest, WING_LINES)
    inlet = _resampled(inlet, 16)
    back, up = np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0])
    roof = head + 0.95 * radius * up + 3.0 * out
    front = head + radius * (0.75 * up - 0.6 * back) + 6.0 * out  # anterior inferior spine
    foot = _resampled(np.concatenate([[front], [roof], inlet[8:]]), WING_LINES)
    for k in range(WING_LINES):
        t = np.linspace(0.0, 1.0, WING_STEPS)
        line = foot[k] + t[:, None] * (crest[k] - foot[k])
        thin = np.array([4.0, 2.6, 1.2, 0.8, 0.9, 1.6, 2.8])
        low = 1.0 - k / (WING_LINES - 1)
        line += (np.sin(np.pi * t) * 4.0 * (1.0 - low))[:, None] * out
        b.chain(line, thin + np.array([2.4, 1.6, 0.6, 0.2, 0.0, 0.0, 0.0]) * low)
    b.chain(crest, 3.4 + 0.8 * np.sin(np.linspace(0.0, 9.0, WING_LINES)))
    b.chain(foot[10:], np.linspace(5.0, 6.5, WING_LINES - 10))
    b.add(crest[-1], foot[-1], 7.0, 8.0)  # behind the joint with the sacrum
    _socket(b, head, radius, out)
    pubis = middle + 11.0 * out + np.array([0.0, -37.0, -19.0])
    low_pubis = pubis + np.array([0.0, 4.0, -26.0]) + 2.0 * out
    ischium = head - 9.0 * out + np.array([0.0, 26.0, -22.0])
    seat = head - 15.0 * out + np.array([0.0, 27.0, -62.0])
    brim = _resampled(np.concatenate([[head - 0.9 * radius * out - 0.55 * radius * back], inlet[:1], [pubis]]), 5)
    b.chain(brim, np.array([9.0, 7.0, 6.0, 6.5, 8.0]))
    b.add(pubis, low_pubis, 7.5, 6.5)
    b.chain(np.array([low_pubis, low_pubis + 0.5 * (seat - low_pubis) + 3.0 * out, seat]), np.array([6.0, 6.0, 10.0]))
    b.chain(np.array([head + 0.75 * radius * back - 6.0 * out, ischium, seat]), np.array([11.0, 13.0, 15.0]))
    b.chain(np.array([ischium, ischium + np.array([0.0, 12.0, 12.0]) - 8.0 * out]), np.array([6.0, 2.5]))  # its spine
    return b


def _socket(b: _Cones, head: Floats, radius: float, out: Floats) -> None:
    """The acetabulum: a cup about the head, open outward, downward and forward."""
    n = 260
    k = np.arange(n) + 0.5
    z, angle = 1.0 - 2.0 * k / n, np.pi * (1.0 + 5.0**0.5) * k
    ball = np.stack([np.sqrt(1.0 - z**2) * np.cos(angle), np.sqrt(1.0 - z**2) * np.sin(angle), z], axis=1)
    facing = np.array([0.0, -0.3, -0.62]) + 0.72 * out
    facing /= np.linalg.norm(facing)
    for u in ball:
        if u @ facing < 0.12:
            p = head + (radius + 7.0) * u
            b.add(p, p, 3.6, 3.6)


def _femur(head: Floats, radius: float, out: Floats) -> list[Bone]:
    """Head, neck, trochanters and shaft, two meshes: spongy above, with a thick cortex below."""
    up, back = np.array([0.0, 0.0, 1.0]), np.array([0.0, 1.0, 0.0])
    root = head + 1.75 * radius * out - 1.3 * radius * up + 0.25 * radius * back
    b = _Cones()
    b.add(head, head, radius - 1.5, radius - 1.5)
    b.add(head, root, 0.62 * radius, 0.6 * radius)
    b.add(root + 4.0 * out - 4.0 * up, root + 7.0 * out + 14.0 * up + 5.0 * back, 14.0, 9.0)
    b.add(root - 14.0 * up, root - 26.0 * up - 9.0 * out + 6.0 * back, 12.0, 6.0)
    b.add(root, root - 34.0 * up - 1.0 * out, 15.0, 13.5)
    top = b.mesh(SPACING_MM)
    s = _Cones()
    s.chain(root + np.outer([32.0, 90.0, 190.0], -up) + np.outer([1.0, 7.0, 17.0], -out), np.array([13.2, 12.6, 12.4]))
    shaft = s.mesh(SPACING_MM)
    return [Bone(top, inset(top, HEAD_CORTEX_MM), 0.9, 0.17), Bone(shaft, inset(shaft, SHAFT_CORTEX_MM), 0.9, 0.03)]


def _sacrum(body: Body, joint: Floats, middle: Floats, across: Floats) -> _Cones:
    """Five bodies curved back and down from the last vertebra, wings to the joints, holes for the nerves."""
    last = body.vertebrae[-1]
    down, back = -last.axes[2], last.axes[1]
    top = last.center + down * (0.5 * last.heights[1] + 9.0) + 4.0 * back
    world_back, world_up = np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0])
    course = np.array([[0.0, 0.0], [20.0, -17.0], [36.0, -38.0], [44.0, -60.0], [42.0, -80.0], [32.0, -98.0],
                       [22.0, -112.0]])
    path = top + np.outer(course[:, 0], world_back) + np.outer(course[:, 1], world_up)
    b = _Cones()
    wide = np.array([17.0, 14.0, 12.0, 10.0, 8.0, 4.0, 2.0])
    thick = np.array([11.5, 9.5, 8.0, 6.5, 5.0, 4.0, 3.0])
    for k in range(len(path) - 1):
        for x in (-1.0, -0.4, 0.4, 1.0):
            b.add(path[k] + x * wide[k] * across, path[k + 1] + x * wide[k + 1] * across, thick[k], thick[k + 1])
    half = float((joint - middle) @ across)
    for side in (-1.0, 1.0):
        ends = [path[k] + side * max(share * half, wide[k] + 4.0) * across + 4.0 * world_back
                for k, share in enumerate((1.0, 0.92, 0.66, 0.42))]
        for k, r in enumerate((10.0, 9.0, 7.0, 5.0)):
            b.add(path[k] + side * wide[k] * across, ends[k], thick[k], r)
            if k:
                b.add(ends[k - 1], ends[k], 9.0 - k, r)
                b.add(0.5 * (path[k - 1] + path[k]) + side * (wide[k] + 14.0 - 2.0 * k) * across,
                      0.5 * (ends[k - 1] + ends[k]), 0.6 * thick[k], 8.0 - k)
        for k in range(4):
            hole = 0.5 * (path[k] + path[k + 1]) + side * (wide[k] + 5.0) * across
            b.add(hole - 16.0 * world_back, hole + 20.0 * world_back, 3.6 - 0.4 * k, 3.2 - 0.4 * k, away=True)
    crest = path[1:5] + 13.0 * world_back
    b.chain(crest, np.array([3.5, 3.5, 3.0, 2.0]))
    return b
