"""The volume projector beside ITK-RTK's Joseph projector, on the same voxels in the same geometry."""

import math

import numpy as np
import pytest
import rtk_joseph

from trainer.imaging.geometry import Geometry
from trainer.imaging.volume.grid import Volume
from trainer.imaging.volume.projection import project


def lumpy() -> Volume:
    """A body of soft tissue and bone with an edge, a gradient and noise in every voxel; larger than the field."""
    rng = np.random.default_rng(7)
    shape = (101, 83, 119)
    x, y, z = np.meshgrid(*(np.linspace(-1, 1, n, dtype=np.float32) for n in shape), indexing="ij")
    inside = x**2 + y**2 < 0.9
    soft = np.where(inside, 1.0 + 0.2 * z + rng.normal(0.0, 0.05, shape), 0.0).astype(np.float32)
    bone = np.where((x + 0.3) ** 2 + (y - 0.4) ** 2 < 0.05, rng.uniform(0.0, 1.0, shape), 0.0).astype(np.float32)
    return Volume.of_densities(soft, bone, np.array([-130.0, -95.0, -151.0]), np.array([2.6, 2.3, 2.5]))


@pytest.mark.parametrize(("primary", "secondary"), [(0, 0), (30, 0), (-47, 20), (90, -10), (10, 50), (-90, 45)])
def test_as_rtk_to_a_hundredth_of_a_millimeter(primary: float, secondary: float) -> None:
    rtk_joseph.load()
    volume = lumpy()
    geometry = Geometry(math.radians(primary), math.radians(secondary), (-12.0, 8.0, 20.0), 420.0, pixels=96)
    ours = project(volume, geometry)
    for path, values in zip(ours, (volume.soft, volume.bone)):
        theirs, _ = rtk_joseph.joseph(values, volume.origin, volume.spacing, geometry)
        assert theirs.max() > 20.0
        error = path - theirs
        assert math.sqrt(float((error**2).mean())) <= 0.01
        assert float(np.abs(error).max()) <= 0.05
