"""Where the sheath lies."""

from __future__ import annotations

import numpy as np

from trainer.anatomy.branches import Branch
from trainer.anatomy.curves import arc_length, tangents
from trainer.anatomy.faults import AnatomyFault, Where
from trainer.anatomy.spec import PatientSpec
from trainer.anatomy.template import Plan
from trainer.anatomy.types import Access
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
    s = arc_length(branches[v].points)
    position = access.puncture_share * s[-1] - access.sheath_mm
    while position < 0.0:
        at, v = branches[v].at, branches[v].parent
        if v < 0:
            raise AnatomyFault(
                f"the sheath of access '{spec.access}' is longer than the way to the heart.",
                where=where(keys),
                keys=keys,
            )
        s = arc_length(branches[v].points)
        position += s[at]
    vessel = branches[v]
    mouth = np.array([np.interp(position, s, vessel.points[:, k]) for k in range(3)])
    along = np.array([np.interp(position, s, tangents(vessel.points)[:, k]) for k in range(3)])
    return Access(
        spec.access,
        vessel.name,
        mouth,
        -along / np.linalg.norm(along),
        access.sheath_inner_mm,
        access.sheath_mm,
    )
