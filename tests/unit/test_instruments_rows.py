"""Angles that follow the others instead of being unknowns."""

import numpy as np
import pytest

from trainer.instruments import newton
from trainer.instruments.elastic import bishop, frames
from trainer.instruments.model import Rod
from trainer.instruments.rod import FREE, Device, pose_rod
from trainer.instruments.rows import follow, lay_rows

SHAPED = (Device(120.0, 90.0, 70.0, 0.02, 0.4, 0.6), Device(170.0, 40.0, 30.0, 0.0, 0.0, -0.9),
          Device(150.0, 25.0, 18.0, 0.015, 1.1, 1.4))
STRAIGHT = (Device(120.0, 90.0, 70.0, 0.0, 0.0, 0.6), Device(170.0, 40.0, 30.0, 0.0, 0.0, -0.9))


def bowed(devices: tuple[Device, ...]) -> Rod:
    """Devices in a winding shape with angles far from rest."""
    rod = pose_rod(devices, 61)
    s = rod.x[:, 2].copy()
    rod.x[2:, 0] = 9.0 * (1.0 - np.cos(s[2:] / 25.0))
    rod.x[2:, 1] = 6.0 * np.sin(s[2:] / 40.0)
    rod.theta[:, 1:] += np.random.default_rng(5).normal(0, 0.3, rod.theta[:, 1:].shape)
    return rod


def reference(rod: Rod) -> np.ndarray:
    edges = len(rod.rest)
    m = np.empty(edges + 1)
    frames(rod, rod.x, np.empty((edges, 3)), np.empty(edges), np.empty((edges, 3)), m)
    return m


def test_straight_devices_have_one_unknown_angle_per_node() -> None:
    rod = bowed(STRAIGHT)
    rows = lay_rows(rod, False)
    outer = rod.outer[2:]
    assert np.array_equal(rows.twist[0, 1:] >= 0, outer == 0)
    assert np.array_equal(rows.twist[1, 1:] >= 0, outer == 1)
    assert len(rows.last) == 4 * (len(rod.x) - 2)
    every = lay_rows(rod, True)
    assert len(every.last) == 5 * (len(rod.x) - 2)
    assert (every.twist[:, 1:] >= every.held).all()


def test_a_shaped_place_keeps_its_angle() -> None:
    rod = bowed(SHAPED)
    rows = lay_rows(rod, False)
    for k in range(3):
        vertices = np.flatnonzero((rod.nat1[k] != 0.0) | (rod.nat2[k] != 0.0))
        edges = np.unique(np.concatenate([vertices - 1, vertices]))
        assert (rows.twist[k, edges[edges > 0]] >= 0).all()


def test_angles_that_follow_carry_one_torque_and_lower_the_energy_most() -> None:
    """Their slope of the energy is zero, and no other angles there have less energy."""
    rod = bowed(STRAIGHT)
    rows, m = lay_rows(rod, False), reference(rod)
    follow(rod, rows, rod.theta, m)
    gradient = np.zeros(5 * (len(rod.x) - 2))
    newton.system(rod, FREE, gradient, np.zeros((len(gradient), 13)))
    slope = gradient.reshape(-1, 5)[:, :2].T
    followers = rows.twist[:, 1:] < 0
    assert followers.sum() > 20
    assert np.abs(slope[followers]).max() < 1e-8 * np.abs(slope).max()
    torque = rod.twist[1, 1:-1] * (np.diff(rod.theta[1]) + m[1:-1])
    first = rows.first_edge[1]
    assert first > 20
    assert torque[:first] == pytest.approx(np.full(first, torque[0]), rel=1e-9)
    assert torque[0] == pytest.approx(
        rows.chain[1] * (rod.theta[1, first] - rod.theta[1, 0] + m[1 : first + 1].sum()), rel=1e-9)


def test_the_same_equilibrium_as_with_all_angles() -> None:
    """A turned triaxial stack, its catheter and wire shaped, hangs in space as it does with every angle unknown."""
    law = FREE._replace(iterations=400)
    got = bowed(SHAPED)
    assert newton.equilibrium(got, law).converged
    wanted = bowed(SHAPED)
    wanted.torque[:] = 1e-300  # an angle on which something pulls is an unknown
    assert (lay_rows(wanted, False).twist[:, 1:] >= 0).all()
    assert newton.equilibrium(wanted, law).converged
    assert got.x == pytest.approx(wanted.x, abs=2e-3)
    bishop(got)  # angles against the same frame
    bishop(wanted)
    assert got.theta == pytest.approx(wanted.theta, abs=2e-4)
