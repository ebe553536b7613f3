"""Rods in free space against closed forms (numbers: facts of elastic rods, sources in each test)."""

import numpy as np
import pytest
from instruments_tree import vessel_tree

from trainer.instruments.model import Law
from trainer.instruments.newton import total_energy
from trainer.instruments.profile import make_profile
from trainer.instruments.rod import FREE, Device, is_stable, pose_rod, solve_free_rod
from trainer.instruments.stack import Move, Stack
from trainer.instruments.wall import build_lumen


# y/L and x/L of a cantilever with a dead tip load, EI theta'' = -P cos theta, solved as a boundary value
# problem with scipy.integrate.solve_bvp, for alpha = P L^2 / EI.
@pytest.mark.parametrize(("alpha", "deflection", "reach"), [
    (0.1, 0.03330, 0.99933), (1.0, 0.30172, 0.94357), (2.0, 0.49346, 0.83936), (5.0, 0.71379, 0.61237),
    (10.0, 0.81061, 0.44500)])
def test_cantilever_is_an_elastica(alpha: float, deflection: float, reach: float) -> None:
    length, bend = 100.0, 120.0
    posed = solve_free_rod((Device(length, bend, 90.0),), 201, (alpha * bend / length**2, 0.0, 0.0))
    assert posed.report.converged
    assert posed.nodes[-1, 0] / length == pytest.approx(deflection, rel=1e-3)
    assert posed.nodes[-1, 2] / length == pytest.approx(reach, rel=1e-3)


@pytest.mark.parametrize(("length", "bend"), [(100.0, 1848.0), (60.0, 12.0)])
def test_a_clamped_free_rod_buckles_at_eulers_load(length: float, bend: float) -> None:
    euler = np.pi**2 * bend / (4 * length**2)
    low, high = 0.5 * euler, 1.5 * euler
    for _ in range(30):
        middle = 0.5 * (low + high)
        posed = solve_free_rod((Device(length, bend, bend),), 101, (0.0, 0.0, -middle))
        low, high = (middle, high) if is_stable(posed.rod) else (low, middle)
    assert low == pytest.approx(euler, rel=5e-3)


def test_twist_is_uniform_and_linear_in_the_torque() -> None:
    posed = solve_free_rod((Device(100.0, 100.0, 77.0),), 101, tip_torque_Nmm=0.5)
    middle = 0.5 * (posed.s[1:] + posed.s[:-1])
    assert posed.twist[0] == pytest.approx(0.5 * middle / 77.0, abs=1e-9)


def test_bending_in_a_plane_makes_no_twist() -> None:
    posed = solve_free_rod((Device(80.0, 50.0, 40.0),), 81, (0.05, 0.0, 0.0))
    assert np.abs(posed.twist).max() < 1e-6
    assert np.abs(posed.nodes[:, 1]).max() < 1e-6


@pytest.mark.parametrize("nodes", [14, 27])
def test_an_unloaded_rod_takes_its_own_shape(nodes: int) -> None:
    posed = solve_free_rod((Device(13.0, 100.0, 77.0, curvature=1 / 8),), nodes)
    assert np.degrees(posed.bend_angle()) == pytest.approx(np.degrees(13 / 8), abs=0.01)


@pytest.mark.parametrize(("outer", "inner"), [
    ((100.0, 0.03), (40.0, -0.01)), ((250.0, 0.05), (1800.0, 0.0)), ((250.0, 0.05), (15.0, 0.1))])
def test_coaxial_rods_share_one_curvature(outer: tuple[float, float], inner: tuple[float, float]) -> None:
    (b1, k1), (b2, k2) = outer, inner
    posed = solve_free_rod((Device(40.0, b1, b1, k1), Device(40.0, b2, b2, k2)), 41)
    assert posed.bend_angle() / 40.0 == pytest.approx((b1 * k1 + b2 * k2) / (b1 + b2), rel=0.01)


def test_opposed_equal_rods_are_straight() -> None:
    posed = solve_free_rod((Device(40.0, 50.0, 40.0, 0.05), Device(40.0, 50.0, 40.0, -0.05)), 41)
    assert np.abs(posed.nodes[:, :2]).max() < 1e-6


@pytest.mark.parametrize("turn_deg", [45.0, 90.0, 135.0])
def test_two_stiff_tubes_turned_against_each_other_add_as_vectors(turn_deg: float) -> None:
    """Torsionally rigid equal tubes: bend = single bend x cos(turn / 2)."""
    bend, kappa, length = 50.0, np.radians(98.0) / 40.0, 40.0
    tubes = (Device(length, bend, 1e5 * bend, kappa),
             Device(length, bend, 1e5 * bend, kappa, hub_rad=np.radians(turn_deg)))
    posed = solve_free_rod(tubes, 41)
    assert np.degrees(posed.bend_angle()) == pytest.approx(98.0 * np.cos(np.radians(turn_deg / 2)), abs=0.2)


def test_shape_turns_with_the_hub() -> None:
    """Turning the hub of a bent free rod by 360 degrees in steps brings the same shape back."""
    tips = [solve_free_rod((Device(30.0, 20.0, 16.0, 0.05, hub_rad=np.radians(a)),), 31).nodes[-1]
            for a in (0.0, 90.0, 360.0)]
    assert tips[2] == pytest.approx(tips[0], abs=1e-6)
    assert tips[1][[1, 0]] == pytest.approx([tips[0][0], -tips[0][1]], abs=1e-6)


def test_pose_rod_starts_straight() -> None:
    rod = pose_rod((Device(10.0, 1.0, 1.0),), 11)
    assert rod.x[1] == pytest.approx([0, 0, 0])
    assert rod.x[-1] == pytest.approx([0, 0, 10.0])


def test_energy_does_not_depend_on_where_the_rod_points() -> None:
    """A bent, twisted, loaded rod turned and moved as a whole keeps its energy."""
    tip = np.array([0.03, 0.02, 0.0])
    rod = solve_free_rod((Device(60.0, 40.0, 30.0, 0.02), Device(50.0, 12.0, 9.0, 0.03, hub_rad=1.0)), 61, tip).rod
    rod.load[:] = 0.0
    before = total_energy(rod, FREE, rod.x, rod.theta)
    q, _ = np.linalg.qr(np.random.default_rng(4).standard_normal((3, 3)))
    q *= np.linalg.det(q)
    for vectors in (rod.x, rod.tangent, rod.director):
        vectors[:] = vectors @ q.T
    rod.x[:] += [5.0, -7.0, 11.0]
    assert total_energy(rod, FREE, rod.x, rod.theta) == pytest.approx(before, rel=1e-9)


def test_a_preshape_survives_half_a_minute_in_a_tube() -> None:
    """Elastic: straightened in a tube for 30 s and let out, the tip has its angle again."""
    # the hall's end is round, so it reaches back to z = 110
    tree = vessel_tree({"tube": ("", [[0, 0, 0], [0, 0, 160.0]], 0.6),
                        "hall": ("tube", [[0, 0, 160.0], [0, 0, 300.0]], 50.0)})
    stack = Stack(build_lumen(tree), np.zeros(3), np.array([0.0, 0.0, 1.0]), Law(drag=0.0, iterations=60))
    angle = np.radians(60.0)
    wire = make_profile(600.0, 0.45, [(0.0, 20.0, 15.0)], [(2.0, 0.0, 0.0), (15.0, angle, 0.0)])
    tip = 5.0

    def go(to_mm: float, step: float) -> None:
        nonlocal tip
        while (to_mm - tip) * step > 1e-9:
            tip += step
            stack.solve([Move("wire", wire, 0.05, tip, step, 0.0, 0.0)], np.zeros(3))

    def bend() -> float:
        assert stack.line is not None
        e = stack.line.x[-1] - stack.line.x[-2]
        return float(np.degrees(np.arccos(e[2] / np.linalg.norm(e))))

    go(170.0, 1.0)
    free = bend()
    go(50.0, -1.0)
    assert bend() < 10.0
    for _ in range(1800):
        stack.solve([Move("wire", wire, 0.05, tip, 0.0, 0.0, 0.0)], np.zeros(3))
    go(170.0, 1.0)
    assert bend() == pytest.approx(free, abs=0.1)
    assert free == pytest.approx(60.0, abs=0.5)
