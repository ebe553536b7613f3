"""Cells and the graph between them."""

import math

import numpy as np
import pytest
from flow_patient import Y, patient_of, shipped

from trainer.flow.cells import MAX_CELLS, attach_mm, build_cells, downstream_flow
from trainer.flow.topology import make_topology


def test_cells_cover_each_vessel() -> None:
    patient = patient_of(Y, {"left": 2.0, "right": 1.0})
    cells = build_cells(patient)
    for v, (_, _, length, r1, _) in enumerate(Y):
        own = cells.vessel == v
        assert cells.from_mm[own][0] == 0.0
        assert cells.to_mm[own][-1] == pytest.approx(length)
        assert cells.from_mm[own][1:] == pytest.approx(cells.to_mm[own][:-1])
        assert cells.volume_mL[own].sum() == pytest.approx(math.pi * r1**2 * length / 1000.0)
    sizes = cells.to_mm - cells.from_mm
    assert sizes.min() >= 1.4
    assert sizes.max() <= 9.0


def test_shipped_patient() -> None:
    patient, cells = shipped()
    tree = patient.tree
    n = int((~cells.is_vein).sum())
    assert len(cells.vessel) <= MAX_CELLS
    assert not cells.is_vein[:n].any()
    assert cells.is_vein[n:].all()
    assert np.all(cells.to_mm > cells.from_mm)
    assert np.all(cells.volume_mL > 0.0)
    flow = downstream_flow(tree, patient.beds)
    assert flow[0] == pytest.approx(patient.beds.flow_mL_s.sum())
    # forks are boundaries of the parent's cells
    at = attach_mm(tree)
    off = []
    for v in range(1, tree.count):
        own = (cells.vessel[:n] == tree.parent[v])
        edges = np.concatenate([cells.from_mm[:n][own], cells.to_mm[:n][own]])
        off.append(np.min(np.abs(edges - at[v])))
    assert max(off) < 5.0
    assert np.quantile(off, 0.95) < 0.8


def test_side_branch_starts_at_its_parents_wall() -> None:
    patient, cells = shipped()
    v = patient.tree.index("celiac_trunk")
    start = cells.from_mm[(cells.vessel == v) & ~cells.is_vein][0]
    radius = patient.tree.radius[patient.tree.attach[v]]
    assert 0.4 * radius < start < 2.0 * radius


def test_topology() -> None:
    patient, cells = shipped()
    top = make_topology(patient, cells)
    n = top.arteries
    assert top.up[0] == -1
    assert np.all(top.up[1:n] < np.arange(1, n))
    assert np.all(top.up[1:n] >= 0)
    liver = [patient.territories[t].organ == "liver" for t in patient.beds.territory]
    assert top.portal_weight.sum() == pytest.approx(1.0)
    assert np.all((top.bed_sink >= 0) == liver)
    children = np.bincount(top.up[top.up >= 0], minlength=len(top.up))
    assert np.all(children[top.bed_cell] == 0)
    v = patient.tree.index("tumor_feeder")
    cell = top.cell_at(cells, v, 10.0)
    assert cells.vessel[cell] == v
    assert cells.from_mm[cell] <= 10.0 <= cells.to_mm[cell]
