"""ITK-RTK's Joseph projector on a trainer volume in a trainer geometry, as a reference and as a peer to time."""

from __future__ import annotations

import time
import warnings
from functools import cache
from typing import Any

import numpy as np
import pytest

from trainer.imaging.geometry import Geometry

REASON = "ITK-RTK is not installed: pip install 'catheter-trainer[validate]'"


@cache
def load() -> tuple[Any, Any, Any]:
    """The modules itk, of the projector and of its geometry, or the test is skipped.

    The two are loaded by themselves: `itk.RTK` would load all of ITK, for half a minute.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SWIG's own types
        parts = (
            "itk",
            "itk.rtkJosephForwardProjectionImageFilterPython",
            "itk.rtkThreeDCircularProjectionGeometryPython",
        )
        itk, projector, geometry = (pytest.importorskip(name, reason=REASON) for name in parts)
    return itk, projector, geometry


def joseph(
    values: np.ndarray, origin: np.ndarray, spacing: np.ndarray, geometry: Geometry, repeat: int = 1
) -> tuple[np.ndarray, list[float]]:
    """Path image (H, W) mm of densities (X, Y, Z) on one thread, and the processor time of each run, s."""
    itk, projector, arms = load()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        itk.MultiThreaderBase.SetGlobalMaximumNumberOfThreads(1)
        image = itk.image_from_array(np.ascontiguousarray(values.T, dtype=np.float32))
        image.SetSpacing([float(s) for s in spacing])
        image.SetOrigin([float(o) for o in origin])
        right, down, normal = geometry.axes()
        detector = geometry.source + geometry.sid * normal
        arm = arms.rtkThreeDCircularProjectionGeometry.New()
        assert arm.AddProjection(*([float(x) for x in v] for v in (geometry.source, detector, right, down)))
        panel = itk.image_from_array(np.zeros((1, geometry.pixels, geometry.pixels), dtype=np.float32))
        middle = 0.5 * (geometry.pixels - 1) * geometry.pixel_mm
        panel.SetOrigin([-middle, -middle, 0.0])
        panel.SetSpacing([geometry.pixel_mm, geometry.pixel_mm, 1.0])
        times = []
        for _ in range(repeat):
            project = projector.rtkJosephForwardProjectionImageFilterIF3IF3.New()
            project.SetInput(0, panel)
            project.SetInput(1, image)
            project.SetGeometry(arm)
            start = time.process_time()
            project.Update()
            times.append(time.process_time() - start)
        return np.array(itk.array_from_image(project.GetOutput()))[0], times
