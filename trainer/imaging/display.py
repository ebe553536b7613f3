"""From signal to gray values: windows, edge enhancement, roadmap, stored pictures."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from trainer.imaging.coarse import widened
from trainer.imaging.readout import REACH, Look

Image = NDArray[np.float32]
Image8 = NDArray[np.uint8]

LOG_RANGE = (0.002, 200.0)
"""Signals that the picture tells apart, in units of the receptor dose asked for; the panel saturates at 200."""
COMPRESS = 0.66
"""Share of the coarse picture taken out, so that lung and spine fit one window."""
DSA_GRAY = 178.0
DSA_GAIN = 250.0
ROADMAP_GAIN = 230.0


@dataclass(frozen=True, slots=True)
class Window:
    """Gray = gray + gain * (log signal - mid), with the coarse picture compressed about mid."""

    mid: float
    gain: float
    gray: float = 128.0


def coarse_log(total: Image, free: float, inside: NDArray[np.bool_]) -> Image:
    """Blurred log (64, 64) of the expected signal, for compression and windowing; free: the free beam's signal.

    The free beam beside the body is not compressed: it stays white and pulls nothing down around it. Only the
    open field (inside) counts, so that closed shutters do not brighten their edges.
    """
    log = np.log(np.clip(total, 1e-3, 0.35 * free))
    share = inside.astype(np.float32)
    weight = cv2.GaussianBlur(share, (0, 0), 2.2, borderType=cv2.BORDER_REPLICATE)
    sums = cv2.GaussianBlur(log * share, (0, 0), 2.2, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(sums / np.maximum(weight, 1e-3), dtype=np.float32)


def _at(values: Image, share: float) -> float:
    """The value that this share of sorted values (N,) lies below, between two of them."""
    place = share * (len(values) - 1)
    k = min(int(place), len(values) - 2)
    return float(values[k] + (place - k) * (values[k + 1] - values[k]))


def auto_window(low: Image, open_field: NDArray[np.bool_], previous: Window | None) -> Window:
    """A window from the open part of the coarse log picture (64, 64); follows changes slowly."""
    values = np.sort(low[open_field] if open_field.any() else low, axis=None)
    a, m, b = (_at(values, share) for share in (0.04, 0.45, 0.96))
    gain = min(max(150.0 / max((b - a) * (1 - COMPRESS), 0.4), 90.0), 190.0)
    if previous is None:
        return Window(m, gain)
    return Window(previous.mid + 0.2 * (m - previous.mid), previous.gain + 0.2 * (gain - previous.gain))


def look(window: Window, low: Image, edge: float, rows: Image, columns: Image) -> Look:
    """How `readout` makes gray values: the window, what is compressed about its mid, and edges enhanced.

    gray + gain * (log + edge * (log - mean of its 5 x 5) - mid - COMPRESS * (low - mid)), behind shutters of open
    shares rows (H,) and columns (W,).
    """
    k, m = window.gain, window.mid
    base = np.asarray(window.gray - k * m - k * COMPRESS * (low - m), dtype=np.float32)
    return Look(widened(base, len(columns)), k * (1.0 + edge), k * edge / (2 * REACH + 1) ** 2, rows, columns)


def add_roadmap(picture: Image8, peak: Image, shutter: Image) -> Image8:
    """The picture with a run's peak opacification (H, W; log, negative where iodine passed) in white."""
    white = np.clip(-peak - 0.03, 0.0, 0.55) * (ROADMAP_GAIN * shutter)
    out = np.clip(picture.astype(np.float32) + white, 0, 255)
    return np.asarray(out, dtype=np.uint8)


def halved(picture: Image8) -> Image8:
    """Half the size, by area, for the store."""
    return np.asarray(cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), dtype=np.uint8)
