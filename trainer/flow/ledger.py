"""Where every amount is: what was given, what is carried, what has lodged or left. It must add up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numba import njit

from trainer.anatomy.types import Patient
from trainer.flow.beds import BedStore
from trainer.flow.fluids import Pharmacy
from trainer.flow.injector import Delivery
from trainer.flow.topology import Topology, is_portal
from trainer.flow.types import Floats, Ints

EXTRAVASATED = "extravasated"
"""Place of what left through a hole in a vessel."""


class Places(NamedTuple):
    """Amounts by where they ended: mL of embolic or mg of drug."""

    by_territory: Mapping[str, float]
    in_flight: float
    systemic: float


class Ledger:
    """Amounts of S species outside the beds, and the totals of the procedure."""

    def __init__(self, patient: Patient, topology: Topology, pharmacy: Pharmacy, territory: Ints, S: int,
                 C: int) -> None:
        self.pharmacy = pharmacy
        self.mass = np.zeros((S, C))
        """Carried in each cell, mg or mL."""
        self.lodged = np.zeros((S, C))
        """Spheres lodged in vessel cells, mL."""
        self.systemic = np.zeros(S)
        self.spilled = np.zeros((S, 0))
        """Left through each hole in a vessel, mg or mL."""
        self.given = np.zeros(S)
        self.contrast_mL = 0.0
        self.reflux_mL = 0.0
        self.present: Ints = np.zeros(0, np.int64)
        """Species given so far."""
        self.index_iodine = pharmacy.index("iodine")
        self.names = tuple(t.name for t in patient.territories)
        self.bed_territory = patient.beds.territory
        self.cell_territory = territory
        kind = patient.vein_kind
        self.portal_bed = np.array([bool(kind) and v >= 0 and is_portal(kind[v])
                                    for v in patient.beds.vein.tolist()], np.bool_)
        self.embolic = pharmacy.of_kind("embolic")
        self.drugs = pharmacy.of_kind("drug")
        self.load = np.array([s.drug_mg_mL for s in pharmacy.species])

    @property
    def any_given(self) -> bool:
        return len(self.present) > 0

    def give(self, amounts: Floats, contrast_mL: float) -> None:
        """Books what leaves a tip, (S,)."""
        self.given += amounts
        self.contrast_mL += contrast_mL
        if np.count_nonzero(self.given) != len(self.present):
            self.present = np.flatnonzero(self.given > 0.0).astype(np.int64)

    def receive(self, present: Ints, amounts: Floats, vein: Ints) -> None:
        """Puts what drained from N places, amounts (S, N), into vein cells (N,); -1 is the systemic pool."""
        inside = vein >= 0
        for s in present:
            self.systemic[s] += amounts[s, ~inside].sum()
            np.add.at(self.mass[s], vein[inside], amounts[s, inside])

    def watch_reflux(self, deliveries: Sequence[Delivery], cells: Sequence[int], q: Floats,
                     dt_s: float) -> None:
        """Counts volume that flows back past a tip while embolic stands there."""
        for d, cell in zip(deliveries, cells):
            if q[cell] < 0.0 and np.any(d.amounts[self.embolic] > 0.0):
                self.reflux_mL -= q[cell] * dt_s

    def given_totals(self) -> dict[str, float]:
        """Totals past the tips: contrast_mL, iodine_g, drug_mg (free and on spheres), embolic_mL."""
        return {
            "contrast_mL": self.contrast_mL,
            "iodine_g": float(self.given[self.index_iodine]) / 1000.0,
            "drug_mg": float(self.given[self.drugs].sum() + self.load @ self.given),
            "embolic_mL": float(self.given[self.embolic].sum()),
        }

    def sums(self, beds: BedStore) -> Floats:
        """Amounts carried in vessels and in beds, lodged in vessels, kept in beds: (4, S)."""
        out = np.zeros((4, len(self.given)))
        for s in self.present:
            out[:, s] = (self.mass[s].sum(), beds.held[s].sum(), self.lodged[s].sum(), beds.kept[s].sum())
        return out

    def places(self, beds: BedStore, sums: Floats) -> tuple[Places, Places]:
        """(embolic mL, drug mg) by place. Drug on spheres lies where they lie; drug in solution counts where
        tissue took it up. sums: of `sums` now."""
        weights = np.zeros((2, len(self.load)))
        weights[0, self.embolic] = 1.0
        weights[1] = self.load
        weights[1, self.drugs] = 1.0
        if not np.any(self.given[self.embolic + self.drugs] > 0.0):
            return Places({}, 0.0, 0.0), Places({}, 0.0, 0.0)
        amounts = np.zeros((2, len(self.names)))
        _gather(np.flatnonzero(sums[3]), weights, beds.kept, self.bed_territory, amounts)
        _gather(np.flatnonzero(sums[2]), weights, self.lodged, self.cell_territory, amounts)
        carried = weights @ (sums[0] + sums[1])
        gone, spilled = weights @ self.systemic, weights @ self.spilled.sum(axis=1)
        out = []
        for k in range(2):
            found = np.flatnonzero(amounts[k] > 0.0)
            by_place = dict(zip([self.names[i] for i in found], amounts[k, found].tolist(), strict=True))
            if spilled[k] > 0.0:
                by_place[EXTRAVASATED] = float(spilled[k])
            out.append(Places(by_place, float(carried[k]), float(gone[k])))
        return out[0], out[1]

    def balance_error(self, sums: Floats) -> float:
        """Worst relative error over the species given: |given - found| / given. sums: of `sums` now."""
        found = sums.sum(axis=0) + self.systemic + self.spilled.sum(axis=1)
        off = np.abs(found - self.given)[self.present] / self.given[self.present]
        return float(off.max(initial=0.0))


@njit(cache=True, nogil=True)
def _gather(present: Ints, weights: Floats, amounts: Floats, place: Ints, out: Floats) -> None:
    """Adds amounts (S, N) of the present species by place (n <= N,), weighted (2, S), to out (2, places)."""
    for s in present:
        for i in range(len(place)):
            if amounts[s, i] != 0.0:
                out[0, place[i]] += weights[0, s] * amounts[s, i]
                out[1, place[i]] += weights[1, s] * amounts[s, i]
