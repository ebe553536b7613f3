"""A wire drawn over the lip between a vessel and a branch that turns back: force balance, depth, derivatives."""

import numpy as np
import pytest
from instruments_tree import laid, straight, vessel_tree

from trainer.instruments.model import Law
from trainer.instruments.profile import make_profile
from trainer.instruments.ridge import ridge_energy, ridge_system
from trainer.instruments.rows import lay_rows
from trainer.instruments.stack import Line, Move, Stack
from trainer.instruments.wall import build_lumen

LOAD_N = 0.6
WIRE = make_profile(600.0, 0.4, [(0.0, 15.0, 15.0)])


def turning_back(angle_deg: float) -> tuple[Stack, np.ndarray, np.ndarray]:
    """A vessel of 5 mm radius and a branch of 3 mm that leaves it at an angle to the way back; the middle line
    (n, 3) mm from the mouth into the branch; the branch's direction."""
    down = np.array([np.sin(np.radians(angle_deg)), 0.0, -np.cos(np.radians(angle_deg))])
    branch = np.array([0.0, 0.0, 60.0]) + np.arange(0.0, 81.0, 2.0)[:, None] * down
    tree = vessel_tree({"vessel": ("", straight(100.0), 5.0), "branch": ("vessel", branch, 3.0)})
    course = np.concatenate([straight(60.0), branch[1:]])
    law = Law(drag=1e-4, iterations=60, tolerance=1e-5)
    return Stack(build_lumen(tree), tree.points[0], np.array([0.0, 0.0, 1.0]), law), course, down


def drawn_taut(angle_deg: float) -> tuple[Stack, Line]:
    stack, course, down = turning_back(angle_deg)
    total = 110.0
    stack.line = laid(course, total)
    stack.tip_load_N = LOAD_N * down
    for _ in range(400):
        stack.solve([Move("wire", WIRE, 0.0, total, 0.0, 0.0, 0.0)], np.zeros(3))
    assert stack.line is not None
    return stack, stack.line


@pytest.mark.parametrize("angle_deg", [30.0, 45.0, 60.0])
def test_the_lip_carries_the_tension_of_both_sides(angle_deg: float) -> None:
    """Frictionless: tension F on both sides, so the lip and the walls beside it push with
    F |u_in + u_out| together, and nothing cuts into the wedge."""
    _, line = drawn_taut(angle_deg)
    assert line.penetration_mm < 0.05
    straight_part = (line.curvature[1:] < 1e-3)
    straight_part[:1] = False
    assert straight_part.sum() > 20
    assert line.tension[straight_part] == pytest.approx(LOAD_N, rel=0.03)
    place = line.ridges[np.argmax(line.ridges[:, 1]), 0]
    i = int(np.searchsorted(line.s, place))
    u_in, u_out = line.x[i - 16] - line.x[i - 15], line.x[i + 24] - line.x[i + 23]
    expected = LOAD_N * float(np.linalg.norm(u_in / np.linalg.norm(u_in) + u_out / np.linalg.norm(u_out)))
    at = slice(i - 15, i + 23)
    cell = np.gradient(line.s)[at]
    assert float((line.pressing[at] * cell).sum()) == pytest.approx(expected, rel=0.1)


def test_the_wire_stays_above_the_lip() -> None:
    """The lip for the wire's middle is where the two lumens, each narrowed by the wire's radius, part; its
    rounding takes a third of a millimeter."""
    _, line = drawn_taut(30.0)
    a, inner, outer = np.radians(30.0), 5.0 - 0.4, 3.0 - 0.4
    # in the plane of both: x = inner, and distance `outer` behind the branch's middle line
    lip = 60.0 - (inner * np.cos(a) + outer) / np.sin(a)
    assert line.x[:, 2].max() > lip - 0.4


def test_the_gradient_at_a_lip_is_the_slope_of_the_energy() -> None:
    stack, line = drawn_taut(40.0)
    seen = {}

    def keep(rod, law, home):  # type: ignore[no-untyped-def]
        report = Stack._relax(stack, rod, law, home)
        seen["rod"] = rod
        return report

    stack._relax = keep  # type: ignore[method-assign]
    stack.solve([Move("wire", WIRE, 0.0, float(line.s[-1]), 0.0, 0.0, 0.0)], np.zeros(3))
    rod, law = seen["rod"], stack.law
    assert rod.ridges.found[0] > 0
    top = int(np.argmax(rod.ridges.force[: rod.ridges.found[0]]))
    assert rod.ridges.force[top] > 0.3
    rows, h = lay_rows(rod, True), 1e-6
    n = rows.held + len(rows.last)
    gradient, band = np.zeros(n), np.zeros((n, rows.width))
    ridge_system(rod, law, rows, rod.x, gradient, band)
    for node in range(int(rod.ridges.first[top]), int(rod.ridges.last[top]) + 1):
        for c in range(3):
            up, down = rod.x.copy(), rod.x.copy()
            up[node, c] += h
            down[node, c] -= h
            slope = (ridge_energy(rod, law, up) - ridge_energy(rod, law, down)) / (2 * h)
            assert gradient[rows.place[node] + c] == pytest.approx(slope, abs=1e-3 * rod.ridges.force[top])
