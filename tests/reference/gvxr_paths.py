"""Paths through closed meshes by gvxr (EGL, one energy), in a process of its own.

    python gvxr_paths.py scene.npz paths.npz

scene: vertices (V, 3) mm, faces (F, 3), part (F,), source (3,), center (3,), up (3,) mm, pixels, pixel_mm, repeat.
paths: path (H, W) mm, seconds and own (processor's) seconds (repeat,) of a
picture, renderer. Its pictures are seen from the source, bottom row
first; they come out as the trainer shows them.
"""

from __future__ import annotations

import sys
import time

import numpy as np
from gvxrPython3 import gvxr

MU_CM = 0.205876


def stand(scene: dict[str, np.ndarray]) -> None:
    """Source, detector and one energy as in the scene."""
    n, pixel = int(scene["pixels"]), float(scene["pixel_mm"])
    gvxr.createWindow(-1, 0, "EGL")
    gvxr.setSourcePosition(*map(float, scene["source"]), "mm")
    gvxr.usePointSource()
    gvxr.setMonoChromatic(60.0, "keV", 1000)
    gvxr.setDetectorPosition(*map(float, scene["center"]), "mm")
    gvxr.setDetectorUpVector(*map(float, scene["up"]))
    gvxr.setDetectorNumberOfPixels(n, n)
    gvxr.setDetectorPixelSize(pixel, pixel, "mm")


def load(scene: dict[str, np.ndarray]) -> None:
    for k in np.unique(scene["part"]):
        faces = scene["faces"][scene["part"] == k]
        used, index = np.unique(faces, return_inverse=True)
        name = f"part{k}"
        flat = scene["vertices"][used].astype(np.float32).ravel()
        gvxr.makeTriangularMesh(name, flat.tolist(), index.astype(int).ravel().tolist(), "mm")
        gvxr.setCompound(name, "H2O")
        gvxr.setDensity(name, 1.0, "g/cm3")
        gvxr.addPolygonMeshAsInnerSurface(name)


def main() -> None:
    scene = dict(np.load(sys.argv[1]))
    stand(scene)
    load(scene)
    seconds, own = [], []
    for _ in range(int(scene["repeat"])):
        begin, used = time.perf_counter(), time.process_time()
        image = np.asarray(gvxr.computeXRayImage(), dtype=np.float64)
        seconds.append(time.perf_counter() - begin)
        own.append(time.process_time() - used)
    open_beam = 60.0 * 1000 * 1e-3  # keV a photon, photons, MeV
    path = -np.log(image / open_beam) / MU_CM * 10.0
    np.savez(sys.argv[2], path=path[::-1, ::-1], seconds=seconds, own=own, renderer=gvxr.getOpenGlRenderer())


if __name__ == "__main__":
    main()
