"""Which body X-ray meets: the built-in one in layers, or the patient's own CT as two volumes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trainer.anatomy.body import load_body
from trainer.anatomy.types import Patient
from trainer.imaging.scene import Layer, build_scene
from trainer.imaging.volume.bodyfile import load_parts
from trainer.imaging.volume.grid import Volume
from trainer.imaging.volume.outline import skin_of

Floats = NDArray[np.float64]

Scene = tuple[Layer | Volume, Layer | Volume, Layer]
"""STATIC, MOVING, GAS. The gas of a CT moves with what is around it."""

NOTHING = Layer(np.zeros((0, 3)), np.zeros((0, 3), np.int32), np.zeros((0, 2), np.float32), np.zeros((0, 3)),
                np.zeros((0, 6)), np.zeros((0, 2)))  # fmt: skip


def scene_of(patient: Patient, seed: int, coarse: bool = False) -> Scene:
    """The patient's body; the built-in one is drawn by the seed. Raises FileError when its CT's file is missing or
    damaged."""
    if patient.ct is None:
        options = patient.body
        size, clips = float(options.get("size", 1.0)), int(options.get("clips", 0))
        static, moving, gas = build_scene(size, seed, coarse, clips)
        return static, moving, gas
    stays, moves = load_parts(patient.ct)[int(coarse)]
    return stays, moves, NOTHING


def skin_rings(patient: Patient) -> Floats:
    """Contours (R, N, 3) mm of the skin, for the dose map."""
    if patient.ct is not None:
        rings = skin_of(load_parts(patient.ct)[0][0])
        if len(rings):
            return rings
    return load_body().skin
