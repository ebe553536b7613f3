"""Validation point 6 from pictures: 51 balls are drawn, found by their centroids, and the machine is worked out
from them alone.

The closed form is written here from the definitions of the standard and similar triangles; nothing of
trainer.imaging.geometry but its parameters is used. PS3.3 C.8.7.5.1.2: the primary angle lies in the transverse
plane, 0 perpendicular to the chest, +90 at the patient's left (LAO); the secondary in the sagittal plane, +90 at
the head (CRA); both tell where the receptor is. Patient axes are those of C.7.6.2.1.1: x to the left, y to the
back, z to the head.
"""

import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from imaging_phantoms import along, mesh_path

from trainer.commands import Action, Commands
from trainer.flow.types import Cells
from trainer.imaging.beam import beam
from trainer.imaging.blush import BlushMatrix, Clouds
from trainer.imaging.chord_matrix import ChordMatrix
from trainer.imaging.devices import DeviceProjector, Layer
from trainer.imaging.geometry import Geometry
from trainer.imaging.meshes import ellipsoid
from trainer.imaging.pose import _Shadow
from trainer.imaging.raster import add_blobs
from trainer.imaging.scene import Layer as BodyLayer
from trainer.imaging.stand import Stand
from trainer.imaging.system import load_system
from trainer.imaging.vessels import frusta

LEFT, HEAD, FRONT = np.array([1.0, 0, 0]), np.array([0, 0, 1.0]), np.array([0, -1.0, 0])
POINTS = np.random.default_rng(51).uniform(-70.0, 70.0, (51, 3))
PIXELS = 512

# primary, secondary, SID, field, isocenter: every corner of +-90 / +-45, both ends of the SID, table and zoom
VIEWS = [
    (0, 0, 1100, 480, (0, 0, 0)),
    (90, 0, 900, 480, (0, 0, 0)),
    (-90, 0, 1200, 480, (10, -20, 30)),
    (90, 45, 1200, 480, (-30, 10, -15)),
    (90, -45, 1000, 420, (5, 5, 5)),
    (-90, 45, 900, 420, (20, -10, 0)),
    (-90, -45, 1100, 480, (0, 25, -30)),
    (0, 45, 1050, 480, (-12, 3, 9)),
    (0, -45, 1200, 420, (0, 0, 20)),
    (30, 20, 900, 320, (15, 0, 0)),
    (-40, -25, 1200, 320, (0, -15, 10)),
    (55, -10, 950, 320, (-10, 10, -10)),
]


def of(view: tuple) -> Geometry:
    primary, secondary, sid, field, isocenter = view
    return Geometry(math.radians(primary), math.radians(secondary), isocenter, field, sid, 750.0, PIXELS)


def expected(view: tuple, points: np.ndarray) -> np.ndarray:
    """(N, 2) column and row by similar triangles."""
    primary, secondary, sid, field, isocenter = view
    p, s = math.radians(primary), math.radians(secondary)
    receptor = math.cos(s) * (math.cos(p) * FRONT + math.sin(p) * LEFT) + math.sin(s) * HEAD
    right = math.cos(p) * LEFT - math.sin(p) * FRONT  # where the receptor goes as the primary angle grows
    up = np.cross(receptor, right)  # a viewer at the receptor, right hand out, head up
    focus = np.array(isocenter) - 750.0 * receptor
    away = points - focus
    pixel = field / math.sqrt(2.0) / PIXELS
    at = sid * np.column_stack([away @ right, -away @ up]) / (away @ receptor)[:, None] / pixel
    return at + 0.5 * (PIXELS - 1)


def centroid(image: np.ndarray) -> np.ndarray:
    total = image.sum(dtype=np.float64)
    k = np.arange(image.shape[0])
    return np.array([image.sum(axis=0, dtype=np.float64) @ k, image.sum(axis=1, dtype=np.float64) @ k]) / total


def clear(points: np.ndarray) -> np.ndarray:
    """Points (N,) whose ball lies wholly in the picture."""
    return ((points > 25) & (points < PIXELS - 26)).all(axis=1)


def as_meshes(geometry: Geometry) -> list[np.ndarray]:
    balls = [ellipsoid(p, np.eye(3), np.full(3, 3.0), around=24) for p in POINTS]
    return [mesh_path(b.vertices, b.faces, geometry) for b in balls]


def as_vessels(geometry: Geometry) -> list[np.ndarray]:
    n, half = len(POINTS), np.array([0.8, 0.5, 0.6])
    zero, r = np.zeros(n), np.full(n, 1.5)
    cells = Cells(POINTS - half, POINTS + half, r, r, np.arange(n), zero, zero + 2.0, np.ones(n), zero, zero,
                  np.zeros(n, dtype=bool))
    matrix = ChordMatrix.empty(geometry, frusta(cells), 0)
    matrix.advance(1e18)
    out = []
    for k in range(n):
        image = np.zeros((PIXELS, PIXELS), dtype=np.float32)
        matrix.apply(np.where(np.arange(n) == k, 10.0, 0.0), (0.0, 0.0), image)
        out.append(image)
    return out


def as_devices(geometry: Geometry) -> list[np.ndarray]:
    out = []
    half = np.array([1.5, 1.0, -1.2])
    projector = DeviceProjector({"w": (Layer("platinum", 0.9, 0.0, 0.0, 50.0),)}, PIXELS)
    for p in POINTS:
        projector.draw(geometry, along(np.linspace(p - half, p + half, 5), "w"), beam(80.0, 0.2))
        out.append(projector.exponent[:, 0].reshape(PIXELS, PIXELS).copy())
        projector.exponent[:] = 0.0
        projector.clear()
    return out


def as_blush(geometry: Geometry) -> list[np.ndarray]:
    n = len(POINTS)
    source = Clouds(np.arange(n + 1), POINTS, np.tile([9.0, 0, 0, 9.0, 0, 9.0], (n, 1)), np.ones(n), np.zeros(n))
    matrix = BlushMatrix(geometry, source, 17.0)
    matrix.advance(1e18)
    out = []
    for k in range(n):
        image = np.zeros((PIXELS, PIXELS), dtype=np.float32)
        matrix.apply(np.where(np.arange(n) == k, 100.0, 0.0), (0.0, 0.0), image)
        out.append(image)
    return out


def as_texture(geometry: Geometry) -> list[np.ndarray]:
    """The body's Gaussians, which are drawn on a coarser picture."""
    out = []
    for p in POINTS:
        layer = BodyLayer(np.zeros((0, 3)), np.zeros((0, 3), np.int32), np.zeros((0, 2), np.float32), p[None],
                          np.array([[9.0, 0, 0, 9.0, 0, 9.0]]), np.array([[500.0, 0.0]]))
        shadow = _Shadow(layer, geometry, 0)
        shadow.advance(1e18)
        while not shadow.finished:
            shadow.advance(1e18)
        out.append(shadow.soft)
    return out


DRAWN = {"meshes": as_meshes, "vessels": as_vessels, "devices": as_devices, "blush": as_blush, "texture": as_texture}


@cache
def found(kind: str, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Centroids (N, 2) of the balls that lie in view k, and their places (N, 3)."""
    keep = clear(expected(VIEWS[k], POINTS))
    images = DRAWN[kind](of(VIEWS[k]))
    return np.array([centroid(images[n]) for n in np.flatnonzero(keep)]), POINTS[keep]


@pytest.mark.parametrize("kind", ["meshes", "vessels", "devices"])
@pytest.mark.parametrize("k", range(len(VIEWS)))
def test_centroids_lie_where_similar_triangles_say(kind: str, k: int) -> None:
    at, points = found(kind, k)
    assert len(at) >= 20
    off = np.linalg.norm(at - expected(VIEWS[k], points), axis=1)
    assert off.mean() < 0.1
    assert off.max() < 0.5


@pytest.mark.parametrize("kind", ["blush", "texture"])
@pytest.mark.parametrize("k", [0, 3, 10])
def test_what_is_drawn_coarse_lies_at_the_same_place(kind: str, k: int) -> None:
    at, points = found(kind, k)
    off = np.linalg.norm(at - expected(VIEWS[k], points), axis=1)
    assert off.mean() < 0.1


def camera(at: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Focus (3,), unit vector from it to the receptor (3,) and focal length in pixels, from points alone.

    The direct linear transform: two equations a point for the 12 numbers of a projection.
    """
    scale, middle = 0.01, 0.5 * (PIXELS - 1)
    u, v = ((at - middle) * scale).T
    x = np.column_stack([points * scale, np.ones(len(points))])
    zero = np.zeros_like(x)
    equations = np.vstack([np.hstack([x, zero, -u[:, None] * x]), np.hstack([zero, x, -v[:, None] * x])])
    p = np.linalg.svd(equations)[2][-1].reshape(3, 4)
    p /= np.linalg.norm(p[2, :3])
    focus = -np.linalg.solve(p[:, :3], p[:, 3]) / scale
    axis = p[2, :3] * np.sign((points.mean(axis=0) - focus) @ p[2, :3])
    focal = np.linalg.norm(np.cross(p[0, :3], p[2, :3])) / scale
    return focus, axis, float(focal)


@pytest.mark.parametrize("k", range(len(VIEWS)))
def test_angles_and_distances_worked_out_from_the_picture(k: int) -> None:
    """LAO, CRA, SID and SOD from the centroids of 51 balls, no camera model of the trainer in between."""
    primary, secondary, sid, field, isocenter = VIEWS[k]
    focus, axis, focal = camera(*found("meshes", k))
    latitude = math.degrees(math.asin(axis @ HEAD))
    longitude = math.degrees(math.atan2(axis @ LEFT, axis @ FRONT))
    assert latitude == pytest.approx(secondary, abs=0.25)
    assert longitude == pytest.approx(primary, abs=0.35)
    assert focal * field / math.sqrt(2.0) / PIXELS == pytest.approx(sid, rel=0.01)
    assert np.linalg.norm(focus - np.array(isocenter)) == pytest.approx(750.0, rel=0.01)


def test_the_consoles_angles_table_and_zoom_are_those_of_the_picture() -> None:
    """The stand is driven by commands; what it reports is found again in the picture it gives."""
    stand = Stand(load_system(), PIXELS)
    actions = (Action("view", {"primary_deg": 35.0, "secondary_deg": -20.0}), Action("fov", {"diagonal_mm": 420.0}),
               Action("table", {"x_mm": -25.0, "y_mm": 10.0, "z_mm": 15.0}))
    stand.step(0.1, Commands(actions=actions), locked=False)
    for _ in range(60):
        stand.step(0.1, Commands(), locked=False)
    g = stand.geometry
    view = (math.degrees(stand.primary), math.degrees(stand.secondary), g.sid, stand.field_mm, stand.isocenter)
    assert view[:4] == pytest.approx((35.0, -20.0, 1100.0, 420.0))
    assert view[4] == pytest.approx((-25.0, 10.0, 15.0))
    images = as_meshes(g)
    at = np.array([centroid(i) for i in images])
    keep = clear(expected(view, POINTS))
    focus, axis, _ = camera(at[keep], POINTS[keep])
    assert math.degrees(math.atan2(axis @ LEFT, axis @ FRONT)) == pytest.approx(35.0, abs=0.35)
    assert math.degrees(math.asin(axis @ HEAD)) == pytest.approx(-20.0, abs=0.25)
    assert focus + g.sod * axis == pytest.approx(np.array([-25.0, 10.0, 15.0]), abs=4.0)


@pytest.mark.parametrize(("sid", "field"), [(900.0, 480.0), (1100.0, 320.0), (1200.0, 160.0)])
def test_magnification_from_two_gaussians(sid: float, field: float) -> None:
    """Two soft balls 60 mm apart in the isocenter's plane: their distance on the receptor is SID / SOD times that."""
    geometry = replace(of((25, -15, sid, field, (3, 4, 5))), pixels=1024)
    across = math.cos(math.radians(25)) * LEFT - math.sin(math.radians(25)) * FRONT
    ends = []
    reach = 30.0 if field > 200 else 20.0
    for side in (-reach, reach):
        image = np.zeros((1024, 1024), dtype=np.float32)
        mean = (np.array([3.0, 4.0, 5.0]) + side * across)[None]
        cov, mass = np.array([[1.0, 0, 0, 1.0, 0, 1.0]]), np.array([50.0])
        add_blobs(geometry.matrix(), geometry.source, mean, cov, mass, 0, 1, image)
        ends.append(centroid(image))
    pixel = field / math.sqrt(2.0) / 1024
    length = float(np.linalg.norm(ends[1] - ends[0])) * pixel
    assert length / (2 * reach) == pytest.approx(sid / 750.0, rel=1e-4)
