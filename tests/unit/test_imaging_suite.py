"""The suite as a whole, on the shipped patient with small pictures: pedals, runs, roadmap, dose, determinism."""

import functools
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from trainer.anatomy.build import build_patient
from trainer.anatomy.spec import PatientSpec
from trainer.commands import IDLE, Action, Commands
from trainer.errors import CallError
from trainer.flow.cells import build_cells
from trainer.imaging.chain import Chain, Motion
from trainer.imaging.devices import DeviceProjector, Layer
from trainer.imaging.exposure import control, target_uGy
from trainer.imaging.geometry import Geometry
from trainer.imaging.still import prepare_still, render_still
from trainer.imaging.suite import Imaging
from trainer.imaging.system import load_system
from trainer.imaging.types import ImagingFrame
from trainer.instruments.types import Shapes

DT = 1.0 / 60.0
SIZE = 256
FLUORO = Commands(fluoro_pedal=True)
DSA = Commands(dsa_pedal=True)


@functools.cache
def patient_and_cells() -> tuple[Any, Any]:
    patient = build_patient(PatientSpec(), np.random.SeedSequence(1))
    return patient, build_cells(patient)


def below(name: str) -> np.ndarray:
    """Cells of a named artery and everything it feeds."""
    patient, cells = patient_and_cells()
    tree = patient.tree
    root = tree.index(name)
    fed = np.array([root in tree.path(v) for v in range(tree.count)])
    return ~cells.is_vein & fed[np.minimum(cells.vessel, tree.count - 1)]


def flow(iodine: float = 0.0) -> Any:
    patient, _cells = patient_and_cells()
    return SimpleNamespace(
        iodine_mg_mL=np.where(below("common_hepatic_artery"), iodine, 0.0),
        bed_iodine_mg=np.zeros(len(patient.beds.vessel)),
        contraction=0.0,
        extravasated_iodine_mg=(),
    )


def suite(threads: int = 1, seed: int = 1) -> Imaging:
    patient, cells = patient_and_cells()
    imaging = Imaging(patient, cells, {}, seed, size=SIZE, threads=threads)
    imaging.stand.isocenter = (-60.0, -20.0, 0.0)
    return imaging


def drive(imaging: Imaging, script: list[tuple[Commands, int, float]], offset: float = 0.0) -> list[ImagingFrame]:
    """Frames of (commands, steps, iodine) in a row; actions are given in the first step only."""
    frames: list[ImagingFrame] = []
    for commands, steps, iodine in script:
        fluid = flow(iodine)
        for k in range(steps):
            now = (
                commands
                if k == 0
                else Commands(
                    fluoro_pedal=commands.fluoro_pedal, dsa_pedal=commands.dsa_pedal, carm_rad_s=commands.carm_rad_s
                )
            )
            frames.append(imaging.step(len(frames) * DT, DT, now, None, fluid, 0.0, np.array([0.0, 0.0, -offset])))
    return frames


def codes(frames: list[ImagingFrame]) -> list[str]:
    return [e.code for f in frames for e in f.events]


def test_no_pedal_no_radiation() -> None:
    last = drive(suite(), [(IDLE, 30, 0.0)])[-1]
    assert last.xray.live is None
    assert not last.xray.beam_on
    assert last.dose.air_kerma_mGy == 0.0
    assert last.dose.fluoro_time_s == 0.0


def test_fluoroscopy_is_pulsed_and_held() -> None:
    imaging = suite()
    frames = drive(imaging, [(IDLE, 60, 0.0), (FLUORO, 60, 0.0), (IDLE, 5, 0.0)])
    assert frames[119].xray.live_id == 8  # 7.5 pulses in a second, the first at once
    assert frames[119].xray.live_kind == "fluoro"
    assert frames[119].dose.fluoro_time_s == pytest.approx(1.0)
    assert frames[-1].xray.live_kind == "hold"
    assert np.array_equal(frames[-1].xray.live, frames[119].xray.live)  # type: ignore[arg-type]
    assert frames[-1].dose.air_kerma_mGy == frames[119].dose.air_kerma_mGy > 0
    with pytest.raises(ValueError, match="read-only"):
        frames[-1].xray.live[0, 0] = 1  # type: ignore[index]


@pytest.mark.parametrize("hz", [3.75, 15.0, 30.0])
def test_pulse_rate_sets_pictures_and_dose(hz: float) -> None:
    rate = Commands(fluoro_pedal=True, actions=(Action("pulse_rate", {"hz": hz}),))
    frames = drive(suite(), [(IDLE, 60, 0.0), (rate, 240, 0.0)])
    assert frames[-1].xray.live_id == pytest.approx(4 * hz, abs=1)
    assert frames[-1].xray.pulse_rate_hz == hz


def test_run_is_subtracted_stored_and_counted() -> None:
    imaging = suite()
    frames = drive(imaging, [(IDLE, 60, 0.0), (DSA, 60, 0.0), (DSA, 60, 150.0), (IDLE, 4, 0.0)])
    last = frames[-1]
    assert codes(frames) == ["xray.run_started", "xray.run_stored"]
    x, stored = last.xray, [e for f in frames for e in f.events][-1]
    assert stored.text.endswith(f"{x.kVp:.0f} kV, {x.mA:.0f} mA, {x.pulse_ms:.1f} ms, {x.copper_mm:g} mm Cu")
    assert x.copper_mm > 0.0
    assert last.dose.frames == 6
    assert last.xray.runs == 1
    empty, filled = frames[119].xray.live, frames[-2].xray.live
    assert empty is not None
    assert filled is not None
    assert (filled < 100).sum() > 50 > (empty < 100).sum()
    assert last.xray.reference is not None
    assert last.xray.reference.shape == (SIZE // 2, SIZE // 2)
    assert "peak" in last.xray.reference_label
    review = drive(imaging, [(Commands(actions=(Action("review", {"run": 1, "image": 0}),)), 1, 0.0)])[-1]
    assert "image 1 of 6" in review.xray.reference_label


def test_fluoroscopy_is_read_out_before_a_run_clears_the_panel(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that begins while a picture of fluoroscopy is on its way has nothing of it in its first picture."""
    imaging, steps, unread = suite(), 0, []
    later = imaging._darkroom.later

    def ordered(work: Any, *args: Any) -> None:
        if work == imaging._clear_run:
            unread.append(imaging._shot is not None)
        later(work, *args)

    monkeypatch.setattr(imaging._darkroom, "later", ordered)
    while imaging._shot is None:
        imaging.step(steps * DT, DT, FLUORO if steps > 60 else IDLE, None, flow(), 0.0, np.zeros(3))
        steps += 1
    imaging._pulse = 1.0  # as after the pulse that ends a travel of the arm: the next one is due at once
    imaging.step(steps * DT, DT, DSA, None, flow(), 0.0, np.zeros(3))
    assert imaging._run is not None
    assert unread == [False]


def test_roadmap_needs_a_run_in_this_view() -> None:
    road = Commands(fluoro_pedal=True, actions=(Action("roadmap", {"on": True}),))
    imaging = suite()
    assert "xray.roadmap_unavailable" in codes(drive(imaging, [(IDLE, 60, 0.0), (road, 2, 0.0)]))
    frames = drive(imaging, [(DSA, 45, 0.0), (DSA, 45, 150.0), (FLUORO, 30, 0.0), (road, 30, 0.0)])
    assert frames[-1].xray.live_kind == "roadmap"
    plain, mapped = frames[119].xray.live, frames[-1].xray.live
    assert plain is not None
    assert mapped is not None
    whiter = mapped.astype(int) - plain
    on_vessel = imaging._peak < -0.3
    assert whiter[on_vessel].mean() > 40
    assert abs(whiter[imaging._peak > -0.02].mean()) < 6
    turned = drive(
        imaging,
        [(Commands(fluoro_pedal=True, actions=(Action("view", {"primary_deg": 5, "secondary_deg": 0}),)), 60, 0.0)],
    )
    assert "xray.roadmap_off" in codes(turned)
    assert turned[-1].xray.live_kind == "fluoro"


def test_arm_travels_at_its_speed_and_shows_a_preview() -> None:
    go = Commands(fluoro_pedal=True, actions=(Action("view", {"primary_deg": -30.0, "secondary_deg": 10.0}),))
    frames = drive(suite(), [(IDLE, 60, 0.0), (go, 120, 0.0)])
    assert frames[60 + 30].xray.primary_deg == pytest.approx(-31 * 20 / 60, abs=0.01)
    assert frames[-1].xray.primary_deg == pytest.approx(-30.0)
    assert frames[-1].xray.secondary_deg == pytest.approx(10.0)
    assert frames[60 + 40].xray.live is not None


def test_preview_agrees_with_the_full_picture() -> None:
    """Coarse and full body shadows at one place have nearly the same water path."""
    imaging = suite()
    go = Commands(fluoro_pedal=True, carm_rad_s=(0.35, 0.0))
    moving = drive(imaging, [(go, 60, 0.0)])[-1].xray
    still = drive(imaging, [(FLUORO, 90, 0.0)])[-1].xray
    assert moving.live is not None
    assert still.live is not None
    a, b = (x.live[16:-16, 16:-16].astype(float) for x in (moving, still))
    assert np.corrcoef(a.ravel(), b.ravel())[0, 1] > 0.85


def test_collimation_is_black_and_saves_dose() -> None:
    closed = Commands(actions=(Action("collimate", {"left": 0.2, "right": 0.2, "top": 0.0, "bottom": 0.0}),))
    open_run = drive(suite(), [(IDLE, 60, 0.0), (FLUORO, 60, 0.0)])[-1]
    shut_run = drive(suite(), [(closed, 60, 0.0), (FLUORO, 60, 0.0)])[-1]
    assert shut_run.xray.live is not None
    assert shut_run.xray.live[:, : int(0.17 * SIZE)].max() == 0
    share = shut_run.dose.kap_Gycm2 / shut_run.dose.air_kerma_mGy
    assert share == pytest.approx(0.6 * open_run.dose.kap_Gycm2 / open_run.dose.air_kerma_mGy, rel=1e-6)


def test_bad_action_arguments_are_named() -> None:
    with pytest.raises(CallError, match="fov"):
        drive(suite(), [(Commands(actions=(Action("fov", {}),)), 1, 0.0)])


def test_same_seed_same_bits_on_one_or_two_threads() -> None:
    script = [
        (IDLE, 20, 0.0),
        (FLUORO, 30, 30.0),
        (Commands(fluoro_pedal=True, carm_rad_s=(0.2, 0.1)), 20, 0.0),
        (FLUORO, 60, 30.0),
        (DSA, 60, 90.0),
        (IDLE, 1, 0.0),
    ]
    pictures = []
    for threads, seed in ((1, 1), (2, 1), (1, 2)):
        frames = drive(suite(threads, seed), script, offset=4.0)
        pictures.append(
            [f.xray.live.tobytes() for f in frames if f.xray.live is not None]
            + [f.xray.reference.tobytes() for f in frames if f.xray.reference is not None]
        )
    assert pictures[0] == pictures[1]
    assert pictures[0] != pictures[2]


def test_high_dose_is_announced_once() -> None:
    imaging = suite()
    imaging.meter.air_kerma_mGy = 999.9999
    frames = drive(imaging, [(IDLE, 60, 0.0), (DSA, 60, 0.0)])
    assert codes(frames).count("xray.high_dose") == 1


def bench_chain(geometry: Geometry) -> tuple[Chain, Any, Any, Any]:
    patient, cells = patient_and_cells()
    system = load_system()
    chain = Chain(system, DeviceProjector({}, geometry.pixels), geometry.pixels, 1)
    source = prepare_still(patient, cells, geometry, 1)
    exposure = control(system, system.dsa, system.stages.dsa, geometry, 220.0, 3.0)
    chain.aim(geometry, (0.0, 0.0, 0.0, 0.0))
    return chain, source.pose, exposure, system


def shot(chain: Chain, pose: Any, exposure: Any, system: Any, number: int, iodine: float,
         moved_px: float = 0.0) -> np.ndarray:
    patient, _ = patient_and_cells()
    still = Motion((0.0, moved_px), (0.0, moved_px))
    chain.draw_iodine(pose, flow(iodine).iodine_mg_mL, np.zeros(len(patient.beds.vessel)), still)
    chain.attenuate(pose, pose.geometry, exposure, still, None)
    chain.expose(
        pose.geometry,
        (0.0, 0.0, 0.0, 0.0),
        exposure,
        pose.water_mm,
        target_uGy(system.dsa, system, pose.geometry, 3.0),
        (3, number),
    )
    return chain.take_log(chain.signal).copy()


def test_subtraction_without_motion_leaves_noise_only() -> None:
    """Residual = sqrt 2 of one frame's noise; doubling iodine nearly doubles the log signal (hardening takes some)."""
    chain, pose, exposure, system = bench_chain(Geometry(isocenter=(-60.0, -20.0, 0.0), pixels=SIZE))
    frames = np.stack([shot(chain, pose, exposure, system, k, 0.0) for k in range(8)])
    middle = np.s_[100:160, 60:120]
    sigma = np.sqrt(frames[(slice(None), *middle)].var(axis=0, ddof=1).mean())
    residual = (frames[1] - frames[0])[middle].std()
    assert residual == pytest.approx(np.sqrt(2.0) * sigma, rel=0.05)
    mask = frames.mean(axis=0)
    one, two = (shot(chain, pose, exposure, system, 20 + k, c) - mask for k, c in enumerate((40.0, 80.0)))
    vessel = chain.iodine > 0.8 * chain.iodine.max()
    ratio = two[vessel].mean() / one[vessel].mean()
    assert 1.85 < ratio < 2.0
    assert one[vessel].mean() < -0.05


def test_a_breath_between_mask_and_picture_leaves_dark_and_bright_edges() -> None:
    """What moved shows dark on one side and bright on the other."""
    chain, pose, exposure, system = bench_chain(Geometry(isocenter=(-60.0, -20.0, 0.0), pixels=SIZE))
    mask = np.mean([shot(chain, pose, exposure, system, k, 0.0) for k in range(6)], axis=0)
    held = shot(chain, pose, exposure, system, 20, 0.0) - mask
    breathed = np.mean([shot(chain, pose, exposure, system, 21 + k, 0.0, 3.0) for k in range(4)], axis=0) - mask
    artifact = cv2.GaussianBlur(breathed, (0, 0), 1.0)
    assert artifact.std() > 3.0 * cv2.GaussianBlur(held, (0, 0), 1.0).std()
    assert artifact.max() > 0.03
    assert artifact.min() < -0.03


def test_scatter_dilutes_contrast() -> None:
    """An iodine shadow's contrast falls by 1 / (1 + SPR)."""
    chain, pose, exposure, system = bench_chain(Geometry(isocenter=(-60.0, -20.0, 0.0), pixels=SIZE))
    shot(chain, pose, exposure, system, 1, 0.0)
    plain, total = chain.primary.copy(), chain.expected.copy()
    spr = total / (np.asarray([[1.0]]) * chain.free * plain.reshape(64, 4, 64, 4).mean(axis=(1, 3))) - 1.0
    shot(chain, pose, exposure, system, 2, 60.0)
    contrast = 1 - chain.primary / plain
    after = 1 - chain.expected / total
    block = contrast.reshape(64, 4, 64, 4).mean(axis=(1, 3))
    strong = block > 0.5 * block.max()
    assert (spr[strong] > 0.2).all()
    # beside the vessel all that is missing is scattered in it
    beside = cv2.dilate(strong.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool) & (block < 0.02 * block.max())
    lost = after[beside].mean()
    assert 0.0 < lost < 0.1 * after[strong].mean()
    assert after[strong].mean() - lost == pytest.approx((block / (1 + spr))[strong].mean(), rel=0.02)


def wire_across() -> Shapes:
    s = np.arange(0.0, 81.0, 2.0)
    nodes = np.array([-100.0, -30.0, 10.0]) + np.outer(s, [1.0, 0, 0])
    z = np.zeros(len(s))
    return Shapes(
        ("wire",),
        ("w",),
        nodes,
        s,
        z,
        z.astype(np.int64),
        z,
        z,
        np.array([80.0]),
        (),
        np.zeros(1),
        np.zeros(1),
        0.0,
        0.0,
        0.0,
        True,
    )


def test_stills() -> None:
    patient, cells = patient_and_cells()
    geometry = Geometry(isocenter=(-60.0, -20.0, 0.0), pixels=SIZE)
    beds = np.zeros(len(patient.beds.vessel))
    source = prepare_still(patient, cells, geometry, 1)
    layers = {"w": (Layer("steel", 0.89, 0.0, 0.0, 1500.0),)}
    dsa = render_still(patient, cells, {}, geometry, "dsa", flow(120.0).iodine_mg_mL, beds, source=source)
    assert (dsa < 120).sum() > 200
    without, with_wire = (
        render_still(patient, cells, layers, geometry, "fluoro", flow().iodine_mg_mL, beds, shapes, source=source)
        for shapes in (None, wire_across())
    )
    column, row = np.rint(geometry.project(np.array([[-60.0, -30.0, 10.0]]))[0]).astype(int)
    dark = without.astype(int)[row - 1 : row + 2, column] - with_wire.astype(int)[row - 1 : row + 2, column]
    assert dark.max() > 15
    with pytest.raises(CallError, match="mode"):
        render_still(patient, cells, {}, geometry, "color", flow().iodine_mg_mL, beds, source=source)
