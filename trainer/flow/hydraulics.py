"""Catheter lumens: what a pressure drives through them, and the fluids that stand in them."""

from __future__ import annotations

import math
from typing import NamedTuple

from trainer.flow.resistance import POISEUILLE, annulus_multiplier

BLOOD = ""
"""Name of the plug that is no injected fluid."""
BLOOD_MPA_S = 3.5


class Lumen(NamedTuple):
    """The open channel of a device."""

    inner_diameter_mm: float
    length_mm: float
    max_pressure_psi: float
    openings_mm: tuple[float, ...] = (0.0,)
    """Distances from the tip at which it is open: the end hole, and side holes."""


def lumen_resistance(lumen: Lumen, viscosity_mPa_s: float, inner_radius_mm: float = 0.0,
                     inner_length_mm: float = 0.0) -> float:
    """Resistance of a lumen, mmHg s/mL: Poiseuille, and a concentric annulus where a device lies inside."""
    r = 0.5 * lumen.inner_diameter_mm
    inside = min(max(inner_length_mm, 0.0), lumen.length_mm)
    multiplier = annulus_multiplier(inner_radius_mm / r)
    effective = lumen.length_mm - inside + inside * multiplier
    return POISEUILLE * viscosity_mPa_s * effective / r**4


def kink_resistance(lumen: Lumen, viscosity_mPa_s: float, kinks: tuple[tuple[float, float], ...]) -> float:
    """What kinks add to a lumen's resistance, mmHg s/mL: Poiseuille with a share of the diameter over a length, mm.

    A device that passes through a kink is not taken into account.
    """
    r = 0.5 * lumen.inner_diameter_mm
    return sum(POISEUILLE * viscosity_mPa_s * length * (share**-4 - 1.0) / r**4 for share, length in kinks)


def lumen_volume(lumen: Lumen, inner_radius_mm: float = 0.0, inner_length_mm: float = 0.0) -> float:
    """Dead space of a lumen, mL."""
    r = 0.5 * lumen.inner_diameter_mm
    inside = min(max(inner_length_mm, 0.0), lumen.length_mm)
    return math.pi * (r * r * lumen.length_mm - min(inner_radius_mm, r) ** 2 * inside) / 1000.0


class Column:
    """Plugs of fluid in a lumen, from the tip to the hub. What is pushed in at the hub drives them out."""

    def __init__(self, fluid: str, volume_mL: float) -> None:
        self._plugs: list[tuple[str, float]] = [(fluid, volume_mL)]

    @property
    def content(self) -> tuple[tuple[str, float], ...]:
        """(fluid, mL) from tip to hub."""
        return tuple(self._plugs)

    def share(self, fluid: str) -> float:
        """Share of the lumen that a fluid fills."""
        total = self.volume_mL
        return sum(v for name, v in self._plugs if name == fluid) / total if total > 0.0 else 0.0

    @property
    def volume_mL(self) -> float:
        return sum(v for _, v in self._plugs)

    def fit(self, volume_mL: float) -> None:
        """Adapts to a lumen whose free volume changed: blood is sucked in at the tip when a device inside is
        withdrawn; what a device entering displaces leaves through the open hub."""
        gap = volume_mL - self.volume_mL
        if gap > 1e-12:
            self._plugs.insert(0, (BLOOD, gap))
        while gap < -1e-12 and self._plugs:
            fluid, v = self._plugs.pop()
            if v + gap > 0.0:
                self._plugs.append((fluid, v + gap))
                break
            gap += v

    def push(self, fluid: str, volume_mL: float) -> list[tuple[str, float]]:
        """Pushes fluid in at the hub; returns the plugs that leave at the tip, same volume in all."""
        if self._plugs and self._plugs[-1][0] == fluid:
            self._plugs[-1] = (fluid, self._plugs[-1][1] + volume_mL)
        else:
            self._plugs.append((fluid, volume_mL))
        out: list[tuple[str, float]] = []
        left = volume_mL
        while left > 0.0 and self._plugs:
            name, v = self._plugs.pop(0)
            if v > left:
                self._plugs.insert(0, (name, v - left))
                v = left
            out.append((name, v))
            left -= v
        return out
