"""Time of one mechanics step, printed; no assertion on seconds."""

import sys
from pathlib import Path

import numpy as np
import pytest

from trainer.commands import Hand

sys.path.insert(0, str(Path(__file__).parents[1] / "property"))

from test_instruments_behavior import triaxial

DT = 1 / 60


@pytest.mark.parametrize("what", ["idle", "slide", "turn", "all"])
def test_bench_triaxial_step(benchmark, what: str) -> None:  # type: ignore[no-untyped-def]
    tray = triaxial()
    hands = {"idle": (), "slide": (Hand("microwire", 10.0),), "turn": (Hand("microwire", 0.0, 3.0),),
             "all": (Hand("catheter", 2.0, 1.0), Hand("microcatheter", 5.0), Hand("microwire", 10.0, 3.0))}[what]
    sign = [1.0]

    def step() -> None:
        tray.step(tuple(Hand(h.slot, sign[0] * h.advance_mm_s, h.torque_rad_s) for h in hands), np.zeros(3), DT)
        sign[0] = -sign[0]

    benchmark(step)
