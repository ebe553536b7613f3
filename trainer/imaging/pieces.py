"""Wide cells cut into shorter pieces for the picture, their contrast blended with the neighbor's.

Transport knows one concentration a cell. Drawn so, a column of contrast has a step at every border of cells; between
the middles of cells it is taken as linear instead.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

WIDE_MM = 0.6
"""Radius from which a step would be seen."""
PIECE_MM, MOST = 1.6, 3
"""Length of a piece, and most pieces of a cell."""
MEET_MM = 1e-6


class Pieces(NamedTuple):
    """Frusta (P, 22) as `vessels.frusta` makes them, and how much of which cells' contrast each has."""

    rows: Floats
    own: Ints  # (P,) cell
    other: Ints  # (P,) its neighbor on the nearer side, or itself
    share: Floats  # (P,) of the neighbor, 0-0.5

    def blend(self, cells: Floats) -> Floats:
        """Values (P,) of the pieces from those (C,) of cells."""
        mine = cells[self.own]
        out: Floats = mine + self.share * (cells[self.other] - mine)
        return out


def cut(rows: Floats) -> Pieces:
    """Pieces of frusta (C, 22): as many as wide ones need. Cells that follow each other are each other's neighbors."""
    n = len(rows)
    length = np.linalg.norm(rows[:, 3:6] - rows[:, 0:3], axis=1)
    wide = np.maximum(rows[:, 6], rows[:, 7]) >= WIDE_MM
    many = np.where(wide, np.clip(np.ceil(length / PIECE_MM), 1, MOST), 1).astype(np.int64)
    meets = np.zeros(n + 1, dtype=bool)  # whether row k begins where row k - 1 ends
    if n > 1:
        meets[1:n] = np.abs(rows[1:, 0:3] - rows[:-1, 3:6]).max(axis=1) < MEET_MM
    own = np.repeat(np.arange(n), many)
    place = np.arange(len(own)) - np.repeat(np.cumsum(many) - many, many)
    begin, end = place / many[own], (place + 1) / many[own]
    whole, out = rows[own], rows[own]
    for start, stop in ((slice(0, 3), slice(3, 6)), (slice(6, 7), slice(7, 8))):
        way = whole[:, stop] - whole[:, start]
        out[:, start] = whole[:, start] + begin[:, None] * way
        out[:, stop] = whole[:, start] + end[:, None] * way
    axis = (whole[:, 3:6] - whole[:, 0:3]) / np.maximum(length[own], 1e-9)[:, None]
    out[:, 8:11] = np.where(place[:, None] > 0, axis, whole[:, 8:11])
    out[:, 11:14] = np.where((place < many[own] - 1)[:, None], axis, whole[:, 11:14])
    middle = 0.5 * (begin + end) - 0.5
    before, after = own - 1, np.minimum(own + 1, n - 1)
    other = np.where(middle < 0.0, np.where(meets[own], before, own), np.where(meets[own + 1], after, own))
    return Pieces(out, own, other.astype(np.int64), np.abs(middle))
