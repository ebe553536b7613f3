"""Closed forms: a sphere as spherical harmonics, capsule distances, curves, sheath."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.anatomy import surfaces
from trainer.anatomy.branches import Branch, pack
from trainer.anatomy.capsules import crossings, segment_distance
from trainer.anatomy.curves import arc_length, smooth

COORDINATE = st.floats(-20.0, 20.0)
POINT = st.tuples(COORDINATE, COORDINATE, COORDINATE).map(np.array)


def test_a_sphere() -> None:
    coefficients = np.zeros(81)
    coefficients[0] = 10.0 * np.sqrt(4.0 * np.pi)
    sphere = ((np.array([1.0, 2.0, 3.0]), coefficients),)
    points = np.array([[1.0, 2.0, 3.0], [1.0, 2.0, 12.5], [1.0, -8.5, 3.0]])
    assert surfaces.depth(sphere, points) == pytest.approx([10.0, 0.5, -0.5])
    assert surfaces.contains(sphere, points).tolist() == [True, True, False]


def test_the_degree_one_terms_shift_along_their_axes() -> None:
    coefficients = np.zeros(81)
    coefficients[0] = 10.0 * np.sqrt(4.0 * np.pi)
    for index, axis in ((1, 1), (2, 2), (3, 0)):  # m = -1, 0, 1 are y, z, x
        c = coefficients.copy()
        c[index] = 1.0
        u = np.eye(3)[axis]
        expected = np.sqrt(3.0 / (4.0 * np.pi))
        assert surfaces.radius(c, u[None])[0] - 10.0 == pytest.approx(expected)
        assert surfaces.radius(c, -u[None])[0] - 10.0 == pytest.approx(-expected)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(POINT, POINT, POINT, POINT)
def test_segment_distance_equals_a_search(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> None:
    u = np.linspace(0.0, 1.0, 81)
    p = a + u[:, None] * (b - a)
    q = c + u[:, None] * (d - c)
    searched = np.linalg.norm(p[:, None] - q[None], axis=2).min()
    step = max(np.linalg.norm(b - a), np.linalg.norm(d - c)) / 80
    found = segment_distance(a, b, c, d)
    assert found <= searched + 1e-9
    assert found >= searched - 1.5 * step


def test_a_curve_passes_its_way_points_evenly() -> None:
    angle = np.linspace(0.0, np.pi, 9)
    way = np.stack([30.0 * np.cos(angle), 30.0 * np.sin(angle), 0.0 * angle], axis=1)
    points, index = smooth(way, 1.5)
    assert points[index] == pytest.approx(way)
    assert np.linalg.norm(np.diff(points, axis=0), axis=1).max() <= 1.5
    assert arc_length(points)[-1] == pytest.approx(30.0 * np.pi, rel=0.01)


def straight(name: str, a: list[float], b: list[float], parent: int, at: int, radius: float = 1.0) -> Branch:
    points = np.linspace(a, b, 21)
    return Branch(name, parent, at, points, np.full(21, radius), np.zeros(21))


def test_crossings_finds_a_vessel_that_runs_through_another_and_spares_branchings() -> None:
    root = straight("root", [0, 0, 0], [40, 0, 0], -1, -1)
    child = straight("child", [10, 0, 0], [10, 20, 0], 0, 5)
    through = straight("through", [30, 0, 0], [5, 18, 0.5], 0, 15)
    past = straight("past", [30, 0, 0], [5, 18, 9.0], 0, 15)
    assert crossings(pack([root, child, through])).tolist() == [[1, 2]]
    assert crossings(pack([root, child, past])).tolist() == []
