"""Vessels in the picture: exact chords through mitered frusta, kept as a sparse matrix for one C-arm pose.

Neighbor cells of a vessel are cut by the plane that bisects their directions, so they share no volume and
leave no gap. A branch is cut by its parent's lumen, so that contrast at an ostium is not counted twice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from trainer.anatomy.types import Patient, VesselTree
from trainer.flow.types import Cells
from trainer.imaging.geometry import Geometry

Floats = NDArray[np.float64]
Image = NDArray[np.float32]
Ints = NDArray[np.int64]

FIELDS = 22
"""A frustum's row: start 0-2, end 3-5, radii 6-7, start plane normal 8-10, end plane normal 11-13,
parent cylinder: point 14-16, axis 17-19, radius 20 (0: none), breathing share 21."""


CAP = 0.9
"""Of a branch's radius: so far a vessel reaches beyond its beginning where others leave there."""


FADE_MM = 26.0
"""Length over which the caval vein fades at both ends of what is drawn of it."""


def frusta(cells: Cells, patient: Patient | None = None) -> Floats:
    """Rows (C, 22) of every cell: geometry, miter planes and the parent's lumen where a branch begins."""
    n = len(cells.start)
    out = np.zeros((n, FIELDS))
    out[:, 0:3], out[:, 3:6] = cells.start, cells.end
    out[:, 6], out[:, 7] = cells.radius_start, cells.radius_end
    direction = cells.end - cells.start
    direction /= np.maximum(np.linalg.norm(direction, axis=1, keepdims=True), 1e-9)
    out[:, 8:11], out[:, 11:14] = direction, direction
    key = cells.vessel + np.where(cells.is_vein, 1 << 40, 0)
    order = np.lexsort((cells.from_mm, key))
    a, b = order[:-1], order[1:]
    touching = (key[a] == key[b]) & (np.abs(cells.end[a] - cells.start[b]).max(axis=1) < 1e-6)
    a, b = a[touching], b[touching]
    plane = direction[a] + direction[b]
    plane /= np.maximum(np.linalg.norm(plane, axis=1, keepdims=True), 1e-9)
    out[a, 11:14] = plane
    out[b, 8:11] = plane
    if patient is not None:
        _join_ends(out, cells, patient, direction)
    if patient is not None:
        _fade_ends(out, cells, patient)
    out[:, 21] = 0.5 * (cells.breathing_start + cells.breathing_end)
    if patient is not None:
        _cut_ostia(out, cells, patient)
    return out


def _join_ends(out: Floats, cells: Cells, patient: Patient, direction: Floats) -> None:
    """Miters vessels that begin where their parent ends: the widest with the parent's cell there, the others with the
    widest, so that the three meet as a Y. A parent at whose beginning others leave is drawn on, as a T."""
    for vein, tree in ((False, patient.tree), (True, patient.veins)):
        mine = np.flatnonzero(cells.is_vein == vein)
        if len(mine) == 0:
            continue
        order = mine[np.lexsort((cells.from_mm[mine], cells.vessel[mine]))]
        names = cells.vessel[order]
        low, high = (np.searchsorted(names, np.arange(tree.count), side=k) for k in ("left", "right"))
        widest = widest_at_end(tree)
        for v in range(tree.count):
            at, p = int(tree.attach[v]), int(tree.parent[v])
            if at < 0 or low[v] == high[v] or low[p] == high[p]:
                continue
            ends, begins = at >= tree.first[p + 1] - 1, at == tree.first[p]
            if not (ends or begins):
                continue
            a, b = int(order[high[p] - 1] if ends else order[low[p]]), int(order[low[v]])
            if begins:  # as a T: the parent goes on to the far wall of what leaves it, which its lumen cuts
                past = CAP * cells.radius_start[b]
                reach = float((cells.start[a] - out[a, 0:3]) @ direction[a])
                out[a, 0:3] -= max(past - reach, 0.0) * direction[a]
                continue
            if np.abs(cells.end[a] - cells.start[b]).max() > 1e-6:
                continue
            rules = widest.get(p) == v
            if rules:
                plane = direction[a] + direction[b]
            else:
                plane = direction[b] - direction[int(order[low[widest[p]]])]
            length = float(np.linalg.norm(plane))
            if length < 0.5:
                continue
            out[b, 8:11] = plane / length
            if rules:
                out[a, 11:14] = plane / length


def _fade_ends(out: Floats, cells: Cells, patient: Patient) -> None:
    """The caval vein is drawn ever thinner where the trainer's piece of it begins and ends: it goes on in the patient,
    where blood without contrast joins it."""
    for v, kind in enumerate(patient.vein_kind):
        if kind != "systemic":
            continue
        mine = np.flatnonzero(cells.is_vein & (cells.vessel == v))
        whole = float(cells.to_mm[mine].max(initial=0.0))
        for column, at in ((6, cells.from_mm), (7, cells.to_mm)):
            left = np.minimum(at[mine], whole - at[mine]) / FADE_MM
            out[mine, column] *= np.sqrt(np.clip(left * (2.0 - left), 0.02, 1.0) * (left < 1.0) + (left >= 1.0))


def widest_at_end(tree: VesselTree) -> dict[int, int]:
    """The widest of the vessels that begin where each vessel ends."""
    out: dict[int, int] = {}
    for v in np.argsort(tree.radius[tree.first[:-1]]).tolist():
        p = int(tree.parent[v])
        if int(tree.attach[v]) >= 0 and int(tree.attach[v]) == int(tree.first[p + 1]) - 1:
            out[p] = v
    return out


def _begin(tree: VesselTree, v: int) -> Floats:
    """Direction (3,) in which a vessel begins."""
    a = tree.points[int(tree.first[v]) : int(tree.first[v + 1])]
    d = a[min(3, len(a) - 1)] - a[0]
    return np.asarray(d / max(float(np.linalg.norm(d)), 1e-9))


def _cut_ostia(out: Floats, cells: Cells, patient: Patient) -> None:
    """Marks the lumen of the parent in the first cells of every branch."""
    for vein, tree in ((False, patient.tree), (True, patient.veins)):
        widest = widest_at_end(tree)
        for v in range(tree.count):
            at = int(tree.attach[v])
            if at < 0:
                continue
            p = int(tree.parent[v])
            last = int(tree.first[p + 1]) - 1
            lo, hi = max(at - 1, int(tree.first[p])), min(at + 1, last)
            axis = tree.points[hi] - tree.points[lo]
            axis = axis / max(float(np.linalg.norm(axis)), 1e-9)
            mine = (cells.vessel == v) & (cells.is_vein == vein)
            near = mine & (np.minimum(cells.from_mm, cells.to_mm) < 2.5 * tree.radius[at])
            # A branch that goes on where its parent ends would lose its whole first length: leave it.
            if at == last and (widest.get(p) == v or abs(_begin(tree, v) @ axis) > 0.8):
                continue
            # cells begin at the parent's wall, squarely: drawn from within, so that no wedge is left open at it
            begin = np.flatnonzero(near)[np.argmin(cells.from_mm[near])] if near.any() else -1
            if begin >= 0:
                along = out[begin, 3:6] - out[begin, 0:3]
                out[begin, 0:3] -= tree.radius[at] * along / max(float(np.linalg.norm(along)), 1e-9)
            out[near, 14:17], out[near, 17:20], out[near, 20] = tree.points[at], axis, tree.radius[at]


@njit(cache=True, nogil=True)
def _interval(
    ox: float,
    oy: float,
    oz: float,
    dx: float,
    dy: float,
    dz: float,
    ax: float,
    ay: float,
    az: float,
    r0: float,
    slope: float,
) -> tuple[float, float]:
    """Where o + t d lies inside the cone about axis a through the origin, radius r0 + slope * axial position."""
    dd = dx * dx + dy * dy + dz * dz
    da = dx * ax + dy * ay + dz * az
    oa = ox * ax + oy * ay + oz * az
    od = ox * dx + oy * dy + oz * dz
    oo = ox * ox + oy * oy + oz * oz
    r = r0 + slope * oa
    qa = dd - da * da * (1.0 + slope * slope)
    qb = od - da * oa - r * slope * da
    qc = oo - oa * oa - r * r
    if qa < 1e-6 * dd:
        return (-1e9, 1e9) if qc < 0 else (1.0, -1.0)
    disc = qb * qb - qa * qc
    if disc <= 0.0:
        return 1.0, -1.0
    root = np.sqrt(disc)
    return (-qb - root) / qa, (-qb + root) / qa


@njit(cache=True, nogil=True)
def chord(f: Floats, sx: float, sy: float, sz: float, dx: float, dy: float, dz: float) -> float:
    """Length in frustum f (22,) of the ray s + t d, in units of |d|."""
    ax, ay, az = f[3] - f[0], f[4] - f[1], f[5] - f[2]
    length = np.sqrt(ax * ax + ay * ay + az * az)
    if length < 1e-9:
        return 0.0
    ax, ay, az = ax / length, ay / length, az / length
    ox, oy, oz = sx - f[0], sy - f[1], sz - f[2]
    t0, t1 = _interval(ox, oy, oz, dx, dy, dz, ax, ay, az, f[6], (f[7] - f[6]) / length)
    if t1 <= t0:
        return 0.0
    for end in range(2):
        k = 8 + 3 * end
        side = 1.0 - 2.0 * end  # inside is ahead of the start plane and behind the end plane
        q = 3 * end
        rate = side * (f[k] * dx + f[k + 1] * dy + f[k + 2] * dz)
        here = side * (f[k] * (sx - f[q]) + f[k + 1] * (sy - f[q + 1]) + f[k + 2] * (sz - f[q + 2]))
        if abs(rate) < 1e-12:
            if here < 0:
                return 0.0
        elif rate > 0:
            t0 = max(t0, -here / rate)
        else:
            t1 = min(t1, -here / rate)
        if t1 <= t0:
            return 0.0
    out = t1 - t0
    if f[20] > 0.0:
        p0, p1 = _interval(sx - f[14], sy - f[15], sz - f[16], dx, dy, dz, f[17], f[18], f[19], f[20], 0.0)
        if p1 > p0:
            out -= max(min(t1, p1) - max(t0, p0), 0.0)
    return out


@njit(cache=True, nogil=True)
def _box(
    matrix: Floats, f: Floats, scale: float, low_c: int, high_c: int, low_r: int, high_r: int
) -> tuple[int, int, int, int, float]:
    """Columns and rows (inclusive) that a frustum can touch, and its radius in pixels."""
    left, right, top, bottom, wide = 1e9, -1e9, 1e9, -1e9, 0.0
    for end in range(2):
        x, y, z = f[3 * end], f[3 * end + 1], f[3 * end + 2]
        w = matrix[2, 0] * x + matrix[2, 1] * y + matrix[2, 2] * z + matrix[2, 3]
        u = (matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2] * z + matrix[0, 3]) / w
        v = (matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2] * z + matrix[1, 3]) / w
        r = 1.25 * max(f[6], f[7]) * scale / w + 1.0
        left, right = min(left, u - r), max(right, u + r)
        top, bottom = min(top, v - r), max(bottom, v + r)
        wide = max(wide, max(f[6], f[7]) * scale / w)
    if right < low_c or left > high_c or bottom < low_r or top > high_r:
        return 0, -1, 0, -1, wide
    return (
        max(int(np.ceil(left)), low_c),
        min(int(right), high_c),
        max(int(np.ceil(top)), low_r),
        min(int(bottom), high_r),
        wide,
    )


@njit(inline="always")
def _samples(radius_px: float) -> int:
    """Samples a pixel side: thin vessels need more to keep their mass at any sub-pixel place."""
    return 4 if radius_px < 0.8 else 3 if radius_px < 1.6 else 2 if radius_px < 8.0 else 1


@njit(cache=True, nogil=True)
def count_pixels(matrix: Floats, rows: Floats, scale: float, low: int, high: int, out: Ints) -> None:
    """Upper bound (C, 2) of the pixels that each frustum (C, 22) touches on columns and rows low..high, and of
    the rays that they take."""
    for i in range(rows.shape[0]):
        c0, c1, r0, r1, wide = _box(matrix, rows[i], scale, low, high, low, high)
        out[i, 0] = max(c1 - c0 + 1, 0) * max(r1 - r0 + 1, 0)
        out[i, 1] = out[i, 0] * _samples(wide) ** 2


@njit(cache=True, nogil=True)
def build_chords(
    matrix: Floats,
    source: Floats,
    d0: Floats,
    du: Floats,
    dv: Floats,
    scale: float,
    low: int,
    high: int,
    rows: Floats,
    first: int,
    last: int,
    begin: Ints,
    used: int,
    column: NDArray[np.int16],
    line: NDArray[np.int16],
    value: Image,
) -> int:
    """Appends the chords (mm, mean over the pixel) of frusta first..last; begin (C+1,) marks where each starts."""
    for i in range(first, last):
        begin[i] = used
        f = rows[i]
        c0, c1, r0, r1, wide = _box(matrix, f, scale, low, high, low, high)
        fine = _samples(wide)
        for r in range(r0, r1 + 1):
            for c in range(c0, c1 + 1):
                total = 0.0
                for a in range(fine):
                    y = r + (a + 0.5) / fine - 0.5
                    for b in range(fine):
                        x = c + (b + 0.5) / fine - 0.5
                        dx = d0[0] + x * du[0] + y * dv[0]
                        dy = d0[1] + x * du[1] + y * dv[1]
                        dz = d0[2] + x * du[2] + y * dv[2]
                        t = chord(f, source[0], source[1], source[2], dx, dy, dz)
                        if t > 0.0:
                            total += t * np.sqrt(dx * dx + dy * dy + dz * dz)
                if total > 1e-4:
                    column[used], line[used], value[used] = c, r, np.float32(total / (fine * fine))
                    used += 1
    begin[last] = used
    return used


@njit(cache=True, nogil=True)
def add_iodine(
    begin: Ints,
    column: NDArray[np.int16],
    line: NDArray[np.int16],
    value: Image,
    share: Floats,
    iodine: Floats,
    shift_c: float,
    shift_r: float,
    image: Image,
) -> None:
    """Adds 0.1 * iodine (mg/mL) * chord (mm) = mg/cm2 of each cell to image (H, W), moved by share * shift pixels.

    Cells without iodine cost nothing. Sub-pixel motion is bilinear.
    """
    height, width = image.shape
    for i in range(iodine.shape[0]):
        c = iodine[i]
        if abs(c) < 0.05 or begin[i + 1] == begin[i]:
            continue
        x, y = share[i] * shift_c, share[i] * shift_r
        ix, iy = int(np.floor(x)), int(np.floor(y))
        f, g = np.float32(x - ix), np.float32(y - iy)
        k = np.float32(0.1 * c)
        one = np.float32(1.0)
        a00, a01, a10, a11 = k * (one - f) * (one - g), k * f * (one - g), k * (one - f) * g, k * f * g
        for n in range(begin[i], begin[i + 1]):
            q, r = column[n] + ix, line[n] + iy
            if q < 0 or r < 0 or q >= width - 1 or r >= height - 1:
                continue
            v = value[n]
            image[r, q] += a00 * v
            image[r, q + 1] += a01 * v
            image[r + 1, q] += a10 * v
            image[r + 1, q + 1] += a11 * v


@dataclass
class ChordMatrix:
    """Chords of all cells at one pose, filled cell by cell. Valid once `done`."""

    geometry: Geometry
    rows: Floats
    margin: int
    begin: Ints
    column: NDArray[np.int16]
    line: NDArray[np.int16]
    value: Image
    cost: Ints
    next: int = 0
    used: int = 0

    @classmethod
    def empty(cls, geometry: Geometry, rows: Floats, margin: int) -> ChordMatrix:
        """Room for frusta rows (C, 22) on the picture and `margin` pixels around it."""
        cost = np.zeros((len(rows), 2), dtype=np.int64)
        scale = geometry.sid / geometry.pixel_mm
        count_pixels(geometry.matrix(), rows, scale, -margin, geometry.pixels - 1 + margin, cost)
        size = int(cost[:, 0].sum())
        return cls(
            geometry,
            rows,
            margin,
            np.zeros(len(rows) + 1, dtype=np.int64),
            np.empty(size, dtype=np.int16),
            np.empty(size, dtype=np.int16),
            np.empty(size, dtype=np.float32),
            cost,
        )

    @property
    def done(self) -> bool:
        return self.next >= len(self.rows)

    def advance(self, budget: float) -> float:
        """Fills frusta until about `budget` units of work (0.1 us) are used. Returns what is left."""
        first = self.next
        last = first
        while last < len(self.rows) and budget > 0:
            budget -= 0.4 * float(self.cost[last, 1]) + 3.0
            last += 1
        d0, du, dv = self.geometry.ray_basis()
        self.used = build_chords(
            self.geometry.matrix(),
            self.geometry.source,
            d0,
            du,
            dv,
            self.geometry.sid / self.geometry.pixel_mm,
            -self.margin,
            self.geometry.pixels - 1 + self.margin,
            self.rows,
            first,
            last,
            self.begin,
            self.used,
            self.column,
            self.line,
            self.value,
        )
        self.next = last
        if self.done:
            self.column, self.line = self.column[: self.used].copy(), self.line[: self.used].copy()
            self.value = self.value[: self.used].copy()
        return budget

    def apply(self, iodine: Floats, shift: tuple[float, float], image: Image) -> None:
        """Adds the iodine of every cell (C,) mg/mL to image (H, W) mg/cm2; shift: motion at share 1, pixels."""
        add_iodine(
            self.begin,
            self.column,
            self.line,
            self.value,
            np.ascontiguousarray(self.rows[:, 21]),
            np.ascontiguousarray(iodine),
            shift[0],
            shift[1],
            image,
        )
