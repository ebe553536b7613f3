"""Symmetric positive-definite band systems: factorization and solution.

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
def factor(band: Floats, last: Ints) -> bool:
    """Replaces a band matrix (n, b+1), last (n,), by its factor D L^T (root-free Cholesky), the
    pivots by their inverse. False when it is not positive definite.

    Right-looking: the inner loop runs along two contiguous rows, so that it vectorizes without
    reordering sums (which would cost reproducibility).
    """
    for j in range(band.shape[0]):
        pivot = band[j, 0]
        if not pivot > SMALLEST_PIVOT:
            return False
        inverse = 1.0 / pivot
        band[j, 0] = inverse
        size = last[j] - j + 1
        for k in range(1, size):
            share = band[j, k] * inverse
            if share != 0.0:
                for q in range(size - k):
                    band[j + k, q] -= share * band[j, k + q]
    return True


@njit(cache=True, nogil=True)
def solve(band: Floats, last: Ints, rhs: Floats) -> None:
    """Solves A y = rhs in place, band (n, b+1) being the factor of `factor`, rhs (n,)."""
    n = band.shape[0]
    for j in range(n):
        value = rhs[j] * band[j, 0]
        for k in range(1, last[j] - j + 1):
            rhs[j + k] -= band[j, k] * value
    for j in range(n - 1, -1, -1):
        width = last[j] - j
        value, other = rhs[j], 0.0  # two sums, since one waits for itself
        for k in range(1, width, 2):
            value -= band[j, k] * rhs[j + k]
            other -= band[j, k + 1] * rhs[j + k + 1]
        if width % 2:
            value -= band[j, width] * rhs[j + width]
        rhs[j] = (value + other) * band[j, 0]


def even(n: int, half: int) -> Ints:
    """Last columns (n,) of a band of one width."""
    return np.minimum(np.arange(n) + half, n - 1)
