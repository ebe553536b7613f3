"""Questions about a patient that several layers ask."""

from __future__ import annotations

import numpy as np

from trainer.anatomy.types import Floats, Ints, Patient, VesselTree


def vessels_below(tree: VesselTree, vessel: int) -> Ints:
    """Indices of a vessel and of all that leave it, directly or not, in ascending order."""
    below = np.zeros(tree.count, dtype=np.bool_)
    below[vessel] = True
    for v in range(vessel + 1, tree.count):
        below[v] = tree.parent[v] >= 0 and below[tree.parent[v]]
    return np.flatnonzero(below)


def beds_below(patient: Patient, vessel: str) -> Ints:
    """Indices of the beds that a vessel and its branches feed."""
    below = vessels_below(patient.tree, patient.tree.index(vessel))
    return np.flatnonzero(np.isin(patient.beds.vessel, below))


def territories_below(patient: Patient, vessel: str) -> tuple[str, ...]:
    """Names of the territories that a vessel and its branches feed."""
    found = np.unique(patient.beds.territory[beds_below(patient, vessel)])
    return tuple(patient.territories[int(t)].name for t in found)


def rest_flow(patient: Patient) -> Floats:
    """Mean flow (V,) mL/s at rest that enters each vessel: the sum of all beds below it."""
    flow = np.zeros(patient.tree.count)
    np.add.at(flow, patient.beds.vessel, patient.beds.flow_mL_s)
    for v in range(patient.tree.count - 1, 0, -1):
        if patient.tree.parent[v] >= 0:
            flow[patient.tree.parent[v]] += flow[v]
    return flow
