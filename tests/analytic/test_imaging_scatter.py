"""Validation points 9 and 13 on pictures of the whole chain: scatter, what it takes of contrast, and the wire."""

import math
from dataclasses import replace

import numpy as np
import pytest
from imaging_phantoms import OPEN, Bench, Image, Slab, machine, straight, without_scatter

from trainer.imaging.beam import beam
from trainer.imaging.devices import Layer
from trainer.imaging.dose import Shutters
from trainer.imaging.exposure import control, target_uGy
from trainer.imaging.geometry import Geometry

SYSTEM = machine(electronic_quanta=0.0, focus_mm=0.0)
VIEW = Geometry(pixels=256)
LOUD = 1e9
"""uGy: no noise is left."""


def picture(water_mm: float, kvp: float = 80.0, geometry: Geometry = VIEW, shutters: Shutters = OPEN,
            scatter: bool = True, iodine: float | Image = 0.0) -> Image:
    """Signal (H, W), 1 where only primary came, of a slab with and without scatter."""
    b = Bench(geometry, SYSTEM if scatter else without_scatter(SYSTEM), beam(kvp, 0.2))
    b.shutters = shutters
    b.chain.aim(geometry, shutters)
    b.chain.gain[:] = b.chain.shutter
    slab = Slab(geometry, water_mm)
    return b.signal(slab, b.exposure(LOUD, water_mm), 1, iodine, unit_uGy=LOUD)


def spr(water_mm: float = 200.0, kvp: float = 80.0, geometry: Geometry = VIEW, shutters: Shutters = OPEN) -> float:
    """Scatter over primary in the middle of the picture: the picture with scatter over that without, less 1."""
    with_it, without = (picture(water_mm, kvp, geometry, shutters, s)[112:144, 112:144].mean() for s in (True, False))
    return float(with_it / without) - 1.0


def test_scatter_grows_with_thickness_voltage_and_field() -> None:
    for series in (
        [spr(water_mm=w) for w in (100.0, 150.0, 200.0, 250.0, 300.0, 350.0)],
        [spr(kvp=k) for k in (60.0, 70.0, 80.0, 100.0, 120.0)],
        [spr(shutters=(c, c, c, c)) for c in (0.4, 0.3, 0.2, 0.1, 0.0)],
        [spr(geometry=replace(VIEW, field_mm=f)) for f in (160.0, 220.0, 320.0, 420.0, 480.0)],
    ):
        assert (np.diff(series) > 0.0).all(), series
    assert 0.3 < spr() < 1.0  # with grid (imaging.md 2.2)


@pytest.mark.parametrize("water_mm", [150.0, 200.0, 300.0])
def test_the_air_gap_puts_the_scatters_source_15_to_20_cm_inside(water_mm: float) -> None:
    """From pictures at many SIDs: SPR / SID^2 falls as 1 / (SID - a)^2. a lies 15-20 cm before the exit surface."""
    sids = np.array([900.0, 950.0, 1000.0, 1100.0, 1200.0])
    ratios = []
    for sid in sids:
        # the same field at the isocenter at every SID
        geometry = replace(VIEW, sid=float(sid), field_mm=480.0 * float(sid) / 1100.0)
        ratios.append(spr(water_mm, geometry=geometry))
    assert (np.diff(ratios) < 0.0).all()
    slope, offset = np.polyfit(sids, sids / np.sqrt(ratios), 1)
    source = -offset / slope
    exit_mm = VIEW.sod + 0.5 * water_mm
    assert 150.0 <= exit_mm - source <= 200.0


@pytest.mark.parametrize("water_mm", [150.0, 250.0])
@pytest.mark.parametrize("closed", [0.0, 0.3])
def test_contrast_falls_by_one_over_one_plus_spr(water_mm: float, closed: float) -> None:
    """A short rod of 60 mg/cm2 iodine, too small to change the scatter, with it and without: 3 %."""
    rod = np.zeros((256, 256), dtype=np.float32)
    rod[122:134, 126:132] = 60.0
    shutters = (closed, closed, closed, closed)
    contrast = []
    for scatter in (True, False):
        empty, filled = (picture(water_mm, shutters=shutters, scatter=scatter, iodine=i) for i in (0.0, rod))
        contrast.append(1.0 - filled[126:130, 128:130].mean() / empty[126:130, 128:130].mean())
    assert contrast[1] > 0.3
    assert contrast[0] / contrast[1] == pytest.approx(1.0 / (1.0 + spr(water_mm, shutters=shutters)), rel=0.03)


def wire_cnr(share: float) -> float:
    """Contrast of a 0.36 mm steel wire over spine in fluoroscopy at 7.5 pulses/s, over the noise of a pixel.

    A quarter of the largest field at full resolution, its scatter that of the whole field. 20 cm of tissue and
    1 cm of cortical bone; share: of the receptor dose of the standard mode. The noise is the same with and without
    the wire, so their difference is the wire alone.
    """
    system = machine()
    mode = system.fluoro.model_copy(update={"dose_uGy": system.fluoro.dose_uGy * share})
    whole, part = Geometry(), Geometry(field_mm=120.0, pixels=256)
    exposure = control(system, mode, system.stages.fluoro, whole, 225.0, 7.5)
    grid, scatter = system.grid, system.scatter
    field = 1.0 - math.exp(-(VIEW.field_mm**2 / 2 / (VIEW.magnification * 10) ** 2) / scatter.field_cm2)
    small = 1.0 - math.exp(-(part.field_mm**2 / 2 / (part.magnification * 10) ** 2) / scatter.field_cm2)
    wide = system.model_copy(update={"grid": grid.model_copy(update={"scatter": grid.scatter * field / small})})
    bench = Bench(part, wide, exposure.beam, layers={"w": (Layer("steel", 0.36, 0.0, 0.0, 500.0),)})
    slab, unit = Slab(part, 200.0, 10.0), target_uGy(mode, system, whole, 7.5)
    wire = straight(np.array([1.0, 0.0, 0.37]), 200.0, "w", np.zeros(3))
    ends = []
    for shapes in (wire, None):
        bench.chain.fresh = True
        for k in range(12):
            bench.signal(slab, exposure, k, unit_uGy=unit, shapes=shapes)
            bench.chain.integrate(system.filter.fluoro_weight)
        ends.append(bench.chain.filtered[24:-24, 24:-24].copy())
    depth = (ends[1] - ends[0]).max(axis=0)[8:-8].mean()
    return float(depth / ends[1].std())


def test_a_wire_over_the_spine_is_seen_in_the_standard_mode() -> None:
    """CNR of at least 3 (Rose); more dose shows it better, by less than its root: the voltage rises with it."""
    found = [wire_cnr(share) for share in (0.5, 1.0, 2.0)]
    assert found[1] >= 3.0
    assert 1.2 < found[1] / found[0] < 2.0
    assert 1.2 < found[2] / found[1] < 1.6


def test_the_low_dose_mode_loses_the_wire() -> None:
    """So the choice of the mode is one between dose and sight."""
    factors = machine().dose_modes.factors
    assert factors["normal"] == 1.0
    assert wire_cnr(factors["low"]) < 3.0
