"""The reference monitor: which stored picture it shows, and what can be done to a run after it was made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer.frame import read_only
from trainer.imaging.runs import MOST_SHIFT_PX, Recent, Run, RunStore, Stored

Image8 = NDArray[np.uint8]


class Review:
    """`act` carries out review, remask, pixel_shift and store_fluoro; each gives a message for the operator or None."""

    ACTS = ("review", "remask", "pixel_shift", "store_fluoro")

    def __init__(self) -> None:
        self.store, self.recent = RunStore(), Recent()
        self.picture: Image8 | None = None
        self.id = 0
        self.label = ""
        self.run, self.image = 0, -1
        """What is shown: number of the run, image (-1: the peak)."""

    def add(self, series: Stored) -> None:
        """Stores a series and shows its peak."""
        self.store.add(series)
        self._show(series, -1)

    def act(self, kind: str, args: Mapping[str, Any]) -> str | None:
        if kind == "store_fluoro":
            clip = self.recent.clip(len(self.store.runs) + 1)
            if clip is None:
                return "There is no fluoroscopy of the last seconds to store"
            self.add(clip)
            return f"{clip.count} fluoroscopic images stored as {clip.number}"
        found = self.store.find(int(args.get("run", 0)) or self.run)
        if kind == "review":
            if found is not None:
                self._show(found, int(args.get("image", -1)))
            return None
        if not isinstance(found, Run):
            return "Show a run first: only a run has a mask"
        if kind == "remask":
            image = int(args.get("image", -1))
            image = self.image if image < 0 else image
            if not 0 <= image < found.count:
                return "Show the image that shall be the mask, not the peak"
            found.remask(image)
        else:
            x, y = float(args.get("dx_px", 0.0)), float(args.get("dy_px", 0.0))
            found.shift_px = (min(max(x, -MOST_SHIFT_PX), MOST_SHIFT_PX), min(max(y, -MOST_SHIFT_PX), MOST_SHIFT_PX))
        self._show(found, self.image if self.run == found.number else -1)
        return None

    @property
    def shown(self) -> tuple[int, int, int]:
        """Number of the series, image (-1: the peak), images in it; (0, -1, 0) when nothing is shown."""
        found = self.store.find(self.run)
        return (self.run, self.image, found.count) if found is not None else (0, -1, 0)

    @property
    def shift_px(self) -> tuple[float, float]:
        """Mask shift of the run that is shown."""
        found = self.store.find(self.run)
        return found.shift_px if isinstance(found, Run) else (0.0, 0.0)

    def _show(self, series: Stored, image: int) -> None:
        self.run, self.image = series.number, image if 0 <= image < series.count else -1
        self.picture, self.label = read_only(series.picture(image)), series.label(image)
        self.id += 1
