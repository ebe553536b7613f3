"""Wires and catheters in the picture: every layer of every device splatted along the shared centerline.

A layer is a solid or hollow cylinder of one material. The chord across it has a closed profile, whose mean over
a pixel is exact (the integral of 2 sqrt(r^2 - x^2)); along the device each piece covers the pixels between its
ends, so pieces join without seams and mass is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from trainer.imaging.beam import Beam
from trainer.imaging.geometry import Geometry
from trainer.instruments.types import Shapes

Floats = NDArray[np.float64]
Image = NDArray[np.float32]
Ints = NDArray[np.int64]


BALLOON_MG_ML = 150.0
"""Iodine in a filled balloon: contrast diluted by half."""
COIL, COIL_INNER = "platinum", 0.8
"""A coil is wound of fine wire: in the picture a tube, its wall this far from solid."""


class Layer(NamedTuple):
    """A cylinder of one material on a device. Distances from the device's tip toward its hub, mm."""

    material: str
    outer_mm: float  # diameters
    inner_mm: float
    from_tip_mm: float
    to_tip_mm: float


@njit(inline="always")
def _profile(x: float, r: float) -> float:
    """Integral of the chord 2 sqrt(r^2 - x^2) from 0 to x."""
    if x >= r:
        return 0.5 * np.pi * r * r
    if x <= -r:
        return -0.5 * np.pi * r * r
    return float(x * np.sqrt(r * r - x * x) + r * r * np.arcsin(x / r))


@njit(cache=True, nogil=True)
def splat(
    points: Floats,
    depth: Floats,
    path: Floats,
    layers: Floats,
    mu: Floats,
    scale: float,
    width: int,
    height: int,
    device: Image,
    touched: NDArray[np.int32],
    seen: NDArray[np.uint8],
    count: int,
) -> int:
    """Adds the layers' exponents to device (H*W, 4) and lists the touched pixels; returns their number.

    points (N, 2) columns and rows, depth (N,) mm along the central ray, path (N,) arc length mm; layers (L, 4)
    start, end (arc length mm), outer radius, inner radius mm; mu (L, 4) 1/mm; scale: pixels per mm at depth 1.
    """
    n_layers = layers.shape[0]
    active = np.empty(n_layers, dtype=np.int64)
    part = np.empty((n_layers, 2))
    for s in range(points.shape[0] - 1):
        ax, ay, bx, by = points[s, 0], points[s, 1], points[s + 1, 0], points[s + 1, 1]
        if max(ax, bx) < -20 or max(ay, by) < -20 or min(ax, bx) > width + 20 or min(ay, by) > height + 20:
            continue
        step = path[s + 1] - path[s]
        if step <= 0:
            continue
        n = 0
        widest = 0.0
        for k in range(n_layers):
            f0 = max((layers[k, 0] - path[s]) / step, 0.0)
            f1 = min((layers[k, 1] - path[s]) / step, 1.0)
            if f1 > f0:
                active[n], part[n, 0], part[n, 1] = k, f0, f1
                widest = max(widest, layers[k, 2])
                n += 1
        if n == 0:
            continue
        px_mm = scale / (0.5 * (depth[s] + depth[s + 1]))
        long = np.sqrt((bx - ax) ** 2 + (by - ay) ** 2)
        if long > 1e-6:
            tx, ty = (bx - ax) / long, (by - ay) / long
        else:
            tx, ty = 1.0, 0.0
        reach = widest * px_mm + 1.0
        c0, c1 = max(int(np.ceil(min(ax, bx) - reach)), 0), min(int(max(ax, bx) + reach), width - 1)
        r0, r1 = max(int(np.ceil(min(ay, by) - reach)), 0), min(int(max(ay, by) + reach), height - 1)
        for r in range(r0, r1 + 1):
            for c in range(c0, c1 + 1):
                along = (c - ax) * tx + (r - ay) * ty
                across = abs((c - ax) * ty - (r - ay) * tx)
                if along < -0.5 or along > long + 0.5 or across > reach:
                    continue
                x0, x1 = (across - 0.5) / px_mm, (across + 0.5) / px_mm
                pixel = r * width + c
                hit = False
                for q in range(n):
                    k = active[q]
                    ro, ri = layers[k, 2], layers[k, 3]
                    if x0 >= ro:
                        continue
                    cover = min(along + 0.5, part[q, 1] * long) - max(along - 0.5, part[q, 0] * long)
                    # share of a pixel's length, stretched to true length where the piece runs in depth
                    amount = cover / max(long, 1e-6) * step * px_mm
                    if long < 1e-6:
                        amount = (part[q, 1] - part[q, 0]) * step * px_mm
                    if amount <= 0.0:
                        continue
                    area = _profile(x1, ro) - _profile(x0, ro)
                    if ri > 0.0:
                        area -= _profile(x1, ri) - _profile(x0, ri)
                    mean = area * px_mm * amount
                    hit = True
                    for e in range(4):
                        device[pixel, e] += np.float32(mu[k, e] * mean)
                if hit and seen[pixel] == 0 and count < touched.shape[0]:
                    seen[pixel] = 1
                    touched[count] = pixel
                    count += 1
    return count


class DeviceProjector:
    """Keeps the device image and its list of touched pixels for pictures of (size, size) pixels."""

    def __init__(self, layers: Mapping[str, Sequence[Layer]], size: int) -> None:
        self.layers = layers
        self.size = size
        self.exponent = np.zeros((size * size, 4), dtype=np.float32)
        self._seen = np.zeros(size * size, dtype=np.uint8)
        self.touched = np.zeros(size * size // 4, dtype=np.int32)
        self.count = 0

    def clear(self) -> None:
        """Forgets the touched pixels; attenuate_devices has already emptied their exponents."""
        self._seen[self.touched[: self.count]] = 0
        self.count = 0

    def rows(self, shapes: Shapes, beam: Beam) -> tuple[Floats, Floats]:
        """Layers (L, 4) as start, end, outer and inner radius, mm, and their coefficients (L, 4) 1/mm.

        Every device displaces blood: its envelope carries minus the blood that was there. A filled balloon is as wide
        as it is, or as the vessel around it lets it be.
        """
        rows, mu = [], []
        blood = beam.material("blood")
        for k, device in enumerate(shapes.devices):
            tip = float(shapes.device_end[k])
            for layer in self.layers.get(device, ()):
                start, end = tip - layer.to_tip_mm, tip - layer.from_tip_mm
                if end <= 0.0:
                    continue
                rows.append((max(start, 0.0), end, 0.5 * layer.outer_mm, 0.5 * layer.inner_mm))
                mu.append(beam.material(layer.material) - blood)
        for seal in shapes.sealings:
            last = min(seal.last, len(shapes.s) - 1)
            if seal.one_way or last <= seal.first:
                continue
            lumen = shapes.lumen_mm[seal.first : last + 1]
            inner = float(shapes.radius[seal.first : last + 1].min())
            wide = min(seal.radius_mm, float(lumen.max())) if len(lumen) and lumen.max() > 0.0 else seal.radius_mm
            if wide > inner:
                rows.append((float(shapes.s[seal.first]), float(shapes.s[last]), wide, inner))
                mu.append(0.1 * BALLOON_MG_ML * beam.mu["iodine"])
        if not rows:
            return np.zeros((0, 4)), np.zeros((0, 4))
        return np.array(rows), np.array(mu)

    def draw(self, geometry: Geometry, shapes: Shapes, beam: Beam) -> None:
        """Adds every device, and every coil left behind, to the exponents."""
        layers, mu = self.rows(shapes, beam)
        if len(layers) and len(shapes.nodes) > 1:
            self._along(geometry, *_refined(shapes.nodes, shapes.s), layers, mu)
        wire = np.array([beam.material(COIL) - beam.material("blood")])
        for coil in shapes.coils:
            nodes = coil.points + coil.breathing[:, None] * np.array(shapes.offset_mm)
            path = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(nodes, axis=0), axis=1))])
            radius = 0.5 * coil.wire_mm
            row = np.array([[0.0, float(path[-1]), radius, COIL_INNER * radius]])
            self._along(geometry, nodes, path, row, wire)

    def _along(self, geometry: Geometry, nodes: Floats, path: Floats, layers: Floats, mu: Floats) -> None:
        """Adds layers (L, 4) along nodes (N, 3) mm at arc lengths (N,)."""
        h = nodes @ geometry.matrix()[:, :3].T + geometry.matrix()[:, 3]
        points = h[:, :2] / h[:, 2:3]
        self.count = splat(
            np.ascontiguousarray(points),
            np.ascontiguousarray(h[:, 2]),
            path,
            layers,
            mu,
            geometry.sid / geometry.pixel_mm,
            self.size,
            self.size,
            self.exponent,
            self.touched,
            self._seen,
            self.count,
        )


def _refined(nodes: Floats, s: Floats) -> tuple[Floats, Floats]:
    """Centerline with three points a piece on a Catmull-Rom curve, so that bends look round."""
    p = np.vstack([2 * nodes[0] - nodes[1], nodes, 2 * nodes[-1] - nodes[-2]])
    a, b, c, d = p[:-3], p[1:-2], p[2:-1], p[3:]
    out, path = [], []
    for f in (0.0, 1.0 / 3.0, 2.0 / 3.0):
        out.append(0.5 * (2 * b + f * (c - a) + f * f * (2 * a - 5 * b + 4 * c - d) + f**3 * (3 * b - a - 3 * c + d)))
        path.append(s[:-1] + f * np.diff(s))
    curve = np.stack(out, axis=1).reshape(-1, 3)
    return np.vstack([curve, nodes[-1]]), np.append(np.stack(path, axis=1).reshape(-1), s[-1])
