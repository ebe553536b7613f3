"""Organ surfaces against scipy's spherical harmonics, and the liver against its measured volumes."""

import json

import numpy as np
import pytest

from trainer.anatomy import couinaud, surfaces
from trainer.anatomy.region import fibonacci_sphere
from trainer.resources import resource

special = pytest.importorskip("scipy.special", reason="scipy is not installed")


def scipy_radius(coefficients: np.ndarray, u: np.ndarray) -> np.ndarray:
    theta, phi = np.arccos(u[:, 2]), np.arctan2(u[:, 1], u[:, 0])
    r = np.zeros(len(u))
    for degree in range(9):
        for m in range(-degree, degree + 1):
            y = special.sph_harm_y(degree, abs(m), theta, phi) * (-1) ** abs(m)  # without Condon-Shortley
            part = y.real if m == 0 else np.sqrt(2.0) * (y.real if m > 0 else y.imag)
            r += coefficients[degree * degree + degree + m] * part
    return r


def test_radius_equals_scipy() -> None:
    u = np.concatenate([fibonacci_sphere(200), [[0.0, 0.0, 1.0], [0.0, 0.0, -1.0]]])
    for _, coefficients in couinaud.load_liver().surfaces:
        assert surfaces.radius(coefficients, u) == pytest.approx(scipy_radius(coefficients, u), abs=1e-9)


def test_volume_of_each_surface_is_that_of_the_fit() -> None:
    data = json.loads(resource("assets", "body", "liver.json").read_text("utf-8"))
    u = fibonacci_sphere(20000)
    for surface, (_, coefficients) in zip(data["surfaces"], couinaud.load_liver().surfaces, strict=True):
        volume_mL = 4.0 * np.pi / 3.0 * (surfaces.radius(coefficients, u) ** 3).mean() / 1000.0
        assert volume_mL == pytest.approx(surface["volume_of_fit_mL"], rel=0.005)


def test_segment_shares_are_the_measured_ones() -> None:
    data = json.loads(resource("assets", "body", "liver.json").read_text("utf-8"))
    axes = [np.arange(a, b, 4.0) for a, b in ((-150, 80), (-110, 55), (-82, 76))]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    segment = couinaud.segment_of(couinaud.load_liver(), grid)
    measured = data["volume_fractions_measured"]
    for k in range(1, 9):
        want = measured["S4a"] + measured["S4b"] if k == 4 else measured[f"S{k}"]
        assert (segment == k).sum() / (segment > 0).sum() == pytest.approx(want, abs=0.02)
