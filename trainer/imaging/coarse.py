"""Kernels between full and coarse pictures: block means down, bilinear enlargement up."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Image = NDArray[np.float32]
Vector = NDArray[np.float32]


@njit(inline="always")
def between(h: int, row: int, height: int) -> tuple[int, np.float32]:
    """The coarse row of h above one of `height` rows, and the share 0..1 of the next."""
    y = min(max((row + 0.5) * h / height - 0.5, 0.0), h - 1.0)
    j = min(int(y), h - 2)
    return j, np.float32(y - j)


@njit(cache=True, nogil=True)
def widened(coarse: Image, width: int) -> Image:
    """Rows of a coarse image (h, w) enlarged bilinearly to (h, width)."""
    h, w = coarse.shape
    out = np.empty((h, width), dtype=np.float32)
    first, share = np.zeros(w, dtype=np.int64), np.empty(width, dtype=np.float32)
    for i in range(1, w):
        first[i] = width
    for c in range(width - 1, -1, -1):
        i, f = between(w, c, width)
        first[i], share[c] = c, f
    first[0] = 0
    for row in range(h):
        for i in range(w - 1):
            value = coarse[row, i]
            step = coarse[row, i + 1] - value
            for c in range(first[i], first[i + 1]):
                out[row, c] = value + share[c] * step
    return out


@njit(cache=True, nogil=True)
def block_means(first: int, last: int, image: Image, out: Image) -> None:
    """Means out (h, w) of the blocks of an image (H, W), for coarse rows first..last; W / w and H / h are whole."""
    h, w = out.shape
    rows, columns = image.shape[0] // h, image.shape[1] // w
    share = np.float32(1.0 / (rows * columns))
    total = np.empty(image.shape[1], dtype=np.float32)
    for j in range(first, last):
        for c in range(total.shape[0]):
            total[c] = image[j * rows, c]
        for row in range(j * rows + 1, (j + 1) * rows):
            for c in range(total.shape[0]):
                total[c] += image[row, c]
        for i in range(w):
            block = np.float32(0.0)
            for c in range(i * columns, (i + 1) * columns):
                block += total[c]
            out[j, i] = block * share
