"""Capillary beds: arterioles, tissue, venules; where blush, uptake of drug and lodging of spheres happen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from trainer.anatomy.types import Patient
from trainer.flow.fluids import Hemodynamics, Pharmacy, organ_class, smaller_share
from trainer.flow.topology import Topology, is_portal
from trainer.flow.types import Bools, Floats, Ints

STAGES = (2, 6, 2)
"""Mixed stages of arterioles, tissue and venules. Ten in all spread a bolus by about a third of its transit
time (Erlang); one stage would let its front reach the vein at once."""
TISSUE = STAGES[0]
VENULES = STAGES[0] + STAGES[1]
"""First stages of tissue and of venules."""


@dataclass(slots=True)
class BedStore:
    """Amounts in B beds. K mixed stages in a row; portal blood enters liver tissue at its first stage."""

    volume: Floats  # (K, B) mL: arterioles, tissue, venules
    uptake: Floats  # (S, B) 1/s, of drugs from tissue blood into tissue
    passing: Floats  # (S, B) share of arriving spheres that pass through shunts
    capacity: Floats  # (B,) mL of spheres that close the bed
    held: Floats  # (S, K, B) carried
    kept: Floats  # (S, B) taken up (drug) or lodged (embolic)
    embolic: Bools  # (S,)
    blocks: Floats  # (S,) of an embolic: how much of a bed a mL closes against spheres
    settled: Floats  # (B,) mL of spheres, as far as they block, that have settled
    settled_blocks: float
    """How much of a bed settled spheres still close."""

    def blush(self, s: int) -> Floats:
        """Amount of a species in tissue and venules, (B,)."""
        return np.asarray(self.held[s, TISSUE:].sum(axis=0))

    @property
    def closed(self) -> Floats:
        """Share of each bed that spheres and oil have closed, (B,)."""
        here = self.blocks[self.embolic] @ self.kept[self.embolic] - (1.0 - self.settled_blocks) * self.settled
        return np.asarray(np.minimum(1.0, here / self.capacity))

    def settle(self, dt_s: float, settling_s: float) -> None:
        """Lets what lodged settle; part of the flow comes back."""
        fresh = self.blocks[self.embolic] @ self.kept[self.embolic] - self.settled
        self.settled += fresh * -np.expm1(-dt_s / settling_s)


def make_beds(patient: Patient, topology: Topology, pharmacy: Pharmacy, constants: Hemodynamics,
              rest_flow: Floats) -> BedStore:
    """Empty beds. rest_flow (B,) mL/s; stage volumes are flow times transit time."""
    beds = patient.beds
    shares = constants.transit_shares
    total = shares.arterioles + shares.tissue + shares.venules
    each = [shares.arterioles / STAGES[0], shares.tissue / STAGES[1], shares.venules / STAGES[2]]
    part = np.repeat(each, STAGES) / total
    portal = topology.portal_weight * _portal_flow(patient, topology, rest_flow)
    through = np.where(np.arange(len(part))[:, None] < TISSUE, rest_flow, rest_flow + portal)
    volume = part[:, None] * beds.transit_s * through
    classes = [organ_class(patient.territories[int(t)].organ) for t in beds.territory]
    S, B = len(pharmacy.names), len(classes)
    uptake, passing = np.zeros((S, B)), np.zeros((S, B))
    emb = constants.embolization
    for s, species in enumerate(pharmacy.species):
        for k, c in enumerate(classes):
            if species.kind == "drug":
                # N mixed stages that lose the share E of what passes in all: 1 + k V / q = (1 - E)^(-1/N)
                e = species.extraction.get(c, 0.0)
                rate = (1.0 - e) ** (-1.0 / STAGES[1]) - 1.0
                uptake[s, k] = rate * through[TISSUE, k] / volume[TISSUE, k]
        if species.kind == "embolic":
            small = {c: float(smaller_share(species, np.array([emb.shunt_um[c]]))[0]) for c in set(classes)}
            shunted = np.array([emb.shunt_share.get(c, 0.0) * small[c] for c in classes])
            passing[s] = shunted + (1.0 - shunted) * np.array([species.passes.get(c, 0.0) for c in classes])
    embolic = np.array([x.kind == "embolic" for x in pharmacy.species])
    return BedStore(volume, uptake, passing, emb.capacity_s * rest_flow, np.zeros((S, len(part), B)),
                    np.zeros((S, B)), embolic, np.array([x.blocks for x in pharmacy.species]), np.zeros(B),
                    emb.settled_blocks)


def _portal_flow(patient: Patient, topology: Topology, rest_flow: Floats) -> float:
    """Blood that reaches the liver through the portal vein at rest, mL/s."""
    if not len(topology.sink_cell):
        return 0.0
    drains = patient.beds.vein
    portal = np.array([v >= 0 and is_portal(patient.vein_kind[v]) for v in drains.tolist()], np.bool_)
    return float(rest_flow[portal].sum())


@njit(cache=True, nogil=True)
def pass_beds(present: Ints, embolic: Bools, arrived: Floats, portal: Floats, volume: Floats, uptake: Floats,
              passing: Floats, out_q: Floats, portal_q: Floats, dt: float, held: Floats, kept: Floats,
              drained: Floats) -> None:
    """One step through the beds, in place; implicit, so that any flow is stable.

    arrived, portal (S, B): amounts that came from the artery and the portal vein; out_q, portal_q (B,) mL/s.
    Writes drained (S, B), what the veins receive.
    """
    for s in present:
        for k in range(len(out_q)):
            q, p = max(0.0, out_q[k]), portal_q[k]
            h = held[s, :, k]
            flow = arrived[s, k]
            if embolic[s]:
                # through shunts: past the tissue
                kept[s, k] += (1.0 - passing[s, k]) * flow + portal[s, k]
                h[VENULES] += passing[s, k] * flow
                flow = 0.0
            elif portal[s, k] > 0.0:
                h[TISSUE] += portal[s, k]
            for i in range(len(h)):
                h[i] += flow
                if h[i] == 0.0:
                    flow = 0.0
                    continue
                through = q * dt if i < TISSUE else (q + p) * dt
                rate = uptake[s, k] * dt if TISSUE <= i < VENULES else 0.0
                whole = volume[i, k] * (1.0 + rate) + through
                taken = h[i] * volume[i, k] * rate / whole
                flow = h[i] * through / whole
                kept[s, k] += taken
                h[i] -= taken + flow
            drained[s, k] = flow


def return_to_artery(store: BedStore, bed_in: Floats, cell: Ints, mass: Floats, dt_s: float) -> None:
    """Moves what flows back out of the arterioles into the artery's last cell, where flow into a bed is
    reversed. bed_in (B,) mL/s, cell (B,), mass (S, C) in place."""
    back = np.flatnonzero(bed_in < 0.0)
    if not len(back):
        return
    share = np.minimum(0.5, -bed_in[back] * dt_s / store.volume[0, back])
    moved = store.held[:, 0, back] * share
    store.held[:, 0, back] -= moved
    for s in range(len(mass)):
        np.add.at(mass[s], cell[back], moved[s])
