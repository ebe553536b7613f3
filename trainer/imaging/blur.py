"""Detector blur: a short kernel fitted so that kernel and pixel aperture together have the wanted MTF."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]


def sinc(x: float) -> float:
    return 1.0 if abs(x) < 1e-12 else math.sin(math.pi * x) / (math.pi * x)


def transfer(kernel: Vector, pixel_mm: float, f_lp_mm: float) -> float:
    """MTF of a symmetric kernel at a frequency, pixel aperture not included."""
    n = len(kernel) // 2
    return float(sum(float(kernel[n + k]) * math.cos(2 * math.pi * f_lp_mm * k * pixel_mm) for k in range(-n, n + 1)))


def _gaussian(sigma_px: float) -> Vector:
    n = max(math.ceil(3.2 * sigma_px), 1)
    k = np.exp(-0.5 * (np.arange(-n, n + 1) / max(sigma_px, 1e-6)) ** 2)
    return np.asarray(k / k.sum(), dtype=np.float32)


@cache
def mtf_kernel(pixel_mm: float, at_1_lp: float) -> Vector:
    """Separable kernel (odd,) whose MTF at 1 lp/mm, pixel aperture included, is at_1_lp.

    Fitted, not sampled: a Gaussian sampled on pixels would miss the wanted value (imaging.md section 3).
    """
    want = min(at_1_lp / sinc(pixel_mm), 0.999)
    low, high = 0.02, 1.0 / pixel_mm
    for _ in range(50):
        mid = 0.5 * (low + high)
        low, high = (mid, high) if transfer(_gaussian(mid), pixel_mm, 1.0) > want else (low, mid)
    return _gaussian(high)


def focus_sigma_px(focus_mm: float, magnification: float, pixel_mm: float) -> float:
    """Standard deviation in pixels of a uniform focal spot's shadow, f (M - 1) / sqrt 12 (imaging.md section 3)."""
    return focus_mm * (magnification - 1.0) / math.sqrt(12.0) / pixel_mm
