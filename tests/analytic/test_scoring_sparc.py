"""Smoothness of known speed profiles."""

import numpy as np
import pytest

from trainer.scoring.motion import episodes, smoothness, sparc
from trainer.scoring.settings import levels

RATE = 100.0


def minimum_jerk(duration_s: float) -> np.ndarray:
    """Speed of a minimum-jerk movement of unit length (Flash and Hogan 1985)."""
    u = np.linspace(0.0, 1.0, round(duration_s * RATE) + 1)
    return 30.0 * u**2 * (1.0 - u) ** 2 / duration_s


def by_quadrature(speed: np.ndarray) -> float:
    """Arc length of the spectrum by the definition: each frequency by its own sum, no FFT."""
    frequency = np.linspace(0.0, 10.0, 4001)
    t = np.arange(speed.size) / RATE
    spectrum = np.abs(np.exp(-2j * np.pi * np.outer(frequency, t)) @ speed)
    spectrum /= spectrum[0]
    last = np.flatnonzero(spectrum >= 0.05)[-1] + 1
    f, v = frequency[:last] / frequency[last - 1], spectrum[:last]
    return -float(np.sum(np.hypot(np.diff(f), np.diff(v))))


@pytest.mark.parametrize("duration_s", [1.0, 2.0])
def test_agrees_with_the_definition(duration_s: float) -> None:
    speed = minimum_jerk(duration_s)
    assert sparc(speed, RATE) == pytest.approx(by_quadrature(speed), rel=0.01)


def test_a_minimum_jerk_movement_is_at_its_known_value() -> None:
    # the smoothest point-to-point movement; about -1.4 in the literature
    assert sparc(minimum_jerk(1.0), RATE) == pytest.approx(-1.4, abs=0.05)


def test_neither_size_nor_duration_matters() -> None:
    one = sparc(minimum_jerk(1.0), RATE)
    assert sparc(7.0 * minimum_jerk(1.0), RATE) == pytest.approx(one, rel=1e-9)
    assert sparc(minimum_jerk(3.0), RATE) == pytest.approx(one, rel=0.02)


def test_stop_and_go_is_less_smooth() -> None:
    values = []
    for pieces in (1, 2, 4, 8):
        speed = np.concatenate([np.concatenate([minimum_jerk(0.5), np.zeros(20)]) for _ in range(pieces)])
        values.append(sparc(speed, RATE))
    assert values == sorted(values, reverse=True)
    assert values[3] < values[0] - 2.0


def test_standing_still_is_no_movement() -> None:
    rules = levels().motion
    assert smoothness(np.zeros(500), 0.05, rules) is None
    assert sparc(np.zeros(100), RATE) == 0.0


def test_movements_are_cut_at_pauses() -> None:
    rules = levels().motion
    speed = np.concatenate([np.zeros(20), np.full(40, 10.0), np.zeros(3), np.full(40, 10.0), np.zeros(40),
                            np.full(30, 5.0), np.zeros(40), np.full(5, 5.0)])  # fmt: skip
    assert episodes(speed, 0.05, rules) == [(20, 103), (143, 173)]  # a short gap is closed, a twitch is none
