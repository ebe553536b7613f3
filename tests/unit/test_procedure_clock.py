"""Steps from elapsed time: nothing lost but what a cap takes, and that is told."""

import pytest

from trainer.procedure.clock import Clock
from trainer.units import STEP_S


def test_the_remainder_is_carried() -> None:
    clock = Clock()
    steps = [clock.advance(0.01) for _ in range(600)]  # six seconds in hundredths
    assert sum(steps) == 360
    assert set(steps) == {0, 1}
    assert clock.speed == pytest.approx(1.0)


def test_any_rhythm_gives_the_same_number() -> None:
    fine, coarse = Clock(), Clock()
    assert sum(fine.advance(0.001) for _ in range(1000)) == sum(coarse.advance(0.05) for _ in range(20)) == 60


def test_a_slow_machine_slows_the_simulation_and_says_so() -> None:
    clock = Clock(most_steps=2)
    steps = [clock.advance(5.0 * STEP_S) for _ in range(200)]
    assert set(steps) == {2}
    assert clock.speed == pytest.approx(0.4, abs=0.01)
    assert clock.slow
    assert clock.lost_s == pytest.approx(200 * 3 * STEP_S)


def test_it_recovers() -> None:
    clock = Clock(most_steps=2)
    clock.advance(1.0)
    for _ in range(300):
        clock.advance(STEP_S)
    assert not clock.slow


def test_a_clock_set_back_makes_no_steps() -> None:
    clock = Clock()
    assert clock.advance(-5.0) == 0
    assert clock.advance(STEP_S) == 1
