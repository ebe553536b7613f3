"""Drug in the tumor against drug in plasma over time: peaks and areas under the curves.

Beside the books of `ledger`, which say where every mg went: here free drug in the tumor's tissue is washed out by the
blood that still flows, carriers release theirs, and plasma distributes and clears what reaches it (two compartments).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from pydantic import Field

from trainer.flow.beds import BedStore
from trainer.flow.fluids import Pharmacy, Positive
from trainer.flow.types import Floats, Ints
from trainer.resources import resource
from trainer.textfile import StrictModel, read_model

EVERY = 60
"""Steps between two looks at the books."""
HOURS_AFTER = 24.0
LONG_STEP_MIN = 1.0


class DrugRules(StrictModel):
    """A drug in plasma."""

    central_L: Positive
    peripheral_L: Positive
    clearance_L_min: Positive
    exchange_L_min: Positive


class Pharmacology(StrictModel):
    """assets/fluids/pharmacology.yaml"""

    format: int = Field(ge=1, le=1)
    tissue_washout_min: Positive
    release_min: Mapping[str, Positive]
    drugs: Mapping[str, DrugRules]


def pharmacology() -> Pharmacology:
    return read_model(Pharmacology, resource("assets", "fluids", "pharmacology.yaml"))[0]


@dataclass(slots=True)
class Course:
    """One drug: amounts, mg, and curves so far, ug/mL and ug min/mL."""

    rules: DrugRules
    tissue: float = 0.0
    central: float = 0.0
    peripheral: float = 0.0
    bound_tumor: Floats = field(default_factory=lambda: np.zeros(0))
    bound_other: Floats = field(default_factory=lambda: np.zeros(0))
    tumor_peak: float = 0.0
    plasma_peak: float = 0.0
    tumor_auc: float = 0.0
    plasma_auc: float = 0.0

    def advance(self, minutes: float, release: Floats, washout: float, tissue_mL: float, into_tissue: float = 0.0,
                into_plasma: float = 0.0) -> None:
        """One step. release (S,): rates of the carriers, washout: of tissue, 1/min; into_...: mg that came in it."""
        left = np.exp(-release * minutes)
        freed = float((self.bound_tumor * (1.0 - left)).sum())
        elsewhere = float((self.bound_other * (1.0 - left)).sum())
        self.bound_tumor, self.bound_other = self.bound_tumor * left, self.bound_other * left
        before, plasma = self.tissue, self.central
        self.tissue += into_tissue + freed
        washed = self.tissue * -math.expm1(-washout * minutes)
        self.tissue -= washed
        self.central += into_plasma + washed + elsewhere
        # both compartments implicitly, so that any step is stable
        r = self.rules
        out, across, back = (x * minutes for x in (r.clearance_L_min / r.central_L, r.exchange_L_min / r.central_L,
                                                   r.exchange_L_min / r.peripheral_L))
        self.central = (self.central + back / (1.0 + back) * self.peripheral) / (
            1.0 + out + across - across * back / (1.0 + back))
        self.peripheral = (self.peripheral + across * self.central) / (1.0 + back)
        volume = max(tissue_mL, 1e-9)
        self.tumor_peak = max(self.tumor_peak, 1000.0 * self.tissue / volume)
        self.plasma_peak = max(self.plasma_peak, self.central / r.central_L)
        self.tumor_auc += 500.0 * (before + self.tissue) / volume * minutes
        self.plasma_auc += 0.5 * (plasma + self.central) / r.central_L * minutes


class Exposure:
    """All drugs of one procedure. tumor: its beds (T,), tissue_mL: their tissue."""

    def __init__(self, pharmacy: Pharmacy, tumor: Ints, tissue_mL: float, rules: Pharmacology | None = None) -> None:
        self.rules = rules or pharmacology()
        self.pharmacy, self.tumor, self.tissue_mL = pharmacy, tumor, tissue_mL
        S = len(pharmacy.names)
        half = [self.rules.release_min.get(n.split("_")[0], math.inf) for n in pharmacy.names]
        self._release = math.log(2.0) / np.array(half)
        self.courses = {name: Course(r, bound_tumor=np.zeros(S), bound_other=np.zeros(S))
                        for name, r in self.rules.drugs.items() if name in pharmacy.names}
        self._carries = {name: np.array([s.drug_mg_mL if s.drug == name else 0.0 for s in pharmacy.species])
                         for name in self.courses}
        self._seen_tumor, self._seen_all, self._seen_systemic = np.zeros(S), np.zeros(S), np.zeros(S)

    def look(self, store: BedStore, lodged: Floats, systemic: Floats, flow_share: float, dt_s: float) -> None:
        """Takes over what the books (beds, lodged and systemic (S,)) have gained since the last look, dt_s ago."""
        tumor, everywhere = store.kept[:, self.tumor].sum(axis=1), store.kept.sum(axis=1) + lodged
        new_tumor, new_all = tumor - self._seen_tumor, everywhere - self._seen_all
        gone = systemic - self._seen_systemic
        self._seen_tumor, self._seen_all, self._seen_systemic = tumor, everywhere, systemic.copy()
        washout = math.log(2.0) / self.rules.tissue_washout_min * max(flow_share, 0.0)
        for name, course in self.courses.items():
            carried = self._carries[name]
            course.bound_tumor = course.bound_tumor + carried * new_tumor
            course.bound_other = course.bound_other + carried * (new_all - new_tumor + gone)
            k = self.pharmacy.index(name)
            course.advance(dt_s / 60.0, self._release, washout, self.tissue_mL, float(new_tumor[k]), float(gone[k]))

    def told(self, flow_share: float) -> dict[str, float]:
        """Peaks, ug/mL, and areas under the curves, ug min/mL, so far and over the day after, all drugs together."""
        courses = [c for c in self.courses.values() if c.tumor_auc + c.plasma_auc + c.bound_tumor.sum() > 0.0]
        if not courses:
            return {}
        out = {"tumor_peak_ug_mL": sum(c.tumor_peak for c in courses),
               "plasma_peak_ug_mL": sum(c.plasma_peak for c in courses),
               "tumor_auc_ug_min_mL": sum(c.tumor_auc for c in courses),
               "plasma_auc_ug_min_mL": sum(c.plasma_auc for c in courses)}
        washout = math.log(2.0) / self.rules.tissue_washout_min * max(flow_share, 0.0)
        day = [_copy(c) for c in courses]
        for course in day:
            for _ in range(round(60.0 * HOURS_AFTER / LONG_STEP_MIN)):
                course.advance(LONG_STEP_MIN, self._release, washout, self.tissue_mL)
        out["tumor_auc_day_ug_min_mL"] = sum(c.tumor_auc for c in day)
        out["plasma_auc_day_ug_min_mL"] = sum(c.plasma_auc for c in day)
        plasma = out["plasma_auc_day_ug_min_mL"]
        out["regional_advantage"] = out["tumor_auc_day_ug_min_mL"] / plasma if plasma > 0.0 else 0.0
        return out


def _copy(c: Course) -> Course:
    return Course(c.rules, c.tissue, c.central, c.peripheral, c.bound_tumor.copy(), c.bound_other.copy(), c.tumor_peak,
                  c.plasma_peak, c.tumor_auc, c.plasma_auc)
