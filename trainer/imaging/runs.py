"""Stored DSA runs: their subtracted pictures at half size, within a bounded memory."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from trainer.imaging.geometry import Geometry, angle_label

Image8 = NDArray[np.uint8]
Image = NDArray[np.float32]

MEMORY_BYTES = 72_000_000


@dataclass
class Run:
    number: int
    geometry: Geometry
    images: list[Image8] = field(default_factory=list)
    """Subtracted pictures, half size; thinned when memory runs short."""
    peak: Image8 | None = None

    def label(self, image: int) -> str:
        """As written on the reference monitor; image -1 is the peak opacification."""
        view = angle_label(self.geometry)
        which = "peak" if image < 0 else f"image {image + 1} of {len(self.images)}"
        return f"Run {self.number}  {view}  {which}"


class RunStore:
    """The runs of a procedure, oldest first."""

    def __init__(self, limit_bytes: int = MEMORY_BYTES) -> None:
        self.runs: list[Run] = []
        self.limit_bytes = limit_bytes

    def add(self, run: Run) -> None:
        """Stores a run. When memory runs short, the longest other run loses every second picture."""
        self.runs.append(run)
        while self.bytes_used > self.limit_bytes:
            longest = max(self.runs[:-1] or self.runs, key=lambda r: len(r.images))
            if len(longest.images) < 2:
                longest = max(self.runs, key=lambda r: len(r.images))
                if len(longest.images) < 2:
                    break
            del longest.images[1::2]

    @property
    def bytes_used(self) -> int:
        return sum(i.nbytes for r in self.runs for i in r.images)

    def picture(self, number: int, image: int) -> tuple[Image8, str] | None:
        """Picture and label of a run (numbered from 1; image -1 or out of range: the peak); None if absent."""
        found = next((r for r in self.runs if r.number == number), None)
        if found is None:
            return None
        if 0 <= image < len(found.images):
            return found.images[image], found.label(image)
        return None if found.peak is None else (found.peak, found.label(-1))
