"""Wires and catheters in the picture: every layer of every device splatted along the shared centerline.

A layer is a solid or hollow cylinder of one material. The chord across it has a closed profile, whose mean over
a pixel is exact (the integral of 2 sqrt(r^2 - x^2)), from one table for all layers of a stretch; along the device
pieces are mitered: what one loses of a pixel the next one gains, so they join without seams and mass is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from trainer.imaging.beam import Beam
from trainer.imaging.geometry import Geometry
from trainer.imaging.profile import chord_integral
from trainer.instruments.types import Shapes

Floats = NDArray[np.float64]
Image = NDArray[np.float32]
Ints = NDArray[np.int64]


BALLOON_MG_ML = 150.0
"""Iodine in a filled balloon: contrast diluted by half."""
STEP_MM = 0.006
"""Step of the table across a device: a sixtieth of the thinnest wire."""
TABLE = 1024
POINT_PX = 1e-6
"""A piece shorter than this in the picture runs in depth."""
STRAIGHT_PX = 0.04
"""Less than this between a curve and its chord, pixels, is not seen."""
COIL, COIL_INNER = "platinum", 0.8
"""A coil is wound of fine wire: in the picture a tube, its wall this far from solid."""


class Layer(NamedTuple):
    """A cylinder of one material on a device. Distances from the device's tip toward its hub, mm."""

    material: str
    outer_mm: float  # diameters
    inner_mm: float
    from_tip_mm: float
    to_tip_mm: float


@njit(cache=True, nogil=True, error_model="numpy")
def _across(layers: Floats, mu: Floats, at: float, step: float, table: Floats) -> int:
    """Fills table (N, 4): the layers' exponents at arc length `at`, integrated across from the axis to 0, step, ...

    Layers (L, 4) and mu (L, 4) as for `splat`. Returns how many entries are in use, 0 without a layer there.
    """
    widest = 0.0
    for k in range(layers.shape[0]):
        if layers[k, 0] <= at <= layers[k, 1]:
            widest = max(widest, layers[k, 2])
    if widest == 0.0:
        return 0
    count: int = min(int(widest / step) + 3, table.shape[0])
    table[:count] = 0.0
    for k in range(layers.shape[0]):
        if not layers[k, 0] <= at <= layers[k, 1]:
            continue
        for n in range(count):
            area = chord_integral(n * step, layers[k, 2])
            if layers[k, 3] > 0.0:
                area -= chord_integral(n * step, layers[k, 3])
            for e in range(4):
                table[n, e] += mu[k, e] * area
    return count


@njit(cache=True, nogil=True, error_model="numpy")
def _miters(points: Floats, out: Floats) -> None:
    """Directions (N, 2) in which the pieces between points (N, 2) are cut: between those of the two that meet."""
    before_x, before_y = 0.0, 0.0
    for i in range(len(points)):
        x, y = before_x, before_y
        if i < len(points) - 1:
            x, y = points[i + 1, 0] - points[i, 0], points[i + 1, 1] - points[i, 1]
            long = np.sqrt(x * x + y * y)
            x, y = (x / long, y / long) if long > POINT_PX else (before_x, before_y)
        # a piece that folds back in the picture is cut squarely
        folded = x * before_x + y * before_y < 0.0
        out[i, 0], out[i, 1] = (x, y) if folded else (before_x + x, before_y + y)
        long = np.sqrt(out[i, 0] ** 2 + out[i, 1] ** 2)
        if long > 0.0:
            out[i, 0], out[i, 1] = out[i, 0] / long, out[i, 1] / long
        before_x, before_y = x, y


@njit(cache=True, nogil=True, error_model="numpy")
def _piece(
    a: Floats, b: Floats, start: Floats, end: Floats, per_px: float, mass: float, table: Floats, used: int, width: int,
    height: int, device: Image, touched: NDArray[np.int32], seen: NDArray[np.uint8], count: int
) -> int:
    """Adds one piece from pixel a to b (2,), cut across the directions start and end (2,).

    per_px: entries of the table a pixel, mass: weight of the whole piece.
    """
    ax, ay, bx, by = a[0], a[1], b[0], b[1]
    long = np.sqrt((bx - ax) ** 2 + (by - ay) ** 2)
    tx, ty = ((bx - ax) / long, (by - ay) / long) if long > POINT_PX else (1.0, 0.0)
    reach = (used - 2) / per_px + 0.5
    lean = max(abs(start[0] * ty - start[1] * tx), abs(end[0] * ty - end[1] * tx))
    half = 0.5 * long + 0.75 + 1.5 * lean * reach  # of its length
    mx, my = 0.5 * (ax + bx), 0.5 * (ay + by)
    deep = abs(ty) * half + abs(tx) * reach
    top, bottom = max(int(np.ceil(my - deep)), 0), min(int(np.floor(my + deep)), height - 1)
    for r in range(top, bottom + 1):
        # columns from its sides and its ends; a piece that is level or upright leaves two of the four to its rows
        wide = abs(tx) * half + abs(ty) * reach
        left, right = mx - wide, mx + wide
        if abs(ty) > 0.1:
            middle = mx + (r - my) * tx / ty
            left, right = max(left, middle - reach / abs(ty)), min(right, middle + reach / abs(ty))
        if abs(tx) > 0.1:
            middle = mx - (r - my) * ty / tx
            left, right = max(left, middle - half / abs(tx)), min(right, middle + half / abs(tx))
        for c in range(max(int(np.ceil(left)), 0), min(int(np.floor(right)), width - 1) + 1):
            x, y = c - ax, r - ay
            # share of a pixel's length, of which the next piece has the rest; what runs in depth is all within one
            ahead = min(max(0.5 + x * start[0] + y * start[1], 0.0), 1.0)
            behind = min(max(0.5 - (c - bx) * end[0] - (r - by) * end[1], 0.0), 1.0)
            cover = (ahead + behind - 1.0) / long if long > POINT_PX else 1.0 if abs(x) <= 0.5 else 0.0
            across = abs(x * ty - y * tx)
            inner, outer = (across - 0.5) * per_px, min((across + 0.5) * per_px, used - 1.0)
            if cover <= 0.0 or inner >= used - 2.0:
                continue
            side = 1.0 if inner >= 0.0 else -1.0
            inner = abs(inner)
            i, j = min(int(inner), used - 2), min(int(outer), used - 2)
            f, g, m = inner - i, outer - j, mass * cover
            pixel = r * width + c
            for e in range(4):
                low = table[i, e] + f * (table[i + 1, e] - table[i, e])
                high = table[j, e] + g * (table[j + 1, e] - table[j, e])
                device[pixel, e] += np.float32(m * (high - side * low))
            if seen[pixel] == 0 and count < touched.shape[0]:
                seen[pixel] = 1
                touched[count] = pixel
                count += 1
    return count


@njit(cache=True, nogil=True, error_model="numpy")
def splat(
    points: Floats,
    depth: Floats,
    path: Floats,
    cuts: Ints,
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

    points (N, 2) columns and rows, depth (N,) mm along the central ray, path (N,) arc length mm; cuts (M,) points,
    the first, the last and all where a layer begins or ends; layers (L, 4) start, end (arc length mm), outer radius,
    inner radius mm; mu (L, 4) 1/mm; scale: pixels per mm at depth 1.
    """
    widest = layers[:, 2].max()
    step = max(STEP_MM, widest / (TABLE - 4))
    table, miters = np.empty((TABLE, 4)), np.empty_like(points)
    _miters(points, miters)
    for m in range(len(cuts) - 1):
        used = -1
        for s in range(cuts[m], cuts[m + 1]):
            ax, ay, bx, by = points[s, 0], points[s, 1], points[s + 1, 0], points[s + 1, 1]
            px_mm = scale / (0.5 * (depth[s] + depth[s + 1]))
            out = px_mm * widest + 2.0
            if max(ax, bx) < -out or max(ay, by) < -out or min(ax, bx) > width + out or min(ay, by) > height + out:
                continue
            if used < 0:
                used = _across(layers, mu, 0.5 * (path[cuts[m]] + path[cuts[m + 1]]), step, table)
            if used == 0:
                break
            mass = (path[s + 1] - path[s]) * px_mm * px_mm
            count = _piece(points[s], points[s + 1], miters[s], miters[s + 1], 1.0 / (px_mm * step), mass, table, used,
                           width, height, device, touched, seen, count)  # fmt: skip
    return count


@njit(cache=True, nogil=True, error_model="numpy")
def _cut(nodes: Floats, path: Floats, ends: Floats) -> tuple[Floats, Floats, Ints]:
    """Nodes (N, 3) at arc lengths (N,) with more of them at ends (M,), ascending; and which ones (M,) these are."""
    n, m = len(path), len(ends)
    points, arc, cuts = np.empty((n + m, 3)), np.empty(n + m), np.empty(m, np.int64)
    used, k = 0, 0
    for i in range(n):
        while k < m and ends[k] <= path[i]:
            cuts[k] = used
            if ends[k] < path[i]:
                f = (ends[k] - path[i - 1]) / (path[i] - path[i - 1])
                for q in range(3):
                    points[used, q] = nodes[i - 1, q] + f * (nodes[i, q] - nodes[i - 1, q])
                arc[used] = ends[k]
                used += 1
            k += 1
        for q in range(3):
            points[used, q] = nodes[i, q]
        arc[used] = path[i]
        used += 1
    return points[:used], arc[:used], cuts


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
            self._along(geometry, *_refined(shapes.nodes, shapes.s, geometry.pixel_iso_mm), layers, mu)
        for coil in shapes.coils:
            wire = np.array([beam.material(COIL) - beam.material("blood")])
            nodes = coil.points + coil.breathing[:, None] * np.array(shapes.offset_mm)
            path = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(nodes, axis=0), axis=1))])
            radius = 0.5 * coil.wire_mm
            row = np.array([[0.0, float(path[-1]), radius, COIL_INNER * radius]])
            self._along(geometry, nodes, path, row, wire)

    def _along(self, geometry: Geometry, nodes: Floats, path: Floats, layers: Floats, mu: Floats) -> None:
        """Adds layers (L, 4) along nodes (N, 3) mm at arc lengths (N,)."""
        between, whole, cuts = _cut(nodes, path, np.unique(np.clip(layers[:, :2], path[0], path[-1])))
        matrix = geometry.matrix()
        h = between @ matrix[:, :3].T + matrix[:, 3]
        points = h[:, :2] / h[:, 2:3]
        self.count = splat(
            points,
            np.ascontiguousarray(h[:, 2]),
            whole,
            cuts,
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


@njit(cache=True, nogil=True, error_model="numpy")
def _four(nodes: Floats, i: int, q: int) -> tuple[float, float, float, float]:
    """Coordinate q of nodes i - 1 to i + 2; beyond an end the line goes straight on."""
    b, c = nodes[i, q], nodes[i + 1, q]
    a = nodes[i - 1, q] if i > 0 else 2.0 * b - c
    d = nodes[i + 2, q] if i < len(nodes) - 2 else 2.0 * c - b
    return a, b, c, d


@njit(cache=True, nogil=True, error_model="numpy")
def _refined(nodes: Floats, s: Floats, pixel_mm: float) -> tuple[Floats, Floats]:
    """Centerline on a Catmull-Rom curve, so that bends look round: three points a piece where it is bent."""
    count = len(nodes)
    curve, path = np.empty((3 * count, 3)), np.empty(3 * count)
    used = 0
    for i in range(count - 1):
        before, behind = 0.0, 0.0
        for q in range(3):
            a, b, c, d = _four(nodes, i, q)
            before += (a - 2.0 * b + c) ** 2
            behind += (b - 2.0 * c + d) ** 2
        parts = 3 if np.sqrt(max(before, behind)) > 8.0 * STRAIGHT_PX * pixel_mm else 1
        for k in range(parts):
            f = k / parts
            for q in range(3):
                a, b, c, d = _four(nodes, i, q)
                bend = 2.0 * a - 5.0 * b + 4.0 * c - d + f * (3.0 * b - a - 3.0 * c + d)
                curve[used, q] = b + 0.5 * f * (c - a + f * bend)
            path[used] = s[i] + f * (s[i + 1] - s[i])
            used += 1
    for q in range(3):
        curve[used, q] = nodes[count - 1, q]
    path[used] = s[count - 1]
    return curve[: used + 1], path[: used + 1]
