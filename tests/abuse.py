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
from instruments_tree import laid
from numpy.typing import NDArray

from trainer.anatomy.build import build_patient
from trainer.anatomy.motion import Breath
from trainer.anatomy.spec import PatientSpec
from trainer.anatomy.types import Patient
from trainer.commands import Hand
from trainer.instruments.catalog import Catalog, load_catalog
from trainer.instruments.instruments import Instruments

Floats = NDArray[np.float64]

DT_S = 1 / 60
FASTEST_MM_S, FASTEST_RAD_S = 60.0, 4.0 * np.pi
HOLD_STEPS = 30
"""The hands change every half second."""
SET_STEPS = 3600
"""Another choice of devices every minute."""
SETTLE_STEPS = 120
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
    vessels: int
    """How many vessels a tip was in."""
    digest: str
    """Of all nodes and hub forces of all steps."""
    cpu_s: float


def patient_of(anatomy: str, access: str = "right_femoral", seed: int = 1) -> Patient:
    """A patient of a shipped anatomy."""
    return build_patient(PatientSpec(anatomy=anatomy, access=access), np.random.SeedSequence(seed))


def choose_set(tray: Instruments, catalog: Catalog, kinds: tuple[str, ...], rng: np.random.Generator,
               placed: float) -> None:
    """Puts devices of these kinds into the tray, at random among those that fit: outside, or with a share `placed`
    lying in a vessel."""
    tray.held.clear()
    tray.stack.line = tray.stack.last = None
    for kind in kinds:
        specs = catalog.of_kind(kind)
        for k in rng.permutation(len(specs)):
            if tray.insert(kind, specs[k].id) is None:
                break
    if placed > 0.0 and rng.random() < placed:
        lay_in(tray, rng)


def course(tray: Instruments, vessel: int) -> tuple[Floats, Floats]:
    """Centerline (n, 3) and radii (n,), mm, from the sheath's mouth to the end of a vessel, as the vessels lie now."""
    tree, points = tray.tree, tray.stack.lumen.wall.points
    start = tree.index(tray.access.vessel)
    up, down = tree.path(start)[::-1], tree.path(vessel)
    meet = next(v for v in up if v in down)
    own = np.arange(tree.first[start], tree.first[start + 1])
    at = int(own[np.linalg.norm(tree.points[own] - tray.access.mouth, axis=1).argmin()])
    index: list[int] = []
    for v in up[: up.index(meet)]:  # toward the aorta
        index += range(at, tree.first[v] - 1, -1)
        at = int(tree.attach[v])
    for v, child in zip(down[down.index(meet) :], [*down[down.index(meet) + 1 :], -1], strict=True):
        stop = int(tree.attach[child]) if child >= 0 else int(tree.first[v + 1]) - 1
        index += range(at, stop + 1) if stop >= at else range(at, stop - 1, -1)
        at = int(tree.first[child]) if child >= 0 else stop
    line = np.array(index)
    keep = np.concatenate([[True], np.linalg.norm(np.diff(points[line], axis=0), axis=1) > 0.05])
    return points[line[keep]], tree.radius[line[keep]]


def lay_in(tray: Instruments, rng: np.random.Generator) -> None:
    """Lays the devices along the way to a vessel, each as far as it fits and its length allows."""
    points, radius = course(tray, int(rng.integers(tray.tree.count)))
    arc = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    order = tray.order()
    reach = float(arc[-1]) - 1.0
    for slot in order[::-1]:
        held = tray.held[slot]
        too_narrow = np.flatnonzero(radius < 0.5 * held.spec.outer_diameter_mm + 0.15)
        fits = float(arc[too_narrow[0]]) - 2.0 if len(too_narrow) else np.inf
        reach = min(reach, fits, held.spec.length_mm - 250.0)
        held.inserted_mm = max(0.0, reach)
        reach -= float(rng.uniform(3.0, 60.0))
    total = max(h.inserted_mm for h in tray.held.values())
    if total <= 20.0:
        return
    tray.stack.line = laid(points, total)
    tray.stack.line.penetration_mm = tray.stack.line.stretch = 1.0  # bent like the course, not like itself: it may give
    for _ in range(SETTLE_STEPS):
        tray.step((), tray.stack.offset, DT_S)
        if tray.stack.line.penetration_mm < 0.08 and tray.stack.line.stretch < 0.004:
            return
    tray.stack.line = tray.stack.last = None  # it does not lie there without force: begin outside
    for held in tray.held.values():
        held.inserted_mm = -1.0


def run(patient: Patient, anatomy: str, seed: int, steps: int,
        watch: Callable[[Instruments, int], None] | None = None, placed: float = 0.0) -> Abused:
    """Abuses the devices for so many steps. watch(tray, step) sees every step. placed: how often a set of devices
    begins inside, along the way to any vessel of the patient; else it begins at the sheath."""
    catalog = load_catalog()
    rng = np.random.default_rng([seed, 7])
    breath = Breath(patient.breathing, np.random.default_rng([seed, 8]))
    tray = Instruments(patient.tree, patient.access, catalog)
    depth = np.zeros(steps)
    entered: set[int] = set()
    stretch, farthest, finite, booked = 0.0, 0.0, True, True
    digest = hashlib.sha256()
    begun = time.thread_time()
    hands: tuple[Hand, ...] = ()
    for step in range(steps):
        if step % SET_STEPS == 0:
            choose_set(tray, catalog, SETS[int(rng.integers(len(SETS)))], rng, placed)
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
        entered.update(t.vessel for t in shapes.tips)
        digest.update(shapes.nodes.tobytes())
        digest.update(shapes.hub_force.tobytes())
        if watch is not None:
            watch(tray, step)
    return Abused(anatomy, seed, steps, float(depth.max()), float(np.percentile(depth, 99)), stretch, finite, booked,
                  farthest, len(entered - {-1}), digest.hexdigest()[:16], time.thread_time() - begun)


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
    parser.add_argument("--placed", type=float, default=0.75, help="share of device sets that begin deep inside")
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
            result = run(patient_of(anatomy, given.access, seed), anatomy, seed, steps, placed=given.placed)
            print(f"{anatomy} seed {seed}: deepest {result.deepest_mm:.3f} mm, p99 {result.depth_p99_mm:.3f} mm, "
                  f"stretch {100 * result.stretch:.2f} %, finite {result.finite}, booked {result.booked}, "
                  f"farthest {result.farthest_mm:.0f} mm, "
                  f"{result.vessels} vessels, {result.cpu_s:.0f} s, {result.digest}", flush=True)
            if given.out:
                with given.out.open("a") as file:
                    file.write(json.dumps(asdict(result)) + "\n")


if __name__ == "__main__":
    main()
