"""Validation point 8: exposure control of the whole suite, driven by the pedal over water that grows thicker."""

import math
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pytest
from flow_patient import Y, patient_of
from imaging_phantoms import STILL, Bench, Slab, WaterPose

from trainer.anatomy.build import build_patient
from trainer.anatomy.spec import PatientSpec
from trainer.commands import Commands
from trainer.flow.cells import build_cells
from trainer.imaging.beam import beam
from trainer.imaging.chain import Chain
from trainer.imaging.devices import DeviceProjector
from trainer.imaging.dose import OPEN_FIELD, Shutters, open_share
from trainer.imaging.exposure import Exposure, control, kerma_uGy, receptor_share, scatter_seen, target_uGy
from trainer.imaging.geometry import Geometry
from trainer.imaging.pulse import aec_water_mm
from trainer.imaging.still import prepare_still
from trainer.imaging.suite import Imaging
from trainer.imaging.system import load_system

DT = 1.0 / 60.0
SYSTEM = load_system()
FLUORO = Commands(fluoro_pedal=True)
STAGES = SYSTEM.stages.fluoro


class Pulse(NamedTuple):
    t_s: float
    water_mm: float
    exposure: Exposure


@cache
def suite() -> Imaging:
    patient = patient_of(Y, {"left": 2.0, "right": 1.0})
    return Imaging(patient, build_cells(patient), {}, 1, size=64, threads=1)


def pulses(hz: float, seconds: float, water: object) -> list[Pulse]:
    """Every pulse of a press of the pedal over water of thickness water(t) mm."""
    imaging = suite()
    imaging._darkroom.wait()
    imaging._water, imaging._exposure, imaging._shot, imaging._pulse = None, None, None, 1.0
    imaging.meter._recent.clear()
    imaging.stand.pulse_hz = hz
    pose = WaterPose(imaging.stand.geometry, 0.0)
    imaging._pose = pose
    out: list[Pulse] = []
    for k in range(round(seconds / DT)):
        now = float(water(k * DT))  # type: ignore[operator]
        imaging._darkroom.wait()
        pose.flat[:], pose.water_mm[:] = now, now
        imaging.step(k * DT, DT, FLUORO, None, None, 0.0, np.zeros(3))
        e = imaging._exposure
        if e is not None and (not out or e is not out[-1].exposure):
            out.append(Pulse(k * DT, now, e))
    return out


def receptor(p: Pulse) -> float:
    """Dose that the receptor gets from this pulse behind this water, as a share of what was asked for."""
    target = target_uGy(SYSTEM.fluoro, SYSTEM, suite().stand.geometry, suite().stand.pulse_hz)
    return received(p.exposure, p.water_mm) / target


def received(e: Exposure, water_mm: float) -> float:
    """Receptor dose in uGy, primary and scatter behind the grid, in the open field of the suite's geometry."""
    scatter = scatter_seen(e.beam, water_mm, suite().stand.geometry, OPEN_FIELD, SYSTEM)
    return e.open_uGy * receptor_share(e.beam, water_mm, SYSTEM.grid.primary) * (1.0 + scatter)


def within_limits(e: Exposure, rate_hz: float) -> bool:
    m = SYSTEM.fluoro
    kvps = [k for k, _ in STAGES]
    return (
        min(kvps) <= e.beam.kvp <= max(kvps)
        and e.beam.copper_mm in {c for _, c in STAGES}
        and 0.0 < e.mA <= m.mA_max * (1 + 1e-9)
        and m.ms_min * (1 - 1e-9) <= e.ms <= m.ms_max * (1 + 1e-9)
        and e.reference_uGy * rate_hz * 0.06 <= m.limit_mGy_min * (1 + 1e-9)
    )


@cache
def ramp() -> list[Pulse]:
    """15 to 37 cm of water in 22 s at 15 pulses a second: past the limit, which is met at 35 cm."""
    return pulses(15.0, 22.5, lambda t: 150.0 + min(10.0 * t, 220.0))


def test_the_receptor_dose_stays_until_a_limit_is_reached() -> None:
    series = ramp()
    assert len(series) > 300
    free = [p for p in series if not p.exposure.limited]
    assert free[-1].water_mm > 280.0
    assert [receptor(p) for p in free] == pytest.approx([1.0] * len(free), abs=0.05)
    # one limit is met, and from there on the dose only falls
    after = series[len(free) :]
    assert len(after) > 20
    assert all(p.exposure.limited for p in after)
    doses = [receptor(p) for p in after]
    assert all(b <= a * 1.001 for a, b in pairwise(doses))


def test_the_limit_is_met_without_a_jump() -> None:
    """At the limit the stage that leaves most dose is taken: what follows goes on where control ended."""
    series = ramp()
    doses = np.array([receptor(p) for p in series])
    assert np.abs(np.diff(doses)).max() < 0.05


def test_no_limit_is_left_on_the_way() -> None:
    for p in ramp():
        assert within_limits(p.exposure, 15.0), p
    entrance = [p.exposure.reference_uGy * 15.0 * 0.06 for p in ramp()]
    assert max(entrance) == pytest.approx(SYSTEM.fluoro.limit_mGy_min, rel=1e-6)  # it is met, not stayed away from


def test_the_order_is_current_then_width_then_voltage_and_copper_goes() -> None:
    series = [p.exposure for p in ramp()]
    place = [min(k for k, s in enumerate(STAGES) if e.beam.kvp <= s[0] and e.beam.copper_mm >= s[1]) for e in series]
    assert place == sorted(place)
    for e in series:
        assert e.ms == pytest.approx(SYSTEM.fluoro.ms_min) or e.mA == pytest.approx(SYSTEM.fluoro.mA_max)


def test_between_stages_whole_kilovolts_as_few_as_needed() -> None:
    seen = set()
    for water in np.arange(150.0, 380.0, 2.0):
        e = control(SYSTEM, SYSTEM.fluoro, STAGES, Geometry(), float(water), 7.5)
        assert e.beam.kvp == int(e.beam.kvp)
        seen.add(e.beam.kvp)
        if (e.beam.kvp, e.beam.copper_mm) not in STAGES and not e.limited:
            less = beam(e.beam.kvp - 1.0, e.beam.copper_mm)
            share = receptor_share(less, float(water), SYSTEM.grid.primary)
            share *= 1.0 + scatter_seen(less, float(water), Geometry(), OPEN_FIELD, SYSTEM)
            most = SYSTEM.fluoro.mA_max * SYSTEM.fluoro.ms_max / 1000.0
            entrance = SYSTEM.fluoro.limit_mGy_min / 0.06 / 7.5 / kerma_uGy(less, 1.0, 600.0)
            dose = min(most, entrance) * kerma_uGy(less, 1.0, 1100.0) * share
            assert dose < target_uGy(SYSTEM.fluoro, SYSTEM, Geometry(), 7.5)
    assert len(seen) > 10


@pytest.mark.parametrize("hz", [3.75, 7.5, 15.0, 30.0])
@pytest.mark.parametrize(("before", "after"), [(160.0, 240.0), (240.0, 160.0)])
def test_a_step_settles_within_seven_tenths_of_a_second_without_swinging(
    hz: float, before: float, after: float
) -> None:
    series = pulses(hz, 3.0, lambda t: before if t < 1.0 else after)
    then = [p for p in series if p.t_s >= 1.0]
    assert abs(receptor(series[0]) - 1.0) < 0.05
    assert not any(p.exposure.limited for p in series)
    late = [p for p in then if p.t_s - 1.0 >= 0.7]
    assert [receptor(p) for p in late] == pytest.approx([1.0] * len(late), abs=0.05)
    doses = np.array([receptor(p) for p in then])
    toward = 1.0 if after > before else -1.0
    assert (np.diff(doses) * toward > -0.01).all()  # from one side only
    assert ((doses - 1.0) * toward < 0.01).all()


@pytest.mark.parametrize("hz", [3.75, 7.5, 15.0, 30.0])
def test_the_rate_on_the_screen_is_that_of_the_pulses(hz: float) -> None:
    """35 cm of water: from the second pulse on the display shows their rate; where the entrance limit binds, that."""
    imaging, shown = suite(), []

    def water(t_s: float) -> float:
        if t_s > 2.5 / hz:
            shown.append(imaging.meter.rate_mGy_min)
        return 350.0

    series = pulses(hz, 3.0, water)
    assert len(shown) > 100
    rate = series[-1].exposure.reference_uGy * hz * 0.06
    assert shown == pytest.approx([rate] * len(shown), rel=0.01)
    assert rate == pytest.approx(SYSTEM.fluoro.limit_mGy_min) or (hz < 10.0 and rate < SYSTEM.fluoro.limit_mGy_min)


@pytest.mark.parametrize("water", [170.0, 230.0])
def test_a_run_is_exposed_for_what_it_sees_not_for_what_fluoroscopy_saw(water: float) -> None:
    """Fluoroscopy at 20 cm, then the view changes without the pedal, then a run: its dose is right from the first."""
    pulses(7.5, 1.0, lambda _t: 200.0)
    imaging = suite()
    for k in range(40):
        imaging._darkroom.wait()
        pose = imaging._pose
        assert isinstance(pose, WaterPose)
        pose.flat[:], pose.water_mm[:] = water, water
        imaging.step(10.0 + k * DT, DT, Commands(dsa_pedal=k >= 10), None, None, 0.0, np.zeros(3))
    e = imaging._exposure
    assert e is not None
    target = target_uGy(SYSTEM.dsa, SYSTEM, imaging.stand.geometry, 3.0)
    assert received(e, water) == pytest.approx(target, rel=0.05)
    for k in range(6):  # leaves the suite without a run
        imaging.step(11.0 + k * DT, DT, Commands(), None, None, 0.0, np.zeros(3))


def picture_dose(water_mm: float, kind: str, shutters: Shutters = OPEN_FIELD, field_mm: float = 480.0) -> list[float]:
    """Receptor dose of a picture, uGy: mean signal of its middle half of the open field, and the target."""
    mode, stages, rate = getattr(SYSTEM, kind), getattr(SYSTEM.stages, kind), 7.5 if kind == "fluoro" else 3.0
    geometry = Geometry(field_mm=field_mm, pixels=256)
    exposure = control(SYSTEM, mode, stages, geometry, water_mm, rate, shutters)
    assert not exposure.limited
    bench = Bench(geometry, SYSTEM, exposure.beam)
    bench.shutters = shutters
    bench.chain.aim(geometry, shutters)
    bench.chain.gain[:] = bench.chain.shutter
    signal = bench.signal(Slab(geometry, water_mm), exposure, 1)
    wide, high = (round(64 * s) for s in open_share(shutters))
    middle = signal[128 - high : 128 + high, 128 - wide : 128 + wide]
    return [float(middle.mean()), target_uGy(mode, SYSTEM, geometry, rate)]


@pytest.mark.parametrize("kind", ["fluoro", "dsa"])
@pytest.mark.parametrize("water_mm", [100.0, 150.0, 200.0, 250.0, 300.0])
def test_the_picture_has_the_dose_asked_for_scatter_and_all(water_mm: float, kind: str) -> None:
    """The signal of a picture of the whole chain, scatter, quanta and all, is the target: 3 %."""
    got, target = picture_dose(water_mm, kind)
    assert got == pytest.approx(target, rel=0.03)


@pytest.mark.parametrize("shutters", [(0.2, 0.2, 0.2, 0.2), (0.3, 0.1, 0.0, 0.0)])
@pytest.mark.parametrize("field_mm", [480.0, 220.0])
def test_so_has_a_collimated_and_a_magnified_one(shutters: Shutters, field_mm: float) -> None:
    """A smaller field scatters less, and control gives it more primary. 6 %: edges of the scatter's own."""
    got, target = picture_dose(200.0, "fluoro", shutters, field_mm)
    assert got == pytest.approx(target, rel=0.06)


def test_collimation_takes_scatter_away_and_dose_with_it() -> None:
    """The tube gives more for each area, by what the scatter did; the product with the area falls almost as it."""
    wide, narrow = (
        control(SYSTEM, SYSTEM.fluoro, STAGES, Geometry(), 240.0, 7.5, s) for s in (OPEN_FIELD, (0.3, 0.3, 0.3, 0.3))
    )
    assert narrow.scatter_to_primary < 0.5 * wide.scatter_to_primary
    assert 1.1 < narrow.reference_uGy / wide.reference_uGy < 2.0
    assert narrow.reference_uGy * 0.16 < 0.35 * wide.reference_uGy


@pytest.mark.parametrize("field_mm", SYSTEM.fields_mm.values)
def test_no_magnification_passes_the_receptors_limits(field_mm: float) -> None:
    """4 uGy a frame in runs and 1.5 uGy/s in fluoroscopy at every rate and in every mode (imaging.md 2.2, FANC)."""
    geometry = Geometry(field_mm=field_mm)
    for water in (150.0, 250.0):
        e = control(SYSTEM, SYSTEM.dsa, SYSTEM.stages.dsa, geometry, water, 3.0)
        assert e.receptor_uGy <= 4.0 * (1 + 1e-9)
        for level in SYSTEM.dose_modes.factors:
            for hz in SYSTEM.fluoro.rates_hz:
                e = control(SYSTEM, SYSTEM.fluoro_at(level), STAGES, geometry, water, hz)
                assert e.receptor_uGy * hz <= 1.5 * (1 + 1e-9)
    small = control(SYSTEM, SYSTEM.dsa, SYSTEM.stages.dsa, Geometry(field_mm=160.0), 150.0, 3.0)
    assert small.receptor_uGy == pytest.approx(4.0)  # the limit is met, not stayed away from


@cache
def person() -> tuple[Any, Any]:
    patient = build_patient(PatientSpec(), np.random.SeedSequence(1))
    return patient, build_cells(patient)


@pytest.mark.parametrize("kind", ["fluoro", "dsa"])
@pytest.mark.parametrize("degrees", [0.0, -30.0, 90.0])
def test_a_body_gets_it_too(degrees: float, kind: str) -> None:
    """Bone, lung and gas in the measuring field: its mean signal is the target to 10 %, in AP, RAO 30 and lateral."""
    mode, stages, rate = getattr(SYSTEM, kind), getattr(SYSTEM.stages, kind), 7.5 if kind == "fluoro" else 3.0
    geometry = Geometry(math.radians(degrees), 0.0, (-60.0, -20.0, 0.0), pixels=256)
    pose = prepare_still(*person(), geometry, 1).pose
    exposure = control(SYSTEM, mode, stages, geometry, aec_water_mm(pose.water_mm, OPEN_FIELD), rate)
    target = target_uGy(mode, SYSTEM, geometry, rate)
    chain = Chain(SYSTEM, DeviceProjector({}, 256), 256, 1)
    chain.aim(geometry, OPEN_FIELD)
    chain.attenuate(pose, geometry, exposure, STILL, None)
    chain.expose(geometry, OPEN_FIELD, exposure, pose.water_mm, 1.0, (1, 1))
    assert chain.signal[64:192, 64:192].mean() == pytest.approx(target, rel=0.10)
