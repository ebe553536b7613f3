"""Balloons and valves on catheters, and side holes: what they do to the blood follows from the lumen they leave."""

from dataclasses import replace

import numpy as np
import pytest
from flow_patient import DT, LUMENS, Y, device_at, new_flow, patient_of, shipped

from trainer.flow.cells import build_cells
from trainer.flow.flow import Flow
from trainer.instruments.types import Sealing, Shapes

BEAT = 51
AT_MM = 14.0


def sealed(shapes: Shapes, radius_mm: float, one_way: bool) -> Shapes:
    """The device widened over 5 mm behind its tip."""
    last = int(np.searchsorted(shapes.s, shapes.s[-1] - 3.0))
    first = int(np.searchsorted(shapes.s, shapes.s[-1] - 8.0))
    assert last > first
    return replace(shapes, sealings=(Sealing("microcatheter", first, last, radius_mm, one_way),))


def through(flow: Flow, cell: int, shapes: Shapes, beats: int = 3) -> float:
    """Mean flow into a cell over the last beat."""
    q = [flow.step(DT, shapes).flow_mL_s[cell] for _ in range(beats * BEAT)]
    return float(np.mean(q[-BEAT:]))


def in_segment_8(outer_mm: float) -> tuple[Flow, Shapes, int]:
    """A flow, a device of a thickness in the segment 8 artery, and a cell beyond its tip."""
    patient, cells = shipped()
    flow = new_flow(patient, cells)
    past = flow.topology.cell_at(cells, patient.tree.index("segment_8_artery"), AT_MM + 2.0)
    return flow, device_at(patient, "segment_8_artery", AT_MM, outer_mm=outer_mm), past


def test_a_filled_balloon_stops_the_artery_and_an_empty_one_does_not() -> None:
    flow, plain, past = in_segment_8(0.93)
    open_flow = through(flow, past, plain)
    assert open_flow > 0.3
    assert through(flow, past, sealed(plain, 2.0, one_way=False)) < 0.02 * open_flow
    assert through(flow, past, plain) == pytest.approx(open_flow, rel=0.02)


def test_a_balloon_smaller_than_the_artery_only_narrows_it() -> None:
    flow, plain, past = in_segment_8(0.6)
    open_flow = through(flow, past, plain)
    assert through(flow, past, sealed(plain, 0.45, one_way=False)) > 0.5 * open_flow


def test_a_valve_lets_blood_pass_forward_and_stops_reflux() -> None:
    patient, cells = shipped()
    before = {}
    for valve in (False, True):
        flow = new_flow(patient, cells)
        shapes = device_at(patient, "segment_8_artery", AT_MM, outer_mm=0.93)
        if valve:
            shapes = sealed(shapes, 3.0, one_way=True)
        v = patient.tree.index("segment_8_artery")
        behind = flow.topology.cell_at(cells, v, AT_MM - 10.0)
        rest = through(flow, behind, shapes)
        assert flow.start_injection("microcatheter", "contrast_300", 2.0, 6.0, 0.0, 1000.0) is None
        before[valve] = rest, through(flow, behind, shapes, beats=2)
    assert before[True][0] == pytest.approx(before[False][0], rel=0.02)
    assert before[False][1] < -0.1
    assert abs(before[True][1]) < 0.05 * abs(before[False][1])


def test_as_much_leaves_each_hole() -> None:
    patient = patient_of(Y, {"left": 1.0, "right": 1.0})
    cells = build_cells(patient)
    holes = LUMENS["micro"]._replace(openings_mm=(0.0, 20.0, 40.0))
    flow = Flow(patient, cells, {"micro": holes}, np.random.SeedSequence(3))
    shapes = device_at(patient, "trunk", 50.0)
    flow.step(DT, shapes)
    assert flow.start_injection("microcatheter", "contrast_300", 0.3, 3.0, 0.0, 750.0) is None
    cell = [flow.topology.cell_at(cells, 0, at) for at in (50.0, 30.0, 10.0)]
    assert len(set(cell)) == 3
    flow.step(DT, shapes)
    source = flow.network.circuit.source
    assert source[cell] == pytest.approx([0.1, 0.1, 0.1], rel=1e-6)
    for _ in range(240):
        state = flow.step(DT, shapes)
    assert state.mass_balance_error < 1e-9
    iodine = state.iodine_mg_mL
    assert iodine[cell[2]] < iodine[cell[1]] < iodine[cell[0]]
