"""Vessels as they are drawn: mitered frusta, one a cell. Their chords: `chords`, kept for a pose: `chord_matrix`.

Neighbor cells of a vessel are cut by the plane that bisects their directions, so they share no volume and
leave no gap. A branch is cut by its parent's lumen, so that contrast at an ostium is not counted twice.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trainer.anatomy.types import Patient, VesselTree
from trainer.flow.types import Cells

Floats = NDArray[np.float64]

FIELDS = 22
"""A frustum's row: start 0-2, end 3-5, radii 6-7, start plane normal 8-10, end plane normal 11-13,
parent cylinder: point 14-16, axis 17-19, radius 20 (0: none), breathing share 21."""


CAP = 0.9
"""Of a branch's radius: so far a vessel reaches beyond its beginning where others leave there."""


IN_BEND = 0.8
"""Share of the lumen's radius that cuts a branch which begins on the axis, where the lumen bends and is narrower on one
side than its radius tells."""
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
            if at == last and p in widest:  # the lumen bends here into the widest of those that go on
                axis = axis + _begin(tree, widest[p])
                axis = axis / max(float(np.linalg.norm(axis)), 1e-9)
            begin = np.flatnonzero(near)[np.argmin(cells.from_mm[near])] if near.any() else -1
            radius = tree.radius[at]
            if begin >= 0:
                off = out[begin, 0:3] - tree.points[at]
                off -= axis * float(off @ axis)
                if float(np.linalg.norm(off)) > 0.5 * radius:
                    # cells begin at the parent's wall, squarely: drawn from within, so that no wedge is left open at it
                    along = out[begin, 3:6] - out[begin, 0:3]
                    out[begin, 0:3] -= radius * along / max(float(np.linalg.norm(along)), 1e-9)
                else:
                    radius *= IN_BEND
            out[near, 14:17], out[near, 17:20], out[near, 20] = tree.points[at], axis, radius
