"""Random abuse of the instruments in a whole patient: every device at full speed, whatever the picture says.

    python tests/abuse.py --anatomy michels_1 --seeds 1-20 --minutes 10 --out results.jsonl

prints one line a run and appends it as JSON; runs already in the file are skipped. The property tests use `run`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from trainer.anatomy.build import build_patient
from trainer.anatomy.motion import Breath
from trainer.anatomy.spec import PatientSpec
from trainer.anatomy.types import Patient
from trainer.commands import Hand
from trainer.instruments.catalog import Catalog, load_catalog
from trainer.instruments.instruments import Instruments

DT_S = 1 / 60
FASTEST_MM_S, FASTEST_RAD_S = 60.0, 4.0 * np.pi
HOLD_STEPS = 30
"""The hands change every half second."""
SET_STEPS = 3600
"""Another choice of devices every minute."""
LEAD_STEPS = 900
"""For this long the hands push more than they pull, so that the devices get somewhere."""
SETS = (("catheter", "wire"), ("catheter", "microcatheter", "microwire"), ("catheter", "microcatheter"), ("wire",))


@dataclass(frozen=True)
class Abused:
    """What a run came to. Lengths mm, strain as a share."""

    anatomy: str
    seed: int
    steps: int
    deepest_mm: float
    depth_p99_mm: float
    stretch: float
    finite: bool
    booked: bool
    """Every tip was where its hub's motion had put it, to the bit."""
    farthest_mm: float
    digest: str
    """Of all nodes and hub forces of all steps."""
    cpu_s: float


def patient_of(anatomy: str, access: str = "right_femoral", seed: int = 1) -> Patient:
    """A patient of a shipped anatomy."""
    return build_patient(PatientSpec(anatomy=anatomy, access=access), np.random.SeedSequence(seed))


def choose_set(tray: Instruments, catalog: Catalog, kinds: tuple[str, ...], rng: np.random.Generator) -> None:
    """Puts devices of these kinds into the tray, at random among those that fit."""
    tray.held.clear()
    tray.stack.line = tray.stack.last = None
    for kind in kinds:
        specs = catalog.of_kind(kind)
        for k in rng.permutation(len(specs)):
            if tray.insert(kind, specs[k].id) is None:
                break


def run(patient: Patient, anatomy: str, seed: int, steps: int,
        watch: Callable[[Instruments, int], None] | None = None) -> Abused:
    """Abuses the devices for so many steps. watch(tray, step) sees every step."""
    catalog = load_catalog()
    rng = np.random.default_rng([seed, 7])
    breath = Breath(patient.breathing, np.random.default_rng([seed, 8]))
    tray = Instruments(patient.tree, patient.access, catalog)
    depth = np.zeros(steps)
    stretch, farthest, finite, booked = 0.0, 0.0, True, True
    digest = hashlib.sha256()
    begun = time.thread_time()
    hands: tuple[Hand, ...] = ()
    for step in range(steps):
        if step % SET_STEPS == 0:
            choose_set(tray, catalog, SETS[int(rng.integers(len(SETS)))], rng)
        if step % HOLD_STEPS == 0:
            lead = 0.6 if step % SET_STEPS < LEAD_STEPS else 0.0
            hands = tuple(
                Hand(slot, float(np.clip(rng.uniform(-1, 1) + lead, -1, 1)) * speed_of(tray, slot),
                     float(rng.uniform(-1, 1)) * FASTEST_RAD_S)
                for slot in tray.held
            )
        _, offset = breath.step(DT_S, False)
        shapes = tray.step(hands, offset, DT_S)
        line = tray.stack.line
        depth[step] = shapes.max_penetration_mm
        finite = finite and bool(np.isfinite(shapes.nodes).all() and np.isfinite(shapes.hub_force).all())
        booked = booked and all(end == h.inserted_mm for end, h in zip(shapes.device_end, tray.held.values()))
        stretch = max(stretch, line.stretch if line else 0.0)
        farthest = max(farthest, float(shapes.device_end.max()))
        digest.update(shapes.nodes.tobytes())
        digest.update(shapes.hub_force.tobytes())
        if watch is not None:
            watch(tray, step)
    return Abused(anatomy, seed, steps, float(depth.max()), float(np.percentile(depth, 99)), stretch, finite, booked,
                  farthest, digest.hexdigest()[:16], time.thread_time() - begun)


def speed_of(tray: Instruments, slot: str) -> float:
    """Fastest speed of a hand, mm/s: what the vessel allows, or outside what the hub's lumen does."""
    return 300.0 if tray.held[slot].inserted_mm < 0.0 else FASTEST_MM_S


def _span(text: str) -> list[int]:
    first, _, last = text.partition("-")
    return list(range(int(first), int(last or first) + 1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--anatomy", nargs="+", default=["michels_1", "michels_3"])
    parser.add_argument("--access", default="right_femoral")
    parser.add_argument("--seeds", default="1-20", help="one seed or a span, e.g. 1-20")
    parser.add_argument("--minutes", type=float, default=10.0, help="simulated minutes of each run")
    parser.add_argument("--out", type=Path, help="JSON Lines file; runs that it holds are not made again")
    given: Any = parser.parse_args()
    steps = round(given.minutes * 3600)
    done: set[tuple[str, int, int]] = set()
    if given.out and given.out.exists():
        rows = [json.loads(line) for line in given.out.read_text().splitlines()]
        done = {(r["anatomy"], r["seed"], r["steps"]) for r in rows}
    for seed in _span(given.seeds):
        for anatomy in given.anatomy:
            if (anatomy, seed, steps) in done:
                continue
            result = run(patient_of(anatomy, given.access, seed), anatomy, seed, steps)
            print(f"{anatomy} seed {seed}: deepest {result.deepest_mm:.3f} mm, p99 {result.depth_p99_mm:.3f} mm, "
                  f"stretch {100 * result.stretch:.2f} %, finite {result.finite}, booked {result.booked}, "
                  f"farthest {result.farthest_mm:.0f} mm, {result.cpu_s:.0f} s, {result.digest}", flush=True)
            if given.out:
                with given.out.open("a") as file:
                    file.write(json.dumps(asdict(result)) + "\n")


if __name__ == "__main__":
    main()
