"""The verb bench: time of each stage of a step, of the whole step, and memory, on this machine."""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer.cli import console
from trainer.commands import Action, Commands
from trainer.procedure.operators import make_operator
from trainer.procedure.session import Session
from trainer.procedure.warm import compile_apart
from trainer.scenario.loading import cases
from trainer.units import STEP_HZ

PULSE_HZ = 15.0
FOV_ACTIONS = (Action("pulse_rate", {"hz": PULSE_HZ}),)
WARM_S = 5.0
"""Simulated time left out of the statistics: first calls compile and fill caches."""


Times = NDArray[np.float64]


class _Workload:
    """The expert's hands under fluoroscopy that never stops, and that never finishes."""

    def __init__(self, controller: Any) -> None:
        self._controller, self._first = controller, True

    def poll(self, frame: Any) -> Commands:
        commands: Commands = self._controller.poll(frame)
        actions = tuple(a for a in commands.actions if a.kind not in ("finish", "pulse_rate"))
        if self._first:
            actions, self._first = FOV_ACTIONS + actions, False
        return replace(commands, actions=actions, fluoro_pedal=not commands.dsa_pedal)


def memory_MB() -> float:
    """Memory this process holds now, MB; where the system does not tell, the most it ever held."""
    status = Path("/proc/self/statm")
    if status.exists():
        import resource

        return int(status.read_text().split()[1]) * resource.getpagesize() / 1e6
    return peak_MB()


def peak_MB() -> float:
    """The most memory this process ever held, MB; NaN where the system does not tell."""
    if sys.platform == "win32":
        return float("nan")
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used / 1e6 if sys.platform == "darwin" else used * 1024 / 1e6


def _measure(session: Session, steps: int) -> tuple[dict[str, Times], Times]:
    """Times in ms: by stage and in all, (steps,); and memory in MB at each simulated second."""
    times = {name: np.zeros(steps) for name in ("step", "measures and operator")}
    memory = np.zeros(steps // STEP_HZ + 1)
    with console.progress("bench", steps) as bar:
        for k in range(steps):
            start = time.perf_counter()
            session.step()
            whole = time.perf_counter() - start
            stages: dict[str, float] = getattr(session.simulation, "timings", {})
            for name, seconds in stages.items():
                times.setdefault(name, np.zeros(steps))[k] = 1e3 * seconds
            times["step"][k] = 1e3 * sum(stages.values())
            times["measures and operator"][k] = 1e3 * (whole - sum(stages.values()))
            if k % STEP_HZ == 0:
                memory[k // STEP_HZ] = memory_MB()
                bar.update(bar.task_ids[0], completed=k, note=f"{memory[k // STEP_HZ]:.0f} MB")
    return times, memory


def _statistics(values: Times) -> dict[str, float]:
    p50, p99 = np.percentile(values, (50, 99))
    return {"mean_ms": float(values.mean()), "p50_ms": float(p50), "p99_ms": float(p99),
            "max_ms": float(values.max())}  # fmt: skip


def bench(arguments: argparse.Namespace) -> int:
    """Plays the first case under continuous fluoroscopy at 15 pulses/s and prints what it costs."""
    compile_apart()
    case = next(one.case for one in cases() if one.case is not None)
    started = time.perf_counter()
    expert = make_operator("expert", case.scenario, arguments.seed)
    session = Session(case, arguments.seed, _Workload(expert))
    build_s = time.perf_counter() - started
    steps = max(round(arguments.minutes * 60 * STEP_HZ), round(2 * WARM_S * STEP_HZ))
    times, memory = _measure(session, steps)
    warm = round(WARM_S * STEP_HZ)
    seconds = memory[: steps // STEP_HZ]
    settled = seconds[len(seconds) // 4 :]  # caches are full by then
    slope = float(np.polyfit(np.arange(settled.size) / 60.0, settled, 1)[0]) if settled.size > 2 else 0.0
    live = session.frame.xray.live
    doc = {
        "scenario": case.scenario.id, "seed": arguments.seed, "steps": steps, "pulse_rate_hz": PULSE_HZ,
        "image": list(live.shape) if live is not None else None, "build_s": build_s,
        "stages": {name: _statistics(values[warm:]) for name, values in times.items()},
        "real_time": float(1e3 / STEP_HZ / (times["step"] + times["measures and operator"])[warm:].mean()),
        "memory_MB": float(seconds[-1]), "peak_memory_MB": peak_MB(), "growth_MB_per_min": slope,
    }  # fmt: skip
    if arguments.json:
        console.document(doc)
    else:
        _show(doc)
    return 0


def _show(doc: dict[str, Any]) -> None:
    rows = [(name, *(f"{s[k]:.2f}" for k in ("mean_ms", "p50_ms", "p99_ms", "max_ms")))
            for name, s in doc["stages"].items()]  # fmt: skip
    console.table(f"One step of 1/60 s, {doc['pulse_rate_hz']:g} pulses/s, image {doc['image']}",
                  ("stage", "mean ms", "p50 ms", "p99 ms", "max ms"), rows)  # fmt: skip
    console.out.print(f"{doc['real_time']:.1f} x real time; built in {doc['build_s']:.1f} s; memory "
                      f"{doc['memory_MB']:.0f} MB (most {doc['peak_memory_MB']:.0f} MB), growing by "
                      f"{doc['growth_MB_per_min']:.2f} MB per simulated minute", soft_wrap=True)  # fmt: skip
