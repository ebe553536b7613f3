"""The way to the target as an operator knows it before the procedure: from the planning CT.

It holds the course, caliber and forks of the arteries on the way, and how far the liver moves with the breath.
It knows nothing of what happens during the procedure.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainer.anatomy.types import Patient, VesselTree
from trainer.errors import AnatomyError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ASIDE_MM = 30.0
"""Length of side branches that an operator keeps in mind."""
SMALLEST_MM = 0.3
"""Radius below which a side branch cannot catch a wire."""


@dataclass(frozen=True, slots=True)
class Fork:
    """A place where the way leaves one vessel for another."""

    s_mm: float
    """Length from the sheath mouth along the way."""
    vessel: str
    """The vessel to enter."""
    parent: str
    radius_mm: float
    """Of the vessel to enter, at its start."""


@dataclass(frozen=True, slots=True)
class Aside:
    """The beginning of a branch that leads off the way."""

    s_mm: float
    points: Floats  # (K, 3) mm, from the junction on
    breathing: Floats  # (K,)


@dataclass(frozen=True, slots=True)
class Way:
    """The centerline from the sheath mouth to the target, M points about 1 mm apart."""

    points: Floats  # (M, 3) mm at end expiration
    s: Floats  # (M,) mm from the sheath mouth
    radius: Floats  # (M,) mm
    vessel: tuple[str, ...]  # (M,) name of the vessel that holds the point
    breathing: Floats  # (M,) share of the liver's displacement
    forks: tuple[Fork, ...]
    """Where the way changes vessel."""
    junctions: tuple[float, ...]
    """Lengths at which any branch wide enough for a wire leaves or joins the way, sorted."""
    asides: tuple[Aside, ...]
    amplitude_mm: Floats  # (3,) liver displacement at full inspiration

    def at(self, s_mm: float) -> int:
        """Index of the point at length s (clipped to the ends)."""
        return int(np.clip(np.searchsorted(self.s, s_mm), 0, len(self.s) - 1))

    def part(self, from_mm: float, to_mm: float) -> Floats:
        """Points (K, 3) mm between two lengths."""
        return self.points[(self.s >= from_mm) & (self.s <= to_mm)]

    def start_of(self, vessel: str) -> float:
        """Length from the sheath mouth at which the way enters a vessel.

        Raises AnatomyError when the way does not pass through it.
        """
        for name, s in zip(self.vessel, self.s, strict=True):
            if name == vessel:
                return float(s)
        raise AnatomyError(f"the way to the target does not pass through '{vessel}'")

    def moved(self, breath: float) -> Floats:
        """Points (M, 3) mm at a breathing state 0 (end expiration) .. 1."""
        return self.points + self.breathing[:, None] * (breath * self.amplitude_mm)


def _vessel_points(tree: VesselTree, v: int) -> Ints:
    return np.arange(tree.first[v], tree.first[v + 1], dtype=np.int64)


def _way_points(tree: VesselTree, access: int, mouth: Floats, target: int) -> tuple[list[int], list[int]]:
    """Point indices from the sheath mouth to the end of the target, and the vessel of each."""
    down, up = tree.path(target), tree.path(access)
    shared = 0
    while shared < min(len(down), len(up)) and down[shared] == up[shared]:
        shared += 1
    points: list[int] = []
    owners: list[int] = []

    def add(indices: Ints, v: int) -> None:
        points.extend(int(i) for i in indices)
        owners.extend([v] * len(indices))

    start = _vessel_points(tree, access)
    near = int(np.argmin(np.linalg.norm(tree.points[start] - mouth, axis=1)))
    chain = [*up[shared:][::-1]] or []
    for v in chain:
        own = _vessel_points(tree, v)
        if v == access:
            own = own[: near + 1]
        else:
            below = up[up.index(v) + 1]
            own = own[: int(tree.attach[below] - tree.first[v]) + 1]
        add(own[::-1], v)
    common = down[shared - 1]
    low = int(tree.attach[up[shared]]) if shared < len(up) else int(start[near])
    rest = down[shared:]
    if rest:
        high = int(tree.attach[rest[0]])
    else:  # the target lies upstream of the access (the aorta) or is the access vessel itself
        high = int(tree.first[common] if common != access else tree.first[common + 1] - 1)
    between = np.arange(min(low, high), max(low, high) + 1)
    add(between[::-1] if low > high else between, common)
    for v, child in zip(rest, [*rest, -1][1:], strict=True):
        own = _vessel_points(tree, v)
        if child >= 0:
            own = own[: int(tree.attach[child] - tree.first[v]) + 1]
        add(own, v)
    return points, owners


def _asides(tree: VesselTree, own: Ints, index: Ints, length: Floats) -> tuple[Aside, ...]:
    """Branches that leave the way: side branches, and where a vessel of the way goes on after the way left it."""
    on_way = {int(v) for v in own}
    out = []
    for v in range(tree.count):
        points = _vessel_points(tree, v)
        if v in on_way:
            used = index[own == v]
            points = points[points >= used.max()] if len(used) and used[-1] >= used[0] else points[:0]
            at = length[np.flatnonzero(index == points[0])] if len(points) > 2 else length[:0]
        elif tree.attach[v] in index and tree.radius[tree.first[v]] >= SMALLEST_MM:
            at = length[np.flatnonzero(index == tree.attach[v])]
        else:
            continue
        if len(at) == 0:
            continue
        arc = np.linalg.norm(np.diff(tree.points[points], axis=0), axis=1).cumsum()
        near = points[: int(np.searchsorted(arc, ASIDE_MM)) + 2]
        out.append(Aside(float(at[0]), tree.points[near], tree.breathing[near]))
    return tuple(out)


def plan_way(patient: Patient, target: str, spacing_mm: float = 1.0) -> Way:
    """The way from the sheath mouth to the end of vessel `target`.

    Raises AnatomyError when there is no such vessel.
    """
    tree = patient.tree
    if target not in tree.names:
        raise AnatomyError(f"the target vessel '{target}' is not in this patient")
    index, owner = _way_points(tree, tree.index(patient.access.vessel), patient.access.mouth, tree.index(target))
    xyz = tree.points[index]
    keep = np.concatenate([[True], np.linalg.norm(np.diff(xyz, axis=0), axis=1) > 1e-6])
    # at a fork two vessels share the point: keep the later owner, so that the way has entered it
    own = np.array(owner)
    for i in np.flatnonzero(~keep):
        own[i - 1] = own[i]
    xyz, own, idx = xyz[keep], own[keep], np.array(index)[keep]
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(xyz, axis=0), axis=1))])
    s = np.arange(0.0, length[-1], spacing_mm)
    points = np.stack([np.interp(s, length, xyz[:, k]) for k in range(3)], axis=1)
    held = own[np.clip(np.searchsorted(length, s, side="right") - 1, 0, len(own) - 1)]
    forks = tuple(
        Fork(float(length[i]), tree.names[own[i]], tree.names[own[i - 1]], float(tree.radius[tree.first[own[i]]]))
        for i in range(1, len(own))
        if own[i] != own[i - 1]
    )
    asides = _asides(tree, own, idx, length)
    return Way(
        points=points,
        s=s,
        radius=np.interp(s, length, tree.radius[idx]),
        vessel=tuple(tree.names[v] for v in held),
        breathing=np.interp(s, length, tree.breathing[idx]),
        forks=forks,
        junctions=tuple(sorted({*(a.s_mm for a in asides), *(f.s_mm for f in forks)})),
        asides=asides,
        amplitude_mm=np.asarray(patient.breathing.amplitude_mm, dtype=np.float64),
    )
