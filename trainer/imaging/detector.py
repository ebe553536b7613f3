"""Kernels of the image chain: attenuation, noise, lag, temporal filter. Plain arrays, rows in bands.

Bit-identical for any number of bands: no kernel reads what another row writes.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Image = NDArray[np.float32]
Vector = NDArray[np.float32]

LOG2_C0 = 0.442529196
LOG2_C1 = -0.275402666
LOG2_C2 = 0.181197949
LOG2_C3 = -0.0948582404
LOG2_C4 = 0.025298725

BYTES_SD = 209.0215
"""Standard deviation of the sum of eight random bytes; their mean is 1020."""


@njit(inline="always")
def _exp_neg(y: np.float32) -> np.float32:
    """exp(-y) for 0 <= y <= 60 by (1 - z + z2/2 - z3/6 + z4/24)^256, z = y/256; relative error below 5e-5."""
    z = y * np.float32(1.0 / 256.0)
    p = np.float32(1.0) - z * (
        np.float32(1.0) - z * (np.float32(0.5) - z * (np.float32(1.0 / 6.0) - z * np.float32(1.0 / 24.0)))
    )
    p *= p
    p *= p
    p *= p
    p *= p
    p *= p
    p *= p
    p *= p
    p *= p
    return p


@njit(inline="always")
def _beer_lambert(rs: Vector, rb: Vector, ri: Vector, mu: Image, weight: Vector, rg: Vector, ro: Vector) -> None:
    s0, s1, s2, s3 = mu[0, 0], mu[0, 1], mu[0, 2], mu[0, 3]
    b0, b1, b2, b3 = mu[1, 0], mu[1, 1], mu[1, 2], mu[1, 3]
    i0, i1, i2, i3 = mu[2, 0], mu[2, 1], mu[2, 2], mu[2, 3]
    w0, w1, w2, w3 = weight[0], weight[1], weight[2], weight[3]
    for c in range(ro.shape[0]):
        s, b, i = rs[c], rb[c], ri[c]
        ro[c] = rg[c] * (
            w0 * _exp_neg(s0 * s + b0 * b + i0 * i)
            + w1 * _exp_neg(s1 * s + b1 * b + i1 * i)
            + w2 * _exp_neg(s2 * s + b2 * b + i2 * i)
            + w3 * _exp_neg(s3 * s + b3 * b + i3 * i)
        )


@njit(cache=True, nogil=True)
def shadows(
    first: int,
    last: int,
    static: Image,
    moving: Image,
    gas: Image,
    pad: int,
    shifts: Vector,
    bone: Image,
    iodine: Image,
    mu: Image,
    weight: Vector,
    gain: Image,
    soft: Image,
    out: Image,
) -> None:
    """Primary signal out (H, W), 1 for an open beam at the detector's middle: Beer-Lambert at four energies.

    soft (H, W) is written: static + moving and gas shifted by (column, row) shifts (4,) in pixels, bilinear; those
    two have a border of `pad` pixels to which shifts are clipped. soft, bone mm; iodine mg/cm2; mu (3, 4) their
    coefficients; gain (H, W) open-field pattern and shutters.
    """
    width = out.shape[1]
    limit = np.float32(pad - 2)
    x1 = -min(max(shifts[0], -limit), limit)
    y1 = -min(max(shifts[1], -limit), limit)
    x2 = -min(max(shifts[2], -limit), limit)
    y2 = -min(max(shifts[3], -limit), limit)
    i1, j1, i2, j2 = int(np.floor(x1)), int(np.floor(y1)), int(np.floor(x2)), int(np.floor(y2))
    f1, g1, f2, g2 = np.float32(x1 - i1), np.float32(y1 - j1), np.float32(x2 - i2), np.float32(y2 - j2)
    one = np.float32(1.0)
    a00, a01, a10, a11 = (one - f1) * (one - g1), f1 * (one - g1), (one - f1) * g1, f1 * g1
    b00, b01, b10, b11 = (one - f2) * (one - g2), f2 * (one - g2), (one - f2) * g2, f2 * g2
    for row in range(first, last):
        s, o = static[row], soft[row]
        m0 = moving[row + pad + j1, pad + i1 : pad + i1 + width + 1]
        m1 = moving[row + pad + j1 + 1, pad + i1 : pad + i1 + width + 1]
        n0 = gas[row + pad + j2, pad + i2 : pad + i2 + width + 1]
        n1 = gas[row + pad + j2 + 1, pad + i2 : pad + i2 + width + 1]
        for c in range(width):
            total = (
                s[c]
                + a00 * m0[c]
                + a01 * m0[c + 1]
                + a10 * m1[c]
                + a11 * m1[c + 1]
                + b00 * n0[c]
                + b01 * n0[c + 1]
                + b10 * n1[c]
                + b11 * n1[c + 1]
            )
            o[c] = max(total, np.float32(0.0))
        _beer_lambert(o, bone[row], iodine[row], mu, weight, gain[row], out[row])


@njit(cache=True, nogil=True)
def attenuate(
    first: int, last: int, soft: Image, bone: Image, iodine: Image, mu: Image, weight: Vector, gain: Image, out: Image
) -> None:
    """As `shadows`, from a ready soft (H, W) mm."""
    for row in range(first, last):
        _beer_lambert(soft[row], bone[row], iodine[row], mu, weight, gain[row], out[row])


@njit(cache=True, nogil=True)
def attenuate_devices(
    touched: NDArray[np.int32],
    count: int,
    device: Image,
    soft: Image,
    bone: Image,
    iodine: Image,
    mu: Image,
    weight: Vector,
    gain: Image,
    out: Image,
) -> None:
    """The same at the `count` touched pixels (flat indices), with the devices' exponents device (H*W, 4).

    Clears device there, ready for the next picture.
    """
    width = out.shape[1]
    for n in range(count):
        k = touched[n]
        row, c = k // width, k % width
        total = np.float32(0.0)
        for e in range(4):
            y = mu[0, e] * soft[row, c] + mu[1, e] * bone[row, c] + mu[2, e] * iodine[row, c] + device[k, e]
            total += weight[e] * _exp_neg(min(max(y, np.float32(0.0)), np.float32(60.0)))
            device[k, e] = 0.0
        out[row, c] = gain[row, c] * total


@njit(inline="always")
def _hash(x: np.uint32) -> np.uint32:
    """32-bit mix of C. Wellons, prospector `lowbias32`."""
    # numba widens products to 64 bits: each is cut back
    x = np.uint32(x ^ (x >> np.uint32(16)))
    x = np.uint32(x * np.uint32(0x7FEB352D))
    x = np.uint32(x ^ (x >> np.uint32(15)))
    x = np.uint32(x * np.uint32(0x846CA68B))
    return np.uint32(x ^ (x >> np.uint32(16)))


@njit(inline="always")
def _bytes(h: np.uint32) -> np.int32:
    return np.int32(
        (h & np.uint32(255))
        + ((h >> np.uint32(8)) & np.uint32(255))
        + ((h >> np.uint32(16)) & np.uint32(255))
        + (h >> np.uint32(24))
    )


@njit(inline="always")
def _coarse_row(coarse: Image, row: int, height: int, line: Vector, smooth: Vector) -> None:
    """One row (W,) of a coarse image (h, w) enlarged bilinearly to height rows; line (w,) is scratch."""
    h, w = coarse.shape
    width = smooth.shape[0]
    y = min(max((row + 0.5) * h / height - 0.5, 0.0), h - 1.0)
    j = min(int(y), h - 2)
    g = np.float32(y - j)
    for k in range(w):
        line[k] = coarse[j, k] + g * (coarse[j + 1, k] - coarse[j, k])
    step = width / w
    begin = int(np.ceil(0.5 * step - 0.5))
    for c in range(begin):
        smooth[c] = line[0]
    for k in range(w - 1):
        end = int(np.ceil((k + 1.5) * step - 0.5))
        slope = (line[k + 1] - line[k]) / np.float32(step)
        value = line[k] + slope * np.float32(begin + 0.5 - (k + 0.5) * step)
        for c in range(begin, end):
            smooth[c] = value + slope * np.float32(c - begin)
        begin = end
    for c in range(begin, width):
        smooth[c] = line[w - 1]


@njit(cache=True, nogil=True)
def detect(
    first: int,
    last: int,
    primary: Image,
    scatter: Image,
    quanta: float,
    electronic: float,
    unit_quanta: float,
    key_a: int,
    key_b: int,
    out: Image,
) -> None:
    """Noisy signal out (H, W) in `unit_quanta`, from primary (H, W) and a coarse scatter field (h, w).

    quanta: noise-equivalent quanta in a pixel where primary + scatter is 1; electronic: rms quanta. Noise is
    a sum of eight random bytes keyed by (key_a, key_b, pixel): normal to a kurtosis of 2.85.
    """
    height, width = out.shape
    q = np.float32(quanta)
    e2 = np.float32(electronic * electronic)
    inv = np.float32(1.0 / unit_quanta)
    unit = np.float32(1.0 / BYTES_SD)
    line = np.empty(scatter.shape[1], dtype=np.float32)
    smooth = np.empty(width, dtype=np.float32)
    for row in range(first, last):
        _coarse_row(scatter, row, height, line, smooth)
        p, o = primary[row], out[row]
        base = _hash(np.uint32(np.uint32(key_a) ^ _hash(np.uint32(row + 7919 * key_b))))
        for c in range(width):
            n = q * (p[c] + smooth[c])
            h1 = _hash(np.uint32(base + np.uint32(c) * np.uint32(0x9E3779B1)))
            h2 = np.uint32(h1 * np.uint32(0xC2B2AE35))
            h2 = np.uint32(h2 ^ (h2 >> np.uint32(15)))
            h2 = np.uint32(h2 * np.uint32(0x27D4EB2F))
            z = np.float32(_bytes(h1) + _bytes(h2) - np.int32(1020)) * unit
            o[c] = (n + z * np.sqrt(max(n, np.float32(0.0)) + e2)) * inv


@njit(inline="always")
def _log_row(s: Vector, k: NDArray[np.int32], low: np.float32, high: np.float32, o: Vector) -> None:
    """Natural logarithm o of signal s clipped to low..high; k is scratch.

    Exponent from the bits, log2(1 + m) = m (1 + (1 - m) p(m)) with a polynomial p: error below 1e-5.
    """
    ln2 = np.float32(0.6931471805599453)
    n = s.shape[0]
    for c in range(n):
        o[c] = min(max(s[c], low), high)
    k[:] = o.view(np.int32)
    for c in range(n):
        e = np.float32((k[c] >> np.int32(23)) - np.int32(127))
        m = np.float32(k[c] & np.int32(0x7FFFFF)) * np.float32(1.0 / 8388608.0)
        p = np.float32(LOG2_C4)
        p = p * m + np.float32(LOG2_C3)
        p = p * m + np.float32(LOG2_C2)
        p = p * m + np.float32(LOG2_C1)
        p = p * m + np.float32(LOG2_C0)
        o[c] = ln2 * (e + m * (np.float32(1.0) + (np.float32(1.0) - m) * p))


@njit(cache=True, nogil=True)
def blend(
    first: int,
    last: int,
    signal: Image,
    lag: float,
    state: Image,
    weight: float,
    filtered: Image,
    low: float,
    high: float,
    log_image: Image,
) -> None:
    """Detector lag, the recursive filter, and the log of the result clipped to low..high.

    state (H, W) = signal + lag * (state - signal): what the panel reads, a share of the last frame included.
    filtered (H, W) += weight * (state - filtered).
    """
    a, b = np.float32(lag), np.float32(weight)
    scratch = np.empty(signal.shape[1], dtype=np.int32)
    for row in range(first, last):
        s, t, f = signal[row], state[row], filtered[row]
        for c in range(signal.shape[1]):
            t[c] = s[c] + a * (t[c] - s[c])
            f[c] += b * (t[c] - f[c])
        _log_row(f, scratch, np.float32(low), np.float32(high), log_image[row])


@njit(cache=True, nogil=True)
def to_log(first: int, last: int, signal: Image, low: float, high: float, out: Image) -> None:
    """Natural logarithm out (H, W) of signal (H, W) clipped to low..high."""
    scratch = np.empty(signal.shape[1], dtype=np.int32)
    for row in range(first, last):
        _log_row(signal[row], scratch, np.float32(low), np.float32(high), out[row])


@njit(cache=True, nogil=True)
def to_gray(
    first: int,
    last: int,
    log_image: Image,
    blurred: Image,
    edge: float,
    low: Image,
    mid: float,
    gain: float,
    compress: float,
    gray: float,
    shutter: Image,
    out: NDArray[np.uint8],
) -> None:
    """Gray values: gray + gain * (log + edge * (log - blurred) - mid - compress * (low - mid)), black behind shutters.

    low (h, w): coarse log signal for dynamic range compression. shutter (H, W) 0..1 share of open field.
    """
    height, width = out.shape
    line = np.empty(low.shape[1], dtype=np.float32)
    smooth = np.empty(width, dtype=np.float32)
    k, m, a, g0 = np.float32(gain), np.float32(mid), np.float32(compress), np.float32(gray)
    e = np.float32(edge)
    for row in range(first, last):
        _coarse_row(low, row, height, line, smooth)
        l, u, s, o = log_image[row], blurred[row], shutter[row], out[row]
        for c in range(width):
            v = (g0 + k * (l[c] + e * (l[c] - u[c]) - m - a * (smooth[c] - m))) * s[c]
            o[c] = np.uint8(min(max(v, np.float32(0.0)), np.float32(255.0)))


@njit(cache=True, nogil=True)
def difference_to_gray(
    first: int,
    last: int,
    log_image: Image,
    mask: Image,
    gray: float,
    gain: float,
    shutter: Image,
    out: NDArray[np.uint8],
) -> None:
    """DSA gray values: gray + gain * (log - mask); iodine is dark."""
    g0, k = np.float32(gray), np.float32(gain)
    for row in range(first, last):
        l, m, s, o = log_image[row], mask[row], shutter[row], out[row]
        for c in range(out.shape[1]):
            v = (g0 + k * (l[c] - m[c])) * s[c]
            o[c] = np.uint8(min(max(v, np.float32(0.0)), np.float32(255.0)))
