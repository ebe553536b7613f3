"""Kernels from the panel's signal to gray values: the recursive filter, the logarithm, edges, window.

Bit-identical for any number of bands: no kernel reads what another band writes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from trainer.imaging.bits import bits_of, float_of, shift_right
from trainer.imaging.coarse import between

Image = NDArray[np.float32]
Image8 = NDArray[np.uint8]
Vector = NDArray[np.float32]

LOG2_C0, LOG2_C1, LOG2_C2, LOG2_C3, LOG2_C4 = 0.442529196, -0.275402666, 0.181197949, -0.0948582404, 0.025298725
LN_2 = 0.6931471805599453
REACH = 2
"""Pixels on each side that edge enhancement looks at: it takes the mean of 5 x 5 away."""


class Look(NamedTuple):
    """Gray = base + slope * log - blur * (sum of 5 x 5 logs), base (h, W) enlarged across."""

    base: Image
    slope: float
    blur: float
    rows: Vector
    columns: Vector
    """Shares (H,) and (W,) that the shutters let through: their product multiplies the gray value."""


@njit(inline="always")
def _log(x: np.float32) -> np.float32:
    """Natural logarithm of a positive normal x.

    Exponent from the bits, log2(1 + m) = m (1 + (1 - m) p(m)) with a polynomial p: error below 1e-5.
    """
    one = np.float32(1.0)
    k = bits_of(x)
    e = np.float32(np.int32(shift_right(k, np.int32(23)))) - np.float32(127.0)
    m = float_of(np.int32(np.int32(k & np.int32(0x7FFFFF)) | np.int32(0x3F800000))) - one
    p = np.float32(LOG2_C3) + m * np.float32(LOG2_C4)
    p = np.float32(LOG2_C2) + m * p
    p = np.float32(LOG2_C1) + m * p
    p = np.float32(LOG2_C0) + m * p
    logarithm: np.float32 = np.float32(LN_2) * (e + m * (one + (one - m) * p))
    return logarithm


@njit(inline="always")
def _filter_row(
    signal: Image,
    row: int,
    weight: np.float32,
    filtered: Image,
    low: np.float32,
    high: np.float32,
    out: Image,
    at: int,
    begin: int,
) -> None:
    """One row of filtered += weight * (signal - filtered), and its log clipped to low..high in row `at` of out."""
    for c in range(signal.shape[1]):
        v = filtered[row, c] + weight * (signal[row, c] - filtered[row, c])
        filtered[row, c] = v
        out[at, begin + c] = _log(min(max(v, low), high))


@njit(cache=True, nogil=True)
def blend(
    first: int, last: int, signal: Image, weight: float, filtered: Image, low: float, high: float, log_image: Image
) -> None:
    """The recursive filter, filtered (H, W) += weight * (signal - filtered), and its log clipped to low..high."""
    w, a, b = np.float32(weight), np.float32(low), np.float32(high)
    for row in range(first, last):
        _filter_row(signal, row, w, filtered, a, b, log_image, row, 0)


@njit(cache=True, nogil=True)
def to_log(first: int, last: int, signal: Image, low: float, high: float, out: Image) -> None:
    """Natural logarithm out (H, W) of signal (H, W) clipped to low..high."""
    a, b = np.float32(low), np.float32(high)
    for row in range(first, last):
        for c in range(signal.shape[1]):
            out[row, c] = _log(min(max(signal[row, c], a), b))


@njit(inline="always")
def _extend(ring: Image, at: int) -> None:
    """Repeats the ends of a row (W + 2 REACH,) that begins at REACH."""
    n = ring.shape[1] - REACH
    for c in range(REACH):
        ring[at, c] = ring[at, REACH]
        ring[at, n + c] = ring[at, n - 1]


@njit(inline="always")
def _emit(
    ring: Image,
    row: int,
    sums: Vector,
    base: Image,
    slope: np.float32,
    blur: np.float32,
    rows: Vector,
    columns: Vector,
    out: Image8,
) -> None:
    """Gray row from the logs about it in a ring (5, W + 2 REACH) of extended rows."""
    height, width = out.shape
    end = height - 1
    a, b, m = max(row - 2, 0) % 5, max(row - 1, 0) % 5, row % 5
    d, e = min(row + 1, end) % 5, min(row + 2, end) % 5
    for x in range(sums.shape[0]):
        sums[x] = ring[a, x] + ring[b, x] + ring[m, x] + ring[d, x] + ring[e, x]
    j, g = between(base.shape[0], row, height)
    share = rows[row]
    for c in range(width):
        box = sums[c] + sums[c + 1] + sums[c + 2] + sums[c + 3] + sums[c + 4]
        gray = base[j, c] + g * (base[j + 1, c] - base[j, c]) + slope * ring[m, c + REACH] - blur * box
        gray *= share * columns[c]
        out[row, c] = np.uint8(np.int32(min(max(gray, np.float32(0.0)), np.float32(255.0))))


@njit(cache=True, nogil=True)
def read_out(
    first: int,
    last: int,
    signal: Image,
    weight: float,
    filtered: Image,
    low: float,
    high: float,
    look: Look,
    log_image: Image,
    out: Image8,
) -> None:
    """`blend` and `to_gray` in one pass, but for REACH rows beside other bands.

    Only the 2 REACH logs at each end of the band are written, from which `to_gray` makes those rows.
    """
    height, width = out.shape
    w, lo, hi = np.float32(weight), np.float32(low), np.float32(high)
    slope, blur = np.float32(look.slope), np.float32(look.blur)
    base, rows, columns = look.base, look.rows, look.columns
    ring = np.empty((5, width + 2 * REACH), dtype=np.float32)
    sums = np.empty(width + 2 * REACH, dtype=np.float32)
    done = first + REACH if first > 0 else 0
    for row in range(first, last):
        _filter_row(signal, row, w, filtered, lo, hi, ring, row % 5, REACH)
        _extend(ring, row % 5)
        if row < first + 2 * REACH or row >= last - 2 * REACH:
            for c in range(width):
                log_image[row, c] = ring[row % 5, REACH + c]
        ready = row - REACH if row < height - 1 else row
        for k in range(done, ready + 1):
            _emit(ring, k, sums, base, slope, blur, rows, columns, out)
        done = max(done, ready + 1)


@njit(cache=True, nogil=True)
def to_gray(first: int, last: int, log_image: Image, look: Look, out: Image8) -> None:
    """Gray values out (H, W), rows first..last, of a log image (H, W)."""
    height, width = out.shape
    slope, blur = np.float32(look.slope), np.float32(look.blur)
    base, rows, columns = look.base, look.rows, look.columns
    ring = np.empty((5, width + 2 * REACH), dtype=np.float32)
    sums = np.empty(width + 2 * REACH, dtype=np.float32)
    done = first
    for row in range(max(first - REACH, 0), min(last + REACH, height)):
        for c in range(width):
            ring[row % 5, REACH + c] = log_image[row, c]
        _extend(ring, row % 5)
        ready = min(row - REACH if row < height - 1 else row, last - 1)
        for k in range(done, ready + 1):
            _emit(ring, k, sums, base, slope, blur, rows, columns, out)
        done = max(done, ready + 1)


@njit(cache=True, nogil=True)
def difference_to_gray(
    first: int,
    last: int,
    log_image: Image,
    mask: Image,
    gray: float,
    gain: float,
    shutter: Image,
    peak: Image,
    out: Image8,
) -> None:
    """DSA gray values: gray + gain * (log - mask); iodine is dark. The lowest log - mask is kept in peak (H, W).

    An empty peak (0, 0) keeps nothing.
    """
    g0, k, width, keeps = np.float32(gray), np.float32(gain), out.shape[1], peak.shape[0] > 0
    for row in range(first, last):
        for c in range(width):
            v = (g0 + k * (log_image[row, c] - mask[row, c])) * shutter[row, c]
            out[row, c] = np.uint8(np.int32(min(max(v, np.float32(0.0)), np.float32(255.0))))
        if keeps:
            for c in range(width):
                peak[row, c] = min(peak[row, c], log_image[row, c] - mask[row, c])
