"""Line integrals through a voxel volume against closed forms, and the split of Hounsfield units."""

import math

import numpy as np
import pytest

from trainer.imaging.geometry import Geometry
from trainer.imaging.scene import BONE_HU
from trainer.imaging.volume.grid import Volume, split
from trainer.imaging.volume.projection import Projection, project

VIEWS = [(0, 0), (30, 0), (-45, 0), (45, 20), (90, 0), (-110, 10), (10, 50)]


def grid(shape: tuple[int, int, int], spacing: float) -> tuple[np.ndarray, ...]:
    """Origin and coordinates of a grid whose middle is the celiac ostium."""
    origin = -0.5 * spacing * (np.array(shape) - 1)
    axes = [(origin[k] + spacing * np.arange(shape[k])).astype(np.float32) for k in range(3)]
    return (origin, *np.meshgrid(*axes, indexing="ij"))


def rays(geometry: Geometry) -> np.ndarray:
    """Unit directions (H, W, 3) from the source to the pixels."""
    d0, du, dv = geometry.ray_basis()
    n = np.arange(geometry.pixels)
    d = d0 + n[None, :, None] * du + n[:, None, None] * dv
    return np.asarray(d / np.linalg.norm(d, axis=2, keepdims=True))


@pytest.mark.parametrize(("primary", "secondary"), VIEWS)
def test_chords_of_a_sphere(primary: float, secondary: float) -> None:
    """Chord 2 sqrt(r^2 - d^2) at distance d from the middle; voxels at the edge hold the share that is inside.

    Toward the rim, where the chord bends sharply, voxels of 1 mm blur it.
    """
    radius = 40.0
    origin, x, y, z = grid((96, 96, 96), 1.0)
    share = np.clip(radius - np.sqrt(x**2 + y**2 + z**2) + 0.5, 0.0, 1.0)
    geometry = Geometry(math.radians(primary), math.radians(secondary), (4.0, -3.0, 6.0), 220.0, pixels=128)
    soft, bone = project(Volume.of_densities(share, 0.3 * share, origin, np.full(3, 1.0)), geometry)
    d2 = (np.cross(rays(geometry), geometry.source) ** 2).sum(axis=2)
    want = 2.0 * np.sqrt(np.maximum(radius**2 - d2, 0.0))
    inner = want > 40.0
    assert inner.sum() > 1000
    error = (soft - want)[inner]
    assert math.sqrt(float((error**2).mean())) < 0.15
    assert np.abs(error).max() < 0.5
    assert np.allclose(bone[inner], 0.3 * soft[inner], atol=0.08)
    assert soft[want == 0.0].max() < 6.0  # half a voxel beyond the edge


def test_chords_of_a_box() -> None:
    """A slab of n planes across the main axis: n times spacing, by the slant of the ray."""
    values = np.zeros((60, 50, 70), dtype=np.float32)
    values[5:55, 10:40, 5:65] = 0.5
    origin, spacing = np.array([-90.0, -60.0, -105.0]), np.array([3.0, 2.5, 3.0])
    volume = Volume.of_densities(values, np.zeros_like(values), origin, spacing)
    geometry = Geometry(isocenter=(0.0, 0.0, 0.0), field_mm=160.0, pixels=64)
    soft, bone = project(volume, geometry)
    want = 0.5 * 30 * 2.5 / np.abs(rays(geometry)[:, :, 1])
    assert np.abs(soft - want).max() < 0.01
    assert not bone.any()


@pytest.mark.parametrize(("primary", "secondary"), VIEWS)
@pytest.mark.parametrize("point", [(60.0, 10.0, 40.0), (-70.0, -30.0, -60.0)])
def test_a_marker_lies_where_the_geometry_says(
    primary: float, secondary: float, point: tuple[float, float, float]
) -> None:
    """Left stays left: the mass of a small ball is centered on the projection of its place."""
    origin, x, y, z = grid((112, 96, 104), 1.7)
    px, py, pz = point
    ball = np.exp(-0.5 * ((x - px) ** 2 + (y - py) ** 2 + (z - pz) ** 2) / 9.0).astype(np.float32)
    geometry = Geometry(math.radians(primary), math.radians(secondary), pixels=192)
    soft, _ = project(Volume.of_densities(ball * 3.0, ball, origin, np.full(3, 1.7)), geometry)
    rows, columns = np.mgrid[0:192, 0:192]
    found = (soft * columns).sum() / soft.sum(), (soft * rows).sum() / soft.sum()
    assert found == pytest.approx(geometry.project(np.array(point))[0], abs=0.05)
    if (primary, secondary) == (0, 0):
        assert (found[0] > 95.5) == (px > 0)  # the patient's left is at the viewer's right
        assert (found[1] < 95.5) == (pz > 0)


def test_bricks_that_are_skipped_hold_nothing() -> None:
    """Isolated voxels anywhere, up to the very edge, are found; a plain sum over planes says the same."""
    rng = np.random.default_rng(3)
    values = np.zeros((40, 44, 50), dtype=np.float32)
    at = rng.integers(0, values.shape, (60, 3))
    values[tuple(at.T)] = 1.0
    values[0, 0, 0] = values[-1, -1, -1] = values[0, -1, 25] = 1.0
    volume = Volume.of_densities(values, values[::-1].copy(), np.array([-60.0, -66.0, -75.0]), np.full(3, 3.0))
    for primary, secondary in ((0, 0), (-40, 30), (80, -20)):
        geometry = Geometry(math.radians(primary), math.radians(secondary), pixels=80)
        soft, bone = project(volume, geometry)
        assert np.abs(soft - plainly(volume, volume.soft, geometry)).max() < 2e-3
        assert np.abs(bone - plainly(volume, volume.bone, geometry)).max() < 2e-3


def plainly(volume: Volume, values: np.ndarray, geometry: Geometry) -> np.ndarray:
    """Joseph's sum, written as in the book."""
    d = rays(geometry) / volume.spacing
    source = (geometry.source - volume.origin) / volume.spacing
    main = np.abs(d).argmax(axis=2)
    out = np.zeros(main.shape)
    for axis in range(3):
        mine = main == axis
        if not mine.any():
            continue
        u, v = (a for a in range(3) if a != axis)
        w = d[mine]
        for k in range(values.shape[axis]):
            p = source + (k - source[axis]) / w[:, axis : axis + 1] * w
            i, j = np.floor(p[:, u]).astype(int), np.floor(p[:, v]).astype(int)
            f, g = p[:, u] - i, p[:, v] - j
            plane = values.take(k, axis=axis)
            total = np.zeros(len(p))
            for di, dj, weight in ((0, 0, (1 - f) * (1 - g)), (1, 0, f * (1 - g)), (0, 1, (1 - f) * g), (1, 1, f * g)):
                a, b = i + di, j + dj
                inside = (a >= 0) & (a < plane.shape[0]) & (b >= 0) & (b < plane.shape[1])
                total[inside] += (weight * plane[np.where(inside, a, 0), np.where(inside, b, 0)])[inside]
            out[mine] += total * np.linalg.norm(w * volume.spacing, axis=1) / np.abs(w[:, axis])
    return out


def test_portions_and_threads_give_the_same_bits() -> None:
    origin, x, y, z = grid((64, 64, 64), 4.0)
    ball = (x**2 + y**2 + z**2 < 100.0**2).astype(np.float32)
    volume = Volume.of_densities(ball, 0.1 * ball, origin, np.full(3, 4.0))
    geometry = Geometry(0.5, 0.2, pixels=90)
    whole = project(volume, geometry)
    halves = project(volume, geometry, threads=2)
    portions = Projection(volume, geometry)
    for row in range(0, 90, 7):
        portions.rows(row, min(row + 7, 90))
    for a, b, c in zip(whole, halves, (portions.soft, portions.bone)):
        assert np.array_equal(a, b)
        assert np.array_equal(a, c)


def test_coarser_keeps_the_mass_in_its_place() -> None:
    rng = np.random.default_rng(5)
    values = rng.uniform(0.5, 1.0, (31, 45, 27)).astype(np.float32)
    fine = Volume.of_densities(values, np.zeros_like(values), np.array([10.0, -20.0, 5.0]), np.full(3, 2.0))
    coarse = fine.coarser(2)
    assert coarse.spacing == pytest.approx(4.0)
    for v in (fine, coarse):
        x = v.origin[0] + v.spacing[0] * np.arange(v.shape[0])
        middle = (v.soft.sum(axis=(1, 2)) * x).sum() / v.soft.sum()
        want = 10.0 + 2.0 * (values.sum(axis=(1, 2)) * np.arange(31)).sum() / values.sum()
        assert middle == pytest.approx(want, abs=0.05)
    assert coarse.soft.sum() * 8 == pytest.approx(fine.soft.sum(), rel=0.01)


def test_split_keeps_the_mixture_and_has_no_edge() -> None:
    hu = np.arange(-1000.0, 3072.0, 1.0)
    soft, bone = split(hu)
    assert np.allclose(soft + bone * (1.0 + BONE_HU / 1000.0), 1.0 + hu / 1000.0, atol=1e-5)
    assert not bone[hu <= 100.0].any()
    assert bone[hu == 1555.0] == pytest.approx(1.0, abs=1e-5)
    assert soft[hu == 1555.0] == pytest.approx(0.0, abs=1e-5)
    assert soft.min() >= -1e-6
    assert np.all(np.diff(bone) >= -1e-7)
    assert np.abs(np.diff(bone, 2)).max() < 1e-3  # no step and hardly a kink, up to metal
    assert split(np.array([-2048.0]))[0] == 0.0
