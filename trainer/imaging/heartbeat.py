"""The heart's beat in the picture: how far its wall draws in, and the body's shadow within a beat.

What lies at the heart (its wall, the lung against it, vessels there) is moved together, so that no edge stays where
the wall has been. The shadow is drawn once a pose at a few stages of contraction; a pulse takes the two next to its
own and mixes them where anything moves.
"""

from __future__ import annotations

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from trainer.anatomy.body import Body
from trainer.anatomy.surfaces import depth
from trainer.imaging.blur import aperture_kernel
from trainer.imaging.geometry import Geometry
from trainer.imaging.raster import add_faces, project_vertices

Floats = NDArray[np.float64]
Image = NDArray[np.float32]

SWING_MM = 4.0
"""Way of the left ventricle's free wall inward from end diastole to end systole, mm (a few mm at the left border of
the shadow, imaging.md section 3 item 4; the figure is unverified)."""
LEAST = 0.3
"""Share of it that the right border takes (unverified)."""
ON_DIAPHRAGM = 0.3
"""Share that is left where the heart lies on the diaphragm (unverified)."""
FREE_WALL = np.array([0.94, -0.34, 0.0])
"""Toward the left and the front."""
REACH_MM = 8.0
"""What lies outside the heart follows its wall less by this distance (authored)."""
STILL_MM = 0.15
"""So much is taken from every displacement, that what hardly moves need not be drawn."""
STAGES = 3
"""Steps from diastole to systole that are drawn: at most 1.3 mm apart."""
EDGE_PX = 3
WORK_OF_STAGE = 4000.0
"""Units of pose building for finishing one stage."""


def swing(body: Body, points: Floats) -> Floats:
    """Displacement (N, 3) mm of points (N, 3) mm from end diastole to end systole, toward the heart's middle."""
    heart = body.organs["heart"]
    away = points - heart.center
    distance = np.linalg.norm(away, axis=1)
    way = away / np.maximum(distance, 1e-9)[:, None]
    below = depth(((heart.center, heart.coefficients),), points)
    share = LEAST + (1.0 - LEAST) * np.clip(way @ FREE_WALL, 0.0, 1.0)
    share *= 1.0 - (1.0 - ON_DIAPHRAGM) * np.clip(-way[:, 2], 0.0, 1.0)
    share *= np.where(below < 0.0, np.exp(np.minimum(below, 0.0) / REACH_MM), distance / (distance + np.abs(below)))
    amount = np.maximum((SWING_MM + STILL_MM) * share - STILL_MM, 0.0)
    out: Floats = -amount[:, None] * way
    return out


@njit(cache=True, nogil=True)
def mix(a: Image, b: Image, share: float, out: Image) -> None:
    """out (h, w) = a + share * (b - a)."""
    f = np.float32(share)
    for row in range(out.shape[0]):
        x, y, o = a[row], b[row], out[row]
        for c in range(out.shape[1]):
            o[c] = x[c] + f * (y[c] - x[c])


def oblique(image: Image, middle_row: float, middle_column: float, pixel_over_sid: float) -> None:
    """Turns depths along the central ray into path lengths along each pixel's ray, as raster.finish does."""
    y = ((np.arange(image.shape[0]) - middle_row) * pixel_over_sid)[:, None]
    x = ((np.arange(image.shape[1]) - middle_column) * pixel_over_sid)[None, :]
    image *= np.sqrt(1.0 + x * x + y * y).astype(np.float32)


class Beat:
    """The part of a shadow that moves with the heart, at a few stages of contraction. Usable once `finished`."""

    def __init__(self, vertices: Floats, faces: NDArray[np.int32], density: Image, swing_mm: Floats,
                 geometry: Geometry, matrix: Floats, size: int) -> None:
        """vertices (V, 3) mm, faces (F, 3), density (F, 2), swing_mm (V, 3); size: pixels of the bordered picture
        that matrix (3, 4) projects onto."""
        moves = (swing_mm != 0.0).any(axis=1)[faces].any(axis=1)
        used, numbers = np.unique(faces[moves], return_inverse=True)
        self._faces = np.ascontiguousarray(numbers.reshape(-1, 3).astype(np.int32))
        self._density = np.ascontiguousarray(density[moves])
        self._vertices, self._swing = vertices[used], swing_mm[used]
        self._geometry, self._size = geometry, size
        self._box = self._bounds(matrix)
        top, bottom, left, right = self._box
        self._matrix = matrix.copy()
        self._matrix[0] -= left * matrix[2]
        self._matrix[1] -= top * matrix[2]
        self._rest = np.zeros((max(bottom - top, 0), max(right - left, 0)), dtype=np.float32)
        self._stages: list[Image] = []
        self._image: Image | None = None
        self._next = 0
        self._shown = 0.0
        self.finished = self._rest.size == 0

    def _bounds(self, matrix: Floats) -> tuple[int, int, int, int]:
        """Rows and columns (first, last + 1; twice) of the picture where anything moves; none where nothing does."""
        xy, inverse = np.zeros((len(self._vertices), 2), np.int32), np.zeros(len(self._vertices))
        low, high = np.full(2, self._size), np.zeros(2, dtype=int)
        if len(self._vertices):
            for share in (0.0, 1.0):
                project_vertices(matrix, self._vertices + share * self._swing, xy, inverse)
                low = np.minimum(low, xy.min(axis=0) // 64 - EDGE_PX)
                high = np.maximum(high, xy.max(axis=0) // 64 + EDGE_PX + 2)
        (left, top), (right, bottom) = np.maximum(low, 0), np.minimum(high, self._size)
        return int(top), int(bottom), int(left), int(right)

    def advance(self, budget: float, shadow: Image) -> float:
        """Draws stages while the budget lasts; returns what is left. shadow (H, W): the whole one, at end diastole."""
        while not self.finished and budget > 0:
            if self._image is None:
                share = len(self._stages) / STAGES
                self._xy = np.zeros((len(self._vertices), 2), dtype=np.int32)
                self._inverse = np.zeros(len(self._vertices))
                project_vertices(self._matrix, self._vertices + share * self._swing, self._xy, self._inverse)
                self._image, self._next = np.zeros_like(self._rest), 0
            soft, none = self._image, np.zeros((1, 1), dtype=np.float32)
            self._next, budget = add_faces(self._xy, self._inverse, self._faces, self._density, self._next,
                                           float(budget), self._geometry.sod, soft, none)
            if self._next >= len(self._faces):
                self._close(soft, shadow)
                budget -= WORK_OF_STAGE
        return budget

    def _close(self, soft: Image, shadow: Image) -> None:
        """A drawn stage as a shadow: what it adds to the one at end diastole, as that was finished."""
        top, bottom, left, right = self._box
        if not self._stages:
            self._rest = soft
            self._stages.append(shadow[top:bottom, left:right].copy())
        else:
            soft -= self._rest
            middle, pixel = 0.5 * (self._size - 1), self._geometry.pixel_mm / self._geometry.sid
            oblique(soft, middle - top, middle - left, pixel)
            kernel = aperture_kernel(self._geometry.pixel_mm)
            cv2.sepFilter2D(soft, -1, kernel, kernel, dst=soft, borderType=cv2.BORDER_REPLICATE)
            soft += self._stages[0]
            self._stages.append(soft)
        self._image = None
        if len(self._stages) > STAGES:
            self._vertices = self._swing = self._vertices[:0]
            self._faces, self._rest, self._xy = self._faces[:0], self._rest[:0], self._xy[:0]
            self.finished = True

    def show(self, contraction: float, shadow: Image) -> None:
        """Brings the whole shadow (H, W) to a contraction: 0 end diastole, 1 end systole."""
        if not self._stages or contraction == self._shown:
            return
        top, bottom, left, right = self._box
        at = min(max(contraction, 0.0), 1.0) * STAGES
        k = min(int(at), STAGES - 1)
        mix(self._stages[k], self._stages[k + 1], at - k, shadow[top:bottom, left:right])
        self._shown = contraction
