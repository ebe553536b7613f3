"""Breathing."""

import numpy as np
import pytest

from trainer.anatomy.motion import Breath
from trainer.anatomy.types import Breathing
from trainer.units import STEP_S

QUIET = Breathing(rate_hz=0.25, amplitude_mm=(1.0, -3.0, -12.0), hold_drift_mm=1.5)


def levels(breath: Breath, steps: int, hold: bool = False) -> np.ndarray:
    return np.array([breath.step(STEP_S, hold)[0] for _ in range(steps)])


def test_breath_rests_at_end_expiration_and_stays_in_range() -> None:
    level = levels(Breath(QUIET, np.random.default_rng(1)), 60 * 60)
    assert level.min() < 0.01
    assert 0.7 < level.max() <= 1.0
    assert (level < 0.1).mean() > 0.3
    assert np.abs(np.diff(level)).max() < 0.05
    peaks = ((level[1:-1] > level[:-2]) & (level[1:-1] >= level[2:])).sum()
    assert 12 <= peaks <= 18
    assert np.unique(level[1:-1][(level[1:-1] > level[:-2]) & (level[1:-1] >= level[2:])]).size > 5


def test_displacement_is_along_the_amplitude() -> None:
    breath = Breath(QUIET, np.random.default_rng(1))
    for _ in range(200):
        level, offset = breath.step(STEP_S, False)
        assert offset == pytest.approx(level * np.array(QUIET.amplitude_mm))


@pytest.mark.parametrize("wait", [20, 110, 130, 200])
def test_hold_is_obeyed_with_a_drift_and_breathing_goes_on_without_a_jump(wait: int) -> None:
    breath = Breath(QUIET, np.random.default_rng(3))
    before = levels(breath, wait)
    held = levels(breath, 60 * 20, hold=True)
    after = levels(breath, 300)
    span = float(np.linalg.norm(QUIET.amplitude_mm))
    assert before[-1] - held[-1] <= QUIET.hold_drift_mm / span + 1e-12
    assert (np.diff(held) <= 0).all()
    assert abs(held[0] - before[-1]) < 0.01
    assert abs(after[0] - held[-1]) < 0.05
    assert after.max() > 0.6


@pytest.mark.parametrize(("pain", "least", "most"), [(0.0, 28.0, 32.0), (1.0, 7.0, 11.0)])
def test_a_breath_is_held_only_so_long_and_shorter_in_pain(pain: float, least: float, most: float) -> None:
    breath = Breath(QUIET, np.random.default_rng(3))
    levels(breath, 60)
    held = [(breath.step(STEP_S, True, pain), breath.holding)[1] for _ in range(60 * 60)]
    assert least < sum(held) * STEP_S < most
    assert not held[-1]  # and is not held again unasked
    breath.step(STEP_S, False, pain)
    breath.step(STEP_S, True, pain)
    assert breath.holding


def test_pain_makes_breathing_fast() -> None:
    def breaths(pain: float) -> int:
        breath = Breath(QUIET, np.random.default_rng(1))
        level = np.array([breath.step(STEP_S, False, pain)[0] for _ in range(60 * 60)])
        return int(((level[1:-1] > level[:-2]) & (level[1:-1] >= level[2:])).sum())

    assert breaths(1.0) > 1.25 * breaths(0.0)


def test_same_generator_same_breath() -> None:
    a = levels(Breath(QUIET, np.random.default_rng(5)), 2000)
    b = levels(Breath(QUIET, np.random.default_rng(5)), 2000)
    assert a.tobytes() == b.tobytes()
