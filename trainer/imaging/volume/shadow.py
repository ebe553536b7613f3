"""The shadow of a volume at one pose, made in portions of counted work like those of the layers."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from trainer.imaging.geometry import Geometry
from trainer.imaging.volume.grid import Volume
from trainer.imaging.volume.projection import Projection

Image = NDArray[np.float32]

PIXELS = 512
"""Most pixels along a side that are projected; a finer picture is enlarged, for the voxels have no more in them."""
WORK_OF_SAMPLE = 0.02
"""Units of work (a tenth of a microsecond) of a sample; half of them are empty."""
WORK_OF_PACKING = 20000.0


class VolumeShadow:
    """Water and bone shadows (H, W) mm of a volume at one pose. Usable once `finished`."""

    def __init__(self, volume: Volume, geometry: Geometry, margin: int = 0) -> None:
        """margin: pixels that the picture has more on each side."""
        self.size = geometry.pixels + 2 * margin
        wider = self.size / geometry.pixels
        pixels = min(self.size, round(PIXELS * wider))
        self._made = Projection(volume, replace(geometry, field_mm=geometry.field_mm * wider, pixels=pixels))
        self._next = 0
        self.soft: Image = self._made.soft
        self.bone: Image = self._made.bone
        self.finished = False

    def advance(self, budget: float) -> float:
        """Projects rows while the budget lasts; returns what is left of it."""
        rows = self._made.soft.shape[0]
        work = max(self._made.work_of_row * WORK_OF_SAMPLE, 1.0)
        if self._next < rows and budget > 0:
            count = int(min(max(budget / work, 1.0), rows - self._next))
            self._made.rows(self._next, self._next + count)
            self._next += count
            budget -= count * work
        if self._next >= rows and not self.finished and budget > 0:
            self.soft, self.bone = self._enlarged(self._made.soft), np.maximum(self._enlarged(self._made.bone), 0.0)
            self.finished = True
            budget -= WORK_OF_PACKING
        return budget

    def _enlarged(self, image: Image) -> Image:
        if image.shape[0] == self.size:
            return image
        large = cv2.resize(image, (self.size, self.size), interpolation=cv2.INTER_CUBIC)
        return np.asarray(large, dtype=np.float32)
