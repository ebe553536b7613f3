"""Vessel chords of one C-arm pose, kept line by line, and the iodine that they give as the patient breathes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from trainer.imaging.chords import draw_frusta
from trainer.imaging.geometry import Geometry
from trainer.imaging.lanes import LANES, add_blended
from trainer.imaging.outlines import OUTLINE, outline_all

Floats = NDArray[np.float64]
Image = NDArray[np.float32]
Ints = NDArray[np.int64]

LEAST_MG_ML = 0.05
"""Less iodine than this is not drawn."""


@njit(cache=True, nogil=True, error_model="numpy")
def _add_clipped(
    image: Image, row: int, column: int, value: NDArray[np.uint16], begin: int, here: np.float32, before: np.float32
) -> None:
    """What `add_blended` does, to one row that may reach over the border of the picture."""
    if 0 <= row < image.shape[0]:
        for k in range(max(-column, 0), min(LANES, image.shape[1] - column)):
            image[row, column + k] += here * value[begin + k] + before * value[begin + k - 1]


@njit(cache=True, nogil=True, error_model="numpy")
def add_iodine(
    order: Ints,
    box: NDArray[np.int16],
    begin: Ints,
    blocks: tuple[NDArray[np.int16], NDArray[np.int16]],
    unit: Image,
    value: NDArray[np.uint16],
    share: Floats,
    iodine: Floats,
    shift_c: float,
    shift_r: float,
    image: Image,
) -> None:
    """Adds 0.1 * iodine (mg/mL) * chord (mm) = mg/cm2 of each cell to image (H, W), moved by share * shift pixels.

    Cells without iodine cost nothing. Sub-pixel motion is bilinear: a block of chords goes to two rows, each its own
    blend with itself one pixel on. Blocks (rows, columns) as `draw_frusta` leaves them, value from the second on; box
    (C, 4): left, right, top, bottom; share as well in the order of the blocks, iodine (C,) in that of the cells.
    """
    height, width = image.shape
    flat = image.reshape(-1)
    row, column = blocks
    one = np.float32(1.0)
    for n in range(len(order)):
        c = iodine[order[n]]
        if abs(c) < LEAST_MG_ML or begin[n + 1] == begin[n]:
            continue
        x, y = share[n] * shift_c, share[n] * shift_r
        ix, iy = int(np.floor(x)), int(np.floor(y))
        f, g, k = np.float32(x - ix), np.float32(y - iy), np.float32(0.1 * c) * unit[n]
        a00, a01, a10, a11 = k * (one - f) * (one - g), k * f * (one - g), k * (one - f) * g, k * f * g
        within = box[n, 0] + ix >= 0 and box[n, 1] + LANES + 1 + ix <= width
        if within and box[n, 2] + iy >= 0 and box[n, 3] + iy < height - 1:
            shift = iy * width + ix
            for b in range(begin[n], begin[n + 1]):
                at = shift + row[b] * width + column[b]
                add_blended(flat, at, width, value, (b + 1) * LANES, a00, a01, a10, a11)
        else:
            for b in range(begin[n], begin[n + 1]):
                r, q, p = row[b] + iy, column[b] + ix, (b + 1) * LANES
                _add_clipped(image, r, q, value, p, a00, a01)
                _add_clipped(image, r + 1, q, value, p, a10, a11)


@dataclass
class ChordMatrix:
    """Chords of all cells at one pose, filled cell by cell. Valid once `done`.

    A cell is a stack of lines, one a row of the picture, each of whole blocks of LANES pixels; see `draw_frusta`. Cells
    are kept in bands of the picture, so that what is written to stays in the processor's cache.
    """

    geometry: Geometry
    rows: Floats
    margin: int
    outlines: NDArray[Any]
    order: Ints
    box: NDArray[np.int16]
    share: Floats
    work: Floats
    begin: Ints
    blocks: tuple[NDArray[np.int16], NDArray[np.int16]]
    unit: Image
    value: NDArray[np.uint16]
    scratch: Image
    next: int = 0

    @classmethod
    def empty(cls, geometry: Geometry, rows: Floats, margin: int) -> ChordMatrix:
        """Room for frusta rows (C, 22) on the picture and `margin` pixels around it."""
        n = len(rows)
        outlines = np.zeros(n, dtype=OUTLINE)
        room, work, place = np.empty(n, dtype=np.int64), np.empty(n), np.empty(n)
        scale = geometry.sid / geometry.pixel_mm
        outline_all(rows, geometry.matrix(), geometry.source, *geometry.ray_basis(), scale, -margin,
                    geometry.pixels - 1 + margin, outlines, room, work, place)  # fmt: skip
        order = np.argsort(place, kind="stable")
        count = int(room.sum())
        blocks = np.empty(count, dtype=np.int16), np.empty(count, dtype=np.int16)
        value = np.empty((count + 1) * LANES, dtype=np.uint16)
        value[:LANES] = 0
        scratch = np.empty((int(room.max(initial=0)) + 1) * LANES, dtype=np.float32)
        sides = np.stack([outlines[k] for k in ("left", "right", "top", "bottom")], axis=1)
        return cls(
            geometry=geometry,
            rows=rows,
            margin=margin,
            outlines=outlines,
            order=order,
            box=sides[order].astype(np.int16),
            share=rows[order, 21],
            work=work[order],
            begin=np.zeros(n + 1, dtype=np.int64),
            blocks=blocks,
            unit=np.zeros(n, dtype=np.float32),
            value=value,
            scratch=scratch,
        )

    @property
    def done(self) -> bool:
        return self.next >= len(self.rows)

    def advance(self, budget: float) -> float:
        """Fills frusta until about `budget` units of work (0.1 us) are used. Returns what is left."""
        if budget <= 0.0 or self.done:
            return budget
        first = self.next
        spent = np.cumsum(self.work[first:])
        count = min(int(np.searchsorted(spent, budget)) + 1, len(spent))
        self.next = first + count
        draw_frusta(self.rows, self.outlines, self.order, self.geometry.source, *self.geometry.ray_basis(),
                    -self.margin, self.geometry.pixels - 1 + self.margin, first, self.next, self.begin, *self.blocks,
                    self.unit, self.value[LANES:], self.scratch)  # fmt: skip
        return budget - float(spent[count - 1])

    def apply(self, iodine: Floats, shift: tuple[float, float], image: Image) -> None:
        """Adds the iodine of every cell (C,) mg/mL to image (H, W) mg/cm2; shift: motion at share 1, pixels."""
        add_iodine(
            self.order,
            self.box,
            self.begin,
            self.blocks,
            self.unit,
            self.value,
            self.share,
            np.ascontiguousarray(iodine),
            shift[0],
            shift[1],
            image,
        )
