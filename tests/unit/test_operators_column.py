"""What a simulated operator makes of contrast in the live picture."""

import numpy as np
import pytest

from trainer.imaging.geometry import Geometry
from trainer.procedure.operators.column import LEAST_GREY, Clear, Glimpse, darkness, standing


def test_a_dark_line_along_a_vessel_is_seen_with_its_contrast() -> None:
    geometry = Geometry(primary=0.3, secondary=0.1, isocenter=(-60.0, -30.0, 0.0))
    course = np.array([-70.0, -30.0, -10.0]) + np.linspace(0.0, 1.0, 40)[:, None] * np.array([20.0, 3.0, 20.0])
    picture = np.full((512, 512), 140, np.uint8)
    px = np.rint(geometry.resized(512).project(course)).astype(int)
    for dx in (-1, 0, 1):
        for dy in (-1, 0, 1):
            picture[px[:, 1] + dy, px[:, 0] + dx] = 115
    assert darkness(picture, geometry, course) == pytest.approx(25.0)
    assert darkness(picture, geometry, course + [0.0, 0.0, 30.0]) == pytest.approx(0.0)


def breathing(excess_ahead: float = 0.0, excess_behind: float = 0.0, noise: float = 0.0) -> list[Glimpse]:
    """Two breaths over a background that changes by far more than the contrast does."""
    rng = np.random.default_rng(3)
    breaths = 0.5 - 0.5 * np.cos(np.linspace(0.0, 4.0 * np.pi, 60))
    return [
        Glimpse(b, 30.0 * b - 15.0 + excess_ahead + e, 20.0 - 25.0 * b + excess_behind - e)
        for b, e in zip(breaths, noise * rng.standard_normal(60), strict=True)
    ]


@pytest.mark.parametrize("part", [slice(0, 6), slice(12, 18), slice(40, 46)])
def test_what_the_breath_moves_over_a_vessel_is_not_taken_for_contrast(part: slice) -> None:
    clear = Clear(breathing(noise=1.0))
    assert clear.ahead(breathing()[part]) == pytest.approx(0.0, abs=2.5)
    assert clear.ahead(breathing(excess_ahead=20.0)[part]) == pytest.approx(20.0, abs=2.5)
    assert clear.behind(breathing(excess_ahead=20.0)[part]) == pytest.approx(0.0, abs=2.5)
    assert clear.behind(breathing(excess_behind=12.0)[part]) == pytest.approx(12.0, abs=2.5)


def test_nothing_seen_is_no_contrast() -> None:
    assert Clear([]).ahead([]) == 0.0
    assert Clear(breathing()).behind([]) == 0.0


def test_a_column_stands_only_when_it_was_seen() -> None:
    assert standing(20.0, 10.0) == pytest.approx(0.5)
    assert standing(0.5 * LEAST_GREY, LEAST_GREY) == 0.0
