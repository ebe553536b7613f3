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


def _wanted(pixel_mm: float, at_1_lp: float, f_lp_mm: float) -> float:
    """MTF that is left to the kernel: a Gaussian through at_1_lp, without the pixel aperture."""
    return math.pow(at_1_lp, f_lp_mm**2) / sinc(pixel_mm * f_lp_mm)


@cache
def mtf_kernel(pixel_mm: float, at_1_lp: float) -> Vector:
    """Separable kernel (odd,) whose MTF, pixel aperture included, is Gaussian and at_1_lp at 1 lp/mm.

    Fitted up to Nyquist, not sampled: a Gaussian sampled on coarse pixels misses the wanted value (imaging.md
    section 3), and one widened until it has it passes too much at Nyquist.
    """
    sigma_px = math.sqrt(-2.0 * math.log(min(at_1_lp, 0.999))) / (2.0 * math.pi * pixel_mm)
    n = max(math.ceil(3.2 * sigma_px), 3)
    frequencies = np.linspace(0.02, 0.5, 25) / pixel_mm
    # pixels too coarse for 1 lp/mm have no more than theirs
    f = np.append(frequencies, min(1.0, float(frequencies[-1])))
    loss = 2.0 * (1.0 - np.cos(2 * np.pi * pixel_mm * np.outer(f, np.arange(1, n + 1))))
    want = np.array([1.0 - min(_wanted(pixel_mm, at_1_lp, float(x)), 1.0) for x in f])
    weight = np.append(np.ones(len(frequencies)), 1e4)
    side: NDArray[np.float64] = np.linalg.lstsq(loss * weight[:, None], want * weight)[0]
    side = np.round(side, 7)  # the same bits from any solver
    return np.concatenate([side[::-1], [1.0 - 2.0 * side.sum()], side]).astype(np.float32)


@cache
def aperture_kernel(pixel_mm: float) -> Vector:
    """Separable kernel (3,) that gives shadows sampled at pixel centers the pixel aperture's MTF at 1 lp/mm.

    On pixels too coarse for 1 lp/mm it does nothing.
    """
    if pixel_mm >= 0.5:
        return np.array([0.0, 1.0, 0.0], dtype=np.float32)
    side = 0.5 * (1.0 - sinc(pixel_mm)) / (1.0 - math.cos(2.0 * math.pi * pixel_mm))
    return np.array([side, 1.0 - 2.0 * side, side], dtype=np.float32)


def focus_sigma_px(focus_mm: float, magnification: float, pixel_mm: float) -> float:
    """Standard deviation in pixels of a uniform focal spot's shadow, f (M - 1) / sqrt 12 (imaging.md section 3)."""
    return focus_mm * (magnification - 1.0) / math.sqrt(12.0) / pixel_mm
