"""Capillary beds and their territories while the patient is being built."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from trainer.anatomy.branches import Branch
from trainer.anatomy.spec import TerritorySpec
from trainer.anatomy.template import Plan
from trainer.anatomy.types import Beds, Floats, Territory


@dataclass(slots=True)
class Bed:
    """One capillary bed; see `types.Beds` for the meaning of each value."""

    vessel: int
    territory: int
    center: Floats  # (3,) mm
    sigma: Floats  # (3,) mm
    tissue_mL: float
    flow_mL_s: float
    transit_s: float
    breathing: float
    vein: str
    """Name of the vein; empty for the systemic pool; 'hepatic' for the nearest hepatic vein."""


@dataclass(slots=True)
class BedList:
    """Beds and territories, growing."""

    beds: list[Bed] = field(default_factory=list)
    territories: list[Territory] = field(default_factory=list)

    def territory(self, name: str, organ: str, segment: str = "") -> int:
        """Index of a territory, added when it is new."""
        for i, t in enumerate(self.territories):
            if t.name == name:
                return i
        self.territories.append(Territory(name, organ, segment))
        return len(self.territories) - 1


def organ_beds(plan: Plan, branches: list[Branch], beds: BedList) -> None:
    """Adds the bed of every named vessel that ends in an organ. A shared territory is split by flow."""
    flows: dict[str, float] = {}
    for vessel in plan.vessels.values():
        if vessel.values.get("territory"):
            name = vessel.values["territory"]
            flows[name] = flows.get(name, 0.0) + vessel.values["flow_mL_min"]
    index = {b.name: i for i, b in enumerate(branches)}
    for vessel in plan.vessels.values():
        name = vessel.values.get("territory")
        if not name:
            continue
        t: TerritorySpec = plan.territories[name]
        flow = vessel.values["flow_mL_min"]
        beds.beds.append(
            Bed(
                vessel=index[vessel.name],
                territory=beds.territory(name, t.organ),
                center=np.array(t.center_mm, dtype=np.float64),
                sigma=np.array(t.semi_axes_mm, dtype=np.float64),
                tissue_mL=t.tissue_mL * flow / flows[name],
                flow_mL_s=flow / 60.0,
                transit_s=t.transit_s,
                breathing=t.breathing,
                vein=t.vein,
            )
        )


def check_ends(plan: Plan, branches: list[Branch]) -> None:
    """Raises AnatomyFault for a named vessel that ends in nothing, or in both a bed and another vessel."""
    for i, branch in enumerate(branches):
        vessel = plan.vessels[branch.name]
        continued = any(b.parent == i and b.at == len(branch.points) - 1 for b in branches)
        if vessel.values.get("territory") and continued:
            raise vessel.fault(
                "territory",
                f"vessel '{branch.name}' ends in a territory and in another vessel.",
                "Remove its 'territory', or let the other vessel leave before the end.",
            )
        if not (vessel.values.get("territory") or vessel.values.get("tree") or continued or branch.joins >= 0):
            raise vessel.fault(
                "",
                f"vessel '{branch.name}' ends in nothing.",
                "Name a 'territory', or let a vessel leave from its last way-point.",
            )


def pack_beds(beds: BedList, vein_of: dict[int, int]) -> Beds:
    """Flat arrays of the beds. vein_of: vein index by bed, -1 for the systemic pool."""
    b = beds.beds
    out = Beds(
        vessel=np.array([x.vessel for x in b], dtype=np.int64),
        territory=np.array([x.territory for x in b], dtype=np.int64),
        center=np.array([x.center for x in b]),
        sigma=np.array([x.sigma for x in b]),
        tissue_mL=np.array([x.tissue_mL for x in b]),
        flow_mL_s=np.array([x.flow_mL_s for x in b]),
        transit_s=np.array([x.transit_s for x in b]),
        breathing=np.array([x.breathing for x in b]),
        vein=np.array([vein_of.get(i, -1) for i in range(len(b))], dtype=np.int64),
    )
    for name in (
        "vessel",
        "territory",
        "center",
        "sigma",
        "tissue_mL",
        "flow_mL_s",
        "transit_s",
        "breathing",
        "vein",
    ):
        getattr(out, name).flags.writeable = False
    return out
