"""Where the X-rays go. The only home of handedness.

Patient LPS mm. The positioner angles are those of DICOM PS3.3 C.8.7.5.1.2: at 0/0 the patient faces the
detector; primary +90 deg puts the detector at the patient's left (LAO), secondary +90 deg at the head (CRA).
Pictures are shown as the detector sees the patient from the front, head up: in AP the patient's right is on
the viewer's left.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FIELDS_MM = (480.0, 420.0, 320.0, 220.0, 160.0)
"""Field diagonals at the detector (imaging.md 2.2, unverified)."""
SID_MM = 1100.0
SOD_MM = 750.0
LIMIT_PRIMARY = math.radians(120.0)
LIMIT_SECONDARY = math.radians(50.0)


@dataclass(frozen=True, slots=True)
class Geometry:
    """One position of the C-arm and table. Angles rad, lengths mm, field = diagonal of the square field."""

    primary: float = 0.0
    secondary: float = 0.0
    isocenter: tuple[float, float, float] = (0.0, 0.0, 0.0)
    field_mm: float = 480.0
    sid: float = SID_MM
    sod: float = SOD_MM
    pixels: int = 1024

    @property
    def pixel_mm(self) -> float:
        """Side of a pixel at the detector, mm."""
        return self.field_mm / math.sqrt(2.0) / self.pixels

    @property
    def magnification(self) -> float:
        return self.sid / self.sod

    @property
    def pixel_iso_mm(self) -> float:
        """Side of a pixel at the isocenter, mm."""
        return self.pixel_mm / self.magnification

    def axes(self) -> tuple[Floats, Floats, Floats]:
        """Unit vectors (3,): image right, image down, and from the isocenter to the detector.

        The detector's direction is longitude and latitude about the patient. Image right is the direction of
        growing primary angle (at AP: the patient's left); image up is that of growing secondary angle.
        """
        sp, cp = math.sin(self.primary), math.cos(self.primary)
        ss, cs = math.sin(self.secondary), math.cos(self.secondary)
        normal = np.array([sp * cs, -cp * cs, ss])
        right = np.array([cp, sp, 0.0])
        up = np.array([-sp * ss, cp * ss, cs])
        return right, -up, normal

    @property
    def source(self) -> Floats:
        """Focal spot, (3,) mm."""
        return np.asarray(self.isocenter) - self.sod * self.axes()[2]

    def matrix(self) -> Floats:
        """(3, 4) matrix P with (a, b, w) = P (x, y, z, 1), column = a / w, row = b / w, in pixels.

        Pixel (row 0, column 0) has its center at 0, 0. w is the distance from the source along the central
        ray, mm.
        """
        right, down, normal = self.axes()
        scale = self.sid / self.pixel_mm
        mid = 0.5 * (self.pixels - 1)
        rows = np.stack([scale * right + mid * normal, scale * down + mid * normal, normal])
        out: Floats = np.hstack([rows, (-rows @ self.source)[:, None]])
        return out

    def project(self, points: Floats) -> Floats:
        """Image positions (N, 2) as (column, row) in pixels of points (N, 3) mm."""
        p = np.atleast_2d(np.asarray(points, dtype=np.float64))
        h = p @ self.matrix()[:, :3].T + self.matrix()[:, 3]
        out: Floats = h[:, :2] / h[:, 2:3]
        return out

    def ray_basis(self) -> tuple[Floats, Floats, Floats]:
        """d0, du, dv (3,) mm with: source + d0 + column * du + row * dv = a pixel's center on the detector."""
        right, down, normal = self.axes()
        mid = 0.5 * (self.pixels - 1) * self.pixel_mm
        return self.sid * normal - mid * (right + down), self.pixel_mm * right, self.pixel_mm * down

    def shift_px(self, offset_mm: Floats) -> tuple[float, float]:
        """Image motion (columns, rows) in pixels of something near the isocenter displaced by (3,) mm."""
        right, down, _ = self.axes()
        k = 1.0 / self.pixel_iso_mm
        return float(right @ offset_mm) * k, float(down @ offset_mm) * k

    def resized(self, pixels: int) -> Geometry:
        """The same field sampled with another number of pixels."""
        return Geometry(self.primary, self.secondary, self.isocenter, self.field_mm, self.sid, self.sod, pixels)


def angle_label(geometry: Geometry) -> str:
    """As written on a monitor, e.g. `RAO 30 / CAU 10`."""
    p, s = round(math.degrees(geometry.primary)), round(math.degrees(geometry.secondary))
    first = f"LAO {p}" if p > 0 else f"RAO {-p}" if p < 0 else "AP"
    second = f"CRA {s}" if s > 0 else f"CAU {-s}" if s < 0 else ""
    return f"{first} / {second}" if second else first
