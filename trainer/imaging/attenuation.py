"""Kernels of the primary: the body's moving layers put together, and Beer-Lambert at four energies.

Bit-identical for any number of bands: no kernel reads what another row writes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from trainer.imaging.bits import add, bits_of, float_of, shift_left

Image = NDArray[np.float32]
Vector = NDArray[np.float32]

EXP2_C0, EXP2_C1, EXP2_C2, EXP2_C3, EXP2_C4 = 0.9999992614, 0.6931218148, 0.2402474489, 0.05591786014, 0.0095701
"""2^f for -0.5 <= f <= 0.5: relative error below 3e-6."""
TO_INTEGER = 12582912.0
"""1.5 * 2^23: added to a small float, it leaves the nearest integer in the last bits."""
LEAST, LEAST_WEIGHT = -96.0, 1e-9
"""Lower powers of two, and weights, are raised to these: their product stays a normal float32."""
TO_POWER_OF_TWO = -1.4426950408889634


class Body(NamedTuple):
    """What a beam passes: shadows (H, W), and two layers that move, with a border of `pad` pixels.

    moving and gas are shifted by (column, row) shifts (4,) in pixels, at most `pad` - 2, bilinearly, and added to
    static; with pad 0 there are none. gas_rows (H + 2 pad, 2): first and one past the last column that has gas.
    """

    static: Image  # mm of water
    moving: Image
    gas: Image
    gas_rows: NDArray[np.int32]
    pad: int
    shifts: Vector
    bone: Image  # mm
    iodine: Image  # mg/cm2


class Beam4(NamedTuple):
    """Four energies: coefficients mu (3, 4) of water, bone (1/mm) and iodine (cm2/mg), and weight (4,)."""

    mu: Image
    weight: Vector


@njit(cache=True, nogil=True)
def occupied(image: Image) -> NDArray[np.int32]:
    """First and one past the last column (H, 2) that is not zero; in empty rows W, 0."""
    out = np.empty((image.shape[0], 2), dtype=np.int32)
    for row in range(image.shape[0]):
        line = image[row]
        first, last = 0, line.shape[0]
        while last > 0 and line[last - 1] == 0.0:
            last -= 1
        while first < last and line[first] == 0.0:
            first += 1
        out[row, 0], out[row, 1] = (first, last) if first < last else (line.shape[0], 0)
    return out


@njit(cache=True, nogil=True)
def _powers(beam: Beam4) -> tuple[Image, Image]:
    """Coefficients (3, 4) for powers of two, negative, and polynomials (4, 5) in f of weight * 2^f.

    No weight is 0, for the exponent is added to the result's bits.
    """
    k, p = np.empty((3, 4), dtype=np.float32), np.empty((4, 5), dtype=np.float32)
    for e in range(4):
        for m in range(3):
            k[m, e] = np.float32(TO_POWER_OF_TWO) * beam.mu[m, e]
        weight = max(beam.weight[e], np.float32(LEAST_WEIGHT))
        p[e, 0] = np.float32(EXP2_C0) * weight
        p[e, 1] = np.float32(EXP2_C1) * weight
        p[e, 2] = np.float32(EXP2_C2) * weight
        p[e, 3] = np.float32(EXP2_C3) * weight
        p[e, 4] = np.float32(EXP2_C4) * weight
    return k, p


@njit(inline="always")
def _power(y: np.float32, c0: np.float32, c1: np.float32, c2: np.float32, c3: np.float32, c4: np.float32) -> np.float32:
    """2^y by a polynomial of what is left beside the nearest integer, which goes to the exponent."""
    y = max(y, np.float32(LEAST))
    t = y + np.float32(TO_INTEGER)
    f = y - (t - np.float32(TO_INTEGER))
    p = c0 + f * (c1 + f * (c2 + f * (c3 + f * c4)))
    return np.float32(float_of(add(bits_of(p), shift_left(bits_of(t), np.int32(23)))))


@njit(inline="always")
def _beer_lambert(
    water: Image, at: int, bone: Image, iodine: Image, row: int, k: Image, p: Image, gain: Image, out: Image
) -> None:
    """A row of out: gain times the sum of four powers of two, behind row `at` of water (., W) mm.

    k (3, 4): negative coefficients for powers of two; p of `_powers`.
    """
    s0, s1, s2, s3 = k[0, 0], k[0, 1], k[0, 2], k[0, 3]
    b0, b1, b2, b3 = k[1, 0], k[1, 1], k[1, 2], k[1, 3]
    i0, i1, i2, i3 = k[2, 0], k[2, 1], k[2, 2], k[2, 3]
    p00, p01, p02, p03, p04 = p[0, 0], p[0, 1], p[0, 2], p[0, 3], p[0, 4]
    p10, p11, p12, p13, p14 = p[1, 0], p[1, 1], p[1, 2], p[1, 3], p[1, 4]
    p20, p21, p22, p23, p24 = p[2, 0], p[2, 1], p[2, 2], p[2, 3], p[2, 4]
    p30, p31, p32, p33, p34 = p[3, 0], p[3, 1], p[3, 2], p[3, 3], p[3, 4]
    for c in range(out.shape[1]):
        s, b, i = max(water[at, c], np.float32(0.0)), bone[row, c], iodine[row, c]
        out[row, c] = gain[row, c] * (
            _power(s0 * s + b0 * b + i0 * i, p00, p01, p02, p03, p04)
            + _power(s1 * s + b1 * b + i1 * i, p10, p11, p12, p13, p14)
            + _power(s2 * s + b2 * b + i2 * i, p20, p21, p22, p23, p24)
            + _power(s3 * s + b3 * b + i3 * i, p30, p31, p32, p33, p34)
        )


@njit(inline="always")
def _shift(shifts: Vector, axis: int, pad: int) -> tuple[int, np.float32]:
    """Where a shifted pixel comes from: whole pixels into the padded layer, and the rest, 0..1."""
    limit = np.float32(max(pad - 2, 0))
    at = -min(max(shifts[axis], -limit), limit)
    whole = int(np.floor(at))
    return pad + whole, np.float32(at - whole)


@njit(inline="always")
def _add_shifted(upper: Vector, lower: Vector, f: np.float32, g: np.float32, to: Vector, o: Vector) -> None:
    """o (n,) = to + bilinear values between two rows (n + 1,) of a layer."""
    for c in range(o.shape[0]):
        left = upper[c] + g * (lower[c] - upper[c])
        right = upper[c + 1] + g * (lower[c + 1] - upper[c + 1])
        o[c] = to[c] + (left + f * (right - left))


@njit(cache=True, nogil=True)
def attenuate(first: int, last: int, body: Body, beam: Beam4, gain: Image, out: Image) -> None:
    """Primary signal out (H, W), 1 for an open beam at the detector's middle: Beer-Lambert at four energies.

    gain (H, W): open-field pattern and shutters.
    """
    k, p = _powers(beam)
    pad, width = body.pad, out.shape[1]
    # named once: a tuple's arrays are counted anew each time they are named
    static, moving, gas, gas_rows, bone, iodine = (
        body.static, body.moving, body.gas, body.gas_rows, body.bone, body.iodine
    )
    water = np.empty((1, width), dtype=np.float32)
    i, f = _shift(body.shifts, 0, pad)
    j, g = _shift(body.shifts, 1, pad)
    gas_i, gas_f = _shift(body.shifts, 2, pad)
    gas_j, gas_g = _shift(body.shifts, 3, pad)
    for row in range(first, last):
        if pad == 0:
            for c in range(width):
                water[0, c] = static[row, c]
        else:
            a, b = moving[row + j, i : i + width + 1], moving[row + j + 1, i : i + width + 1]
            _add_shifted(a, b, f, g, static[row], water[0])
            above, below = row + gas_j, row + gas_j + 1
            begin = max(min(gas_rows[above, 0], gas_rows[below, 0]) - gas_i - 1, 0)
            end = min(max(gas_rows[above, 1], gas_rows[below, 1]) - gas_i, width)
            if begin < end:
                a, b = gas[above, gas_i + begin : gas_i + end + 1], gas[below, gas_i + begin : gas_i + end + 1]
                some = water[0, begin:end]
                _add_shifted(a, b, gas_f, gas_g, some, some)
        _beer_lambert(water, 0, bone, iodine, row, k, p, gain, out)


@njit(inline="always")
def _bilinear(layer: Image, row: int, column: int, f: np.float32, g: np.float32) -> np.float32:
    upper = layer[row, column] + g * (layer[row + 1, column] - layer[row, column])
    lower = layer[row, column + 1] + g * (layer[row + 1, column + 1] - layer[row, column + 1])
    return np.float32(upper + f * (lower - upper))


@njit(cache=True, nogil=True)
def attenuate_devices(
    touched: NDArray[np.int32], count: int, device: Image, body: Body, beam: Beam4, gain: Image, out: Image
) -> None:
    """The same at the `count` touched pixels (flat indices), with the devices' exponents device (H*W, 4).

    Clears device there, ready for the next picture.
    """
    k, p = _powers(beam)
    width = out.shape[1]
    i, f = _shift(body.shifts, 0, body.pad)
    j, g = _shift(body.shifts, 1, body.pad)
    gas_i, gas_f = _shift(body.shifts, 2, body.pad)
    gas_j, gas_g = _shift(body.shifts, 3, body.pad)
    static, moving, gas, gas_rows, bone, iodine, pad = (
        body.static, body.moving, body.gas, body.gas_rows, body.bone, body.iodine, body.pad
    )
    rows, columns = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.int64)
    paths, y = np.empty((3, count), dtype=np.float32), np.empty((4, count), dtype=np.float32)
    # a loop for each array: they wait for distant memory together and not in turn
    for n in range(count):
        rows[n] = touched[n] // width
        columns[n] = touched[n] - rows[n] * width
        paths[0, n] = static[rows[n], columns[n]]
    if pad > 0:
        for n in range(count):
            paths[0, n] += _bilinear(moving, rows[n] + j, columns[n] + i, f, g)
        for n in range(count):
            row = rows[n] + gas_j
            if max(gas_rows[row, 1], gas_rows[row + 1, 1]) > 0:
                paths[0, n] += _bilinear(gas, row, columns[n] + gas_i, gas_f, gas_g)
    for n in range(count):
        paths[1, n] = bone[rows[n], columns[n]]
    for n in range(count):
        paths[2, n] = iodine[rows[n], columns[n]]
    for n in range(count):
        for e in range(4):
            y[e, n] = np.float32(TO_POWER_OF_TWO) * device[touched[n], e]
            device[touched[n], e] = 0.0
    for e in range(4):
        c0, c1, c2, c3, c4 = p[e, 0], p[e, 1], p[e, 2], p[e, 3], p[e, 4]
        for n in range(count):
            s = max(paths[0, n], np.float32(0.0))
            power = k[0, e] * s + k[1, e] * paths[1, n] + k[2, e] * paths[2, n] + y[e, n]
            y[e, n] = _power(min(power, np.float32(0.0)), c0, c1, c2, c3, c4)
    for n in range(count):
        out[rows[n], columns[n]] = gain[rows[n], columns[n]] * (y[0, n] + y[1, n] + y[2, n] + y[3, n])
