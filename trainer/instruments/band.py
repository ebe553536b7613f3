"""Symmetric positive-definite band systems: Cholesky factorization and solution.

A band matrix of half-band b is stored by rows: band[i, j - i + b] = A[i, j] for i - b <= j <= i.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@njit(cache=True, nogil=True)
def factor(band: Floats) -> bool:
    """Replaces a band matrix (n, b+1) by its Cholesky factor. False when it is not positive definite.

    Right-looking form: the inner loop runs along contiguous rows, so that it vectorizes without
    reordering sums (which would cost reproducibility).
    """
    n = band.shape[0]
    b = band.shape[1] - 1
    column = np.empty(b)
    for j in range(n):
        pivot = band[j, b]
        if not pivot > 1e-12:
            return False
        root = np.sqrt(pivot)
        band[j, b] = root
        inverse = 1.0 / root
        last = min(b, n - 1 - j)
        for k in range(1, last + 1):
            value = band[j + k, b - k] * inverse
            band[j + k, b - k] = value
            column[k - 1] = value
        for k in range(1, last + 1):
            factor_k = column[k - 1]
            if factor_k != 0.0:
                row = band[j + k]
                shift = b - k + 1
                for q in range(k):
                    row[shift + q] -= factor_k * column[q]
    return True


@njit(cache=True, nogil=True)
def solve(band: Floats, rhs: Floats) -> None:
    """Solves L L^T y = rhs in place, band being the factor of `factor`, rhs (n,)."""
    n = band.shape[0]
    b = band.shape[1] - 1
    for i in range(n):
        value = rhs[i]
        for j in range(max(0, i - b), i):
            value -= band[i, j - i + b] * rhs[j]
        rhs[i] = value / band[i, b]
    for i in range(n - 1, -1, -1):
        value = rhs[i] / band[i, b]
        rhs[i] = value
        for j in range(max(0, i - b), i):
            rhs[j] -= band[i, j - i + b] * value
