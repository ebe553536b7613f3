"""Validation point 14: paths through the same meshes by gvxr on software OpenGL (EGL, one energy)."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from imaging_phantoms import mesh_path

from trainer.anatomy.body import load_body
from trainer.imaging.bones import vertebra
from trainer.imaging.geometry import Geometry
from trainer.imaging.meshes import Mesh, ellipsoid, joined, tube

pytestmark = pytest.mark.skipif(find_spec("gvxrPython3") is None, reason="gvxr (extra validate) is not installed")
SCRIPT = Path(__file__).with_name("gvxr_paths.py")
MU_WATER_60_KEV = 0.205876


def gvxr_path(mesh: Mesh, geometry: Geometry, folder: Path) -> np.ndarray:
    """Path (H, W) mm; skips where this machine cannot make an EGL context."""
    _, down, normal = geometry.axes()
    scene, out = folder / "scene.npz", folder / "paths.npz"
    np.savez(scene, vertices=mesh.vertices, faces=mesh.faces, part=np.zeros(len(mesh.faces), int),
             source=geometry.source, center=geometry.source + geometry.sid * normal, up=-down,
             pixels=geometry.pixels, pixel_mm=geometry.pixel_mm, repeat=1)
    done = subprocess.run([sys.executable, SCRIPT, scene, out], capture_output=True, text=True, check=False)
    if done.returncode or not out.exists():
        pytest.skip("gvxr found no EGL or libxcb here: " + done.stderr.strip().splitlines()[-1][:120])
    return np.asarray(np.load(out)["path"])


def body(name: str) -> Mesh:
    if name == "ellipsoid":
        return ellipsoid(np.array([20.0, 10.0, 15.0]), np.eye(3), np.array([30.0, 20.0, 25.0]), 120)
    if name == "vertebra":
        third = next(v for v in load_body().vertebrae if v.name == "L3")
        return joined(vertebra(third, 36)[0])
    t = np.linspace(0, 1, 40)
    path = np.stack([80 * t - 60, 10 * np.sin(6 * t), 60 * t - 20], axis=1)
    return tube(path, np.full(40, 5.0), np.full(40, 3.0), np.array([0.0, 0, 1.0]), around=40)


@pytest.mark.parametrize(("name", "primary", "secondary", "sid"), [
    ("ellipsoid", 0.4, -0.2, 1100.0),
    ("tube", -0.7, 0.35, 1200.0),
    ("vertebra", 0.25, 0.1, 950.0),
])
def test_paths_agree_with_gvxr(name: str, primary: float, secondary: float, sid: float, tmp_path: Path) -> None:
    """Root mean square of the difference at most 0.2 % of that of the path, where either sees the body."""
    mesh = body(name)
    geometry = Geometry(primary, secondary, tuple(mesh.vertices.mean(axis=0)), 320.0, sid, 750.0, 512)
    ours, theirs = mesh_path(mesh.vertices, mesh.faces, geometry), gvxr_path(mesh, geometry, tmp_path)
    seen = (ours > 0.1) | (theirs > 0.1)
    assert seen.sum() > 2000
    wrong = np.sqrt(((ours - theirs)[seen] ** 2).mean()) / np.sqrt((ours[seen] ** 2).mean())
    assert 0.0 < wrong < 0.002
    # and not because the body is alike from every side
    for flipped in (theirs[::-1], theirs[:, ::-1]):
        assert np.sqrt(((ours - flipped)[seen] ** 2).mean()) > 0.05 * np.sqrt((ours[seen] ** 2).mean())


def test_water_of_gvxr_is_that_of_xraydb() -> None:
    """The coefficient by which its pictures are turned into paths."""
    xraydb = pytest.importorskip("xraydb", reason="xraydb is a development dependency")
    assert xraydb.material_mu("H2O", 60e3, density=1.0) == pytest.approx(MU_WATER_60_KEV, rel=1e-4)
    assert f"MU_CM = {MU_WATER_60_KEV}" in SCRIPT.read_text("utf-8")
