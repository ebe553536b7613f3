"""Vessels while the patient is being built: named arteries from their plan, and the final flat arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trainer.anatomy.curves import arc_length, smooth, smoothstep, tangents, unit
from trainer.anatomy.template import VesselPlan
from trainer.anatomy.types import Floats, Stenosis, VesselTree

SPACING_MM = 1.9
"""Largest distance of neighboring centerline points of a named vessel."""
END_SNAP_MM = 2.5
"""A child that begins this near to its parent's end begins at the end."""
JOIN_MM = 8.0
"""Farthest that a vessel's last way-point may lie from the vessel that it joins."""
TURN_COS = -0.3
"""A child that leaves its parent's end by less than about 107 deg starts along a blend of both directions,
as the limbs of a real fork do."""


@dataclass(slots=True)
class Branch:
    """One vessel. parent: index of its parent in the list of branches (-1 root); at: index into the parent's
    points where it begins."""

    name: str
    parent: int
    at: int
    points: Floats  # (N, 3) mm
    radius: Floats  # (N,) mm
    breathing: Floats  # (N,)
    generated: bool = False
    joins: int = -1
    """Index of the vessel into which its end opens, -1 none; and of the point of that vessel."""
    join_at: int = -1


def named_branches(plans: Sequence[VesselPlan]) -> list[Branch]:
    """Centerlines and radii of named vessels (parents first), with breathing shares all along."""
    branches: list[Branch] = []
    index: dict[str, int] = {}
    for plan in plans:
        index[plan.name] = len(branches)
        parent = plan.values.get("parent")
        branches.append(_root(plan) if parent is None else _child(plan, index[parent], branches))
    for plan in plans:
        if plan.values.get("joins") is not None:
            _join(plan, branches[index[plan.name]], index[plan.values["joins"]], branches)
    return branches


def _join(plan: VesselPlan, branch: Branch, other: int, branches: list[Branch]) -> None:
    """Leads the end of a vessel to the nearest point of the one it joins."""
    target = branches[other]
    gap = np.linalg.norm(target.points - branch.points[-1], axis=1)
    at = int(np.argmin(gap))
    if gap[at] > JOIN_MM:
        raise plan.fault(
            "joins",
            f"vessel '{plan.name}' ends {gap[at]:.1f} mm away from '{target.name}'.",
            f"Its last way-point must lie within {JOIN_MM:g} mm of that vessel's centerline; the nearest point is "
            f"({', '.join(f'{x:.1f}' for x in target.points[at])}).",
        )
    if at == 0:
        raise plan.fault("joins", f"vessel '{plan.name}' joins the very start of '{target.name}'.",
                         "Let it join farther along, or that vessel's own parent.")
    if np.linalg.norm(target.points[-1] - target.points[at]) < END_SNAP_MM:
        at = len(target.points) - 1
    along = arc_length(branch.points)
    pull = smoothstep(np.clip((along - 0.6 * along[-1]) / (0.4 * along[-1]), 0.0, 1.0))
    branch.points = branch.points + pull[:, None] * (target.points[at] - branch.points[-1])
    branch.breathing = branch.breathing + pull * (target.breathing[at] - branch.breathing[-1])
    branch.joins, branch.join_at = other, at


def _taper(plan: VesselPlan, points: Floats) -> Floats:
    proximal, distal = plan.values["diameter_mm"]
    s = arc_length(points)
    radius: Floats = 0.5 * (proximal + (distal - proximal) * s / s[-1])
    return radius


def _waypoints(plan: VesselPlan) -> Floats:
    w = np.array(plan.values["waypoints_mm"], dtype=np.float64)
    if not np.isfinite(w).all() or (np.linalg.norm(np.diff(w, axis=0), axis=1) < 0.2).any():
        raise plan.fault(
            "waypoints_mm",
            f"vessel '{plan.name}' has way-points that coincide or are no numbers.",
            "Neighbors must lie at least 0.2 mm apart.",
        )
    return w


def _root(plan: VesselPlan) -> Branch:
    points, _ = smooth(_waypoints(plan), SPACING_MM)
    share = plan.values.get("breathing") or 0.0
    return Branch(plan.name, -1, -1, points, _taper(plan, points), np.full(len(points), share))


def _child(plan: VesselPlan, parent: int, branches: list[Branch]) -> Branch:
    trunk, w = branches[parent], _waypoints(plan)
    distance = np.linalg.norm(trunk.points - w[0], axis=1)
    at = int(np.argmin(distance))
    if distance[at] > trunk.radius[at] + 2.0:
        raise plan.fault(
            "waypoints_mm",
            f"vessel '{plan.name}' begins {distance[at]:.1f} mm away from its parent '{trunk.name}'.",
            f"Its first way-point must lie on the parent's centerline; the nearest point is "
            f"({', '.join(f'{x:.1f}' for x in trunk.points[at])}).",
        )
    if at == 0:
        raise plan.fault(
            "waypoints_mm",
            f"vessel '{plan.name}' begins at the very start of '{trunk.name}'.",
            "Let it leave farther along, or from that vessel's own parent.",
        )
    if np.linalg.norm(trunk.points[-1] - w[0]) < END_SNAP_MM:
        at = len(trunk.points) - 1
    w[0] = trunk.points[at]
    along = tangents(trunk.points)[at]
    chord = unit(w[1] - w[0])
    blend = at == len(trunk.points) - 1 and float(along @ chord) > TURN_COS
    points, _ = smooth(w, SPACING_MM, unit(0.55 * along + chord) if blend else None)
    share = float(trunk.breathing[at])
    end = plan.values.get("breathing")
    breathing = breathing_along(points, share, share if end is None else end)
    return Branch(plan.name, parent, at, points, _taper(plan, points), breathing)


def narrow(plans: Sequence[VesselPlan], branches: list[Branch]) -> tuple[Stenosis, ...]:
    """Narrows the radii of vessels with a stenosis, in place; what they are."""
    out = []
    for v, plan in enumerate(plans):
        spec = plan.values.get("stenosis")
        if spec is None:
            continue
        arc = arc_length(branches[v].points)
        if spec.at_mm + 0.5 * spec.length_mm > arc[-1] or spec.at_mm < 0.5 * spec.length_mm:
            raise plan.fault(
                "stenosis",
                f"the stenosis of '{plan.name}' reaches beyond the vessel, {arc[-1]:.1f} mm long.",
                "Give at_mm and length_mm so that it lies within.",
            )
        found = Stenosis(v, spec.at_mm, spec.length_mm, spec.diameter_share)
        branches[v].radius = branches[v].radius * found.factor(arc)
        out.append(found)
    return tuple(out)


def breathing_along(points: Floats, start: float, end: float) -> Floats:
    """Share (N,) of the liver's displacement along points (N, 3), from start to end without a step."""
    s = arc_length(points)
    share: Floats = start + (end - start) * smoothstep(s / s[-1])
    return share


def pack(branches: Sequence[Branch]) -> VesselTree:
    """Flat arrays of vessels; a parent's index is lower than its children's."""
    first = np.cumsum([0, *[len(b.points) for b in branches]]).astype(np.int64)
    attach = [int(first[b.parent]) + b.at if b.parent >= 0 else -1 for b in branches]
    tree = VesselTree(
        names=tuple(b.name for b in branches),
        parent=np.array([b.parent for b in branches], dtype=np.int64),
        first=first,
        points=np.concatenate([b.points for b in branches]),
        radius=np.concatenate([b.radius for b in branches]),
        attach=np.array(attach, dtype=np.int64),
        breathing=np.concatenate([b.breathing for b in branches]),
        generated=np.array([b.generated for b in branches], dtype=np.bool_),
        joins=tuple((i, int(first[b.joins]) + b.join_at) for i, b in enumerate(branches) if b.joins >= 0),
    )
    for array in (
        tree.parent,
        tree.first,
        tree.points,
        tree.radius,
        tree.attach,
        tree.breathing,
        tree.generated,
    ):
        array.flags.writeable = False
    return tree
