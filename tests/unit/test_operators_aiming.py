"""How an operator understands a fork before it turns a tip."""

import numpy as np
import pytest

from trainer.procedure.operators.aiming import crossing_of, open_view, openness
from trainer.procedure.operators.plan import Aside, Way


def way_with(bend_toward: np.ndarray, aside_toward: np.ndarray) -> tuple[Way, Aside]:
    """A course 20 mm along +z that then bends; a branch that leaves where it bends. LPS, mm."""
    s = np.arange(0.0, 41.0)
    straight, turned = s[s <= 20.0], s[s > 20.0] - 20.0
    along = np.array([0.0, 0.0, 1.0])
    points = np.concatenate([straight[:, None] * along, 20.0 * along + turned[:, None] * bend_toward])
    branch = 20.0 * along + np.arange(0.0, 16.0)[:, None] * aside_toward
    aside = Aside(20.0, branch, np.zeros(16))
    way = Way(points, s, np.ones(41), ("a",) * 41, np.zeros(41), (), (20.0,), (aside,), np.zeros(3))
    return way, aside


def unit(*v: float) -> np.ndarray:
    return np.array(v) / np.linalg.norm(v)


def test_the_wanted_side_is_across_the_parent_and_away_from_the_other_branch() -> None:
    way, aside = way_with(unit(1, 0, 1), unit(-1, 0, 1))
    crossing = crossing_of(way, aside)
    assert crossing is not None
    assert crossing.toward == pytest.approx([1.0, 0.0, 0.0], abs=1e-9)
    assert crossing.along == pytest.approx([0.0, 0.0, 1.0], abs=1e-9)
    assert crossing.s_mm == 20.0


def test_a_branch_that_runs_along_makes_no_fork() -> None:
    way, aside = way_with(unit(0, 0, 1), unit(0, 0.02, 1))
    assert crossing_of(way, aside) is None


@pytest.mark.parametrize(("side", "primary"), [(unit(1, 0, 1), 0.0), (unit(0, 1, 1), 45.0)])
def test_the_view_opens_the_fork(side: np.ndarray, primary: float) -> None:
    """Branches that part from left to right lie apart from the front; from front to back, obliquely at best."""
    way, aside = way_with(side, unit(*(side * [-1, -1, 1])))
    crossing = crossing_of(way, aside)
    assert crossing is not None
    view = open_view(crossing)
    assert abs(view[0]) == primary
    front = openness(crossing, (0.0, 0.0))[0]
    assert front == pytest.approx(1.0 if primary == 0.0 else 0.0, abs=0.02)
    assert openness(crossing, view)[0] > 0.7
