"""Chords and projected masses against closed forms."""

import itertools
import math

import cv2
import numpy as np
import pytest
from imaging_phantoms import along, cells_of, mesh_path

from trainer.flow.types import Cells
from trainer.imaging.beam import beam
from trainer.imaging.chord_matrix import ChordMatrix
from trainer.imaging.devices import DeviceProjector, Layer
from trainer.imaging.geometry import Geometry
from trainer.imaging.meshes import ellipsoid, inset, isosurface, tube, volume
from trainer.imaging.pose import _Shadow
from trainer.imaging.raster import add_blobs
from trainer.imaging.rays import chord
from trainer.imaging.scene import _Builder
from trainer.imaging.vessels import frusta
from trainer.instruments.types import Shapes


def picture(cells: Cells, geometry: Geometry) -> np.ndarray:
    """Chord image, mm."""
    matrix = ChordMatrix.empty(geometry, frusta(cells), 0)
    matrix.advance(1e18)
    image = np.zeros((geometry.pixels, geometry.pixels), dtype=np.float32)
    matrix.apply(np.full(len(cells.start), 10.0), (0.0, 0.0), image)
    return image


@pytest.mark.parametrize("radius", [0.1, 0.5, 2.0, 10.0])
@pytest.mark.parametrize("tilt_deg", np.linspace(9.0, 90.0, 10))
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
    ball = ellipsoid(center, np.eye(3), np.full(3, 30.0), around=240)
    got = mesh_path(ball.vertices, ball.faces, geometry)  # rays through pixel centers, before the pixel aperture
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


def through_cylinder(geometry: Geometry, point: np.ndarray, axis: np.ndarray, radius: float, at: np.ndarray
                     ) -> np.ndarray:
    """Chords (mean, least, most) over each pixel of an endless cylinder, by 12 x 12 rays of its own.

    The most is looked for at the corners too: a rim may touch no more than one.
    """
    d0, du, dv = geometry.ray_basis()
    away = geometry.source - point
    across = away - (away @ axis) * axis
    k = (np.arange(12) + 0.5) / 12 - 0.5
    chords = []
    for a, b in [*itertools.product(k, k), *itertools.product((-0.5, 0.5), (-0.5, 0.5))]:
        ray = d0 + (at[:, 0] + a)[:, None] * du + (at[:, 1] + b)[:, None] * dv
        ray /= np.linalg.norm(ray, axis=1, keepdims=True)
        flat = ray - (ray @ axis)[:, None] * axis
        qa, qb, qc = (flat**2).sum(axis=1), flat @ across, across @ across - radius**2
        chords.append(2 * np.sqrt(np.maximum(qb**2 - qa * qc, 0)) / qa)
    found, whole = np.array(chords[: len(k) ** 2]), np.array(chords)
    return np.stack([found.mean(axis=0), whole.min(axis=0), whole.max(axis=0)])


def cylinder_in_picture(radius: float, tilt_deg: float) -> tuple[np.ndarray, np.ndarray, float]:
    """Trainer's pixels (N,), the closed form's mean, least and most chord (3, N), and the longest chord, mm."""
    tilt = math.radians(tilt_deg)
    axis = np.array([math.sin(tilt) * math.cos(0.3), -math.cos(tilt), math.sin(tilt) * math.sin(0.3)])
    geometry, point = Geometry(), np.array([0.31, -0.2, 0.47])
    image = picture(cells_of(np.array([-250 * axis, 250 * axis]) + point, np.full(2, radius)), geometry)
    c, r = np.meshgrid(np.arange(490, 534), np.arange(490, 534))
    want = through_cylinder(geometry, point, axis, radius, np.column_stack([c.ravel(), r.ravel()]))
    return image[r.ravel(), c.ravel()], want, 2 * radius / math.sin(tilt)


@pytest.mark.parametrize("radius", [0.5, 1.0, 2.0, 4.0, 10.0])
@pytest.mark.parametrize("tilt_deg", np.linspace(18.0, 90.0, 10))
def test_chords_in_the_picture_of_a_cylinder(radius: float, tilt_deg: float) -> None:
    """Pixels whose rays all pass at least half the longest chord: their mean within 0.5 % of the longest.

    At r = 0.5 mm the radius is 2.2 pixels. The whole shadow keeps its mass to 0.1 %, and nothing lies beside it.
    """
    got, (mean, least, most), longest = cylinder_in_picture(radius, float(tilt_deg))
    filled = least > 0.5 * longest
    assert filled.sum() > 50
    assert np.abs(got - mean)[filled].max() < 0.005 * longest
    if radius < 3.0:  # the whole width lies in the window
        assert got.sum() == pytest.approx(mean.sum(), rel=1e-3)
    assert (got[most == 0] == 0).all()


@pytest.mark.parametrize("radius", [0.1, 0.5, 2.0])
@pytest.mark.parametrize("tilt_deg", [18.0, 54.0, 90.0])
def test_chords_on_the_rim_of_a_cylinder(radius: float, tilt_deg: float) -> None:
    """Every pixel's mean within 0.5 % of the longest chord, thin vessels (0.44 pixels) too."""
    got, (mean, _, _), longest = cylinder_in_picture(radius, tilt_deg)
    assert np.abs(got - mean).max() < 0.005 * longest


def bent(count: int) -> np.ndarray:
    t = np.linspace(0, 1, count)
    return np.stack([40 * t - 20, 6 * np.sin(5 * t), 18 * np.cos(4 * t)], axis=1)


@pytest.mark.parametrize("diameter", [0.2, 0.36, 0.89, 3.0])
def test_a_device_cut_twice_as_fine_keeps_its_mass(diameter: float) -> None:
    """The same bent centerline in pieces of half the length: 0.3 %."""
    b, geometry = beam(70.0, 0.2), Geometry()
    sums = []
    coarse = bent(60)
    fine = np.vstack([np.column_stack([coarse[:-1], 0.5 * (coarse[:-1] + coarse[1:])]).reshape(-1, 3), coarse[-1:]])
    for nodes in (coarse, fine):
        projector = DeviceProjector({}, 1024)
        path = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(nodes, axis=0), axis=1))])
        rows = np.array([[0.0, path[-1], 0.5 * diameter, 0.0]])
        projector._along(geometry, nodes, path, rows, np.array([b.mu["steel"]]))
        sums.append(projector.exponent.sum())
    assert sums[1] / sums[0] == pytest.approx(1.0, abs=0.003)


@pytest.mark.parametrize("diameter", [0.15, 0.36])
def test_a_thin_wire_keeps_its_mass_at_any_place(diameter: float) -> None:
    """40 random sub-pixel shifts and directions: mass / (mu times volume) within 0.5 %."""
    b, geometry = beam(70.0, 0.2), Geometry()
    rng = np.random.default_rng(40)
    ratios = []
    for _ in range(40):
        projector = DeviceProjector({"w": (Layer("steel", diameter, 0.0, 0.0, 500.0),)}, 1024)
        # in the isocenter's plane, where a pixel has one size
        angle = rng.uniform(0, math.pi)
        unit = np.array([math.cos(angle), 0.0, math.sin(angle)])
        shift = np.array([rng.uniform(0, 0.3), 0.0, rng.uniform(0, 0.3)])
        projector.draw(geometry, along(shift + unit * np.linspace(-30, 30, 31)[:, None], "w"), b)
        mass = projector.exponent[:, 1].sum() * geometry.pixel_iso_mm**2
        ratios.append(mass / ((b.mu["steel"] - b.mu["blood"])[1] * 0.25 * math.pi * diameter**2 * 60.0))
    assert np.abs(np.array(ratios) - 1.0).max() < 0.005
    assert np.std(ratios) < 0.003


@pytest.mark.parametrize("tilt", [0.0, 0.4, 0.9])
def test_the_picture_of_a_cone_holds_its_volume(tilt: float) -> None:
    """A frustum of radii 1 and 3 mm over 30 mm: pi/3 L (r0^2 + r0 r1 + r1^2), magnified for its depth."""
    geometry = Geometry()
    half = 15.0 * np.array([math.cos(tilt), math.sin(tilt), 0.0])
    image = picture(cells_of(np.array([-half, half]), np.array([1.0, 3.0])), geometry)
    volume_mm3 = math.pi / 3 * 30 * (1 + 3 + 9)
    depth = np.linspace(-1, 1, 4001)
    section = (2 + depth) ** 2
    # an element's shadow is enlarged by (SOD / distance)^2 against the isocenter's plane
    enlarged = (section * (geometry.sod / (geometry.sod - half[1] * depth)) ** 2).sum() / section.sum()
    assert image.sum() * geometry.pixel_iso_mm**2 == pytest.approx(volume_mm3 * enlarged, rel=0.005)


def test_a_marker_between_two_nodes_keeps_its_mass() -> None:
    """A band of 0.6 mm that begins and ends within one piece of a device."""
    b, geometry = beam(70.0, 0.2), Geometry()
    projector = DeviceProjector({"w": (Layer("platinum", 0.8, 0.6, 0.3, 0.9),)}, 1024)
    projector.draw(geometry, straight(np.array([0.0, 0.0, 1.0]), 60.0, "w"), b)
    got = projector.exponent[:, 1].sum() * geometry.pixel_iso_mm**2
    assert got == pytest.approx((b.mu["platinum"] - b.mu["blood"])[1] * 0.25 * math.pi * 0.28 * 0.6, rel=0.01)


def test_a_bent_device_shows_no_seams() -> None:
    """A tube on an arc of 9 mm: at every place across it the picture is the same all along, gaps and overlaps nowhere.

    Nodes lie 2 mm apart, pixels 0.075 mm.
    """
    b, geometry = beam(70.0, 0.2), Geometry(field_mm=160.0)
    angle = np.arange(0.0, 2.2, 2.0 / 9.0)
    nodes = 9.0 * np.column_stack([np.cos(angle), np.zeros(len(angle)), np.sin(angle)])
    projector = DeviceProjector({"w": (Layer("steel", 1.7, 0.0, 0.0, 500.0),)}, 1024)
    projector.draw(geometry, along(nodes, "w"), b)
    image = projector.exponent[:, 1].reshape(1024, 1024).copy()
    middle = np.linspace(0.3, 1.6, 500)
    for off in (-0.6, -0.3, 0.0, 0.3, 0.6):
        ring = (9.0 + off) * np.column_stack([np.cos(middle), np.zeros(500), np.sin(middle)])
        column, row = geometry.project(ring).astype(np.float32).T.copy()
        values = cv2.remap(image, column[None], row[None], cv2.INTER_LINEAR)[0]
        assert values.std() > 0.0
        assert np.abs(values / values.mean() - 1.0).max() < 0.02
        want = 2.0 * math.sqrt(0.85**2 - off**2) * (b.mu["steel"] - b.mu["blood"])[1]
        assert values.mean() == pytest.approx(want, rel=0.02)
