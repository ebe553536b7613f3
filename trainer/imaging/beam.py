"""The beam: tube spectra reduced to four energies, attenuation of every material there, kerma and quanta.

The table is made by assets/xray/make_tables.py (spekpy, xraydb); nothing is computed from spectra here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer.errors import FileError, nearest
from trainer.resources import resource

Floats = NDArray[np.float64]

CALIBRATED_MM = 200.0
"""Water before the detector where the table tells quanta."""


@dataclass(frozen=True, slots=True)
class Beam:
    """One tube voltage and filter. Four energies stand for the spectrum as the detector weighs it."""

    kvp: float
    copper_mm: float
    energy_kev: Floats  # (4,)
    weight: Floats  # (4,), sum 1
    mu: dict[str, Floats]  # material -> (4,) 1/mm; iodine: cm2/mg
    kerma_uGy_mAs: float  # air kerma at 1 m per mAs
    kerma_per_signal: Floats  # (4,) air kerma for a signal of each energy, both 1 in the open beam
    quanta_uGy_mm2: float  # noise-equivalent quanta per uGy behind 20 cm water, per mm2

    def material(self, name: str) -> Floats:
        """(4,) attenuation of a material, 1/mm. Raises FileError for a material not in the table."""
        found = self.mu.get(name)
        if found is None:
            raise FileError(f"unknown X-ray material '{name}'", where="device catalog", mend=nearest(name, self.mu))
        return found

    def transmission(self, soft_mm: float, bone_mm: float = 0.0, iodine_mg_cm2: float = 0.0) -> float:
        """Detector signal left behind a path, 1 without anything. Beer-Lambert at four energies."""
        y = soft_mm * self.mu["soft"] + bone_mm * self.mu["bone"] + iodine_mg_cm2 * self.mu["iodine"]
        return float(self.weight @ np.exp(-y))

    def kerma_behind(self, water_mm: float) -> float:
        """Air kerma left behind water, 1 in the open beam (fitted from 5 to 40 cm)."""
        return float((self.weight * np.exp(-water_mm * self.mu["soft"])) @ self.kerma_per_signal)

    def kerma_over_signal(self, water_mm: float) -> float:
        """Air kerma over detector signal behind water: it falls as the beam hardens, but for the hardest ones."""
        return self.kerma_behind(water_mm) / self.transmission(water_mm)

    def quanta_behind(self, water_mm: float) -> float:
        """Noise-equivalent quanta per uGy and mm2 behind water, from the table's behind 20 cm.

        Quanta for a signal go with 1 / mean energy of what the detector takes in, those for a kerma with that over
        kerma for a signal.
        """

        def size(water: float) -> float:
            left = self.weight * np.exp(-water * self.mu["soft"])
            return float(left @ self.energy_kev / left.sum() * (left @ self.kerma_per_signal) / left.sum())

        return self.quanta_uGy_mm2 * size(CALIBRATED_MM) / size(water_mm)


@cache
def _table() -> tuple[Floats, Floats, dict[tuple[float, float], dict[str, Any]]]:
    data = json.loads(resource("assets", "xray", "beams.json").read_text("utf-8"))
    rows = {(float(b["kvp"]), float(b["copper_mm"])): b for b in data["beams"]}
    kvps = np.array(sorted({k for k, _ in rows}))
    filters = np.array(sorted({c for _, c in rows}))
    return kvps, filters, rows


def copper_filters() -> tuple[float, ...]:
    """The copper filters of the table, mm."""
    return tuple(float(c) for c in _table()[1])


def materials() -> tuple[str, ...]:
    """Names of every material in the table."""
    return tuple(next(iter(_table()[2].values()))["mu"])


@cache
def _row(kvp: float, copper_mm: float) -> Beam:
    b = _table()[2][(kvp, copper_mm)]
    mu = {name: np.array(values) for name, values in b["mu"].items()}
    return Beam(
        kvp,
        copper_mm,
        np.array(b["energy_kev"]),
        np.array(b["weight"]),
        mu,
        b["kerma_uGy_mAs_1m"],
        np.array(b["kerma_per_signal"]),
        b["quanta_uGy_mm2"],
    )


@cache
def beam(kvp: float, copper_mm: float) -> Beam:
    """The beam at a tube voltage (60..120 kV) and a copper filter of the table: at the next whole kilovolt.

    Two beams are not mixed: their four energies lie at different places.
    """
    kvps, _, _ = _table()
    return _row(float(kvps[int(np.abs(kvps - kvp).argmin())]), copper_mm)
