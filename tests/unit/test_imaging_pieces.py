"""Wide cells cut into pieces for the picture: the same body of contrast, without steps."""

import numpy as np
from imaging_phantoms import cells_of

from trainer.imaging.chord_matrix import ChordMatrix
from trainer.imaging.geometry import Geometry
from trainer.imaging.pieces import MOST, WIDE_MM, cut
from trainer.imaging.vessels import frusta

GEOMETRY = Geometry(0.0, 0.0, (0.0, 0.0, 0.0)).resized(256)


def course(radius: float) -> np.ndarray:
    """Frusta (8, 22) of a bent, tapered vessel."""
    t = np.linspace(0.0, 1.0, 9)
    points = np.stack([40.0 * t - 20.0, 5.0 * np.sin(3.0 * t), 10.0 * t * t], axis=1)
    return frusta(cells_of(points, np.linspace(radius, 0.8 * radius, 9)))


def picture(rows: np.ndarray, iodine: np.ndarray) -> np.ndarray:
    matrix = ChordMatrix.empty(GEOMETRY, rows, 0)
    matrix.advance(1e18)
    image = np.zeros((256, 256), dtype=np.float32)
    matrix.apply(iodine, (0.0, 0.0), image)
    return image


def test_even_contrast_looks_the_same_in_pieces() -> None:
    rows = course(2.5)
    pieces = cut(rows)
    assert len(pieces.rows) == MOST * len(rows)
    whole = picture(rows, np.full(len(rows), 100.0))
    split = picture(pieces.rows, pieces.blend(np.full(len(rows), 100.0)))
    assert np.abs(split - whole).max() < 0.01 * whole.max()
    assert abs(split.sum() / whole.sum() - 1.0) < 1e-3


def test_thin_cells_stay_whole() -> None:
    rows = course(0.9 * WIDE_MM)
    pieces = cut(rows)
    assert np.array_equal(pieces.rows, rows)
    assert np.array_equal(pieces.blend(np.arange(8.0)), np.arange(8.0))


def test_steps_between_cells_become_a_third_and_a_ramp_stays_a_ramp() -> None:
    pieces = cut(course(2.5))
    values = pieces.blend(np.array([0.0, 0.0, 0.0, 90.0, 90.0, 90.0, 90.0, 90.0]))
    assert np.abs(np.diff(values)).max() <= 30.0 + 1e-9
    ramp = pieces.blend(np.arange(8.0))
    assert np.allclose(np.diff(ramp)[1:-2], 1.0 / MOST)


def test_vessels_that_do_not_follow_each_other_do_not_blend() -> None:
    rows = np.concatenate([course(2.5), course(2.5) + np.r_[np.tile([0.0, 30.0, 0.0], 2), np.zeros(16)]])
    values = cut(rows).blend(np.repeat([100.0, 0.0], 8))
    assert set(values.tolist()) == {0.0, 100.0}
