"""The first start: imports and compiles everything that a step needs.

Compiling takes a few hundred megabytes that the compiler never gives back, and it would share the interpreter
with the window. So where no kernel is cached yet, a process of its own compiles and fills the cache.

    python -m trainer.procedure.warm
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from trainer.commands import Action, Commands, Hand
from trainer.scenario.building import build
from trainer.scenario.loading import cases

Report = Callable[[float, str], None]
KERNELS = "*.nbi"
"""Index files of compiled kernels, beside the modules."""


def silent(share: float, words: str) -> None:
    """A report that nobody reads."""


def cached(folder: Path) -> bool:
    """Whether kernels are cached below a folder of modules, or are cached where only the compiler knows."""
    elsewhere = "NUMBA_CACHE_DIR" in os.environ or not os.access(folder, os.W_OK)
    return elsewhere or next(folder.rglob(KERNELS), None) is not None


def compile_apart() -> None:
    """On a first start, compiles in a process of its own; where that fails this one will compile."""
    if not cached(Path(__file__).parents[1]):
        subprocess.run([sys.executable, "-m", "trainer.procedure.warm"], check=False, stdout=subprocess.DEVNULL)


def warm(report: Report = silent) -> None:
    """Plays a second of the first case. report(share, words) is called as it goes on."""
    case = next((one.case for one in cases() if one.case is not None), None)
    if case is None:
        return
    report(0.15, "preparing the X-ray room: a patient …")
    simulation = build(case)
    simulation.reset(0)
    approach = case.scenario.approach
    played = [
        Commands(actions=(Action("insert", {"slot": "catheter", "device": approach.catheter}),)),
        Commands(actions=(Action("insert", {"slot": "wire", "device": approach.wire}),)),
        *[Commands(hands=(Hand("catheter", 60.0, 1.0), Hand("wire", 60.0)), fluoro_pedal=True)] * 20,
        Commands(actions=(Action("inject", {"slot": "catheter", "fluid": case.scenario.fluids[0],
                                            "rate_mL_s": 2.0, "volume_mL": 1.0}),)),
        *[Commands(dsa_pedal=True)] * 40,
        Commands(actions=(Action("roadmap", {"on": True}),)),
        *[Commands(fluoro_pedal=True)] * 12,
    ]  # fmt: skip
    for i, commands in enumerate(played):
        report(0.45 + 0.55 * i / len(played), "preparing the X-ray room …")
        simulation.step(commands)


if __name__ == "__main__":
    warm()
