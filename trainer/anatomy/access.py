"""Where the sheath lies."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from trainer.anatomy.branches import Branch, pack
from trainer.anatomy.curves import arc_length, tangents
from trainer.anatomy.faults import AnatomyFault, Where
from trainer.anatomy.spec import PatientSpec
from trainer.anatomy.template import Plan
from trainer.anatomy.types import Access, VesselTree
from trainer.errors import nearest


def place_sheath(spec: PatientSpec, plan: Plan, branches: list[Branch], where: Where) -> Access:
    """Mouth and direction of the sheath: `sheath_mm` up the vessels from the puncture.

    Raises AnatomyFault when the patient has no such access or the sheath leads out of the tree.
    """
    keys = ("access",)
    if spec.access not in plan.access:
        raise AnatomyFault(
            f"there is no access '{spec.access}'.",
            where=where(keys),
            keys=keys,
            mend=nearest(spec.access, plan.access),
        )
    access = plan.access[spec.access]
    index = {b.name: i for i, b in enumerate(branches)}
    if access.puncture not in index:
        raise AnatomyFault(
            f"access '{spec.access}' punctures '{access.puncture}', which does not exist.",
            where=where(keys),
            keys=keys,
        )
    v = index[access.puncture]
    length = float(arc_length(branches[v].points)[-1])
    placed = Access(spec.access, access.puncture, np.zeros(3), np.zeros(3), access.sheath_inner_mm, access.sheath_mm,
                    access.puncture, access.puncture_share * length)
    try:
        return sheath_on(placed, pack(branches))
    except ValueError as error:
        raise AnatomyFault(f"the sheath of access '{spec.access}' is longer than the way to the heart.",
                           where=where(keys), keys=keys) from error


def nominal_puncture(access: Access, tree: VesselTree) -> tuple[int, float]:
    """Vessel and arc length, mm, at which the anatomy has an access punctured."""
    return tree.index(access.punctured), access.puncture_mm


def sheath_on(access: Access, tree: VesselTree, toward_heart_mm: float = 0.0) -> Access:
    """The access with its sheath through a puncture that lies so far toward the heart from the nominal one.

    Raises ValueError when the sheath leads out of the tree.
    """
    v, position = nominal_puncture(access, tree)
    position -= toward_heart_mm + access.sheath_mm
    while position < 0.0:
        p = int(tree.parent[v])
        if p < 0:
            raise ValueError("the sheath is longer than the way to the heart")
        position += float(tree.arc(p)[int(tree.attach[v]) - int(tree.first[p])])
        v = p
    points, s = tree.points[tree.first[v] : tree.first[v + 1]], tree.arc(v)
    mouth = np.array([np.interp(position, s, points[:, k]) for k in range(3)])
    along = np.array([np.interp(position, s, tangents(points)[:, k]) for k in range(3)])
    return replace(access, vessel=tree.names[v], mouth=mouth, direction=-along / np.linalg.norm(along))
