"""Injuries in the picture."""

import numpy as np
import pytest
from flow_patient import Y, patient_of

from trainer.flow.cells import build_cells
from trainer.imaging.blush import clouds
from trainer.imaging.injuries import FLAP_SHARE, injured_rows, stained
from trainer.imaging.vessels import frusta
from trainer.instruments.types import Injury

PATIENT = patient_of(Y, {"left": 2.0, "right": 1.0})
CELLS = build_cells(PATIENT)
ROWS = frusta(CELLS, PATIENT)
RIGHT = PATIENT.tree.index("right")


def test_a_spasm_narrows_the_drawn_lumen_where_it_is() -> None:
    rows, flaps = injured_rows(ROWS, CELLS, [Injury("spasm", RIGHT, 25.0, 16.0, 0.4)])
    assert len(flaps) == 0
    mine = np.flatnonzero(CELLS.vessel == RIGHT)
    narrow = rows[mine, 6] / ROWS[mine, 6]
    near = np.abs(CELLS.from_mm[mine] - 25.0)
    assert narrow[near > 8.0] == pytest.approx(1.0)
    assert narrow[near < 3.0].max() < 0.65
    other = CELLS.vessel != RIGHT
    assert np.array_equal(rows[: len(ROWS)][other], ROWS[other])


def test_a_flap_is_a_thin_line_inside_its_vessel() -> None:
    rows, flaps = injured_rows(ROWS, CELLS, [Injury("dissection", RIGHT, 15.0, 20.0, 0.5)])
    assert len(rows) == len(ROWS) + len(flaps)
    assert (CELLS.vessel[flaps] == RIGHT).all()
    for row, cell in zip(rows[len(ROWS) :], flaps, strict=True):
        assert row[6] == pytest.approx(FLAP_SHARE * rows[cell, 6])
        off = np.linalg.norm(row[0:3] - rows[cell, 0:3])
        assert 0.0 < off + row[6] < rows[cell, 6]


def test_a_hole_has_a_stain_beside_its_vessel_that_is_the_same_each_time() -> None:
    base = clouds(PATIENT.beds, np.zeros(2, bool), np.random.default_rng(1))
    hole = Injury("perforation", RIGHT, 25.0, 0.0, 1.0)
    one, two = (stained(base, PATIENT.tree, [hole], 7) for _ in range(2))
    assert np.array_equal(one.mean, two.mean)
    assert len(one.first) == len(base.first) + 1
    own = slice(int(one.first[-2]), int(one.first[-1]))
    assert one.mass[own].sum() == pytest.approx(1.0)
    first = int(PATIENT.tree.first[RIGHT])
    point = PATIENT.tree.points[first + 25]
    assert np.linalg.norm(one.mean[own] - point, axis=1).max() < 60.0
    assert stained(base, PATIENT.tree, [], 7) is base
