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
def occupied(mass: Floats, present: Ints, busy: Bools) -> None:
    """Writes which cells (C,) hold any of the present species."""
    busy[:] = False
    for s in present:
        for c in range(mass.shape[1]):
            busy[c] |= mass[s, c] > 0.0


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
def _fluxes(m: Floats, per_volume: Floats, up: Ints, down: Ints, donor: Ints, share: Floats, lean: Floats,
            flux: Floats) -> None:
    """Writes the amounts (E, P) that pass each edge of what cells hold, m (C, P): upwind, with a minmod slope along
    vessels."""
    many = m.shape[1]
    for e in range(len(donor)):
        d, held = donor[e], 0.0
        if d >= 0:
            for k in range(many):
                held += m[d, k]
        if held <= 0.0:
            for k in range(many):
                flux[e, k] = 0.0
        elif lean[e] == 0.0:
            for k in range(many):
                flux[e, k] = share[e] * m[d, k]
        else:
            u, w = up[d], down[d]
            for k in range(many):
                own = m[d, k] * per_volume[d]
                back, ahead = own - m[u, k] * per_volume[u], m[w, k] * per_volume[w] - own
                slope = (back if abs(back) < abs(ahead) else ahead) if back * ahead > 0.0 else 0.0
                flux[e, k] = share[e] * m[d, k] + lean[e] * slope


@njit(cache=True, nogil=True)
def _outlets(m: Floats, present: Ints, out_cell: Ints, out_q: Floats, volume: Floats, outflow: Floats, h: float,
             barred: Bools, flux: Floats) -> None:
    """Writes the amounts (O, P) that flow out through the outlets."""
    for o in range(len(out_q)):
        d = out_cell[o]
        share = max(out_q[o], 0.0) * h / max(volume[d], outflow[d] * h)
        for k in range(len(present)):
            flux[o, k] = 0.0 if barred[present[k], o] else share * max(m[d, k], 0.0)


@njit(cache=True, nogil=True)
def _move(m: Floats, present: Ints, donor: Ints, receiver: Ints, q: Floats, catches: Floats, flux: Floats,
          lodged: Floats, lost: Floats) -> None:
    """Moves the amounts (E, P) across the edges."""
    many = len(present)
    for e in range(len(donor)):
        d, r = donor[e], receiver[e]
        if d < 0:
            continue
        for k in range(many):
            f = flux[e, k]
            if f <= 0.0:
                continue
            m[d, k] -= f
            if r < 0:
                lost[present[k]] += f
                continue
            caught = f * catches[present[k], e] if q[e] > 0.0 else 0.0
            if caught > 0.0:
                lodged[present[k], r] += caught
            m[r, k] += f - caught


@njit(cache=True, nogil=True)
def advect(mass: Floats, present: Ints, a: Ints, b: Ints, q: Floats, out_cell: Ints, out_q: Floats,
           volume: Floats, up: Ints, down: Ints, outflow: Floats, outs: Ints, dt: float, substeps: int,
           put_cell: Ints, put: Floats, catches: Floats, lodged: Floats, barred: Bools, left: Floats,
           lost: Floats) -> None:
    """Carries the masses (S, C) of the present species (P of them) through one step, in place.

    put (K, S) enters cells put_cell (K,) evenly over the step. catches (S, E): share of what passes an edge
    outward that is too wide and lodges, lodged (S, C), in the cell it would enter; barred (S, O): outlets
    that let nothing in. Adds to left (S, O) what took an outlet, to lost (S,) what left through open ends.
    """
    h, edges, many = dt / substeps, len(q), len(present)
    donor, receiver = np.empty(edges, np.int64), np.empty(edges, np.int64)
    share, lean = np.zeros(edges), np.empty(edges)
    _course(a, b, q, volume, up, down, outflow, outs, h, donor, receiver, share, lean)
    per_volume = 1.0 / volume
    m, flux, out = np.empty((len(volume), many)), np.empty((edges, many)), np.empty((len(out_q), many))
    for k in range(many):  # side by side, so that all species of a cell are read together
        m[:, k] = mass[present[k]]
    for _ in range(substeps):
        for i in range(len(put_cell)):
            for k in range(many):
                m[put_cell[i], k] += put[i, present[k]] / substeps
        _fluxes(m, per_volume, up, down, donor, share, lean, flux)
        _outlets(m, present, out_cell, out_q, volume, outflow, h, barred, out)
        _move(m, present, donor, receiver, q, catches, flux, lodged, lost)
        for o in range(len(out_q)):
            for k in range(many):
                m[out_cell[o], k] -= out[o, k]
                left[present[k], o] += out[o, k]
    for k in range(many):
        mass[present[k]] = m[:, k]


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
