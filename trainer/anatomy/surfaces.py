"""Closed organ surfaces as real spherical harmonics: radius in a direction, and which points lie inside.

r(u) = sum_lm coef[l*l+l+m] Y_lm(u), l = 0..8, without the Condon-Shortley sign; u is the unit vector from the
surface's center. The formula is repeated in assets/body/liver.json.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from trainer.anatomy.types import Floats

DEGREE = 8
COEFFICIENTS = (DEGREE + 1) ** 2


def _normalization() -> Floats:
    """sqrt((2l+1)/(4 pi) (l-m)!/(l+m)!), times sqrt 2 for m > 0; (9, 9), zero where m > l."""
    norm = np.zeros((DEGREE + 1, DEGREE + 1))
    for l in range(DEGREE + 1):
        for m in range(l + 1):
            ratio = math.factorial(l - m) / math.factorial(l + m)
            norm[l, m] = math.sqrt((2 * l + 1) / (4 * math.pi) * ratio) * (math.sqrt(2.0) if m else 1.0)
    return norm


_NORM = _normalization()


@njit(cache=True, nogil=True)
def radius_at(coefficients: Floats, norm: Floats, ux: float, uy: float, uz: float) -> float:
    """Radius of the surface in the direction of unit vector u, mm. coefficients: (81,) mm.

    Legendre functions divided by sin^m are polynomials in uz; sin^m cos(m phi) and sin^m sin(m phi) are the
    real and imaginary parts of (ux + i uy)^m, so that the poles need no care.
    """
    total = 0.0
    re, im = 1.0, 0.0
    diagonal = 1.0
    for m in range(9):
        before, now = 0.0, diagonal
        for l in range(m, 9):
            if l > m:
                after = ((2 * l - 1) * uz * now - (l + m - 1) * before) / (l - m)
                before, now = now, after
            value = norm[l, m] * now
            total += coefficients[l * l + l + m] * value * re
            if m > 0:
                total += coefficients[l * l + l - m] * value * im
        re, im = re * ux - im * uy, re * uy + im * ux
        diagonal *= 2 * m + 1
    return total


@njit(cache=True, nogil=True)
def depth_at(center: Floats, coefficients: Floats, norm: Floats, x: float, y: float, z: float) -> float:
    """Radial depth of a point below one surface, mm; negative outside. center (3,) mm."""
    dx, dy, dz = x - center[0], y - center[1], z - center[2]
    distance = math.sqrt(dx * dx + dy * dy + dz * dz)
    if distance < 1e-9:
        dx, dy, dz, distance = 0.0, 0.0, 1e-9, 1e-9
    return radius_at(coefficients, norm, dx / distance, dy / distance, dz / distance) - distance


@njit(cache=True, nogil=True)
def union_depth(centers: Floats, coefficients: Floats, norm: Floats, points: Floats, out: Floats) -> None:
    """Depth of points (N, 3) below the union of surfaces (S, 3), (S, 81): the greatest of the radial depths.

    Writes out (N,), mm; negative outside. Along a radius it is exact, else an upper bound of the distance.
    """
    for i in range(points.shape[0]):
        best = -1e9
        for s in range(centers.shape[0]):
            d = depth_at(centers[s], coefficients[s], norm, points[i, 0], points[i, 1], points[i, 2])
            best = max(best, d)
        out[i] = best


def radius(coefficients: Floats, directions: Floats) -> Floats:
    """Radius (N,) mm of a surface (81,) mm in unit directions (N, 3)."""
    u = np.atleast_2d(np.asarray(directions, dtype=np.float64))
    c = np.ascontiguousarray(coefficients, dtype=np.float64)
    return np.array([radius_at(c, _NORM, v[0], v[1], v[2]) for v in u])


Surfaces = tuple[tuple[Floats, Floats], ...]


def stacked(surfaces: Surfaces) -> tuple[Floats, Floats, Floats]:
    """Centers (S, 3), coefficients (S, 81) and normalization (9, 9), as the kernels want them."""
    centers = np.array([np.asarray(c, dtype=np.float64) for c, _ in surfaces])
    coefficients = np.array([np.asarray(k, dtype=np.float64) for _, k in surfaces])
    return centers, coefficients, _NORM


def depth(surfaces: Surfaces, points: Floats) -> Floats:
    """Radial depth (N,) mm of points (N, 3) mm inside the union of surfaces; negative outside."""
    p = np.ascontiguousarray(np.atleast_2d(points), dtype=np.float64)
    out = np.empty(len(p))
    union_depth(*stacked(surfaces), p, out)
    return out


def contains(surfaces: Surfaces, points: Floats) -> NDArray[np.bool_]:
    """Which of points (N, 3) mm lie inside at least one of the surfaces."""
    inside: NDArray[np.bool_] = depth(surfaces, points) > 0.0
    return inside


def normalization() -> Floats:
    """Table (9, 9) of the harmonics' factors, for kernels that evaluate surfaces themselves."""
    return _NORM
