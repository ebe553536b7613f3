"""Sample points of the liver, once per process: where terminals may end and which tissue each one feeds."""

from __future__ import annotations

from functools import cache

import numpy as np

from trainer.anatomy.couinaud import load_liver, segment_of
from trainer.anatomy.surfaces import depth, radius
from trainer.anatomy.types import Couinaud, Floats, Ints

GRID_MM = 4.0
VOXEL_ML = GRID_MM**3 / 1000.0
_GOLDEN = np.pi * (3.0 - np.sqrt(5.0))


def fibonacci_sphere(n: int) -> Floats:
    """n unit vectors (n, 3) spread evenly. Source: spherical Fibonacci lattice."""
    k = np.arange(n) + 0.5
    z = 1.0 - 2.0 * k / n
    r = np.sqrt(1.0 - z * z)
    return np.stack([r * np.cos(_GOLDEN * k), r * np.sin(_GOLDEN * k), z], axis=1)


@cache
def liver_samples() -> tuple[Floats, Ints, Floats]:
    """Points (N, 3) mm on a grid in the shipped liver, their segments (N,) and radial depths (N,) mm."""
    liver = load_liver()
    low, high = _bounds(liver)
    axes = [np.arange(low[k] + 0.5 * GRID_MM, high[k], GRID_MM) for k in range(3)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    deep = depth(liver.surfaces, grid)
    points, deep = grid[deep > 0.0], deep[deep > 0.0]
    return points, segment_of(liver, points), deep


def _bounds(liver: Couinaud) -> tuple[Floats, Floats]:
    u = fibonacci_sphere(2000)
    shell = np.concatenate([c + u * radius(k, u)[:, None] for c, k in liver.surfaces])
    return np.floor(shell.min(axis=0)), np.ceil(shell.max(axis=0))
