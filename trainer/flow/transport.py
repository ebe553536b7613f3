"""Conservative transport of any number of species through cells by the flows between them.

Flux form: what leaves one place enters another, so mass is kept whatever the flows do. Second order with a
minmod slope along a vessel, first order at forks (Courant number <= 1 by sub-steps; beyond them a cell
gives at most what it holds).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from trainer.flow.types import Bools, Floats, Ints

MAX_SUBSTEPS = 16
COURANT = 0.95


@njit(cache=True, nogil=True)
def plan(a: Ints, b: Ints, q: Floats, out_cell: Ints, out_q: Floats, volume: Floats, dt: float,
         busy: Bools, outflow: Floats, outs: Ints) -> int:
    """Number of sub-steps for one step of dt seconds; writes volume outflow mL/s and its count per cell.

    Edges a -> b carry q (E,) mL/s (a may be -1: outside); outlets take out_q (O,) from out_cell. busy (C,):
    cells that hold or receive something; the cells next downstream of them are counted in.
    """
    outflow[:] = 0.0
    outs[:] = 0
    for e in range(len(q)):
        d = a[e] if q[e] > 0.0 else b[e]
        if d >= 0 and q[e] != 0.0:
            outflow[d] += abs(q[e])
            outs[d] += 1
    for o in range(len(out_q)):
        if out_q[o] > 0.0:
            outflow[out_cell[o]] += out_q[o]
            outs[out_cell[o]] += 1
    most = 0.0
    for e in range(len(q)):
        d, r = (a[e], b[e]) if q[e] > 0.0 else (b[e], a[e])
        if d >= 0 and busy[d]:
            most = max(most, outflow[d] / volume[d])
            if r >= 0:
                most = max(most, outflow[r] / volume[r])
    return int(min(MAX_SUBSTEPS, max(1, np.ceil(most * dt / COURANT))))


@njit(cache=True, nogil=True)
def _course(a: Ints, b: Ints, q: Floats, volume: Floats, up: Ints, down: Ints, outflow: Floats, outs: Ints, h: float,
            donor: Ints, receiver: Ints, share: Floats, lean: Floats) -> None:
    """Writes for each edge which cell gives (-1: none), which receives, the share of its content that the giver
    gives in h seconds, and what a difference of concentration across it adds to that (0 at forks)."""
    for e in range(len(q)):
        d, r = (a[e], b[e]) if q[e] > 0.0 else (b[e], a[e])
        donor[e], receiver[e], lean[e] = d if q[e] != 0.0 else -1, r, 0.0
        if donor[e] < 0:
            continue
        share[e] = abs(q[e]) * h / max(volume[d], outflow[d] * h)
        if outs[d] == 1 and up[d] >= 0 and down[d] >= 0:
            step = 0.5 * (1.0 - share[e]) * share[e] * volume[d]
            lean[e] = step if q[e] > 0.0 else -step


@njit(cache=True, nogil=True)
def _fluxes(m: Floats, conc: Floats, per_volume: Floats, up: Ints, down: Ints, donor: Ints, share: Floats, lean: Floats,
            flux: Floats) -> None:
    """Writes the amount of one species that passes each edge: upwind, with a minmod slope along vessels."""
    for c in range(len(m)):
        conc[c] = m[c] * per_volume[c]
    for e in range(len(donor)):
        d = donor[e]
        if d < 0 or m[d] <= 0.0:
            flux[e] = 0.0
            continue
        f = share[e] * m[d]
        if lean[e] != 0.0:
            back, ahead = conc[d] - conc[up[d]], conc[down[d]] - conc[d]
            if back * ahead > 0.0:
                f += lean[e] * (back if abs(back) < abs(ahead) else ahead)
        flux[e] = f


@njit(cache=True, nogil=True)
def advect(mass: Floats, present: Ints, a: Ints, b: Ints, q: Floats, out_cell: Ints, out_q: Floats,
           volume: Floats, up: Ints, down: Ints, outflow: Floats, outs: Ints, dt: float, substeps: int,
           put_cell: Ints, put: Floats, catches: Floats, lodged: Floats, barred: Bools, left: Floats,
           lost: Floats, flux: Floats) -> None:
    """Carries the masses (S, C) of the present species through one step, in place.

    put (K, S) enters cells put_cell (K,) evenly over the step. catches (S, E): share of what passes an edge
    outward that is too wide and lodges, lodged (S, C), in the cell it would enter; barred (S, O): outlets
    that let nothing in. Adds to left (S, O) what took an outlet, to lost (S,) what left through open ends.
    flux (E+O,) is scratch.
    """
    h, edges = dt / substeps, len(q)
    donor, receiver = np.empty(edges, np.int64), np.empty(edges, np.int64)
    share, lean = np.zeros(edges), np.empty(edges)
    _course(a, b, q, volume, up, down, outflow, outs, h, donor, receiver, share, lean)
    per_volume, conc = 1.0 / volume, np.empty(len(volume))
    for _ in range(substeps):
        for s in present:
            m = mass[s]
            for k in range(len(put_cell)):
                m[put_cell[k]] += put[k, s] / substeps
            _fluxes(m, conc, per_volume, up, down, donor, share, lean, flux)
            _outlets(s, m, out_cell, out_q, volume, outflow, h, barred, flux)
            for e in range(edges):
                f = flux[e]
                if f <= 0.0:
                    continue
                r = receiver[e]
                m[donor[e]] -= f
                if r < 0:
                    lost[s] += f
                elif catches[s, e] > 0.0 and q[e] > 0.0:
                    caught = f * catches[s, e]
                    lodged[s, r] += caught
                    m[r] += f - caught
                else:
                    m[r] += f
            for o in range(len(out_q)):
                f = flux[edges + o]
                m[out_cell[o]] -= f
                left[s, o] += f


@njit(cache=True, nogil=True)
def _outlets(s: int, m: Floats, out_cell: Ints, out_q: Floats, volume: Floats, outflow: Floats, h: float,
             barred: Bools, flux: Floats) -> None:
    """Writes what flows out through the outlets behind the fluxes of the edges."""
    first = len(flux) - len(out_q)
    for o in range(len(out_q)):
        d = out_cell[o]
        flux[first + o] = 0.0
        if out_q[o] > 0.0 and m[d] > 0.0 and not barred[s, o]:
            flux[first + o] = m[d] * out_q[o] * h / max(volume[d], outflow[d] * h)


@njit(cache=True, nogil=True)
def sweep(mass: Floats, present: Ints, least: Floats, lost: Floats) -> None:
    """Moves traces below least (S,) out of the cells to lost (S,), before they slow arithmetic down."""
    for s in present:
        for c in range(mass.shape[1]):
            if 0.0 < mass[s, c] < least[s]:
                lost[s] += mass[s, c]
                mass[s, c] = 0.0


@njit(cache=True, nogil=True)
def vein_flows(up: Ints, first: int, source: Floats, q: Floats) -> None:
    """Flows q (C,) of vein cells first.. from sources (C,) mL/s; toward the root is negative."""
    for c in range(first, len(up)):
        q[c] = -source[c]
    for c in range(len(up) - 1, first - 1, -1):
        if up[c] >= 0:
            q[up[c]] += q[c]
