"""What the suite keeps: DSA runs with their unsubtracted pictures, so that the mask can be chosen anew and shifted, and
clips of fluoroscopy. Half size, within a bounded memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from trainer.imaging.display import DSA_GAIN, DSA_GRAY, halved
from trainer.imaging.geometry import Geometry, angle_label

Image8 = NDArray[np.uint8]
Image16 = NDArray[np.int16]
Image = NDArray[np.float32]

MEMORY_BYTES = 110_000_000
LOG_STEPS = 4096.0
"""Steps of a stored logarithm per unit: a sixteenth of a gray level after subtraction."""
MOST_SHIFT_PX = 12.0


class Stored(Protocol):
    """A series on the store, numbered from 1."""

    number: int

    @property
    def count(self) -> int: ...

    @property
    def nbytes(self) -> int: ...

    def label(self, image: int) -> str: ...

    def picture(self, image: int) -> Image8: ...

    def thin(self) -> None:
        """Leaves out every second picture."""


@dataclass
class Run:
    """A DSA run: its logarithms at half size."""

    number: int
    geometry: Geometry
    shutter: Image
    """(h, w) share that the shutters let through."""
    logs: list[Image16] = field(default_factory=list)
    least: Image16 | None = None
    """The lowest logarithm of each pixel since the first mask, so that the peak costs nothing when a run ends."""
    mask: Image = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    masks: tuple[int, ...] = ()
    """Pictures averaged into the mask."""
    shift_px: tuple[float, float] = (0.0, 0.0)
    """Of the mask, columns and rows of the full picture."""

    def add(self, log: Image, into_mask: bool) -> None:
        """Keeps a picture (H, W), log; the first ones are averaged into the mask."""
        small = np.asarray(cv2.resize(log, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), dtype=np.float32)
        self.logs.append(np.rint(np.clip(small, -7.9, 7.9) * LOG_STEPS).astype(np.int16))
        if into_mask:
            self.remask(*self.masks, len(self.logs) - 1)
        elif self.least is None:
            self.least = self.logs[-1].copy()
        else:
            np.minimum(self.least, self.logs[-1], out=self.least)

    @property
    def count(self) -> int:
        return len(self.logs)

    @property
    def nbytes(self) -> int:
        return sum(i.nbytes for i in self.logs) + self.mask.nbytes

    def remask(self, *images: int) -> None:
        """The mean of these pictures is the mask from now on."""
        self.masks = images
        self.mask = np.mean([self._log(k) for k in images], axis=0, dtype=np.float32)

    def _log(self, image: int) -> Image:
        return self.logs[image].astype(np.float32) / np.float32(LOG_STEPS)

    def _shifted(self) -> Image:
        x, y = (0.5 * s for s in self.shift_px)
        if x == 0.0 and y == 0.0:
            return self.mask
        move = np.array([[1.0, 0.0, x], [0.0, 1.0, y]])
        size = (self.mask.shape[1], self.mask.shape[0])
        return np.asarray(cv2.warpAffine(self.mask, move, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE))

    def difference(self, image: int) -> Image:
        """Logarithm (h, w) of a picture less the shifted mask; -1: the peak opacification."""
        mask = self._shifted()
        if 0 <= image < len(self.logs):
            return np.asarray(self._log(image) - mask)
        if self.least is None:
            return np.zeros_like(mask)
        least = self.least.astype(np.float32) / np.float32(LOG_STEPS)
        return np.asarray(np.minimum(least - mask, np.float32(0.0)))

    def picture(self, image: int) -> Image8:
        """Gray picture (h, w)."""
        gray = (DSA_GRAY + DSA_GAIN * self.difference(image)) * self.shutter
        return np.asarray(np.clip(gray, 0, 255), dtype=np.uint8)

    def label(self, image: int) -> str:
        """As written on the reference monitor; image -1 is the peak opacification."""
        which = "peak" if not 0 <= image < len(self.logs) else f"image {image + 1} of {len(self.logs)}"
        remade = "" if self.masks in ((0,), (0, 1)) else f"  mask {self.masks[0] + 1}"
        x, y = self.shift_px
        moved = f"  shift {x:+.1f} {y:+.1f} px" if x or y else ""
        return f"Run {self.number}  {angle_label(self.geometry)}  {which}{remade}{moved}"

    def thin(self) -> None:
        kept = [k for k in range(len(self.logs)) if k in self.masks or k % 2 == 0]
        self.logs = [self.logs[k] for k in kept]
        self.masks = tuple(kept.index(k) for k in self.masks)


@dataclass
class Clip:
    """Fluoroscopy that was kept, as it was shown."""

    number: int
    geometry: Geometry
    images: list[Image8]

    @property
    def count(self) -> int:
        return len(self.images)

    @property
    def nbytes(self) -> int:
        return sum(i.nbytes for i in self.images)

    def picture(self, image: int) -> Image8:
        return self.images[image if 0 <= image < len(self.images) else len(self.images) - 1]

    def label(self, image: int) -> str:
        at = image if 0 <= image < len(self.images) else len(self.images) - 1
        return f"Fluoro {self.number}  {angle_label(self.geometry)}  image {at + 1} of {len(self.images)}"

    def thin(self) -> None:
        del self.images[1::2]


class RunStore:
    """The series of a procedure, oldest first."""

    def __init__(self, limit_bytes: int = MEMORY_BYTES) -> None:
        self.runs: list[Stored] = []
        self.limit_bytes = limit_bytes

    def add(self, series: Stored) -> None:
        """Stores a series. When memory runs short, the longest other one loses every second picture."""
        self.runs.append(series)
        while self.bytes_used > self.limit_bytes:
            longest = max(self.runs[:-1] or self.runs, key=lambda r: r.count)
            if longest.count < 4:
                longest = max(self.runs, key=lambda r: r.count)
                if longest.count < 4:
                    break
            longest.thin()

    @property
    def bytes_used(self) -> int:
        return sum(r.nbytes for r in self.runs)

    def find(self, number: int) -> Stored | None:
        """The series with a number, counted from 1."""
        return next((r for r in self.runs if r.number == number), None)


class Recent:
    """The fluoroscopy of the last seconds, so that it can still be kept after it was seen."""

    SECONDS = 10.0

    def __init__(self) -> None:
        self.images: list[tuple[float, Geometry, Image8]] = []

    def add(self, t_s: float, geometry: Geometry, picture: Image8) -> None:
        """A picture (H, W) of now; what is older than `SECONDS` or of another view goes."""
        self.images = [k for k in self.images if k[0] > t_s - self.SECONDS and k[1] == geometry]
        self.images.append((t_s, geometry, halved(picture)))

    def clip(self, number: int) -> Clip | None:
        """What is kept now as a clip; None when there is nothing."""
        return Clip(number, self.images[-1][1], [p for _, _, p in self.images]) if self.images else None
