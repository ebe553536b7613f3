"""Meshes, blobs and tubes on a grid of voxels against closed forms; the body's voxels against its shadows."""

import math

import numpy as np
import pytest

from trainer.imaging.beam import beam
from trainer.imaging.geometry import Geometry
from trainer.imaging.meshes import ellipsoid
from trainer.imaging.meshes import volume as volume_of
from trainer.imaging.pose import Preview
from trainer.imaging.scene import build_scene
from trainer.imaging.spin.spin import _body, iodine_hu_per_mg_mL
from trainer.imaging.spin.voxels import Grid, add_blobs, add_mesh, cumulate, draw_tubes
from trainer.imaging.volume.grid import PER_BONE, Volume
from trainer.imaging.volume.projection import project


def middle_of(values: np.ndarray) -> np.ndarray:
    at = np.stack(np.meshgrid(*(np.arange(n) for n in values.shape), indexing="ij"), -1)
    return np.asarray((values[..., None] * at).sum(axis=(0, 1, 2)) / values.sum())


def test_a_closed_mesh_fills_its_volume_in_its_place() -> None:
    center, semi = np.array([20.3, 24.1, 17.7]), np.array([9.0, 12.0, 6.5])
    mesh = ellipsoid(center, np.eye(3), semi, 40)
    out = np.zeros((40, 50, 36), dtype=np.float32)
    add_mesh(mesh.vertices, mesh.faces, np.full(len(mesh.faces), 2.0, dtype=np.float32), out)
    cumulate(out)
    assert out.sum() == pytest.approx(2.0 * volume_of(mesh), rel=0.01)
    assert middle_of(out) == pytest.approx(center, abs=0.05)
    assert out[20, 24, 17] == pytest.approx(2.0, abs=1e-4)
    assert np.abs(out[:, :, -3:]).max() < 1e-4  # it ends where it ends: no streak above
    assert out.min() > -1e-3


def test_a_mesh_cut_by_the_grid_keeps_what_is_inside() -> None:
    mesh = ellipsoid(np.array([10.0, 10.0, -2.0]), np.eye(3), np.array([6.0, 6.0, 8.0]), 40)
    out = np.zeros((20, 20, 12), dtype=np.float32)
    add_mesh(mesh.vertices, mesh.faces, np.ones(len(mesh.faces), dtype=np.float32), out)
    cumulate(out)
    assert out[10, 10, :5].astype(float) == pytest.approx(1.0, abs=1e-4)
    assert np.abs(out[:, :, 7:]).max() < 1e-4


def test_blobs_keep_their_mass() -> None:
    out = np.zeros((60, 60, 60), dtype=np.float32)
    cov = np.array([[9.0, 2.0, 1.0, 12.0, -1.0, 7.0]])
    add_blobs(np.array([[30.2, 29.0, 31.5]]), cov, np.array([500.0]), out)
    assert out.sum() == pytest.approx(500.0, rel=0.05)  # cut at three standard deviations
    assert middle_of(out) == pytest.approx([30.2, 29.0, 31.5], abs=0.02)


@pytest.mark.parametrize(("radius", "within"), [(0.2, 0.25), (0.5, 0.25), (1.0, 0.12), (3.0, 0.05)])
def test_tubes_keep_their_section(radius: float, within: float) -> None:
    """Contrast along an oblique tube: its section times its length, thin ones too."""
    start, end = np.array([[8.3, 9.1, 6.7]]), np.array([[31.2, 26.4, 35.9]])
    out = np.zeros((40, 40, 44), dtype=np.float32)
    draw_tubes(start, end, np.array([[radius, radius]]), np.array([100.0]), out)
    want = 100.0 * math.pi * radius**2 * float(np.linalg.norm(end - start))
    assert out.sum() == pytest.approx(want, rel=within + 2.0 * radius / 40.0)


def test_voxels_of_the_body_cast_its_shadow() -> None:
    """Two ways to the same water path: exact chords of the meshes, and voxels through the volume projector."""
    static, moving, gas = build_scene(coarse=True)
    grid = Grid(np.array([-200.0, -170.0, -200.0]), 2.5, (160, 120, 150))
    hu = _body((static, moving, gas), grid)
    soft = np.asarray(hu / 1000.0 + 1.0, dtype=np.float32)
    volume = Volume.of_densities(soft, np.zeros_like(soft), grid.origin, np.full(3, grid.spacing))
    geometry = Geometry(0.35, 0.1, (0.0, 0.0, -20.0), 420.0, pixels=Preview.SIZE)
    path, _ = project(volume, geometry)
    shadow = Preview(geometry, (static, moving, gas), np.zeros(3))
    water = shadow.soft + PER_BONE * shadow.bone
    error = (path - water)[8:-8, 8:-8]
    assert np.corrcoef(path.ravel(), water.ravel())[0, 1] > 0.99
    assert abs(float(np.median(error))) < 2.0
    assert float(np.median(np.abs(error))) < 3.0


def test_contrast_by_the_tables() -> None:
    """About 30 to 45 HU per mg/mL at 75 kVp, less at 120 kVp, less behind more water."""
    at_75, at_120 = (iodine_hu_per_mg_mL(beam(v, 0.2), 220.0) for v in (75.0, 120.0))
    assert 25.0 < at_120 < at_75 < 60.0
    assert iodine_hu_per_mg_mL(beam(75.0, 0.2), 320.0) < at_75
