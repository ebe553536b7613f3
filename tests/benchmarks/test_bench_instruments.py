"""Time of one mechanics step, printed; no assertion on seconds."""

import sys
from pathlib import Path

import numpy as np
import pytest

from trainer.commands import Hand

sys.path.insert(0, str(Path(__file__).parents[1] / "property"))

from instruments_tree import access_at_start, bent, vessel_tree
from test_instruments_behavior import triaxial

from trainer.instruments.catalog import load_catalog
from trainer.instruments.instruments import Instruments

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


def long_stack() -> Instruments:
    """Catheter, microcatheter and microwire 1.2 m along a path with an arch, into a branch and its twig."""
    down = bent(250.0, 35.0, np.pi, 330.0)
    turn = down[-1] + bent(0.0, 20.0, 1.4, 90.0) * np.array([1.0, 1.0, -1.0])
    path = np.concatenate([down, turn[1:]])
    trunk = turn[-1] + np.linspace(0.0, 420.0, 211)[:, None] * _unit(turn[-1] - turn[-2])
    wave = 6.0 * np.sin(np.linspace(0.0, 8 * np.pi, 211))[:, None] * np.array([0.0, 1.0, 0.0])
    tree = vessel_tree({"aorta": ("", path, 8.0), "trunk": ("aorta", trunk + wave, np.linspace(3.5, 1.2, 211))})
    tray = Instruments(tree, access_at_start(tree), load_catalog())
    for slot, device, ahead in (("catheter", "mpa_5f", 820.0), ("microcatheter", "micro_28f", 1100.0),
                                ("microwire", "microwire_016_75", 1200.0)):
        assert tray.insert(slot, device) is None
        while tray.held[slot].inserted_mm < ahead - 1e-6:
            before = tray.held[slot].inserted_mm
            tray.step((Hand(slot, min(300.0 if before < 0 else 50.0, (ahead - before) / DT)),), np.zeros(3), DT)
            assert tray.held[slot].inserted_mm > before, (slot, before)
    return tray


def _unit(v: np.ndarray) -> np.ndarray:
    return v / np.linalg.norm(v)
