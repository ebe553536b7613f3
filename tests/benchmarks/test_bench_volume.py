"""Projection of a volume on one core beside ITK-RTK's Joseph projector, in turns in the same run.

    python -m pytest -n 0 -s tests/benchmarks/test_bench_volume.py

Prints the least processor times of a few turns, which other programs on the machine disturb less than the clock.
Asserts ratios, nothing in seconds.
"""

import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import rtk_joseph

from trainer.imaging.geometry import Geometry
from trainer.imaging.patient_body import NOTHING
from trainer.imaging.pose import Preview
from trainer.imaging.volume.bodyfile import COARSE_MM, BodyFile, parts_of
from trainer.imaging.volume.grid import Volume, split
from trainer.imaging.volume.projection import project

SPACING = 1.4
ROUNDS = 4
CT = Path(__file__).parents[2] / "../shared/data/totalsegmentator_ct/example_ct.nii.gz"


@contextmanager
def one_core() -> Iterator[None]:
    """Runs on one core only, where the system allows it."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def phantom(n: int = 252) -> np.ndarray:
    """HU (n, n, n) of a trunk with fat, organs of noise, spine, ribs, gas and lung, in air; 256 with its border."""
    axis = (np.arange(n, dtype=np.float32) - 0.5 * (n - 1)) * np.float32(SPACING)
    x, y, z = axis[:, None, None], axis[None, :, None], axis[None, None, :]
    hu = np.full((n, n, n), -1000.0, dtype=np.float32)
    r = (x / 165.0) ** 2 + (y / 125.0) ** 2 + 0 * z
    hu[r < 1.0] = -105.0
    noise = np.random.default_rng(1).normal(0.0, 20.0, (n, n, n)).astype(np.float32)
    hu = np.where(r < 0.8, 45.0 + noise, hu)
    hu = np.where(((x + 5.0) ** 2 + (y - 70.0) ** 2 < 25.0**2) & (z < 1e3), 180.0 + 4.0 * noise, hu)
    ribs = (np.abs(r - 0.85) < 0.03) & (z > 0.0) & (np.abs(np.mod(z + 0.4 * y, 32.0) - 16.0) < 6.0)
    hu = np.where(ribs, 400.0 + 4.0 * noise, hu)
    lung = ((np.abs(x) - 75.0) / 55.0) ** 2 + (y / 80.0) ** 2 + ((z - 150.0) / 100.0) ** 2 < 1.0
    return np.where(lung, -850.0 + noise, hu)


def volume() -> Volume:
    hu = phantom()
    origin = np.full(3, -0.5 * SPACING * (hu.shape[0] - 1))
    return Volume.of_densities(*split(hu), origin, np.full(3, SPACING))


@pytest.mark.parametrize(("primary", "secondary"), [(0, 0), (30, 20), (90, 0)])
def test_beside_rtk(primary: int, secondary: int) -> None:
    """256^3 voxels onto 512^2 pixels: soft tissue alone as RTK does, and both channels at once."""
    rtk_joseph.load()
    body = volume()
    assert body.shape == (256, 256, 256)
    plain = Volume((body.whole[0][2:-2, 2:-2, 2:-2], np.zeros((252, 252, 252), np.int16)),
                   body.origin + 2.0 * SPACING, body.spacing)  # fmt: skip
    geometry = Geometry(math.radians(primary), math.radians(secondary), field_mm=480.0, pixels=512)
    both, one, theirs = [], [], []
    for v in (body, plain):
        project(v, geometry)
    with one_core():
        for _ in range(ROUNDS):
            both.append(seconds(lambda: project(body, geometry)))
            one.append(seconds(lambda: project(plain, geometry)))
            reference, spent = rtk_joseph.joseph(body.soft, body.origin, body.spacing, geometry)
            theirs += spent
    error = project(body, geometry)[0] - reference
    two_ms, one_ms, rtk_ms = (1e3 * min(t) for t in (both, one, theirs))
    print(f"\n256^3 to 512^2 at {primary}/{secondary}, one channel: {one_ms:.0f} ms, RTK {rtk_ms:.0f} ms, "
          f"ratio {rtk_ms / one_ms:.1f}; two channels at once: {two_ms:.0f} ms, "
          f"ratio {rtk_ms / two_ms:.1f} to RTK's one; "
          f"rms difference {float(np.sqrt((error**2).mean())):.4f} mm")  # fmt: skip
    assert rtk_ms > 3.0 * one_ms


def test_full_of_tissue() -> None:
    """The same without any empty brick: what is left of the lead."""
    rtk_joseph.load()
    values = np.random.default_rng(2).uniform(0.8, 1.2, (252, 252, 252)).astype(np.float32)
    body = Volume.of_densities(values, np.zeros_like(values), np.full(3, -0.5 * SPACING * 251), np.full(3, SPACING))
    geometry = Geometry(field_mm=480.0, pixels=512)
    project(body, geometry)
    ours, theirs = [], []
    with one_core():
        for _ in range(ROUNDS):
            ours.append(seconds(lambda: project(body, geometry)))
            theirs += rtk_joseph.joseph(body.soft, body.origin, body.spacing, geometry)[1]
    fast, slow = min(ours), min(theirs)
    print(f"\nno air at all: {1e3 * fast:.0f} ms; RTK {1e3 * slow:.0f} ms; ratio {slow / fast:.1f}")
    assert slow > 2.0 * fast


def test_preview_of_a_moving_arm() -> None:
    """The coarse body of a real CT (or of the phantom) for one picture."""
    if CT.exists():
        pytest.importorskip("nibabel", reason="nibabel (extra anatomy) is not installed")
        from trainer.scenario.ct.reading import read_scan
        from trainer.scenario.ct.scan import resampled

        hu, start = resampled(read_scan(CT), 2.0)
        body = BodyFile(hu, start - np.array([14.0, -165.0, 403.0]), 2.0, np.zeros(3), False)
    else:
        thin = phantom()[::2, ::2, ::2].astype(np.int16)
        body = BodyFile(thin, np.full(3, -176.0), 2.0 * SPACING, np.zeros(3), False)
    stays, moves = parts_of(body)
    factor = max(round(COARSE_MM / body.spacing_mm), 1)
    scene = (stays.coarser(factor), moves.coarser(factor), NOTHING)
    worst = 0.0
    with one_core():
        for primary in range(-90, 91, 30):
            geometry = Geometry(math.radians(primary), 0.1, (-40.0, -10.0, -60.0))
            Preview(geometry, scene, np.zeros(3))
            worst = max(worst, min(seconds(lambda g=geometry: Preview(g, scene, np.zeros(3))) for _ in range(3)))
    print(f"\npreview of a CT body: at most {1e3 * worst:.1f} ms")
