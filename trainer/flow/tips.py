"""Which cells devices, the sheath and shunts open into, and how fast what leaves a tip is."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from trainer.anatomy.types import Access, Patient
from trainer.flow.hydraulics import Lumen
from trainer.flow.injector import Delivery
from trainer.flow.topology import Topology
from trainer.flow.types import Cells
from trainer.instruments.types import Shapes, TipPose


class Tips:
    """Places of openings in one patient."""

    def __init__(self, patient: Patient, cells: Cells, topology: Topology) -> None:
        self.patient, self.cells, self.topology = patient, cells, topology
        self.move_sheath(patient.access)

    def move_sheath(self, access: Access) -> None:
        """The sheath was put elsewhere."""
        tree = self.patient.tree
        v = tree.index(access.vessel)
        points = tree.points[tree.first[v] : tree.first[v + 1]]
        k = int(np.argmin(np.linalg.norm(points - access.mouth, axis=1)))
        self.sheath = self.topology.cell_at(self.cells, v, float(tree.arc(v)[k]))

    def cell(self, tip: TipPose) -> int:
        """Cell that a device opens into; inside the sheath, where the sheath ends."""
        return self.sheath if tip.vessel < 0 else self.topology.cell_at(self.cells, tip.vessel, tip.position_mm)

    def openings(self, delivery: Delivery, lumen: Lumen, shapes: Shapes | None) -> list[int]:
        """Cells that a device opens into; as much leaves each hole."""
        if shapes is None or len(lumen.openings_mm) == 1:
            return [self.cell(delivery.tip)]
        end = float(shapes.device_end[shapes.slots.index(delivery.slot)])
        nodes = np.searchsorted(shapes.s, end - np.array(lumen.openings_mm[1:]))
        outside = [self.sheath if end <= at or shapes.vessel[k] < 0 else self.topology.cell_at(
                       self.cells, int(shapes.vessel[k]), float(shapes.position_mm[k]))
                   for k, at in zip(nodes, lumen.openings_mm[1:], strict=True)]
        return [self.cell(delivery.tip), *outside]

    def in_vein(self, vein: int) -> int:
        """Cell at which a shunt enters a vein: where its blood comes from. -1: the systemic pool."""
        if vein < 0:
            return -1
        n = self.topology.arteries
        inward = self.patient.vein_kind[vein] == "portal_branch"
        at = int(np.searchsorted(self.cells.vessel[n:], vein, side="left" if inward else "right"))
        return n + at if inward else n + at - 1


def jet_speeds(deliveries: Sequence[Delivery], lumens: Sequence[Lumen], dt_s: float) -> dict[str, float]:
    """Mean speed in the end hole, m/s, by slot of what leaves each tip."""
    return {d.slot: d.volume_mL / dt_s / len(lumen.openings_mm) / (0.25 * math.pi * lumen.inner_diameter_mm**2)
            for d, lumen in zip(deliveries, lumens, strict=True)}
