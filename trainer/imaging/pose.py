"""Everything that depends on where the C-arm stands: body shadows, vessel chords, blush kernels.

Built a little in every step, in a fixed order and by counted work, never by the clock: the same commands give
the same pictures on any machine.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from trainer.imaging.blur import aperture_kernel
from trainer.imaging.blush import BlushMatrix, Clouds
from trainer.imaging.chord_matrix import ChordMatrix
from trainer.imaging.exposure import BONE_WATER
from trainer.imaging.geometry import Geometry
from trainer.imaging.heartbeat import Beat
from trainer.imaging.patient_body import NOTHING, Scene
from trainer.imaging.pieces import Pieces, cut
from trainer.imaging.raster import add_blobs, add_faces, finish, project_vertices
from trainer.imaging.scene import GAS, MOVING, STATIC, Layer
from trainer.imaging.volume.grid import Volume
from trainer.imaging.volume.projection import project
from trainer.imaging.volume.shadow import VolumeShadow

Floats = NDArray[np.float64]
Image = NDArray[np.float32]

MARGIN_MM = 17.0
"""Largest motion of anything by breathing, mm at the isocenter."""
MARGIN_MAX_PX = 150
WORK_PER_STEP = 45000.0
"""Units of work in a step; one is about a tenth of a microsecond (a small face)."""
WORK_OF_PORTION = 20000.0
"""Units that a part which is done in one go counts."""
COARSE_BLOBS = 4
"""Blobs are soft: they are drawn on a picture this many times coarser."""
BLOBS_AT_ONCE = 64
"""Blobs that make one portion of work."""


def shifted_matrix(geometry: Geometry, margin: int) -> Floats:
    """Projection onto a picture with a border of `margin` pixels."""
    m = geometry.matrix()
    m[0] += margin * m[2]
    m[1] += margin * m[2]
    return m


class _Shadow:
    """One layer's water and bone shadows (mm) at one pose, drawn in portions."""

    def __init__(self, layer: Layer, geometry: Geometry, margin: int, offset: Floats | None = None) -> None:
        self.layer, self.geometry, self.margin = layer, geometry, margin
        size = geometry.pixels + 2 * margin
        self.soft = np.zeros((size, size), dtype=np.float32)
        has_bone = bool((layer.density[:, 1] != 0).any() or (layer.blob_mass[:, 1:] != 0).any())
        self.bone = np.zeros((size, size) if has_bone else (1, 1), dtype=np.float32)
        self.matrix = shifted_matrix(geometry, margin)
        self.xy = np.zeros((len(layer.vertices), 2), dtype=np.int32)
        self.inverse = np.zeros(len(layer.vertices))
        vertices = layer.vertices if offset is None else layer.vertices + offset
        project_vertices(self.matrix, vertices, self.xy, self.inverse)
        self.next = 0
        self.finished = False
        self._rest = self._closing()

    def advance(self, budget: float) -> float:
        """Draws faces, then blobs, while the budget lasts. Returns what is left of it."""
        if self.next < len(self.layer.faces):
            self.next, budget = add_faces(
                self.xy,
                self.inverse,
                self.layer.faces,
                self.layer.density,
                self.next,
                float(budget),
                self.geometry.sod,
                self.soft,
                self.bone,
            )
        if self.next >= len(self.layer.faces) and not self.finished and budget > 0:
            self.finished = next(self._rest, True)
            budget -= WORK_OF_PORTION
        return budget

    def _closing(self) -> Iterator[bool]:
        """Finishes the soft and the bone shadow in portions; yields False between them."""
        self.xy, self.inverse = self.xy[:0], self.inverse[:0]
        for k, image in enumerate((self.soft, self.bone)):
            if image.shape[0] == 1:
                continue
            middle = 0.5 * (image.shape[0] - 1)
            finish(image, 0, image.shape[0], middle, self.geometry.pixel_mm / self.geometry.sid)
            open_pixel = aperture_kernel(self.geometry.pixel_mm)  # faces are drawn at pixel centers
            cv2.sepFilter2D(image, -1, open_pixel, open_pixel, dst=image, borderType=cv2.BORDER_REPLICATE)
            keep = np.flatnonzero(self.layer.blob_mass[:, k])
            if len(keep):
                yield False
                yield from self._blobs(keep, np.ascontiguousarray(self.layer.blob_mass[keep, k]), image)
            if k == 0 and self.bone.shape[0] > 1:
                yield False

    def _blobs(self, keep: NDArray[np.int64], mass: Floats, image: Image) -> Iterator[bool]:
        n = max(image.shape[0] // COARSE_BLOBS, 128)
        ratio = image.shape[0] / n
        matrix = self.matrix.copy()
        matrix[:2] = (matrix[:2] + 0.5 * matrix[2]) / ratio - 0.5 * matrix[2]
        coarse = np.zeros((n, n), dtype=np.float32)
        mean, cov = self.layer.blob_mean[keep], self.layer.blob_cov[keep]
        for first in range(0, len(keep), BLOBS_AT_ONCE):
            last = min(first + BLOBS_AT_ONCE, len(keep))
            add_blobs(matrix, self.geometry.source, mean, cov, mass, first, last, coarse)
            yield False
        image += cv2.resize(coarse, (image.shape[1], image.shape[0]), interpolation=cv2.INTER_LINEAR)


def _shadow(body: Layer | Volume, geometry: Geometry, margin: int) -> _Shadow | VolumeShadow:
    return VolumeShadow(body, geometry, margin) if isinstance(body, Volume) else _Shadow(body, geometry, margin)


class Pose:
    """All shadows and matrices at one geometry. Usable once `ready`; the heart stands still until `complete`."""

    def __init__(self, geometry: Geometry, scene: Scene, rows: Floats, clouds: Clouds,
                 flaps: NDArray[np.int64] | None = None) -> None:
        self.geometry = geometry
        self.flaps = np.zeros(0, np.int64) if flaps is None else flaps
        """Cells whose contrast the last of the rows take away."""
        self.pad = min(int(MARGIN_MM / geometry.pixel_iso_mm) + 3, MARGIN_MAX_PX)
        self._scene, self._rows, self._clouds = scene, rows, clouds
        self._shadows: list[_Shadow | VolumeShadow] = []
        self._beat: Beat | None = None
        self.pieces: Pieces | None = None
        self.chords: ChordMatrix | None = None
        self.blush: BlushMatrix | None = None
        self.water_mm: Image = np.zeros((0, 0), dtype=np.float32)
        self.ready = False

    def advance(self, budget: float = WORK_PER_STEP) -> None:
        """Does about `budget` units of work."""
        while budget > 0 and not self.complete:
            if not self._shadows or (self._shadows[-1].finished and len(self._shadows) < len(self._scene)):
                k = len(self._shadows)
                self._shadows.append(_shadow(self._scene[k], self.geometry, 0 if k == STATIC else self.pad))
                budget -= WORK_OF_PORTION
            elif not self._shadows[-1].finished:
                budget = self._shadows[-1].advance(budget)
            elif self.ready and self._beat is not None:
                budget = self._beat.advance(budget, self.moving)
            elif self.chords is None:
                self.pieces = cut(self._rows)  # not sooner: a moving arm has a pose in each step
                self.chords = ChordMatrix.empty(self.geometry, self.pieces.rows, self.pad)
                budget -= WORK_OF_PORTION
            elif not self.chords.done:
                budget = self.chords.advance(budget)
            elif self.blush is None:
                self.blush = BlushMatrix(self.geometry, self._clouds, MARGIN_MM)
                budget -= 2.0 * WORK_OF_PORTION
            elif not self.blush.done:
                budget = self.blush.advance(budget)
            else:
                self.water_mm = self._water()
                self._beat = self._beat or self._beating()
                self.ready = True
                budget -= WORK_OF_PORTION

    def redrawn(self, rows: Floats, clouds: Clouds, flaps: NDArray[np.int64]) -> Pose:
        """The same view of the same body with other vessels, not yet ready. Only of a ready pose."""
        new = Pose(self.geometry, self._scene, rows, clouds, flaps)
        new._shadows, new._beat, new.water_mm = self._shadows, self._beat, self.water_mm
        if clouds is self._clouds:
            new.blush = self.blush
        return new

    def _beating(self) -> Beat:
        """What the heart moves of the layer that breathes. A body from a CT has none."""
        layer = self._scene[MOVING]
        if isinstance(layer, Volume) or not len(layer.swing):
            layer = NOTHING
        matrix, size = shifted_matrix(self.geometry, self.pad), self.geometry.pixels + 2 * self.pad
        return Beat(layer.vertices, layer.faces, layer.density, layer.swing, self.geometry, matrix, size)

    @property
    def complete(self) -> bool:
        """Nothing is left to advance."""
        return self.ready and (self._beat is None or self._beat.finished)

    def beat(self, contraction: float) -> None:
        """Brings the shadow of what breathes to a contraction of the heart (0 end diastole, 1 end systole), in place.
        Nothing moves before the pose is complete."""
        if self._beat is not None and self._beat.finished:
            self._beat.show(contraction, self.moving)

    def _water(self) -> Image:
        """Water path (64, 64) mm, for exposure control and scatter."""
        p = self.pad
        total = self.static.copy()
        for k in (MOVING, GAS):
            total += self._shadows[k].soft[p:-p, p:-p]
        total += BONE_WATER * self.bone
        return np.asarray(cv2.resize(np.maximum(total, 0), (64, 64), interpolation=cv2.INTER_AREA), dtype=np.float32)

    @property
    def static(self) -> Image:
        return self._shadows[STATIC].soft

    @property
    def bone(self) -> Image:
        return self._shadows[STATIC].bone

    @property
    def moving(self) -> Image:
        return self._shadows[MOVING].soft

    @property
    def gas(self) -> Image:
        return self._shadows[GAS].soft


class Preview:
    """Quick, coarse shadows of the body, (SIZE, SIZE) mm, for the picture of a moving C-arm."""

    SIZE = 160

    def __init__(self, geometry: Geometry, scene: Scene, offset: Floats) -> None:
        self.geometry = geometry
        small = geometry.resized(self.SIZE)
        soft = np.zeros((self.SIZE, self.SIZE), dtype=np.float32)
        bone = np.zeros_like(soft)
        for k, layer in enumerate(scene):
            if isinstance(layer, Volume):
                water, hard = project(layer if k == STATIC else layer.moved(offset), small)
                soft += water
                bone += hard
                continue
            if not len(layer.faces):
                continue
            shadow = _Shadow(layer, small, 0, None if k == STATIC else offset)
            while not shadow.finished:
                shadow.advance(1e18)
            soft += shadow.soft
            if shadow.bone.shape[0] > 1:
                bone += shadow.bone
        self.soft, self.bone = np.maximum(soft, 0), np.maximum(bone, 0)
        self.water_mm = np.asarray(
            cv2.resize(self.soft + BONE_WATER * self.bone, (64, 64), interpolation=cv2.INTER_AREA), dtype=np.float32
        )
