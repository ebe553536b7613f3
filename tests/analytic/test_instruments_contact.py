"""Sliding in tubes against closed forms: capstan, insertion into an arc, torque and friction."""

import numpy as np
import pytest
from instruments_tree import bent, laid, vessel_tree

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


def tube(radius_mm: float, bend_radius_mm: float, angle: float) -> Stack:
    tree = vessel_tree({"tube": ("", bent(20.0, bend_radius_mm, angle, 120.0), radius_mm)})
    return Stack(build_lumen(tree), tree.points[0], np.array([0.0, 0.0, 1.0]),
                 Law(drag=1e-6, iterations=60, tolerance=1e-6))


def gain(line: Line) -> tuple[float, float]:
    """Angle that the line turns through between two places of the arc, rad, and its tension near over far."""
    t = np.diff(line.x, axis=0)
    t /= np.linalg.norm(t, axis=1)[:, None]
    middle = 0.5 * (line.s[1:] + line.s[:-1])
    near, far = int(np.searchsorted(middle, 5.0)), int(np.searchsorted(middle, 135.0))
    angle = float(np.arccos(np.clip((t[near:far] * t[near + 1 : far + 1]).sum(1), -1, 1)).sum())
    return angle, float(line.tension[near] / line.tension[far])


@pytest.mark.parametrize("mu", [0.1, 0.2, 0.4])
def test_capstan(mu: float) -> None:
    """A limp wire drawn over an arc of angle Theta: tension grows by exp(mu Theta), and falls by it on the way
    back."""
    stack = tube(1.0, 30.0, np.pi)
    profile = make_profile(600.0, 0.4, [(0.0, 0.05, 0.05)])
    stack.tip_load_N = np.array([0.0, 0.0, -0.5])  # along the exit
    stack.line = laid(stack.lumen.wall.points, 152.0)
    for start, stop, step, sense in ((152.0, 149.0, -0.25, 1.0), (149.0, 152.0, 0.25, -1.0)):
        slide(stack, profile, mu, start, stop, step)
        assert stack.line is not None
        angle, ratio = gain(stack.line)
        assert angle == pytest.approx(np.pi, abs=0.05)
        assert ratio == pytest.approx(np.exp(sense * mu * angle), rel=0.01)


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


def push_into_arc(mu: float) -> float:
    """Mean push, N, of a wire that is fed into an arc of 40 mm radius."""
    stack = tube(0.5, 40.0, 2.0)
    profile = make_profile(600.0, 0.45, [(0.0, 128.5, 128.5)])
    pushes = []
    tip = 40.0
    while tip < 92.0:
        tip += 0.25
        stack.solve([Move("wire", profile, mu, tip, 0.25, 0.0, 0.0)], np.zeros(3))
        if tip > 72.0:
            assert stack.line is not None
            pushes.append(-stack.line.tension[1])
    return float(np.mean(pushes))


def test_the_push_grows_in_proportion_to_friction() -> None:
    """F(2 mu) - F(0) = 2 (F(mu) - F(0)) while mu is small."""
    none, some, twice = (push_into_arc(mu) for mu in (0.0, 0.05, 0.1))
    assert some > none
    assert twice - none == pytest.approx(2.0 * (some - none), rel=0.1)


def test_torque_lags_by_the_friction_of_what_presses() -> None:
    """A straight wire turned in a bend: the tip stays behind by sum mu r N L / GJ; turned back, by as much on the
    other side."""
    mu, radius, twist, total = 0.1, 0.45, 60.0, 90.0
    stack = tube(0.55, 30.0, 2.0)
    profile = make_profile(total + 0.01, radius, [(0.0, 128.5, twist)])
    slide(stack, profile, mu, 3.0, total, 0.5)

    def turn(degrees: float, step: float) -> float:
        """Turns on; the lag of the tip, rad."""
        for _ in range(round(degrees / abs(step))):
            hub[0] += np.radians(step)
            stack.solve([Move("wire", profile, mu, total, 0.0, hub[0], np.radians(step))], np.zeros(3))
        assert stack.line is not None
        return float(hub[0] - stack.line.theta["wire"][-1])

    hub = [0.0]
    lag = turn(360.0, 6.0)
    line = stack.line
    assert line is not None
    cell = np.zeros(len(line.s))
    cell[1:] += 0.5 * np.diff(line.s)
    cell[:-1] += 0.5 * np.diff(line.s)
    friction = mu * radius * line.pressing * cell
    assert lag == pytest.approx(float((friction[1:] * line.s[1:]).sum()) / twist, rel=0.02)
    assert turn(360.0, -6.0) == pytest.approx(-lag, rel=0.01)
    assert turn(360.0, 6.0) == pytest.approx(lag, rel=0.01)  # the loop closes
