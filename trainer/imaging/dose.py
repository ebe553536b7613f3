"""Dose: kerma at the reference point, kerma-area product, skin map, operator. From the same exposures as the noise."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from trainer.frame import DoseView
from trainer.imaging.geometry import Geometry
from trainer.imaging.system import System

Floats = NDArray[np.float64]
Shutters = tuple[float, float, float, float]
OPEN_FIELD: Shutters = (0.0, 0.0, 0.0, 0.0)


def open_share(shutters: Shutters) -> tuple[float, float]:
    """Open shares of width and height of the field for (left, right, top, bottom) closed shares."""
    left, right, top, bottom = shutters
    return max(1.0 - left - right, 0.0), max(1.0 - top - bottom, 0.0)


def area_cm2(geometry: Geometry, shutters: Shutters, distance_mm: float) -> float:
    """Area of the beam at a distance from the source, cm2."""
    side = geometry.pixel_mm * geometry.pixels * distance_mm / geometry.sid
    w, h = open_share(shutters)
    return side * w * side * h / 100.0


def kap_Gycm2(geometry: Geometry, shutters: Shutters, kerma_uGy: float, distance_mm: float) -> float:
    """Kerma-area product K(d) A(d); the same at every distance."""
    return kerma_uGy * 1e-6 * area_cm2(geometry, shutters, distance_mm)


class SkinMap:
    """Entrance skin on a grid over the body's contours (R rings, N points). Doses in mGy."""

    def __init__(self, skin: Floats) -> None:
        self.points = skin.reshape(-1, 3)
        middle = np.repeat(skin.mean(axis=1), skin.shape[1], axis=0)
        self.normal = self.points - middle
        self.normal[:, 2] = 0.0
        self.normal /= np.maximum(np.linalg.norm(self.normal, axis=1, keepdims=True), 1e-9)
        self.mGy = np.zeros(len(self.points))
        self._pose: tuple[Geometry, Shutters] | None = None
        self._where = np.zeros(0, dtype=np.int64)
        self._factor = np.zeros(0)

    def _aim(self, geometry: Geometry, shutters: Shutters) -> None:
        """Skin points where this beam enters, and their (1 / distance)^2 in 1/m2."""
        if self._pose == (geometry, shutters):
            return
        away = self.points - geometry.source
        entry = np.einsum("ij,ij->i", away, self.normal) < 0.0
        px = geometry.project(self.points) / (geometry.pixels - 1)
        left, right, top, bottom = shutters
        inside = (px[:, 0] >= left) & (px[:, 0] <= 1 - right) & (px[:, 1] >= top) & (px[:, 1] <= 1 - bottom)
        self._where = np.flatnonzero(entry & inside)
        self._factor = 1e6 / np.einsum("ij,ij->i", away, away)[self._where]
        self._pose = (geometry, shutters)

    def add(
        self, geometry: Geometry, shutters: Shutters, reference_uGy: float, reference_mm: float, backscatter: float
    ) -> None:
        """One pulse: entrance kerma (d_ref / d_skin)^2 times backscatter at each point in the beam."""
        self._aim(geometry, shutters)
        self.mGy[self._where] += reference_uGy * 1e-3 * backscatter * (reference_mm / 1000.0) ** 2 * self._factor

    @property
    def peak_mGy(self) -> float:
        return float(self.mGy.max(initial=0.0))


@dataclass
class DoseMeter:
    """Totals of the procedure."""

    system: System
    skin: SkinMap
    air_kerma_mGy: float = 0.0
    kap_Gycm2: float = 0.0
    operator_uSv: float = 0.0
    fluoro_time_s: float = 0.0
    frames: int = 0
    rate_mGy_min: float = 0.0
    _recent: list[tuple[float, float]] = field(default_factory=list)

    def add(self, t_s: float, geometry: Geometry, shutters: Shutters, reference_uGy: float, *, through: float = 1.0,
            shield: bool = False) -> None:
        """One pulse at time t_s. through: mean share that wedge filters let pass in the open field."""
        reference_mm = geometry.sod - self.system.reference_mm.value
        self.air_kerma_mGy += reference_uGy * 1e-3
        kap = through * kap_Gycm2(geometry, shutters, reference_uGy, reference_mm)
        self.kap_Gycm2 += kap
        s = self.system
        self.operator_uSv += kap * (s.operator_shielded_uSv_Gycm2 if shield else s.operator_uSv_Gycm2).value
        self.skin.add(geometry, shutters, reference_uGy, reference_mm, self.system.skin.backscatter)
        self._recent.append((t_s, reference_uGy * 1e-3))

    def settle(self, t_s: float, beam_on: bool) -> None:
        """Updates the displayed rate, 0 when the beam is off: kerma of the last second over the time it took.

        A pulse counts for the interval before it, so the first one in sight only begins the first interval.
        """
        self._recent = [(t, k) for t, k in self._recent if t > t_s - 1.0] if beam_on else []
        kerma, span = math.fsum(k for _, k in self._recent), 1.0
        lasted = self._recent[-1][0] - self._recent[0][0] if self._recent else 0.0
        if lasted > 0.0:  # pedals changed at once make two pulses at one time
            kerma, span = kerma - self._recent[0][1], lasted
        self.rate_mGy_min = 60.0 * kerma / span

    def view(self) -> DoseView:
        return DoseView(
            self.air_kerma_mGy,
            self.kap_Gycm2,
            self.rate_mGy_min,
            self.skin.peak_mGy,
            self.operator_uSv,
            self.fluoro_time_s,
            self.frames,
        )
