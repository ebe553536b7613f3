"""Kernels of the panel: scatter, quantum and electronic noise, and the detector's blur, in one pass over the rows.

Bit-identical for any number of bands: noise is keyed by its pixel, and a band makes the rows beyond its borders anew.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from trainer.imaging.bits import down, plus, times
from trainer.imaging.coarse import between

Image = NDArray[np.float32]
Vector = NDArray[np.float32]

BYTES_SD, BYTES_MEAN = 209.0215, 1020.0
"""Standard deviation and mean of the sum of eight random bytes."""
SPREAD = 16
"""Floats between rows of a buffer: rows a whole page apart would drive each other out of the nearest cache."""


class Quanta(NamedTuple):
    """Noise-equivalent quanta in a pixel: of an open beam (a signal of 1), rms of the electronics, and of the unit
    that signals are given in; and the noise's key."""

    open_beam: float
    electronic: float
    unit: float
    key: tuple[int, int]


@njit(inline="always")
def _hash(x: np.uint32) -> np.uint32:
    """32-bit mix of C. Wellons, prospector `lowbias32`."""
    x = np.uint32(x ^ down(x, np.uint32(16)))
    x = times(x, np.uint32(0x7FEB352D))
    x = np.uint32(x ^ down(x, np.uint32(15)))
    x = times(x, np.uint32(0x846CA68B))
    return np.uint32(x ^ down(x, np.uint32(16)))


@njit(inline="always")
def _bytes(h: np.uint32) -> np.uint32:
    """Bytes 0 and 2 added to bytes 1 and 3, in the halves of the result."""
    even = np.uint32(0x00FF00FF)
    return np.uint32(plus(np.uint32(h & even), np.uint32(down(h, np.uint32(8)) & even)))


@njit(inline="always")
def _noise(key: np.uint32) -> np.float32:
    """Sum of eight random bytes less its mean."""
    h1 = _hash(key)
    h2 = times(h1, np.uint32(0xC2B2AE35))
    h2 = np.uint32(h2 ^ down(h2, np.uint32(15)))
    h2 = times(h2, np.uint32(0x27D4EB2F))
    halves = plus(_bytes(h1), _bytes(h2))
    total = plus(np.uint32(halves & np.uint32(0xFFFF)), down(halves, np.uint32(16)))
    return np.float32(np.int32(total)) - np.float32(BYTES_MEAN)


@njit(inline="always")
def _noisy_row(
    primary: Image, row: int, scatter: Image, counters: NDArray[np.uint32], quanta: Quanta, out: Vector
) -> None:
    """Noisy signal of one row, in units, out (W,); scatter (h, W) is enlarged across.

    signal + noise * sqrt(signal + electronic), everything in units: the quanta of one unit divide the variance.
    """
    height, width = primary.shape
    per_unit = 1.0 / quanta.unit
    q = np.float32(quanta.open_beam * per_unit)
    variance = per_unit / (BYTES_SD * BYTES_SD)
    slope, least = np.float32(variance), np.float32(variance * quanta.electronic * quanta.electronic * per_unit)
    j, g = between(scatter.shape[0], row, height)
    key = np.uint32(np.uint32(quanta.key[0]) ^ _hash(np.uint32(row + 7919 * quanta.key[1])))
    base = _hash(key)
    for c in range(width):
        behind = scatter[j, c] + g * (scatter[j + 1, c] - scatter[j, c])
        signal = q * (primary[row, c] + behind)
        sigma = np.sqrt(slope * max(signal, np.float32(0.0)) + least)
        out[c] = signal + _noise(plus(base, counters[c])) * sigma


@njit(inline="always")
def _across(taps: Vector, z: Vector, ring: Image, at: int) -> None:
    """Row `at` of the ring from a noisy row z (W + 2 n,), blurred along it by symmetric taps (n + 1,)."""
    n = taps.shape[0] - 1
    w = z.shape[0] - 2 * n
    for c in range(n):
        z[c] = z[n]
        z[n + w + c] = z[n + w - 1]
    m, a1, b1 = z[n : n + w], z[n - 1 : n - 1 + w], z[n + 1 : n + 1 + w]
    a2, b2, a3, b3 = z[n - 2 : n - 2 + w], z[n + 2 : n + 2 + w], z[n - 3 : n - 3 + w], z[n + 3 : n + 3 + w]
    k0, k1, k2, k3 = taps[0], taps[1], taps[2], taps[3]
    for c in range(w):
        ring[at, c] = k0 * m[c] + k1 * (a1[c] + b1[c]) + k2 * (a2[c] + b2[c]) + k3 * (a3[c] + b3[c])
    for k in range(4, n + 1):
        a, b, tap = z[n - k : n - k + w], z[n + k : n + k + w], taps[k]
        for c in range(w):
            ring[at, c] += tap * (a[c] + b[c])


@njit(inline="always")
def _down(taps: Vector, ring: Image, row: int, rest: Image, lag: np.float32, out: Image) -> None:
    """Row of out, blurred from the rows about it in a ring (2 n + 1, W), and the panel's lag; rest (1, W) is scratch.

    Beyond the picture its first and last rows go on.
    """
    n, m, end, w = taps.shape[0] - 1, ring.shape[0], out.shape[0] - 1, out.shape[1]
    for k in range(4, n + 1):
        a, b, tap = max(row - k, 0) % m, min(row + k, end) % m, taps[k]
        for c in range(w):
            rest[0, c] = (rest[0, c] if k > 4 else np.float32(0.0)) + tap * (ring[a, c] + ring[b, c])
    k0, k1, k2, k3 = taps[0], taps[1], taps[2], taps[3]
    i, a1, b1 = row % m, max(row - 1, 0) % m, min(row + 1, end) % m
    a2, b2, a3, b3 = max(row - 2, 0) % m, min(row + 2, end) % m, max(row - 3, 0) % m, min(row + 3, end) % m
    for c in range(w):
        v = k0 * ring[i, c] + k1 * (ring[a1, c] + ring[b1, c]) + k2 * (ring[a2, c] + ring[b2, c])
        v += k3 * (ring[a3, c] + ring[b3, c]) + rest[0, c]
        out[row, c] = v + lag * (out[row, c] - v)


@njit(cache=True, nogil=True)
def detect(
    first: int, last: int, primary: Image, scatter: Image, quanta: Quanta, taps: Vector, lag: float, out: Image
) -> None:
    """What the panel reads, in units: noisy, blurred signal from primary (H, W) and scatter (h, W) enlarged across.

    out (H, W) = signal + lag * (out - signal): a share of the last reading is left. taps (n + 1,): middle and one side
    of a symmetric kernel, n at least 3. Noise is a sum of eight random bytes keyed by (key, pixel): normal to a
    kurtosis of 2.85.
    """
    height, width = out.shape
    n = taps.shape[0] - 1
    m = 2 * n + 1
    wide, rest = np.empty(width + 2 * n, dtype=np.float32), np.zeros((1, width), dtype=np.float32)
    ring = np.empty((m, width + SPREAD), dtype=np.float32)
    counters = np.empty(width, dtype=np.uint32)
    for c in range(width):
        counters[c] = times(np.uint32(c), np.uint32(0x9E3779B1))
    noisy = wide[n : n + width]
    done = first
    for row in range(max(first - n, 0), min(last + n, height)):
        _noisy_row(primary, row, scatter, counters, quanta, noisy)
        _across(taps, wide, ring, row % m)
        ready = min(row - n if row < height - 1 else row, last - 1)
        for k in range(done, ready + 1):
            _down(taps, ring, k, rest, np.float32(lag), out)
        done = max(done, ready + 1)
