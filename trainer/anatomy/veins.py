"""Portal, hepatic and caval veins for the late phases: assets/anatomy/veins.yaml."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from trainer.anatomy.beds import BedList
from trainer.anatomy.branches import SPACING_MM, Branch, pack
from trainer.anatomy.curves import arc_length, smooth, smoothstep
from trainer.anatomy.spec import Diameters, Name, Point, Segment, Share, ShuntSpec
from trainer.anatomy.types import Shunt, Territory, Tumor, VesselTree
from trainer.errors import AnatomyError, nearest
from trainer.resources import resource
from trainer.textfile import StrictModel, read_model

NEAREST_HEPATIC = "hepatic"
"""A bed whose vein is called so drains into the nearest tributary of its own segment."""


class VeinSpec(StrictModel):
    kind: Literal["portal", "portal_branch", "hepatic", "systemic"]
    parent: Name | None = None
    diameter_mm: Diameters
    waypoints_mm: Annotated[tuple[Point, ...], Field(min_length=2)]
    share: tuple[Share, Share]
    """Share of the liver's displacement at both ends."""
    drains: tuple[Segment, ...] = ()


class VeinsSpec(StrictModel):
    format: Literal[1]
    veins: dict[Name, VeinSpec]


@cache
def load_veins() -> tuple[VesselTree, tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Tree, kinds and drained segments of the shipped veins."""
    spec = read_model(VeinsSpec, resource("assets", "anatomy", "veins.yaml"))[0]
    branches: list[Branch] = []
    index: dict[str, int] = {}
    for name, vein in spec.veins.items():
        w = np.array(vein.waypoints_mm, dtype=np.float64)
        parent, at = -1, -1
        if vein.parent is not None:
            if vein.parent not in index:
                raise AnatomyError(
                    f"vein '{name}' joins '{vein.parent}', which does not come before it.",
                    mend=nearest(vein.parent, index),
                )
            parent = index[vein.parent]
            at = int(np.argmin(np.linalg.norm(branches[parent].points - w[0], axis=1)))
            w[0] = branches[parent].points[at]
        points, _ = smooth(w, SPACING_MM)
        u = arc_length(points) / arc_length(points)[-1]
        radius = 0.5 * (vein.diameter_mm[0] + (vein.diameter_mm[1] - vein.diameter_mm[0]) * u)
        start = vein.share[0] if parent < 0 else float(branches[parent].breathing[at])
        index[name] = len(branches)
        branches.append(
            Branch(name, parent, at, points, radius, start + (vein.share[1] - start) * smoothstep(u))
        )
    return (
        pack(branches),
        tuple(v.kind for v in spec.veins.values()),
        tuple(v.drains for v in spec.veins.values()),
    )


SHUNT_MMHG = 80.0
"""Pressure over the vein at which a shunt takes its nominal flow."""


def shunt_of(spec: ShuntSpec, tumor: Tumor, arteries: list[str]) -> Shunt:
    """The shunt at the end of a tumor's feeder: into the portal branch of its segment, or the nearest hepatic vein."""
    tree, kinds, drains = load_veins()
    if spec.into == "portal":
        vein = tree.index(f"segment_{tumor.segment}_portal_vein")
    else:
        near = {v: float(np.linalg.norm(tree.points[tree.first[v] : tree.first[v + 1]] - tumor.center, axis=1).min())
                for v in range(tree.count) if kinds[v] == "hepatic" and tumor.segment in drains[v]}
        vein = min(near, key=lambda v: near[v])
    return Shunt(arteries.index(tumor.feeder), vein, spec.flow_mL_min / 60.0 / SHUNT_MMHG, spec.caliber_um)


def drain(beds: BedList) -> dict[int, int]:
    """Vein index by bed. Beds of liver and tumor drain into the nearest tributary of their own segment."""
    tree, _, drains = load_veins()
    out: dict[int, int] = {}
    for i, bed in enumerate(beds.beds):
        if bed.vein == NEAREST_HEPATIC:
            territory: Territory = beds.territories[bed.territory]
            choice = [v for v in range(tree.count) if territory.segment in drains[v]]
            gaps = [
                float(
                    np.linalg.norm(tree.points[tree.first[v] : tree.first[v + 1]] - bed.center, axis=1).min()
                )
                for v in choice
            ]
            out[i] = choice[int(np.argmin(gaps))]
        elif bed.vein:
            if bed.vein not in tree.names:
                raise AnatomyError(
                    f"territory '{beds.territories[bed.territory].name}' drains into '{bed.vein}', "
                    "which is no vein.",
                    mend=nearest(bed.vein, tree.names),
                )
            out[i] = tree.index(bed.vein)
    return out
