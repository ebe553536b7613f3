"""The shadow of a round rod across its axis: half-chords sqrt(R^2 - u^2) averaged over square pixels.

Seen across the axis, a square pixel is the sum of two intervals as wide as the axis' normal has components. The mean
over it is thus a second difference of the profile's second integral, which has a closed form:

    half an ellipse, twice integrated = pi/4 |t| + e^(5/2) Q(e),    t = u / R, e = max(1 - |t|, 0)

Q is smooth: sqrt(2 - e), here a polynomial, integrated term by term. A thin rod becomes the exact coverage of a line.
Deep within a thick rod, where the difference would lose digits, the profile's curvature gives the mean.
Devices take the first integral: sign(t) (pi/4 - e^(3/2) P(e)).
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

Real = np.float32
_ROOT = (1.41421466, -0.35362932, -0.0433582, -0.01432786, 0.00207149, -0.00496933)
"""sqrt(2 - e) on 0..1 to 1.5e-6 (Chebyshev fit of the fifth degree)."""
P0, P1, P2, P3, P4, P5 = (c / (j + 1.5) for j, c in enumerate(_ROOT))
Q0, Q1, Q2, Q3, Q4, Q5 = (Real(c / ((j + 1.5) * (j + 2.5))) for j, c in enumerate(_ROOT))
ZERO, ONE, HALF_PI = Real(0.0), Real(1.0), Real(0.5 * math.pi)
DEEP, BEND = Real(3.0), Real(1.0 / 24.0)
"""Pixels from the rim from which on the curvature is enough, and its weight: half the variance of a pixel."""
THINNEST = 0.03
"""Least width of an interval, pixels: second differences need one."""


@njit(cache=True, nogil=True, error_model="numpy")
def chord_integral(x: float, radius: float) -> float:
    """Integral of the chord 2 sqrt(radius^2 - s^2) or 0 over s from 0 to x >= 0."""
    e = max(1.0 - x / radius, 0.0)
    rim = e * np.sqrt(e) * (P0 + e * (P1 + e * (P2 + e * (P3 + e * (P4 + e * P5)))))
    return float(2.0 * radius * radius * (0.25 * math.pi - rim))


@njit(inline="always", error_model="numpy")
def _rim(x: Real, inverse: Real) -> Real:
    """e^(5/2) Q(e) at x off the axis; inverse: 1 / radius."""
    e = max(ONE - abs(x) * inverse, ZERO)
    rim: Real = e * e * np.sqrt(e) * (Q0 + e * (Q1 + e * (Q2 + e * (Q3 + e * (Q4 + e * Q5)))))
    return rim


@njit(inline="always", error_model="numpy")
def mean_half_chord(u: Real, radius: Real, wide: Real, narrow: Real, share: Real) -> Real:
    """Mean of sqrt(radius^2 - u^2) or 0 over a pixel whose center lies u off the axis; all in pixels, float32.

    wide, narrow, share: of `footprint`. radius must be positive.
    """
    inverse = ONE / radius
    away = abs(u)
    rising = _rim(u + wide, inverse) - _rim(u + narrow, inverse)
    falling = _rim(u - narrow, inverse) - _rim(u - wide, inverse)
    kink = min(max(wide - away, ZERO), wide - narrow)  # half the difference of |t|
    near = share * radius * radius * (HALF_PI * kink + radius * (rising - falling))
    within = radius - away
    flat = max(within, DEEP) * (radius + away)
    center = np.sqrt(flat)
    return center - BEND * radius * radius / (center * flat) if within > DEEP else near


@njit(cache=True, nogil=True, error_model="numpy")
def footprint(nx: float, ny: float) -> tuple[float, float, float]:
    """Half sum and half difference of a pixel's two intervals across an axis, and 1 / (their product).

    nx, ny: components of the unit normal of the axis in the picture.
    """
    a, b = max(abs(nx), THINNEST), max(abs(ny), THINNEST)
    return 0.5 * (a + b), 0.5 * abs(a - b), 1.0 / (a * b)
