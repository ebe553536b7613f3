"""Dose laws, exposure control and scatter."""

import numpy as np
import pytest

from trainer.imaging.beam import beam
from trainer.imaging.dose import DoseMeter, SkinMap, kap_Gycm2
from trainer.imaging.exposure import control, kerma_uGy, target_uGy
from trainer.imaging.geometry import Geometry
from trainer.imaging.scatter import scatter_to_primary
from trainer.imaging.system import load_system

SYSTEM = load_system()
OPEN = (0.0, 0.0, 0.0, 0.0)


def test_kerma_falls_with_the_square_of_distance() -> None:
    b = beam(80.0, 0.2)
    assert kerma_uGy(b, 2.0, 600.0) / kerma_uGy(b, 2.0, 1200.0) == pytest.approx(4.0, rel=1e-6)
    assert kerma_uGy(b, 3.0, 700.0) == pytest.approx(3.0 * kerma_uGy(b, 1.0, 700.0), rel=1e-12)


@pytest.mark.parametrize(
    ("kvp", "copper", "published"),
    [(70.0, 0.0, 64.9), (70.0, 0.3, 11.0), (80.0, 0.2, 24.7), (100.0, 0.2, 46.0), (120.0, 0.1, 97.4)],
)
def test_kerma_per_mAs(kvp: float, copper: float, published: float) -> None:
    """Against the facts' table, computed there on its own."""
    assert kerma_uGy(beam(kvp, copper), 1.0, 1000.0) == pytest.approx(published, rel=0.05)


def test_kap_does_not_depend_on_distance() -> None:
    geometry = Geometry()
    b = beam(75.0, 0.2)
    values = [kap_Gycm2(geometry, OPEN, kerma_uGy(b, 1.0, d), d) for d in (600.0, 720.0, 1000.0)]
    assert values == pytest.approx([values[0]] * 3, rel=1e-6)


def test_half_the_field_halves_kap_not_kerma() -> None:
    geometry = Geometry()
    totals = []
    for shutters in (OPEN, (0.25, 0.25, 0.0, 0.0)):
        meter = DoseMeter(SYSTEM, SkinMap(np.zeros((1, 1, 3))))
        meter.add(0.0, geometry, shutters, 50.0)
        totals.append(meter.view())
    assert totals[1].kap_Gycm2 == pytest.approx(0.5 * totals[0].kap_Gycm2, rel=1e-9)
    assert totals[1].air_kerma_mGy == totals[0].air_kerma_mGy == pytest.approx(0.05)


def test_totals_are_the_sum_of_pulses() -> None:
    meter = DoseMeter(SYSTEM, SkinMap(np.zeros((1, 1, 3))))
    for k in range(40):
        meter.add(k / 15, Geometry(), OPEN, 10.0 + k)
    view = meter.view()
    kerma = sum(10.0 + k for k in range(40)) * 1e-3
    assert view.air_kerma_mGy == pytest.approx(kerma, rel=1e-12)
    assert view.kap_Gycm2 == pytest.approx(kap_Gycm2(Geometry(), OPEN, kerma * 1e3, 600.0), rel=1e-12)


def test_two_pulses_at_one_time_have_a_rate() -> None:
    """Both pedals changed at once: no interval between them, so they count as what one second brought."""
    meter = DoseMeter(SYSTEM, SkinMap(np.zeros((1, 1, 3))))
    meter.settle(0.0, True)
    assert meter.view().rate_mGy_min == 0.0
    for _ in range(2):
        meter.add(0.0, Geometry(), OPEN, 10.0)
    meter.settle(0.0, True)
    assert meter.view().rate_mGy_min == pytest.approx(60.0 * 0.02)


def test_skin_dose_under_the_beam() -> None:
    """One skin point 100 mm behind the isocenter: K_ref (d_ref / d_skin)^2 times backscatter; none in front."""
    ring = np.array([[[0.0, 100.0, 0.0], [0.0, -100.0, 0.0]]])
    skin = SkinMap(ring)
    skin.add(Geometry(), OPEN, 1000.0, 600.0, 1.3)
    assert skin.mGy == pytest.approx([1.3 * (600.0 / 650.0) ** 2, 0.0])


@pytest.mark.parametrize("name", ["fluoro", "dsa"])
def test_exposure_control_holds_the_receptor_dose(name: str) -> None:
    """From 15 to 35 cm of water the receptor dose stays within 5 % until a limit, and no limit is passed."""
    mode = getattr(SYSTEM, name)
    stages = getattr(SYSTEM.stages, name)
    geometry = Geometry()
    rate = 15.0 if name == "fluoro" else 3.0
    kvps = []
    for water in np.arange(150.0, 351.0, 5.0):
        e = control(SYSTEM, mode, stages, geometry, float(water), rate)
        assert 60.0 <= e.beam.kvp <= 120.0
        assert e.mA <= mode.mA_max + 1e-9
        assert e.ms <= mode.ms_max + 1e-9
        assert e.reference_uGy * rate * 60e-3 <= mode.limit_mGy_min * (1 + 1e-9)
        if not e.limited:
            assert e.receptor_uGy == pytest.approx(target_uGy(mode, SYSTEM, geometry, rate), rel=0.05)
        else:
            assert e.receptor_uGy < target_uGy(mode, SYSTEM, geometry, rate)
        kvps.append(e.beam.kvp)
    assert kvps == sorted(kvps)


def test_raising_voltage_costs_vessel_contrast() -> None:
    """A 5 mm vessel at 150 mgI/mL behind 20 cm and 32 cm of water, each with its own exposure."""
    contrast = []
    for water in (200.0, 320.0):
        b = control(SYSTEM, SYSTEM.dsa, SYSTEM.stages.dsa, Geometry(), water, 3.0).beam
        contrast.append(1 - b.transmission(water, iodine_mg_cm2=75.0) / b.transmission(water))
    assert contrast[1] < 0.85 * contrast[0]


def test_scatter_rises_with_thickness_field_and_voltage_and_falls_with_the_gap() -> None:
    def spr(water: float = 200.0, field: float = 300.0, kvp: float = 80.0, sid: float = 1100.0) -> float:
        return float(scatter_to_primary(water, field, kvp, sid, 850.0, SYSTEM))

    assert spr(250.0) > spr(200.0) > spr(150.0)
    assert spr(field=500.0) > spr(field=300.0) > spr(field=100.0)
    assert spr(kvp=110.0) > spr(kvp=80.0)
    assert spr(sid=1000.0) > spr(sid=1100.0) > spr(sid=1200.0)
    assert 0.3 < spr() < 1.0  # with grid, imaging.md 2.2
