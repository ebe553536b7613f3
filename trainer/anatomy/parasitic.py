"""A second feeder of a tumor, from an artery outside the liver: it supplies part of the rim."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from trainer.anatomy.beds import Bed, BedList
from trainer.anatomy.branches import Branch, breathing_along
from trainer.anatomy.capsules import segment_distance
from trainer.anatomy.curves import arc_length, smooth, tangents, unit
from trainer.anatomy.distal import capsules_of
from trainer.anatomy.faults import AnatomyFault, Keys, Where
from trainer.anatomy.spec import ParasiticSpec
from trainer.anatomy.types import Floats, Tumor
from trainer.errors import nearest

SPACING_MM = 1.5
ENTRY, RIM = 0.95, 0.75
"""Where it ends, and where its stain is centered, as shares of the tumor's radius."""
TRIES = 60
GAP_MM = 0.4
"""Least distance from other vessels' walls."""


def parasitic_name(tumor: str) -> str:
    """Name of the feeder; what it feeds is called `<tumor>_rim`."""
    return f"{tumor}_parasitic_feeder"


def add_parasitic(spec: ParasiticSpec, tumor: Tumor, keys: Keys, branches: list[Branch], beds: BedList,
                  flow_mL_s: float, transit_s: float, rng: np.random.Generator, where: Where) -> None:
    """Adds the feeder and the bed of the rim. Raises AnatomyFault when its parent is missing or too far away."""
    names = [b.name for b in branches]
    at_keys = (*keys, "parasitic", "parent")
    if spec.parent not in names:
        raise AnatomyFault(f"the parasitic feeder of '{tumor.name}' leaves '{spec.parent}', which does not exist.",
                           where=where(at_keys), mend=nearest(spec.parent, names), keys=at_keys)
    parent = names.index(spec.parent)
    trunk = branches[parent]
    course = _course(spec, trunk, tumor, _others(branches, parent, tumor), rng)
    if course is None:
        near = float(np.linalg.norm(trunk.points - tumor.center, axis=1).min()) - 0.5 * tumor.diameter_mm
        raise AnatomyFault(
            f"no parasitic feeder of at most {spec.longest_mm:.0f} mm from '{spec.parent}' reaches '{tumor.name}'; "
            f"they lie {near:.0f} mm apart.", where=where(at_keys), keys=at_keys,
            mend="Move the tumor nearer to it, raise 'longest_mm', or name another parent.")
    at, points = course
    s = arc_length(points)
    radius = 0.5 * (spec.diameter_mm[0] + (spec.diameter_mm[1] - spec.diameter_mm[0]) * s / s[-1])
    breathing = breathing_along(points, float(trunk.breathing[at]), 1.0)
    branches.append(Branch(parasitic_name(tumor.name), parent, at, points, radius, breathing))
    out = unit(points[-1] - tumor.center)
    half = 0.5 * tumor.diameter_mm
    tissue = 4.0 / 3.0 * np.pi * half**3 / 1000.0 * spec.share
    beds.beds.append(Bed(len(branches) - 1, beds.territory(f"{tumor.name}_rim", "tumor", tumor.segment),
                         tumor.center + RIM * half * out, np.full(3, 0.4 * half), tissue, flow_mL_s, transit_s, 1.0,
                         "hepatic"))


def _others(branches: list[Branch], parent: int, tumor: Tumor) -> Floats:
    """Capsules of all vessels but the parent and the tumor's own inner vessels."""
    own = [b for i, b in enumerate(branches) if i != parent and not b.name.startswith(f"{tumor.name}_vessel")]
    return capsules_of(own)


def _course(spec: ParasiticSpec, trunk: Branch, tumor: Tumor, others: Floats,
            rng: np.random.Generator) -> tuple[int, Floats] | None:
    """Point of the parent and a winding course (N, 3) to the tumor's rim, clear of other vessels; None without one."""
    half = 0.5 * tumor.diameter_mm
    gap = np.linalg.norm(trunk.points - tumor.center, axis=1) - half
    inner = [i for i in np.argsort(gap).tolist() if 2 < i < len(trunk.points) - 2 and gap[i] < spec.longest_mm]
    for at in inner[:12]:
        start, along = trunk.points[at], tangents(trunk.points)[at]
        aim = unit(tumor.center - start)
        entry = tumor.center - ENTRY * half * aim
        length = float(np.linalg.norm(entry - start))
        if length < 4.0:
            continue
        for _ in range(TRIES):
            across = unit(np.cross(aim, rng.normal(size=3)))
            bend = rng.uniform(0.03, 0.12) * length
            leave = unit(0.5 * along + aim)
            way = entry - start
            nodes = np.array([start, start + min(4.0, 0.2 * length) * leave, start + 0.45 * way + bend * across,
                              start + 0.75 * way - 0.6 * bend * across, entry])
            points, _ = smooth(nodes, SPACING_MM, leave)
            if arc_length(points)[-1] <= spec.longest_mm and _clear(points, 0.5 * spec.diameter_mm[0], others, start):
                return at, points
    return None


def _clear(points: Floats, radius: float, others: Floats, start: Floats) -> bool:
    reach = np.linalg.norm(0.5 * (others[:, :3] + others[:, 3:6]) - points.mean(0), axis=1) < 60.0
    for row in others[reach]:
        for a, b in pairwise(points):
            if np.linalg.norm(a - start) > 3.0 and segment_distance(a, b, row[:3], row[3:6]) < radius + row[6] + GAP_MM:
                return False
    return True
