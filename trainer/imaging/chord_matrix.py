"""Vessel chords of one C-arm pose, kept line by line, and the iodine that they give as the patient breathes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from trainer.imaging.chords import draw_frusta
from trainer.imaging.geometry import Geometry
from trainer.imaging.lanes import LANES, add_shifted
from trainer.imaging.outlines import OUTLINE, outline_all

Floats = NDArray[np.float64]
Image = NDArray[np.float32]
Ints = NDArray[np.int64]

LEAST_MG_ML = 0.05
"""Less iodine than this is not drawn."""


@njit(cache=True, nogil=True, error_model="numpy")
def _add_clipped(
    image: Image, row: int, column: int, value: Image, begin: int, count: int, here: np.float32, before: np.float32
) -> None:
    """What `add_shifted` does, to count pixels of a row that may reach over the border of the picture."""
    if 0 <= row < image.shape[0]:
        for k in range(max(-column, 0), min(count, image.shape[1] - column)):
            image[row, column + k] += here * value[begin + k] + before * value[begin + k - 1]


@njit(cache=True, nogil=True, error_model="numpy")
def add_iodine(
    begin: Ints,
    top: Ints,
    column: NDArray[np.int16],
    at: NDArray[np.int32],
    value: Image,
    share: Floats,
    iodine: Floats,
    shift_c: float,
    shift_r: float,
    image: Image,
) -> None:
    """Adds 0.1 * iodine (mg/mL) * chord (mm) = mg/cm2 of each cell to image (H, W), moved by share * shift pixels.

    Cells without iodine cost nothing. Sub-pixel motion is bilinear: a line of chords goes to two rows, each its own
    blend with itself one pixel on. Lines as `draw_frusta` leaves them; top (C,) is the row of each cell's first.
    """
    height, width = image.shape
    flat = image.reshape(-1)
    one = np.float32(1.0)
    for i in range(iodine.shape[0]):
        c = iodine[i]
        if abs(c) < LEAST_MG_ML or begin[i + 1] == begin[i]:
            continue
        x, y = share[i] * shift_c, share[i] * shift_r
        ix, iy = int(np.floor(x)), int(np.floor(y))
        f, g, k = np.float32(x - ix), np.float32(y - iy), np.float32(0.1 * c)
        a00, a01, a10, a11 = k * (one - f) * (one - g), k * f * (one - g), k * (one - f) * g, k * f * g
        for line in range(begin[i], begin[i + 1]):
            row, q = top[i] + iy + line - begin[i], column[line] + ix
            p, count = at[line], at[line + 1] - at[line]
            if 0 <= row < height - 1 and 0 <= q <= width - count:
                above = row * width + q
                for j in range(0, count, LANES):
                    add_shifted(flat, above + j, value, p + j, a00, a01)
                    add_shifted(flat, above + width + j, value, p + j, a10, a11)
            else:
                _add_clipped(image, row, q, value, p, count, a00, a01)
                _add_clipped(image, row + 1, q, value, p, count, a10, a11)


@dataclass
class ChordMatrix:
    """Chords of all cells at one pose, filled cell by cell. Valid once `done`.

    A cell is a stack of lines, one a row of the picture, each of a whole number of LANES; see `draw_frusta`.
    """

    geometry: Geometry
    rows: Floats
    margin: int
    outlines: NDArray[Any]
    work: Floats
    begin: Ints
    column: NDArray[np.int16]
    at: NDArray[np.int32]
    value: Image
    next: int = 0

    @classmethod
    def empty(cls, geometry: Geometry, rows: Floats, margin: int) -> ChordMatrix:
        """Room for frusta rows (C, 22) on the picture and `margin` pixels around it."""
        n = len(rows)
        outlines = np.empty(n, dtype=OUTLINE)
        lines, room, work = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64), np.empty(n)
        scale = geometry.sid / geometry.pixel_mm
        outline_all(rows, geometry.matrix(), geometry.source, *geometry.ray_basis(), scale, -margin,
                    geometry.pixels - 1 + margin, outlines, lines, room, work)  # fmt: skip
        total = int(lines.sum())
        at = np.zeros(total + 1, dtype=np.int32)
        at[0] = LANES
        value = np.zeros(2 * LANES + int(room.sum()), dtype=np.float32)
        return cls(geometry, rows, margin, outlines, work, np.zeros(n + 1, dtype=np.int64),
                   np.zeros(total, dtype=np.int16), at, value)  # fmt: skip

    @property
    def done(self) -> bool:
        return self.next >= len(self.rows)

    def advance(self, budget: float) -> float:
        """Fills frusta until about `budget` units of work (0.1 us) are used. Returns what is left."""
        first = self.next
        spent = np.cumsum(self.work[first:])
        last = first + min(int(np.searchsorted(spent, budget)) + 1, len(spent)) if budget > 0 else first
        draw_frusta(self.rows, self.outlines, self.geometry.source, *self.geometry.ray_basis(), -self.margin,
                    self.geometry.pixels - 1 + self.margin, first, last, self.begin, self.column, self.at,
                    self.value)  # fmt: skip
        self.next = last
        return budget - float(spent[last - first - 1]) if last > first else budget

    def apply(self, iodine: Floats, shift: tuple[float, float], image: Image) -> None:
        """Adds the iodine of every cell (C,) mg/mL to image (H, W) mg/cm2; shift: motion at share 1, pixels."""
        add_iodine(
            self.begin,
            self.outlines["top"],
            self.column,
            self.at,
            self.value,
            np.ascontiguousarray(self.rows[:, 21]),
            np.ascontiguousarray(iodine),
            shift[0],
            shift[1],
            image,
        )
