"""Filled balloons and coils in the picture: the mass of the shadow against its closed form."""

from dataclasses import replace

import numpy as np
import pytest
from flow_patient import device_at, patient_of

from trainer.imaging.beam import beam
from trainer.imaging.devices import BALLOON_MG_ML, COIL, COIL_INNER, DeviceProjector
from trainer.imaging.geometry import Geometry
from trainer.instruments.types import Coil, Sealing, Shapes

VIEW = Geometry(field_mm=160.0, pixels=512)
BEAM = beam(80.0, 0.3)
PATIENT = patient_of([("line", "", 60.0, 2.0, 2.0)], {"line": 1.0})


def lying_across() -> Shapes:
    """A device along the patient's left-right axis through the isocenter, a node a millimeter, vessel radius 2 mm."""
    shapes = device_at(PATIENT, "line", 40.0)
    nodes = np.zeros((len(shapes.s), 3))
    nodes[:, 0] = shapes.s - 20.0
    return replace(shapes, nodes=nodes, lumen_mm=np.full(len(shapes.s), 2.0))


def mass(shapes: Shapes) -> float:
    """Sum of the shadow over the isocenter's plane at the lowest energy, mm2."""
    projector = DeviceProjector({}, VIEW.pixels)
    projector.draw(VIEW, shapes, BEAM)
    return float(projector.exponent[:, 0].sum()) * VIEW.pixel_iso_mm**2


@pytest.mark.parametrize(("radius", "seen"), [(1.5, 1.5), (3.0, 2.0)])
def test_a_filled_balloon_shows_as_wide_as_the_vessel_lets_it_be(radius: float, seen: float) -> None:
    shapes = replace(lying_across(), sealings=(Sealing("microcatheter", 10, 20, radius, False),))
    volume = np.pi * (seen**2 - 0.4**2) * 10.0
    assert mass(shapes) == pytest.approx(0.1 * BALLOON_MG_ML * BEAM.mu["iodine"][0] * volume, rel=0.02)


def test_a_valve_and_an_empty_balloon_show_nothing() -> None:
    assert mass(replace(lying_across(), sealings=(Sealing("microcatheter", 10, 20, 1.5, True),))) == 0.0
    assert mass(lying_across()) == 0.0


def test_a_coil_shows_with_the_mass_of_its_wire_and_moves_with_breath() -> None:
    t = np.linspace(0.0, 6.0 * np.pi, 120)
    points = np.stack([t - 9.0, 0.8 * np.cos(t), 0.8 * np.sin(t)], axis=1)
    coil = Coil("coil_3x30", 0, 0.0, 19.0, 0.25, 0.36, points, np.ones(120))
    length = np.linalg.norm(np.diff(points, axis=0), axis=1).sum()
    tube = np.pi * 0.18**2 * (1.0 - COIL_INNER**2) * length
    attenuation = float((BEAM.material(COIL) - BEAM.material("blood"))[0])
    bare = replace(lying_across(), coils=(coil,))
    assert mass(bare) == pytest.approx(attenuation * tube, rel=0.03)

    def column(shapes: Shapes) -> float:
        projector = DeviceProjector({}, VIEW.pixels)
        projector.draw(VIEW, shapes, BEAM)
        image = projector.exponent[:, 0].reshape(VIEW.pixels, VIEW.pixels)
        return float((image.sum(axis=0) * np.arange(VIEW.pixels)).sum() / image.sum())

    moved = column(replace(bare, offset_mm=(5.0, 0.0, 0.0))) - column(bare)
    assert moved * VIEW.pixel_iso_mm == pytest.approx(5.0, rel=0.02)
