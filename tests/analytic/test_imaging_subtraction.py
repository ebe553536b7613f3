"""Validation point 10 on pictures of the chain and of the suite: subtraction, held pictures, roadmap.

A pixel shift tool is absent from the console, so no test here restores a moved picture with it.
"""

from typing import Any

import numpy as np
import pytest
from flow_patient import Y, patient_of
from imaging_phantoms import Bench, Image, Slab, WaterPose, machine, without_scatter

from trainer.commands import IDLE, Action, Commands
from trainer.flow.cells import build_cells
from trainer.imaging.beam import beam
from trainer.imaging.chain import Motion
from trainer.imaging.display import DSA_GAIN, ROADMAP_GAIN, coarse_log, look
from trainer.imaging.geometry import Geometry
from trainer.imaging.readout import to_gray
from trainer.imaging.suite import MASK_FRAMES, Imaging
from trainer.imaging.types import ImagingFrame

DT = 1.0 / 60.0
VIEW = Geometry(field_mm=120.0, pixels=256)
WATER = 200.0
FLUORO, DSA = Commands(fluoro_pedal=True), Commands(dsa_pedal=True)
INNER = np.s_[24:-24, 24:-24]


def bench(scatter: bool = True) -> tuple[Bench, Slab]:
    system = machine() if scatter else without_scatter(machine())
    return Bench(VIEW, system, beam(80.0, 0.2)), Slab(VIEW, WATER)


def logs(b: Bench, slab: Slab, count: int, first: int, iodine: float | Image = 0.0) -> Image:
    """Logarithms (count, H, W) of DSA frames of 3 uGy, with the panel's lag."""
    e = b.exposure(3.0, WATER)
    b.primary(slab, iodine)
    out = []
    for k in range(count):
        b.panel(slab, e, first + k, unit_uGy=3.0)
        out.append(b.chain.integrate(1.0).copy())
    return np.stack(out)


def test_without_motion_only_noise_is_left() -> None:
    """Residual = sqrt 2 sigma within 3 %, sigma from one picture alone."""
    b, slab = bench()
    frames = logs(b, slab, 12, 0)[2:]
    sigma = np.mean([f[INNER].std() for f in frames])
    residual = np.mean([(frames[k] - frames[k + 5])[INNER].std() for k in range(5)])
    assert residual == pytest.approx(np.sqrt(2.0) * sigma, rel=0.03)
    assert abs((frames[9] - frames[0])[INNER].mean()) < 0.02 * sigma


@pytest.mark.parametrize("scatter", [False, True])
@pytest.mark.parametrize("mg_cm2", [5.0, 15.0])
def test_twice_the_iodine_gives_twice_the_signal(scatter: bool, mg_cm2: float) -> None:
    """Within 4 %, and never more than twice: hardening and scatter take, they do not give."""
    b, slab = bench(scatter)
    patch = np.zeros((256, 256), dtype=np.float32)
    patch[108:148, 108:148] = mg_cm2  # small against the reach of scatter
    middle = np.s_[116:140, 116:140]
    mask = logs(b, slab, 14, 0)[2:].mean(axis=0)
    one, two = ((logs(b, slab, 14, 100 + 50 * k, k * patch)[2:].mean(axis=0) - mask)[middle].mean() for k in (1, 2))
    assert two < one < 0.0
    assert two / one == pytest.approx(2.0, rel=0.04)
    assert two / one < 2.0


def moved_rod(shift_px: float, number: int) -> Image:
    """Log picture of a rod of bone-like tissue, 8 pixels wide, moved along the rows."""
    b, slab = bench()
    pose = WaterPose(VIEW, WATER)
    pose.none = pose.none.copy()
    moving = np.zeros_like(pose.none)
    moving[:, 124:132] = 15.0
    moved = type("Moved", (WaterPose,), {"moving": property(lambda self: moving)})(VIEW, WATER)
    e = b.exposure(3.0, WATER)
    b.chain.iodine[:] = 0.0
    out = []
    for k in range(4):
        b.chain.attenuate(moved, VIEW, e, Motion((shift_px, 0.0), (0.0, 0.0)), None)
        b.panel(slab, e, number + k, unit_uGy=3.0)
        out.append(b.chain.take_log(b.chain.signal).copy())
    return np.mean(out, axis=0)


def test_one_pixel_of_motion_leaves_a_dark_and_a_bright_edge() -> None:
    mask = moved_rod(0.0, 0)
    held, moved = moved_rod(0.0, 10) - mask, moved_rod(1.0, 20) - mask
    line = moved[INNER].mean(axis=0)
    noise = held[INNER].mean(axis=0).std()
    dark, bright = int(line.argmin()), int(line.argmax())
    assert line.min() < -20 * noise
    assert line.max() > 20 * noise
    assert line.max() == pytest.approx(-line.min(), rel=0.15)
    assert dark - bright == pytest.approx(8, abs=1)  # it moved to the right: dark ahead, bright behind
    assert abs(line.sum()) < 0.1 * np.abs(line).sum()


def test_the_right_shift_of_the_mask_takes_the_edges_away() -> None:
    """The mask drawn one pixel over, as motion and picture agree again: residual below 1.2 times that at rest."""
    held = (moved_rod(0.0, 10) - moved_rod(0.0, 0))[INNER].std()
    raw = (moved_rod(1.0, 20) - moved_rod(0.0, 0))[INNER].std()
    moved_mask = np.roll(moved_rod(0.0, 0), 1, axis=1)
    assert raw > 1.2 * held
    assert (moved_rod(1.0, 20) - moved_mask)[INNER].std() < 1.2 * held


# The suite, by its pedals and pictures


class Watered:
    """A suite over water, with a vessel's worth of more of it in a strip when asked for."""

    def __init__(self, seed: int = 5) -> None:
        patient = patient_of(Y, {"left": 2.0, "right": 1.0})
        self.imaging = Imaging(patient, build_cells(patient), {}, seed, size=256, threads=1)
        self.imaging.stand.field_mm = 160.0
        self.pose = WaterPose(self.imaging.stand.geometry, WATER)
        self.imaging._pose = self.pose
        self.t = 0

    def run(self, commands: Commands, steps: int, strip_mm: float = 0.0) -> list[ImagingFrame]:
        out = []
        for k in range(steps):
            self.imaging._darkroom.wait()
            self.pose.flat[:] = WATER
            self.pose.flat[:, 100:116] += strip_mm
            now = commands if k == 0 else Commands(fluoro_pedal=commands.fluoro_pedal, dsa_pedal=commands.dsa_pedal)
            out.append(self.imaging.step(self.t * DT, DT, now, None, None, 0.0, np.zeros(3)))
            self.t += 1
        return out


def shown(frames: list[ImagingFrame]) -> list[Any]:
    """Every new live picture once."""
    out, last = [], None
    for f in frames:
        if f.xray.live is not None and f.xray.live is not last:
            out.append(f.xray.live)
            last = f.xray.live
    return out


def test_the_runs_pictures_hold_the_noise_of_a_frame_and_of_the_averaged_mask() -> None:
    """Gray values alone: sigma sqrt(1 + 1 / mask frames) in a picture, sigma sqrt 2 between two pictures."""
    pictures = shown(Watered().run(DSA, 240))
    assert len(pictures) >= 10
    gray = [p[INNER].astype(float) for p in pictures[MASK_FRAMES:]]
    cut = 1.0 / 12.0  # whole gray values
    alone = np.mean([g.var() for g in gray]) - cut
    between = np.mean([(gray[k] - gray[k + 4]).var() for k in range(4)]) - 2 * cut
    assert np.sqrt(alone) / DSA_GAIN > 0.003
    assert np.sqrt(alone / between) == pytest.approx(np.sqrt((1 + 1 / MASK_FRAMES) / 2), rel=0.03)


@pytest.mark.parametrize("steps", [57, 60, 61, 63, 66])
def test_the_held_picture_is_the_last_filtered_frame(steps: int) -> None:
    """Whenever the pedal is left: bit for bit the last picture, and the chain's filter is what it shows."""
    w = Watered()
    live = w.run(FLUORO, steps) + w.run(IDLE, 12)
    pictures = shown(live)
    held = live[-1].xray
    assert held.live_kind == "hold"
    assert held.live is not None
    assert held.live.tobytes() == pictures[-1].tobytes()
    chain, window = w.imaging.chain, w.imaging._window
    assert window is not None
    low = coarse_log(chain.expected, chain.free, np.ones(chain.expected.shape, dtype=bool))
    log = chain.take_log(chain.filtered)
    assert log == pytest.approx(np.log(np.clip(chain.filtered, 0.002, 200.0)), abs=3e-5)
    made = np.empty_like(held.live)
    to_gray(0, chain.size, log, look(window, low, chain.system.filter.edge, *chain.shares), made)
    assert np.array_equal(made, held.live)
    later = w.run(IDLE, 60)[-1].xray
    assert later.live is not None
    assert later.live.tobytes() == held.live.tobytes()


def test_the_roadmap_is_the_live_picture_and_the_runs_peak_in_white() -> None:
    """The same patient twice, with and without roadmap: the difference is the peak, elsewhere every bit agrees."""
    with_map, without = Watered(), Watered()
    for w in (with_map, without):
        w.run(DSA, 60)
        w.run(DSA, 60, strip_mm=20.0)
        w.run(IDLE, 6)
    peak = with_map.imaging._peak.copy()
    assert peak[:, 104:112].mean() < -0.3
    on = Commands(fluoro_pedal=True, actions=(Action("roadmap", {"on": True}),))
    plain = shown(without.run(FLUORO, 60))[-1]
    last = with_map.run(on, 60)[-1].xray
    assert last.live_kind == "roadmap"
    assert last.live is not None
    white = np.clip(-peak - 0.03, 0.0, 0.55) * ROADMAP_GAIN * with_map.imaging.chain.shutter
    want = np.clip(plain.astype(np.float32) + white, 0, 255)
    assert np.abs(last.live.astype(float) - want).max() <= 1.0
    beside = white == 0.0
    assert beside.mean() > 0.5
    assert np.array_equal(last.live[beside], plain[beside])
    assert (last.live.astype(int) - plain)[:, 104:112].mean() > 50
