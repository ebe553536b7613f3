"""Sliding in tubes against closed forms: capstan, insertion into an arc, torque and friction."""

import numpy as np
import pytest
from instruments_tree import bent, vessel_tree

from trainer.instruments.mesh import lay_nodes
from trainer.instruments.model import Law
from trainer.instruments.profile import make_profile
from trainer.instruments.stack import Line, Move, Stack
from trainer.instruments.wall import build_lumen


def slide(stack: Stack, profile, friction: float, start: float, stop: float, step: float) -> Stack:  # type: ignore[no-untyped-def]
    tip = start
    while (stop - tip) * step > 1e-9:
        tip += step
        stack.solve([Move("wire", profile, friction, tip, step, 0.0, 0.0)], np.zeros(3))
    return stack


def laid(points, total: float) -> Line:  # type: ignore[no-untyped-def]
    """A line that follows points (n, 3) for `total` mm."""
    arc = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    s = lay_nodes(total)
    x = np.stack([np.interp(s, arc, points[:, c]) for c in range(3)], axis=1)
    x[0] = points[0] - (points[1] - points[0]) / np.linalg.norm(points[1] - points[0])
    n = len(s)
    return Line(s, x, {}, np.zeros(n), np.zeros(n), np.zeros((n, 3)), np.full(n, -1))


def tube(radius_mm: float, bend_radius_mm: float, angle: float) -> Stack:
    tree = vessel_tree({"tube": ("", bent(20.0, bend_radius_mm, angle, 120.0), radius_mm)})
    return Stack(build_lumen(tree), tree.points[0], np.array([0.0, 0.0, 1.0]),
                 Law(drag=1e-6, iterations=60, tolerance=1e-6))


@pytest.mark.parametrize("mu", [0.1, 0.2, 0.4])
def test_capstan(mu: float) -> None:
    """A limp wire pulled back over an arc of angle Theta: tension grows by exp(mu Theta)."""
    stack = tube(1.0, 30.0, np.pi)
    profile = make_profile(600.0, 0.4, [(0.0, 0.05, 0.05)])
    stack.tip_load_N = np.array([0.0, 0.0, -0.5])  # along the exit
    stack.line = laid(stack.lumen.wall.points, 152.0)
    slide(stack, profile, mu, 152.0, 149.0, -0.25)
    line = stack.line
    assert line is not None
    t = np.diff(line.x, axis=0)
    t /= np.linalg.norm(t, axis=1)[:, None]
    middle = 0.5 * (line.s[1:] + line.s[:-1])
    near, far = int(np.searchsorted(middle, 5.0)), int(np.searchsorted(middle, 135.0))
    angle = np.arccos(np.clip((t[near:far] * t[near + 1 : far + 1]).sum(1), -1, 1)).sum()
    assert angle == pytest.approx(np.pi, abs=0.05)
    assert line.tension[near] / line.tension[far] == pytest.approx(np.exp(mu * angle), rel=0.01)


@pytest.mark.parametrize(("bend", "radius"), [(128.5, 30.0), (128.5, 50.0)])
def test_frictionless_insertion_into_an_arc_costs_half_ei_kappa_squared(bend: float, radius: float) -> None:
    """F = EI kappa^2 / 2: the work of bending the length that enters, in a tube with little clearance."""
    stack = tube(0.5, radius, 2.0)
    profile = make_profile(600.0, 0.45, [(0.0, bend, bend)])
    pushes = []
    tip = 40.0
    while tip < 20.0 + 1.8 * radius:
        tip += 0.25
        stack.solve([Move("wire", profile, 0.0, tip, 0.25, 0.0, 0.0)], np.zeros(3))
        if tip > 20.0 + 1.0 * radius:
            assert stack.line is not None
            pushes.append(-stack.line.tension[1])
    # clearance 0.05: the wire's own arc has radius R on average
    assert np.mean(pushes) == pytest.approx(bend / (2 * radius**2), rel=0.05)
