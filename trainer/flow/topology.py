"""Which cell touches which: the graph that network and transport share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trainer.anatomy.types import Patient, VesselTree
from trainer.flow.cells import attach_mm, joins_mm
from trainer.flow.types import Bools, Cells, Floats, Ints


@dataclass(frozen=True, slots=True)
class Topology:
    """Neighbors of C cells. Edge i of transport and network lies at the start of cell i, from up[i] to i."""

    arteries: int
    """Cells of arteries; the veins' follow."""
    up: Ints  # (C,) cell at the start of each cell, -1 at roots
    only_down: Ints  # (C,) the one cell at its end, -1 when there is none or a fork
    first_cell: Ints  # (V+1,) first artery cell of each vessel
    join_from: Ints  # (J,) artery cell whose end opens into the end of another, join_to (an arcade)
    join_to: Ints  # (J,)
    join_vessel: Ints  # (V,) vessel that each vessel's end joins, -1 none
    join_mm: Floats  # (V,) where along that vessel
    attach: Floats  # (V,) mm, arc length along the parent
    bed_cell: Ints  # (B,) artery cell that ends in the bed
    bed_vein: Ints  # (B,) vein cell that drains the bed, -1 straight to the systemic pool
    sink_cell: Ints  # (K,) portal vein cells that empty into liver tissue
    bed_sink: Ints  # (B,) portal sink that also perfuses the bed, -1 none
    portal_weight: Floats  # (B,) share of all portal flow that perfuses the bed; sums to 1 (or 0)

    def cell_at(self, cells: Cells, vessel: int, position_mm: float) -> int:
        """The artery cell that holds a position along a vessel; a branch's part inside its parent counts to
        its first cell."""
        a, b = int(self.first_cell[vessel]), int(self.first_cell[vessel + 1])
        return min(b - 1, a + int(np.searchsorted(cells.to_mm[a:b], position_mm)))


def _joins(tree: VesselTree, cells: Cells, first: Ints) -> tuple[Ints, Ints, Ints, Floats]:
    """The arcades of a tree, by cells and by vessels; see `Topology`."""
    vessel, other, place = joins_mm(tree)
    into, at = np.full(tree.count, -1, np.int64), np.zeros(tree.count)
    into[vessel], at[vessel] = other, place
    to = [int(first[w]) + int(np.argmin(np.abs(cells.to_mm[first[w] : first[w + 1]] - x)))
          for w, x in zip(other, place, strict=True)]
    return first[vessel + 1] - 1, np.array(to, np.int64), into, at


def in_liver(patient: Patient) -> Bools:
    """Beds of the liver and its tumors, (B,)."""
    organs = [patient.territories[t].organ for t in patient.beds.territory.tolist()]
    return np.array([organ in ("liver", "tumor") for organ in organs], np.bool_)


def is_portal(kind: str) -> bool:
    """Whether a vein belongs to the portal system (tributaries, trunk, or branches in the liver)."""
    return kind.startswith("portal")


def _neighbors(tree: VesselTree, cells: Cells, offset: int, vessel: Ints) -> tuple[Ints, Ints, Floats]:
    """(first cell of each vessel, cell at the start of each cell, attachments) of one tree's cells."""
    first = offset + np.searchsorted(vessel, np.arange(tree.count + 1)).astype(np.int64)
    at = attach_mm(tree)
    up = np.arange(offset - 1, offset + len(vessel) - 1)
    for v in range(tree.count):
        p = int(tree.parent[v])
        if p < 0:
            up[first[v] - offset] = -1
        else:
            a, b = int(first[p]), int(first[p + 1])
            # forks are cell boundaries, or were merged into one within half a shortest cell
            k = int(np.argmin(np.abs(cells.to_mm[a:b] - at[v])))
            up[first[v] - offset] = a + k
    return first, up.astype(np.int64), at


def make_topology(patient: Patient, cells: Cells) -> Topology:
    """The graph of a patient's cells (built by `build_cells` from the same patient)."""
    n = int(np.count_nonzero(~cells.is_vein))
    first, up, at = _neighbors(patient.tree, cells, 0, cells.vessel[:n])
    veins = patient.vein_kind
    vein_first = np.zeros(1, np.int64)
    if veins:
        vein_first, vein_up, _ = _neighbors(patient.veins, cells, n, cells.vessel[n:])
        up = np.concatenate([up, vein_up])
    join_from, join_to, join_vessel, join_mm = _joins(patient.tree, cells, first)
    children = np.bincount(np.concatenate([up[up >= 0], join_from, join_to]), minlength=len(up))
    children[join_from] += 1  # its one way on is no cell of its own vessel
    down = np.full(len(up), -1, np.int64)
    for i, u in enumerate(up):
        if u >= 0 and children[u] == 1:
            down[u] = i
    bed_cell = first[patient.beds.vessel + 1] - 1
    drains = patient.beds.vein if veins else np.full(len(bed_cell), -1)
    bed_vein = np.where(drains >= 0, vein_first[np.clip(drains, 0, None) + 1] - 1 if veins else -1, -1)
    sinks = _portal_sinks(patient, vein_first) if veins else np.zeros(0, np.int64)
    bed_sink, weight = _portal_share(patient, cells, sinks)
    return Topology(n, up, down, first, join_from, join_to, join_vessel, join_mm, at, bed_cell,
                    bed_vein.astype(np.int64), sinks, bed_sink, weight)


def _portal_sinks(patient: Patient, first: Ints) -> Ints:
    """Last cells of the portal branches that no bed drains into: there portal blood enters the liver.

    A portal tree without such a branch ends at its root.
    """
    veins = patient.veins
    parents = set(veins.parent.tolist())
    drained = set(patient.beds.vein.tolist())
    portal = [v for v, kind in enumerate(patient.vein_kind) if is_portal(kind)]
    leaves = [v for v in portal if v not in parents and v not in drained]
    if leaves:
        return np.array([first[v + 1] - 1 for v in leaves], np.int64)
    return np.array([first[v] for v in portal if veins.parent[v] < 0], np.int64)


def _portal_share(patient: Patient, cells: Cells, sinks: Ints) -> tuple[Ints, Floats]:
    """The portal sink nearest to each bed of liver tissue, and each bed's share of portal flow by tissue.

    Tumors live on arterial blood alone.
    """
    beds = patient.beds
    sink, weight = np.full(len(beds.vessel), -1, np.int64), np.zeros(len(beds.vessel))
    if len(sinks):
        for k in range(len(beds.vessel)):
            if patient.territories[int(beds.territory[k])].organ == "liver":
                distance = np.linalg.norm(cells.end[sinks] - beds.center[k], axis=1)
                sink[k] = int(np.argmin(distance))
                weight[k] = beds.tissue_mL[k]
        if weight.sum() > 0.0:
            weight /= weight.sum()
    return sink, weight
