"""Scatter at the detector as a smooth field, from thickness, field, air gap and grid."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from trainer.imaging.geometry import Geometry
from trainer.imaging.system import System

Image = NDArray[np.float32]

SIZE = 64
"""Pixels of the scatter field."""
REFERENCE_SOURCE_MM = 750.0 + 115.0 - 175.0
REFERENCE_SID_MM = 1100.0


def scatter_to_primary(
    water_mm: Image | float, field_cm2: float, kvp: float, sid_mm: float, exit_mm: float, system: System
) -> Image | float:
    """Scatter-to-primary ratio behind the grid. exit_mm: distance of the exit surface from the focus.

    Rises with thickness, field and voltage; falls with the air gap as the square of the ratio of distances from
    an effective source inside the patient, against the primary's from the focus ("Scatter rejection by air gaps:
    an empirical model", imaging.md 2.2). Size and powers: system.yaml.
    """
    s = system.scatter
    from_source = sid_mm - (exit_mm - s.source_depth_mm)
    usual = REFERENCE_SID_MM - REFERENCE_SOURCE_MM
    gap = (usual / from_source) ** 2 * (sid_mm / REFERENCE_SID_MM) ** 2
    field_part = 1.0 - math.exp(-field_cm2 / s.field_cm2)
    strength = s.spr_20cm * field_part * (kvp / 80.0) ** 0.3 * gap * system.grid.scatter / system.grid.primary
    ratio: Image | float = strength * (np.maximum(water_mm, 0.0) / 200.0) ** s.thickness_power
    return ratio


def scatter_ratio(water_mm: Image, geometry: Geometry, field_cm2: float, kvp: float, system: System) -> Image:
    """Scatter-to-primary ratio (SIZE, SIZE) behind the water path (SIZE, SIZE) mm of a body in the middle."""
    exit_mm = geometry.sod + 0.5 * float(np.median(water_mm))
    ratio = scatter_to_primary(np.minimum(water_mm, 400.0), field_cm2, kvp, geometry.sid, exit_mm, system)
    return np.asarray(ratio, dtype=np.float32)


def scatter_field(primary: Image, ratio: Image, geometry: Geometry, system: System) -> Image:
    """Scatter (SIZE, SIZE) in units of primary, from the primary (SIZE, SIZE) and the ratio: it spreads widely."""
    pixel = geometry.pixel_mm * geometry.pixels / SIZE
    spread = system.scatter.spread_mm / pixel
    made = primary * ratio
    return np.asarray(cv2.GaussianBlur(made, (0, 0), spread, borderType=cv2.BORDER_REFLECT), dtype=np.float32)
