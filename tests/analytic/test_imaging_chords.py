"""Chords and projected masses against closed forms."""

import math

import numpy as np
import pytest

from trainer.flow.types import Cells
from trainer.imaging.beam import beam
from trainer.imaging.devices import DeviceProjector, Layer
from trainer.imaging.geometry import Geometry
from trainer.imaging.meshes import ellipsoid, inset, isosurface, tube, volume
from trainer.imaging.pose import _Shadow
from trainer.imaging.raster import add_blobs
from trainer.imaging.scene import _Builder
from trainer.imaging.vessels import ChordMatrix, chord, frusta
from trainer.instruments.types import Shapes


def cells_of(points: np.ndarray, radius: np.ndarray) -> Cells:
    n = len(points) - 1
    length = np.linalg.norm(np.diff(points, axis=0), axis=1)
    end = np.cumsum(length)
    zero = np.zeros(n)
    return Cells(
        points[:-1],
        points[1:],
        radius[:-1],
        radius[1:],
        np.zeros(n, dtype=np.int64),
        end - length,
        end,
        np.ones(n),
        zero,
        zero,
        np.zeros(n, dtype=bool),
    )


def picture(cells: Cells, geometry: Geometry) -> np.ndarray:
    """Chord image, mm."""
    matrix = ChordMatrix.empty(geometry, frusta(cells), 0)
    matrix.advance(1e18)
    image = np.zeros((geometry.pixels, geometry.pixels), dtype=np.float32)
    matrix.apply(np.full(len(cells.start), 10.0), (0.0, 0.0), image)
    return image


@pytest.mark.parametrize("radius", [0.1, 0.5, 2.0, 10.0])
@pytest.mark.parametrize("tilt_deg", [90.0, 60.0, 45.0, 20.0])
def test_chord_through_a_cylinder(radius: float, tilt_deg: float) -> None:
    """Across a cylinder at distance x from its axis: 2 sqrt(r^2 - x^2) / sin(tilt)."""
    tilt = math.radians(tilt_deg)
    axis = np.array([math.sin(tilt), 0.0, math.cos(tilt)])
    row = frusta(cells_of(np.array([-200 * axis, 200 * axis]), np.full(2, radius)))[0]
    for share in (0.0, 0.3, 0.7, 0.95):
        x = share * radius
        got = chord(row, 0.0, x, -1000.0, 0.0, 0.0, 1.0)
        want = 2 * math.sqrt(radius**2 - x**2) / math.sin(tilt)
        assert got == pytest.approx(want, abs=0.005 * 2 * radius)


def test_chord_through_a_cone() -> None:
    """Ray across a cone of radii 1 and 3 over 20 mm, through the axis at half length, tilted by 90 deg."""
    row = frusta(cells_of(np.array([[0.0, 0, 0], [20.0, 0, 0]]), np.array([1.0, 3.0])))[0]
    assert chord(row, 10.0, 0.0, -500.0, 0.0, 0.0, 1.0) == pytest.approx(4.0, rel=1e-6)
    assert chord(row, 21.0, 0.0, -500.0, 0.0, 0.0, 1.0) == 0.0


def test_a_bent_vessel_has_no_seams() -> None:
    """The projected volume of a polyline is the tube's, and does not change when it is cut twice as fine."""
    geometry = Geometry(0.3, 0.2)
    masses = []
    for n in (30, 60):
        t = np.linspace(0, 1, n)
        points = np.stack([60 * t - 30, 15 * np.sin(7 * t), 40 * t - 20], axis=1)
        length = np.linalg.norm(np.diff(points, axis=0), axis=1).sum()
        masses.append(
            picture(cells_of(points, np.full(n, 3.0)), geometry).sum()
            * geometry.pixel_iso_mm**2
            / (math.pi * 9 * length)
        )
    # the vessel does not lie in the isocenter's plane throughout, hence 1 % for the sum itself
    assert masses[0] == pytest.approx(1.0, abs=0.01)
    assert masses[1] / masses[0] == pytest.approx(1.0, abs=0.003)


def test_joints_show_no_line() -> None:
    """Along the middle of a gently bent vessel the chord is smooth: no wedge at any joint."""
    angle = np.linspace(-0.5, 0.5, 25)
    points = np.stack([80 * np.sin(angle), np.zeros(25), 80 * np.cos(angle) - 80], axis=1)
    geometry = Geometry()
    image = picture(cells_of(points, np.full(25, 2.5)), geometry)
    fine = np.linspace(-0.45, 0.45, 400)
    at = geometry.project(np.stack([80 * np.sin(fine), np.zeros(400), 80 * np.cos(fine) - 80], axis=1))
    values = image[np.rint(at[:, 1]).astype(int), np.rint(at[:, 0]).astype(int)]
    assert np.abs(values - 5.0).max() < 0.05


def test_thin_vessels_keep_their_mass_at_any_place() -> None:
    geometry = Geometry()
    rng = np.random.default_rng(5)
    masses = []
    for _ in range(20):
        shift = rng.uniform(0, 1, 3)
        points = np.array([[-20.0, 0, -10], [20.0, 0, 12.0]]) + shift
        masses.append(picture(cells_of(points, np.full(2, 0.15)), geometry).sum())
    assert np.std(masses) / np.mean(masses) < 0.005


def shadow(mesh: object, geometry: Geometry) -> np.ndarray:
    builder = _Builder(False)
    builder.add(mesh, 1.0)  # type: ignore[arg-type]
    out = _Shadow(builder.layer(), geometry, 0)
    out.advance(1e18)
    return out.soft


def test_mesh_chords_of_a_sphere() -> None:
    """2 sqrt(r^2 - d^2) with d the distance of the center from the ray; facets cost 0.2 % of the diameter."""
    geometry = Geometry(0.2, -0.3)
    center = np.array([20.0, 10.0, 5.0])
    got = shadow(ellipsoid(center, np.eye(3), np.full(3, 30.0), around=240), geometry)
    d0, du, dv = geometry.ray_basis()
    c, r = np.meshgrid(np.arange(1024), np.arange(1024))
    ray = d0 + c[..., None] * du + r[..., None] * dv
    ray /= np.linalg.norm(ray, axis=-1, keepdims=True)
    away = center - geometry.source
    along = ray @ away
    want = 2 * np.sqrt(np.maximum(900.0 - (away @ away - along**2), 0.0))
    inside = want > 6.0
    assert np.sqrt(((got - want)[inside] ** 2).mean()) < 0.12
    assert got[want == 0].max() < 1e-3
    assert got.min() > -1e-3


def test_closed_meshes_leave_nothing_outside() -> None:
    """A seam between faces would leave full depths, hundreds of mm, on single pixels."""
    path = np.stack([np.linspace(-40, 40, 12), 8 * np.sin(np.arange(12)), np.linspace(10, -10, 12)], axis=1)
    mesh = tube(path, np.full(12, 6.0), np.full(12, 3.0), np.array([0.0, 0, 1.0]))
    for view in (0.0, 0.7, 1.4):
        image = shadow(mesh, Geometry(view))
        assert image.min() > -1e-3
        assert image.max() < 90.0


def test_volumes_of_meshes() -> None:
    assert volume(ellipsoid(np.zeros(3), np.eye(3), np.array([5.0, 7.0, 9.0]), 120)) == pytest.approx(
        4 / 3 * math.pi * 315, rel=0.005
    )
    x = np.linspace(-40, 40, 41)
    grid = np.stack(np.meshgrid(x, x, x, indexing="ij"), -1)
    ball = isosurface(30 - np.linalg.norm(grid, axis=-1), np.full(3, -40.0), 2.0)
    assert volume(ball) == pytest.approx(4 / 3 * math.pi * 27000, rel=0.005)
    assert volume(inset(ball, 1.0)) == pytest.approx(4 / 3 * math.pi * 29**3, rel=0.01)


def test_gaussian_blob_keeps_its_mass() -> None:
    """Mass 1000 mm3 at the isocenter: its shadow sums to 1000 / pixel area there."""
    geometry = Geometry(0.6, 0.2)
    image = np.zeros((1024, 1024), dtype=np.float32)
    cov = np.array([[16.0, 2.0, 1.0, 9.0, 0.5, 25.0]])
    add_blobs(geometry.matrix(), geometry.source, np.zeros((1, 3)), cov, np.array([1000.0]), 0, 1, image)
    assert image.sum() * geometry.pixel_iso_mm**2 == pytest.approx(1000.0, rel=0.01)


def straight(direction: np.ndarray, length: float, device: str) -> Shapes:
    s = np.arange(0.0, length + 1e-9, 2.0)
    nodes = direction * (s - 0.5 * length)[:, None]
    z = np.zeros(len(s))
    return Shapes(
        ("wire",),
        (device,),
        nodes,
        s,
        z,
        z.astype(np.int64),
        z,
        z,
        np.array([length]),
        (),
        np.zeros(1),
        np.zeros(1),
        0.0,
        0.0,
        0.0,
        True,
    )


@pytest.mark.parametrize("direction", [(1.0, 0, 0), (0.6, 0.0, 0.8), (0.6, 0.8, 0.0), (0.1, 0.99, 0.1)])
@pytest.mark.parametrize(("outer", "inner"), [(0.36, 0.0), (0.89, 0.6)])
def test_device_mass(direction: tuple[float, ...], outer: float, inner: float) -> None:
    """The exponents of a wire or tube sum to (mu - mu blood) times its volume, at any direction and thickness."""
    geometry = Geometry()
    unit = np.array(direction) / np.linalg.norm(direction)
    b = beam(70.0, 0.2)
    projector = DeviceProjector({"w": (Layer("steel", outer, inner, 0.0, 500.0),)}, 1024)
    projector.draw(geometry, straight(unit, 60.0, "w"), b)
    volume_mm3 = 0.25 * math.pi * (outer**2 - inner**2) * 60.0
    got = projector.exponent.sum(axis=0) * geometry.pixel_iso_mm**2
    want = (b.mu["steel"] - b.mu["blood"]) * volume_mm3
    assert got == pytest.approx(want, rel=0.01)


def test_device_chord_across_the_middle() -> None:
    """A thick tube's middle pixel: outer minus inner diameter."""
    geometry = Geometry(field_mm=160.0)
    b = beam(70.0, 0.2)
    projector = DeviceProjector({"w": (Layer("steel", 4.0, 3.0, 0.0, 500.0),)}, 1024)
    projector.draw(geometry, straight(np.array([1.0, 0, 0]), 40.0, "w"), b)
    column = projector.exponent.reshape(1024, 1024, 4)[:, 512, 1] / (b.mu["steel"] - b.mu["blood"])[1]
    assert column[508:516].mean() == pytest.approx(1.0, rel=0.01)
