"""Hydraulics of tubes: Poiseuille, annulus, inertance and compliance. Units mm, mPa s, mL, mmHg, s."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from trainer.flow.types import Floats, Ints
from trainer.units import ML_MM3, MMHG_PA

BLOOD_DENSITY_KG_M3 = 1060.0
POISEUILLE = 8.0 / math.pi * 1e-3 * ML_MM3 / MMHG_PA
"""Multiplies (mPa s) * integral of ds / r^4 (1/mm3) to mmHg s/mL; parabolic profile."""
INERTANCE = BLOOD_DENSITY_KG_M3 * 1e-6 * ML_MM3 / (math.pi * MMHG_PA)
"""Multiplies integral of ds / r^2 (1/mm) to mmHg s2/mL: rho l / A, flat profile."""
WORST_ANNULUS = 1e6
"""Multiplier of a lumen that a device fills completely."""


def frustum_inverse_r4(length_mm: Floats, r1: Floats, r2: Floats) -> Floats:
    """Integral of ds / r^4 along a linearly tapered tube, 1/mm3. All (N,), mm."""
    return np.asarray(length_mm * (r1 * r1 + r1 * r2 + r2 * r2) / (3.0 * (r1 * r2) ** 3))


def poiseuille(length_mm: Floats, r1: Floats, r2: Floats, viscosity_mPa_s: float) -> Floats:
    """Resistance of tapered tubes, (N,) mmHg s/mL (Poiseuille, taper integrated)."""
    return POISEUILLE * viscosity_mPa_s * frustum_inverse_r4(length_mm, r1, r2)


def inertance(length_mm: Floats, r1: Floats, r2: Floats) -> Floats:
    """Inertance of tapered tubes, (N,) mmHg s2/mL: rho l / (pi r1 r2)."""
    return np.asarray(INERTANCE * length_mm / (r1 * r2))


def compliance(volume_mL: Floats, radius_mm: Floats) -> Floats:
    """Compliance of elastic arteries, (N,) mL/mmHg: 3 V / (2 Eh/r).

    Eh/r of Olufsen (1999): 2e7 exp(-22.53 r) + 8.65e5 g/(s2 cm), r in cm (unverified: from memory).
    """
    stiffness_dyn = 2e7 * np.exp(-2.253 * radius_mm) + 8.65e5
    return np.asarray(1.5 * volume_mL / (stiffness_dyn / 1333.22))


@njit(cache=True, nogil=True)
def annulus_multiplier(k: float) -> float:
    """Resistance of a concentric annulus over that of the open tube; k = device radius / lumen radius.

    1 / (1 - k^4 - (1 - k^2)^2 / ln(1/k)); laminar, concentric (Bird, Stewart, Lightfoot).
    """
    if k < 1e-3:
        return 1.0
    if k >= 0.985:
        return WORST_ANNULUS
    open_share = 1.0 - k**4 - (1.0 - k * k) ** 2 / math.log(1.0 / k)
    return min(WORST_ANNULUS, 1.0 / open_share)


@njit(cache=True, nogil=True)
def _cover(first: int, last: int, from_mm: Floats, to_mm: Floats, r1: Floats, r2: Floats, a: float, b: float,
           radius: float, extra: Floats) -> None:
    """Adds the extra resistance shares of a device of `radius` lying over [a, b] mm of one vessel's cells."""
    if b < a:
        a, b = b, a
    for c in range(first, last):
        if from_mm[c] >= b:
            break
        length = to_mm[c] - from_mm[c]
        middle = 0.5 * (from_mm[c] + to_mm[c])
        for half in range(2):
            lo = from_mm[c] if half == 0 else middle
            cover = min(b, lo + 0.5 * length) - max(a, lo)
            if cover > 0.0:
                lumen = 0.5 * (r1[c] + r2[c])
                extra[half, c] += cover / (0.5 * length) * (annulus_multiplier(radius / lumen) - 1.0)


@njit(cache=True, nogil=True)
def occupancy(vessel: Ints, position_mm: Floats, radius: Floats, first_cell: Ints, from_mm: Floats,
              to_mm: Floats, r1: Floats, r2: Floats, parent: Ints, attach: Floats, join: Ints, join_mm: Floats,
              extra: Floats) -> None:
    """Writes how much devices raise the resistance of each half cell, as a share of its open value.

    vessel, position_mm, radius: (N,) device nodes in order; parent, attach (V,): vessel that each leaves, and where;
    join, join_mm (V,): vessel that its end opens into (-1), and where; extra: (2, C) out, 0 where nothing lies.
    """
    extra[:, :] = 0.0
    for n in range(len(vessel) - 1):
        va, vb = vessel[n], vessel[n + 1]
        r = max(radius[n], radius[n + 1]) if va != vb else 0.5 * (radius[n] + radius[n + 1])
        if vb < 0 or va < 0:
            continue
        a, b = position_mm[n], position_mm[n + 1]
        # how far each vessel is followed: to where the one leaves or joins the other
        if va == vb:
            out, start = b, b
        elif parent[vb] == va:
            out, start = attach[vb], 0.0
        elif parent[va] == vb:
            out, start = 0.0, attach[va]
        elif join[va] == vb:
            out, start = to_mm[first_cell[va + 1] - 1], join_mm[va]
        elif join[vb] == va:
            out, start = join_mm[vb], to_mm[first_cell[vb + 1] - 1]
        else:
            out, start = a, 0.0
        if out != a:
            _cover(first_cell[va], first_cell[va + 1], from_mm, to_mm, r1, r2, a, out, r, extra)
        if start != b:
            _cover(first_cell[vb], first_cell[vb + 1], from_mm, to_mm, r1, r2, start, b, r, extra)
