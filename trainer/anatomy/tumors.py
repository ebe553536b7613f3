"""Places a tumor, its one feeder and the small basket of tumor vessels."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from trainer.anatomy.beds import Bed, BedList
from trainer.anatomy.branches import Branch, breathing_along
from trainer.anatomy.capsules import segment_distance
from trainer.anatomy.couinaud import load_liver, segment_of
from trainer.anatomy.curves import arc_length, smooth, tangents, unit
from trainer.anatomy.distal import capsules_of
from trainer.anatomy.faults import AnatomyFault, Keys, Where
from trainer.anatomy.parasitic import add_parasitic
from trainer.anatomy.region import fibonacci_sphere, liver_samples
from trainer.anatomy.spec import TumorSpec
from trainer.anatomy.surfaces import contains, depth
from trainer.anatomy.treespec import TumorFlowSpec
from trainer.anatomy.types import Floats, Tumor
from trainer.errors import nearest

LEAST_ANGLE, MOST_ANGLE = np.radians(41.0), np.radians(60.0)
"""Range of the angle at which a feeder leaves its parent."""
ENTRY = 0.92
"""Where the feeder ends, as a share of the tumor's radius."""
TIGHTEST_MM = 4.0
"""Least radius of curvature of a feeder: a microcatheter must follow it."""
SPACING_MM = 1.2
DEMANDS = ((1.0, 0.75), (1.0, 0.6), (0.85, 0.5), (0.7, 0.4), (0.55, 0.2))
"""Shares of the tumor in the liver and in its segment that are asked for, one after the other."""
TRIES = 6
"""Random courses tried between one center and one point of the parent."""


@dataclass(frozen=True, slots=True)
class PlacedTumor:
    tumor: Tumor
    ball: tuple[float, float, float, float]
    feeder_flow_mL_s: float
    parent: str


def tumor_flow(spec: TumorSpec, flow: TumorFlowSpec) -> float:
    """Mean flow of a tumor at rest, mL/s, by its diameter."""
    if spec.flow_mL_min is not None:
        return spec.flow_mL_min / 60.0
    return float(flow.flow_mL_min_at_30_mm * (spec.diameter_mm / 30.0) ** flow.flow_exponent / 60.0)


def place_tumor(
    spec: TumorSpec,
    number: int,
    branches: list[Branch],
    beds: BedList,
    flow: TumorFlowSpec,
    rng: np.random.Generator,
    where: Where,
) -> PlacedTumor:
    """Adds the feeder, the tumor's vessels and beds, and returns the tumor.

    Raises AnatomyFault when the feeder's parent is missing or no place for tumor and feeder is found.
    """
    keys: Keys = ("tumors", number)
    names = [b.name for b in branches]
    parent_name = spec.feeder.parent or f"segment_{spec.segment}_artery"
    if parent_name not in names:
        at = (*keys, "feeder", "parent") if spec.feeder.parent else (*keys, "segment")
        raise AnatomyFault(
            f"the feeder of '{spec.name}' leaves '{parent_name}', which does not exist.",
            where=where(at),
            mend=nearest(parent_name, names),
            keys=at,
        )
    parent = names.index(parent_name)
    found = _search(spec, parent, branches, rng)
    if found is None:
        at = (*keys, "center_mm" if spec.center_mm else "segment")
        raise AnatomyFault(
            f"no feeder of {spec.feeder.length_mm[0]:.0f}-{spec.feeder.length_mm[1]:.0f} mm from "
            f"'{parent_name}' reaches a {spec.diameter_mm:.0f} mm tumor there.",
            where=where(at),
            keys=at,
            mend="Move the tumor, make it smaller, or name another 'feeder.parent'.",
        )
    center, at_point, points = found
    proximal, distal = spec.feeder.diameter_mm
    s = arc_length(points)
    feeder = Branch(
        f"{spec.name}_feeder",
        parent,
        at_point,
        points,
        0.5 * (proximal + (distal - proximal) * s / s[-1]),
        breathing_along(points, float(branches[parent].breathing[at_point]), 1.0),
    )
    branches.append(feeder)
    total = tumor_flow(spec, flow)
    rim = total * spec.parasitic.share if spec.parasitic is not None else 0.0
    total -= rim
    _basket(spec, center, len(branches) - 1, branches, beds, total, flow.transit_s, rng)
    radius = 0.5 * spec.diameter_mm
    tumor = Tumor(spec.name, center, spec.diameter_mm, spec.segment, feeder.name)
    if spec.parasitic is not None:
        add_parasitic(spec.parasitic, tumor, keys, branches, beds, rim, flow.transit_s, rng, where)
    return PlacedTumor(
        tumor, (float(center[0]), float(center[1]), float(center[2]), radius), total, parent_name
    )


def _search(
    spec: TumorSpec, parent: int, branches: list[Branch], rng: np.random.Generator
) -> tuple[Floats, int, Floats] | None:
    """Center, point of the parent and course of the feeder; None when there is no place."""
    trunk = branches[parent]
    starts = _starts(parent, branches)
    others = _beyond_trunk(capsules_of(branches, parent), trunk)
    for in_liver, in_segment in DEMANDS:
        for center in _centers(spec, capsules_of(branches), rng, in_liver, in_segment):
            for at in rng.permutation(starts):
                for _ in range(TRIES):
                    points = _course(spec, trunk, int(at), center, rng)
                    if points is not None and _free(points, spec, center, trunk, int(at), others):
                        return center, int(at), points
        if spec.center_mm is not None:
            break
    return None


def _beyond_trunk(capsules: Floats, trunk: Branch) -> Floats:
    """Capsules within 70 mm of a vessel."""
    gap = np.linalg.norm(capsules[:, None, :3] - trunk.points[None, ::4], axis=2).min(axis=1)
    near: Floats = capsules[gap < 70.0]
    return near


def _starts(parent: int, branches: list[Branch]) -> list[int]:
    """Points of the parent where a feeder may leave: beyond every other branch, before the end."""
    trunk = branches[parent]
    s = arc_length(trunk.points)
    last = max((s[b.at] for b in branches if b.parent == parent and s[b.at] < s[-1] - 1.0), default=0.0)
    first = max(last + 3.0, 0.25 * s[-1])
    return [i for i in range(len(s)) if first <= s[i] <= s[-1] - 3.0]


def _centers(
    spec: TumorSpec, capsules: Floats, rng: np.random.Generator, in_liver: float, in_segment: float
) -> Floats:
    """Possible centers (N, 3) mm: a given one, or places clear of every vessel with these shares of the
    tumor's shell in the liver and of its volume in the segment."""
    radius = 0.5 * spec.diameter_mm
    if spec.center_mm is not None:
        return np.array([spec.center_mm], dtype=np.float64)
    points, segments, deep = liver_samples()
    pool = points[(segments == int(spec.segment)) & (deep > 0.5 * radius)]
    pool = rng.permutation(pool + rng.uniform(-1.5, 1.5, pool.shape))[:400]
    a, way = capsules[None, :, :3], (capsules[:, 3:6] - capsules[:, :3])[None]
    u = np.clip(((pool[:, None] - a) * way).sum(2) / (way**2).sum(2), 0.0, 1.0)
    gap = np.linalg.norm(a + u[:, :, None] * way - pool[:, None], axis=2) - capsules[None, :, 6]
    pool = pool[gap.min(axis=1) > radius + 0.5]
    shell, ball = fibonacci_sphere(40) * (radius + 0.5), _ball(radius)
    liver = load_liver()
    good = [
        c
        for c in pool
        if contains(liver.surfaces, c + shell).mean() >= in_liver
        and (segment_of(liver, c + ball) == int(spec.segment)).mean() >= in_segment
    ]
    return np.array(good[:60]).reshape(-1, 3)


def _ball(radius: float) -> Floats:
    """Points (N, 3) that fill a ball about the origin evenly enough to measure shares of its volume."""
    return np.concatenate([fibonacci_sphere(12) * 0.46, fibonacci_sphere(36) * 0.8]) * radius


def _course(
    spec: TumorSpec, trunk: Branch, at: int, center: Floats, rng: np.random.Generator
) -> Floats | None:
    """A winding course (N, 3) mm from the parent to the tumor's rim; None when it would turn too sharply."""
    start, along = trunk.points[at], tangents(trunk.points)[at]
    radius = 0.5 * spec.diameter_mm
    aim = center - start
    distance = float(np.linalg.norm(aim)) - ENTRY * radius
    low, high = spec.feeder.length_mm
    if not 0.75 * low <= distance <= 0.97 * high:
        return None
    aim = unit(aim)
    side = aim - float(aim @ along) * along
    if np.linalg.norm(side) < 0.3:
        return None
    side = unit(side)
    angle = rng.uniform(LEAST_ANGLE, MOST_ANGLE)
    leave = np.cos(angle) * along + np.sin(angle) * side
    entry = center - ENTRY * radius * aim
    if float(leave @ unit(entry - start)) < 0.25:
        return None
    across = unit(np.cross(aim, side) + 0.4 * rng.normal(size=3))
    across = unit(across - float(across @ aim) * aim)
    first = start + 5.0 * leave
    way = entry - first
    bend = rng.uniform(0.08, 0.14) * float(np.linalg.norm(way))
    nodes = np.array(
        [
            start,
            first,
            first + 0.36 * way + bend * across,
            first + 0.7 * way - 0.8 * bend * across,
            entry,
        ]
    )
    points, _ = smooth(nodes, SPACING_MM, leave)
    length = arc_length(points)[-1]
    if not low <= length <= high or _tightest(points) < TIGHTEST_MM:
        return None
    return points


def _tightest(points: Floats) -> float:
    """Least radius of curvature of a polyline, mm: length of a step over the turn between steps."""
    d = np.diff(points, axis=0)
    n = np.linalg.norm(d, axis=1)
    cos = np.clip((d[:-1] * d[1:]).sum(1) / (n[:-1] * n[1:]), -1.0, 1.0)
    turn = np.arccos(cos)
    return float((0.5 * (n[:-1] + n[1:]) / np.maximum(turn, 1e-9)).min())


def _free(points: Floats, spec: TumorSpec, center: Floats, trunk: Branch, at: int, others: Floats) -> bool:
    """Whether a feeder stays in the liver, out of the tumor until its end, and clear of all other vessels."""
    radius = 0.5 * spec.diameter_mm
    if depth(load_liver().surfaces, points).min() < 2.0:
        return False
    if (np.linalg.norm(points[:-4] - center, axis=1) < radius - 0.5).any():
        return False
    own = 0.5 * spec.feeder.diameter_mm[0]
    far = np.linalg.norm(trunk.points - trunk.points[at], axis=1) > 6.0
    trunk_rows = [
        np.concatenate([trunk.points[i], trunk.points[i + 1], trunk.radius[i : i + 1]])
        for i in range(len(trunk.points) - 1)
        if far[i] and far[i + 1]
    ]
    rows = np.concatenate([others, np.array(trunk_rows).reshape(-1, 7)])
    reach = np.linalg.norm(0.5 * (rows[:, :3] + rows[:, 3:6]) - points.mean(0), axis=1) < 45.0
    for row in rows[reach]:
        for a, b in pairwise(points):
            if segment_distance(a, b, row[:3], row[3:6]) < own + row[6] + 0.5:
                return False
    return True


def _basket(
    spec: TumorSpec,
    center: Floats,
    feeder: int,
    branches: list[Branch],
    beds: BedList,
    total_mL_s: float,
    transit_s: float,
    rng: np.random.Generator,
) -> None:
    """Tumor vessels from the feeder's end along the tumor's rim like meridians, alternately near and far."""
    trunk = branches[feeder]
    end, radius = trunk.points[-1], 0.5 * spec.diameter_mm
    pole = unit(end - center)
    east = unit(np.cross(pole, np.array([0.3, -0.5, 0.8])))
    north = np.cross(pole, east)
    territory = beds.territory(spec.name, "tumor", spec.segment)
    tissue = 4.0 / 3.0 * np.pi * radius**3 / 1000.0 / spec.vessels
    turn = rng.uniform(0.0, 2.0 * np.pi)
    for k in range(spec.vessels):
        longitude = turn + 2.0 * np.pi * (k + rng.uniform(-0.15, 0.15)) / spec.vessels
        away = np.cos(longitude) * east + np.sin(longitude) * north
        reach, rim = ((1.2, 0.5), (1.75, 0.78), (2.4, 0.66))[k % 3]
        colatitude = np.linspace(0.0, reach, 5)[1:] + rng.uniform(-0.08, 0.08)
        level = radius * (ENTRY + (rim - ENTRY) * np.linspace(0.35, 1.0, 4))
        ring = center + level[:, None] * (
            np.cos(colatitude)[:, None] * pole + np.sin(colatitude)[:, None] * away
        )
        points, _ = smooth(np.concatenate([end[None], ring]), SPACING_MM, unit(0.7 * away - 0.7 * pole))
        wide = float(trunk.radius[-1]) * (1.0 / spec.vessels) ** (1.0 / 3.0)
        branches.append(
            Branch(
                f"{spec.name}_vessel_{k + 1}",
                feeder,
                len(trunk.points) - 1,
                points,
                np.full(len(points), wide),
                np.ones(len(points)),
                True,
            )
        )
        beds.beds.append(
            Bed(
                len(branches) - 1,
                territory,
                center + 0.55 * (points[-1] - center),
                np.full(3, 0.42 * radius),
                tissue,
                total_mL_s / spec.vessels,
                transit_s,
                1.0,
                "hepatic",
            )
        )


def share_in_segment(tumor: Tumor) -> float:
    """Share of the tumor's volume that lies in its own Couinaud segment."""
    inside = segment_of(load_liver(), tumor.center + _ball(0.5 * tumor.diameter_mm))
    return float((inside == int(tumor.segment)).mean())
