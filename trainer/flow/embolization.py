"""Where spheres lodge, and how much of a vessel or bed they close."""

from __future__ import annotations

import math

import numpy as np

from trainer.anatomy.types import Patient
from trainer.flow.fluids import Hemodynamics, Pharmacy, smaller_share
from trainer.flow.topology import Topology
from trainer.flow.types import Cells, Floats, Ints
from trainer.units import ML_MM3


def catch_shares(cells: Cells, topology: Topology, pharmacy: Pharmacy) -> Floats:
    """Share of each species' spheres passing edge i outward that are wider than cell i, (S, E); arcades' ends none.

    Of those that fit the cell before: 1 - F(this caliber) / F(caliber before), F the size distribution.
    Veins catch nothing.
    """
    caliber_um = 1000.0 * (cells.radius_start + cells.radius_end)
    narrowest = caliber_um.copy()
    for i in range(topology.arteries):
        if topology.up[i] >= 0:
            narrowest[i] = min(narrowest[i], narrowest[topology.up[i]])
    out = np.zeros((len(pharmacy.names), len(caliber_um) + len(topology.join_from)))
    inner = np.flatnonzero(topology.up[: topology.arteries] >= 0)
    for s in pharmacy.of_kind("embolic"):
        fits = smaller_share(pharmacy.species[s], narrowest)
        before = fits[topology.up[inner]]
        out[s, inner] = np.where(before > 0.0, 1.0 - fits[inner] / np.where(before > 0.0, before, 1.0), 1.0)
    return out


def shunt_shares(patient: Patient, pharmacy: Pharmacy) -> Floats:
    """Share of each species that passes each shunt, (S, K): of spheres those that are no wider than it."""
    caliber = np.array([s.caliber_um for s in patient.shunts])
    out = np.ones((len(pharmacy.names), len(caliber)))
    for s in pharmacy.of_kind("embolic"):
        out[s] = smaller_share(pharmacy.species[s], caliber)
    return out


def plug_volume(cells: Cells, topology: Topology, constants: Hemodynamics) -> Floats:
    """Volume of spheres that closes each artery cell, (n,) mL: a packed plug a few diameters long."""
    n = topology.arteries
    r = 0.5 * (cells.radius_start + cells.radius_end)[:n]
    e = constants.embolization
    return np.asarray(e.packing * math.pi * r**2 * e.plug_diameters * 2.0 * r / ML_MM3)


def cell_territory(patient: Patient, topology: Topology) -> Ints:
    """Territory that most of the blood of each artery cell goes to, (n,)."""
    n = topology.arteries
    share = np.zeros((n, len(patient.territories)))
    np.add.at(share, (topology.bed_cell, patient.beds.territory), patient.beds.flow_mL_s)
    for i in range(n - 1, 0, -1):
        if topology.up[i] >= 0:
            share[topology.up[i]] += share[i]
    for begin, end in zip(topology.join_from.tolist(), topology.join_to.tolist(), strict=True):
        i = begin
        while i >= 0 and not share[i].any():  # an arcade feeds what the vessel feeds that it joins
            share[i] = share[end]
            i = int(topology.up[i])
    return np.asarray(np.argmax(share, axis=1), np.int64)
