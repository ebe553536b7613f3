"""Cuts vessels into cells: control volumes of transport, and the segments that X-ray draws."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np

from trainer.anatomy.types import Beds, Patient, Stenosis, VesselTree
from trainer.flow.types import Cells, Floats, Ints
from trainer.units import ML_MM3, STEP_S

MIN_MM = 1.5
MAX_MM = 8.0
MAX_CELLS = 6000
COURANT = 0.7
"""Share of a cell that blood crosses in one step at rest."""
TRIM = 0.8
"""A side branch is cut from where it is this share of the parent's radius away from the parent's axis."""
ARCADE_MM = 4.0
"""Cell length of an arcade."""
CHORD_MM = (0.3, 0.45, 0.7, 1.0, 2.0)
"""Allowed distance of a straight cell from the curved vessel; the first that keeps MAX_CELLS is taken."""


def downstream_flow(tree: VesselTree, beds: Beds) -> Floats:
    """Mean rest flow entering each vessel, (V,) mL/s: the sum of the beds below it."""
    flow = np.zeros(tree.count)
    np.add.at(flow, beds.vessel, beds.flow_mL_s)
    for v in range(tree.count - 1, 0, -1):
        if tree.parent[v] >= 0:
            flow[tree.parent[v]] += flow[v]
    return flow


def attach_mm(tree: VesselTree) -> Floats:
    """Arc length along its parent at which each vessel begins, (V,) mm; 0 for roots."""
    out = np.zeros(tree.count)
    for v in range(tree.count):
        p = int(tree.parent[v])
        if p >= 0:
            out[v] = tree.arc(p)[tree.attach[v] - tree.first[p]]
    return out


def joins_mm(tree: VesselTree) -> tuple[Ints, Ints, Floats]:
    """Arcades of a tree: vessels whose end joins another (J,), the vessels joined (J,), where along those (J,) mm."""
    vessel = np.array([v for v, _ in tree.joins], np.int64)
    point = np.array([p for _, p in tree.joins], np.int64)
    other = np.searchsorted(tree.first, point, side="right") - 1
    place = np.array([tree.arc(int(w))[p - tree.first[w]] for w, p in zip(other, point, strict=True)])
    return vessel, other.astype(np.int64), place.astype(np.float64)


def _trim_mm(tree: VesselTree, v: int, arc: Floats) -> float:
    """Arc length at which a side branch leaves its parent's lumen, mm (0 for a branch off the parent's end).

    Inside the parent the branch is no vessel of its own: it neither resists nor is drawn there.
    """
    p = int(tree.parent[v])
    if p < 0 or tree.attach[v] >= tree.first[p + 1] - 1:
        return 0.0
    own = tree.points[tree.first[v] : tree.first[v + 1]]
    lumen = TRIM * float(tree.radius[tree.attach[v]])
    near = slice(max(int(tree.first[p]), int(tree.attach[v]) - 12),
                 min(int(tree.first[p + 1]), int(tree.attach[v]) + 13))
    line = tree.points[near]
    distance = np.min(np.linalg.norm(own[:, None, :] - line[None, :, :], axis=2), axis=1)
    outside = np.flatnonzero(distance > lumen)
    if not len(outside):
        return 0.4 * float(arc[-1])
    upto = slice(0, int(outside[0]) + 1)
    return min(float(np.interp(lumen, distance[upto], arc[upto])), 0.4 * float(arc[-1]))


def _bounds(arc: Floats, points: Floats, trim: float, forks: Floats, target_mm: float,
            chord_mm: float) -> Floats:
    """Cell boundaries of one vessel, arc lengths mm, from `trim` to its end, with every fork among them."""
    length = float(arc[-1])
    keep = [trim]
    for fork in np.sort(forks):
        if fork - keep[-1] > 0.5 * MIN_MM and length - fork > 0.5 * MIN_MM:
            keep.append(float(fork))
    keep.append(length)
    knots = np.array(keep)
    size = target_mm
    while True:
        parts = [np.linspace(a, b, max(1, round((b - a) / size)) + 1)[:-1]
                 for a, b in pairwise(knots)]
        bounds = np.concatenate([*parts, [length]])
        inside = (arc >= trim) & (arc <= length)
        off = np.zeros(int(inside.sum()))
        for k in range(3):
            ends = np.interp(bounds, arc, points[:, k])
            off += (np.interp(arc[inside], bounds, ends) - points[inside, k]) ** 2
        if size <= MIN_MM or not len(off) or math.sqrt(float(off.max())) <= chord_mm:
            return bounds
        size = max(MIN_MM, 0.75 * size)


def _cut_tree(tree: VesselTree, flow: Floats | None, chord_mm: float,
              stenoses: tuple[Stenosis, ...] = ()) -> list[Floats]:
    """Cell boundaries of every vessel of a tree; `flow` (V,) mL/s sets the cell length (None: 6 mm)."""
    at = attach_mm(tree)
    forks: list[list[float]] = [[] for _ in range(tree.count)]
    for v in range(tree.count):
        if tree.parent[v] >= 0:
            forks[tree.parent[v]].append(float(at[v]))
    for joined, place in zip(*joins_mm(tree)[1:], strict=True):
        forks[int(joined)].append(float(place))
    for s in stenoses:
        forks[s.vessel] += [s.at_mm - 0.5 * s.length_mm, s.at_mm, s.at_mm + 0.5 * s.length_mm]
    out = []
    for v in range(tree.count):
        own = slice(int(tree.first[v]), int(tree.first[v + 1]))
        arc = tree.arc(v)
        target = 6.0
        if flow is not None:
            area = math.pi * float(np.mean(tree.radius[own])) ** 2
            target = float(flow[v]) * ML_MM3 / area * STEP_S / COURANT
            if flow[v] == 0.0:  # an arcade: what flows in it is not known here
                target = ARCADE_MM
        if tree.generated[v]:
            target = max(target, 5.0)
        target = min(MAX_MM, max(MIN_MM, target))
        trim = _trim_mm(tree, v, arc)
        out.append(_bounds(arc, tree.points[own], trim, np.array(forks[v]), target, chord_mm))
    return out


def _fill(tree: VesselTree, bounds: list[Floats], is_vein: bool) -> dict[str, list[Floats]]:
    """The arrays of `Cells` for one tree, as lists of one array per vessel."""
    out: dict[str, list[Floats]] = {k: [] for k in (
        "start", "end", "radius_start", "radius_end", "vessel", "from_mm", "to_mm", "volume_mL",
        "breathing_start", "breathing_end", "is_vein")}
    for v, b in enumerate(bounds):
        own = slice(int(tree.first[v]), int(tree.first[v + 1]))
        arc = tree.arc(v)
        xyz = np.stack([np.interp(b, arc, tree.points[own, k]) for k in range(3)], axis=1)
        r = np.interp(b, arc, tree.radius[own])
        breath = np.interp(b, arc, tree.breathing[own])
        out["start"].append(xyz[:-1])
        out["end"].append(xyz[1:])
        out["radius_start"].append(r[:-1])
        out["radius_end"].append(r[1:])
        out["vessel"].append(np.full(len(b) - 1, v))
        out["from_mm"].append(b[:-1])
        out["to_mm"].append(b[1:])
        out["volume_mL"].append(
            math.pi / 3.0 * np.diff(b) * (r[:-1] ** 2 + r[:-1] * r[1:] + r[1:] ** 2) / ML_MM3)
        out["breathing_start"].append(breath[:-1])
        out["breathing_end"].append(breath[1:])
        out["is_vein"].append(np.full(len(b) - 1, is_vein))
    return out


def build_cells(patient: Patient) -> Cells:
    """Cells of all arteries, then all veins, each in the order of its tree and from its first point on.

    A side branch starts where it leaves its parent's lumen. Cell length follows the rest velocity (Courant
    number about 0.7 at 60 Hz), within 1.5 to 8 mm, and finer where a vessel bends.
    """
    flow = downstream_flow(patient.tree, patient.beds)
    for chord in CHORD_MM:
        arteries = _cut_tree(patient.tree, flow, chord, patient.stenoses)
        veins = _cut_tree(patient.veins, None, max(chord, 0.7)) if patient.vein_kind else []
        if sum(len(b) - 1 for b in arteries + veins) <= MAX_CELLS:
            break
    a, w = _fill(patient.tree, arteries, False), _fill(patient.veins, veins, True)
    flat = {k: np.concatenate([*a[k], *w[k]]) for k in a}
    for array in flat.values():
        array.flags.writeable = False
    return Cells(
        start=flat["start"], end=flat["end"], radius_start=flat["radius_start"],
        radius_end=flat["radius_end"], vessel=flat["vessel"].astype(np.int64), from_mm=flat["from_mm"],
        to_mm=flat["to_mm"], volume_mL=flat["volume_mL"], breathing_start=flat["breathing_start"],
        breathing_end=flat["breathing_end"], is_vein=flat["is_vein"].astype(np.bool_),
    )
