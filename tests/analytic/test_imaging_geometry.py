"""Projection, magnification and handedness against closed forms written without the module under test."""

import math

import numpy as np
import pytest

from trainer.imaging.geometry import Geometry, angle_label


def turned(primary: float, secondary: float) -> np.ndarray:
    """Camera axes (rows right, up, toward detector) by two rotations of the AP axes: secondary about the
    left-right axis first, then primary about the head-foot axis (PS3.3 C.8.7.5.1.2: longitude and latitude)."""
    c, s = math.cos(-secondary), math.sin(-secondary)
    tilt = np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    c, s = math.cos(primary), math.sin(primary)
    roll = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    ap = np.array([[1.0, 0, 0], [0, 0, 1.0], [0, -1.0, 0]])  # left, head, anterior
    # growing secondary raises the detector toward the head: anterior turns to head
    return ap @ tilt.T @ roll.T


VIEWS = [(0, 0), (30, 20), (-30, 0), (90, 0), (-90, 45), (45, -45), (60, 30), (-75, -20)]


@pytest.mark.parametrize(("primary", "secondary"), VIEWS)
@pytest.mark.parametrize("sid", [900.0, 1200.0])
def test_projection_agrees_with_similar_triangles(primary: float, secondary: float, sid: float) -> None:
    p, s = math.radians(primary), math.radians(secondary)
    geometry = Geometry(p, s, (12.0, -30.0, 44.0), 320.0, sid, 720.0)
    points = np.random.default_rng(4).uniform(-90, 90, (51, 3))
    right, up, normal = turned(p, s)
    local = points - np.array([12.0, -30.0, 44.0])
    stretch = sid / (720.0 + local @ normal)
    pixel = 320.0 / math.sqrt(2.0) / 1024
    want = np.column_stack([(local @ right) * stretch / pixel + 511.5, 511.5 - (local @ up) * stretch / pixel])
    assert np.abs(geometry.project(points) - want).max() < 0.1


def test_magnification_is_sid_over_sod() -> None:
    geometry = Geometry(0.4, -0.2, (5.0, 5.0, 5.0))
    right, _, _ = geometry.axes()
    ends = geometry.project(np.array([geometry.isocenter + 10 * right, geometry.isocenter - 10 * right]))
    length = np.linalg.norm(ends[0] - ends[1]) * geometry.pixel_mm
    assert length / 20.0 == pytest.approx(geometry.sid / geometry.sod, rel=1e-4)


def test_the_patient_faces_the_viewer() -> None:
    """AP: the patient's right (-x) is on the viewer's left, the head is up."""
    middle, right_side, head = Geometry().project(np.array([[0.0, 0, 0], [-50.0, 0, 0], [0, 0, 50.0]]))
    assert right_side[0] < middle[0]
    assert head[1] < middle[1]


def test_positive_angles_are_lao_and_cra() -> None:
    """LAO: the detector is on the patient's left, so front structures move to the viewer's left against the
    spine. CRA: the detector is at the head, so front structures move down against the spine."""
    front, back = np.array([0.0, -60, 0]), np.array([0.0, 60, 0])
    a, b = Geometry(math.radians(30)).project(np.array([front, back]))
    assert a[0] < b[0]
    a, b = Geometry(0.0, math.radians(20)).project(np.array([front, back]))
    assert a[1] > b[1]
    assert angle_label(Geometry(math.radians(30), math.radians(15))) == "LAO 30 / CRA 15"
    assert angle_label(Geometry(math.radians(-30))) == "RAO 30"


def test_rays_pass_through_what_they_show() -> None:
    geometry = Geometry(0.5, 0.3, (1.0, 2.0, 3.0), 220.0)
    d0, du, dv = geometry.ray_basis()
    point = np.array([20.0, -10.0, 30.0])
    column, row = geometry.project(point[None])[0]
    ray = d0 + column * du + row * dv
    away = point - geometry.source
    assert np.linalg.norm(np.cross(ray, away)) / np.linalg.norm(ray) < 1e-9
