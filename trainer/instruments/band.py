"""Symmetric positive-definite band systems.

A band matrix is stored by rows of its upper half: band[i, q] = A[i, i + q]. Row i reaches to column last[i], which
does not fall from row to row.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SMALLEST_PIVOT = 1e-12


@njit(cache=True, nogil=True)
def _eliminate_one(band: Floats, last: Ints, rhs: Floats, j: int) -> bool:
    """Takes row j out of the rows below it. False when its pivot is not positive."""
    pivot = band[j, 0]
    if not pivot > SMALLEST_PIVOT:
        return False
    inverse = 1.0 / pivot
    band[j, 0] = inverse
    size, value = last[j] - j + 1, rhs[j] * inverse
    for k in range(1, size):
        share = band[j, k] * inverse
        rhs[j + k] -= band[j, k] * value
        for q in range(size - k):
            band[j + k, q] -= share * band[j, k + q]
    return True


@njit(cache=True, nogil=True)
def _eliminate_three(band: Floats, last: Ints, rhs: Floats, j: int) -> bool:
    """Takes rows j..j+2 of one reach out of the rows below them, each of which is read and written once only."""
    size = last[j] - j + 1
    for i in range(2):
        pivot = band[j + i, 0]
        if not pivot > SMALLEST_PIVOT:
            return False
        band[j + i, 0] = 1.0 / pivot
        value = rhs[j + i] * band[j + i, 0]
        for k in range(1, 3 - i):
            share = band[j + i, k] * band[j + i, 0]
            rhs[j + i + k] -= band[j + i, k] * value
            for q in range(size - i - k):
                band[j + i + k, q] -= share * band[j + i, k + q]
    if not band[j + 2, 0] > SMALLEST_PIVOT:
        return False
    band[j + 2, 0] = 1.0 / band[j + 2, 0]
    first, second, third = band[j, 0], band[j + 1, 0], band[j + 2, 0]
    x, y, z = rhs[j] * first, rhs[j + 1] * second, rhs[j + 2] * third
    for k in range(3, size):
        a, b, c = band[j, k], band[j + 1, k - 1], band[j + 2, k - 2]
        rhs[j + k] = ((rhs[j + k] - a * x) - b * y) - c * z
        a, b, c = a * first, b * second, c * third
        for q in range(size - k):
            band[j + k, q] = ((band[j + k, q] - a * band[j, k + q]) - b * band[j + 1, k - 1 + q]) \
                - c * band[j + 2, k - 2 + q]
    return True


@njit(cache=True, nogil=True)
def solve_band(band: Floats, last: Ints, rhs: Floats) -> bool:
    """Solves A y = rhs (n,) in place, by root-free Cholesky; the band matrix (n, b+1), last (n,), becomes its factor
    D L^T, the pivots inverted. False, and no solution, when it is not positive definite.

    Right-looking: the inner loops run along contiguous rows, so that they vectorize without
    reordering sums (which would cost reproducibility).
    """
    n, j = band.shape[0], 0
    while j < n:
        three = j + 3 <= n and last[j + 2] == last[j] and last[j] >= j + 2
        if not (_eliminate_three(band, last, rhs, j) if three else _eliminate_one(band, last, rhs, j)):
            return False
        j += 3 if three else 1
    for j in range(n - 1, -1, -1):
        width = last[j] - j
        value, other = rhs[j], 0.0  # two sums, since one waits for itself
        for k in range(1, width, 2):
            value -= band[j, k] * rhs[j + k]
            other -= band[j, k + 1] * rhs[j + k + 1]
        if width % 2:
            value -= band[j, width] * rhs[j + width]
        rhs[j] = (value + other) * band[j, 0]
    return True


def even(n: int, half: int) -> Ints:
    """Last columns (n,) of a band of one width."""
    return np.minimum(np.arange(n) + half, n - 1)
