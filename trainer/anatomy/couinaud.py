"""Couinaud segments of the measured liver: two surfaces and a rule of planes (assets/body/liver.json)."""

from __future__ import annotations

import json
from functools import cache

import numpy as np
from numba import njit

from trainer.anatomy.surfaces import depth, depth_at, stacked
from trainer.anatomy.types import Couinaud, Floats, Ints
from trainer.resources import resource

CAUDATE = ("caudate_right", "caudate_left", "caudate_low", "caudate_high", "caudate_back", "caudate_front")
ORDER = ("middle", "right", "portal_level", "umbilical", "s2_s3", *CAUDATE)
"""Planes in the order in which `segment_at` reads them."""
SEGMENTS = ("1", "2", "3", "4", "5", "6", "7", "8")


@cache
def load_liver() -> Couinaud:
    """The shipped liver."""
    data = json.loads(resource("assets", "body", "liver.json").read_text("utf-8"))
    surfaces = tuple(
        (np.array(s["center_mm"], dtype=np.float64), np.array(s["coefficients_mm"], dtype=np.float64))
        for s in data["surfaces"]
    )
    planes = {
        name: (np.array(p["normal"], dtype=np.float64), float(p["d_mm"]))
        for name, p in data["planes"].items()
    }
    return Couinaud(surfaces, planes)


def plane_table(liver: Couinaud) -> Floats:
    """Planes as rows (nx, ny, nz, d) in the order of `ORDER`, (11, 4)."""
    return np.array([[*liver.planes[name][0], liver.planes[name][1]] for name in ORDER])


@njit(cache=True, nogil=True)
def segment_at(planes: Floats, x: float, y: float, z: float) -> int:
    """Segment 1..8 of a point by the planes alone (4a and 4b are 4). planes: (11, 4), see `plane_table`."""
    caudate = True
    for k in range(5, 11):
        if planes[k, 0] * x + planes[k, 1] * y + planes[k, 2] * z <= planes[k, 3]:
            caudate = False
            break
    if caudate:
        return 1
    if planes[0, 0] * x + planes[0, 1] * y + planes[0, 2] * z > planes[0, 3]:
        back = planes[1, 0] * x + planes[1, 1] * y + planes[1, 2] * z > planes[1, 3]
        high = planes[2, 0] * x + planes[2, 1] * y + planes[2, 2] * z > planes[2, 3]
        if back:
            return 7 if high else 6
        return 8 if high else 5
    if planes[3, 0] * x + planes[3, 1] * y + planes[3, 2] * z > planes[3, 3]:
        return 4
    return 2 if planes[4, 0] * x + planes[4, 1] * y + planes[4, 2] * z > planes[4, 3] else 3


@njit(cache=True, nogil=True)
def depth_in_segment(
    centers: Floats,
    coefficients: Floats,
    norm: Floats,
    planes: Floats,
    segment: int,
    x: float,
    y: float,
    z: float,
) -> float:
    """Radial depth of a point in the liver, mm, or -1 where another segment holds it (segment 0: any)."""
    if segment > 0 and segment_at(planes, x, y, z) != segment:
        return -1.0
    best = -1e9
    for s in range(centers.shape[0]):
        best = max(best, depth_at(centers[s], coefficients[s], norm, x, y, z))
    return best


@njit(cache=True, nogil=True)
def _segments(planes: Floats, points: Floats, inside: Floats, out: Ints) -> None:
    for i in range(points.shape[0]):
        out[i] = segment_at(planes, points[i, 0], points[i, 1], points[i, 2]) if inside[i] > 0.0 else 0


def segment_of(liver: Couinaud, points: Floats) -> Ints:
    """Couinaud segment 1..8 of points (N, 3) mm, 0 outside the liver. Returns (N,)."""
    p = np.ascontiguousarray(np.atleast_2d(points), dtype=np.float64)
    out = np.zeros(len(p), dtype=np.int64)
    _segments(plane_table(liver), p, depth(liver.surfaces, p), out)
    return out


Kernel = tuple[Floats, Floats, Floats, Floats]


def kernel_arrays(liver: Couinaud) -> Kernel:
    """Centers, coefficients, normalization and planes, as `depth_in_segment` wants them."""
    return (*stacked(liver.surfaces), plane_table(liver))
