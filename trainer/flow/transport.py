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
            share: Floats, lean: Floats, odd: Ints) -> int:
    """Writes for each edge the share of its content that the giver gives in h seconds and what a difference of
    concentration across it adds to that (0 at forks). Returns how many edges are odd: those whose cells do not lie
    side by side in the arrays, whose indices it writes to odd."""
    many = 0
    for e in range(len(q)):
        d = a[e] if q[e] > 0.0 else b[e]
        share[e], lean[e] = 0.0, 0.0
        if d < 0 or q[e] == 0.0:
            continue
        share[e] = abs(q[e]) * h / max(volume[d], outflow[d] * h)
        if outs[d] == 1 and up[d] >= 0 and down[d] >= 0:
            step = 0.5 * (1.0 - share[e]) * share[e] * volume[d]
            lean[e] = step if q[e] > 0.0 else -step
        beside = b[e] == e and a[e] == e - 1 and e > 0
        if not beside or (lean[e] != 0.0 and (up[d] != d - 1 or down[d] != d + 1)):
            odd[many] = e
            many += 1
    return many


@njit(cache=True, nogil=True)
def _along(m: Floats, per_volume: Floats, q: Floats, share: Floats, lean: Floats, x: Floats, flux: Floats) -> None:
    """Writes the amounts (C,) that pass each edge from a cell to the one beside it, positive downstream: upwind, with
    a minmod slope. m and x (C + 4,) and per_volume hold cell c at c + 2; x is overwritten with concentrations.

    One species at a time and without a branch, so that the compiler does several edges at once."""
    for i in range(len(m)):
        x[i] = m[i] * per_volume[i]
    for e in range(len(flux)):
        outward = q[e] > 0.0
        across = x[e + 2] - x[e + 1]
        behind = x[e + 1] - x[e] if outward else x[e + 3] - x[e + 2]
        least = abs(across) if abs(across) < abs(behind) else abs(behind)
        slope = 0.5 * (np.copysign(1.0, across) + np.copysign(1.0, behind)) * least
        own = m[e + 1] if outward else m[e + 2]
        f = share[e] * own + lean[e] * slope
        f = f if f > 0.0 else 0.0
        flux[e] = f if outward else -f


@njit(cache=True, nogil=True)
def _past(m: Floats, x: Floats, a: Ints, b: Ints, q: Floats, share: Floats, lean: Floats, up: Ints, down: Ints,
          odd: Ints, passed: Floats) -> None:
    """Writes the amounts that pass the odd edges, of what cells hold, m, with concentrations x."""
    for i in range(len(odd)):
        e = odd[i]
        d = a[e] if q[e] > 0.0 else b[e]
        slope = 0.0
        if lean[e] != 0.0:
            back, ahead = x[d + 2] - x[up[d] + 2], x[down[d] + 2] - x[d + 2]
            slope = (back if abs(back) < abs(ahead) else ahead) if back * ahead > 0.0 else 0.0
        passed[i] = max(share[e] * m[d + 2] + lean[e] * slope, 0.0)


@njit(cache=True, nogil=True)
def _settle(m: Floats, flux: Floats, a: Ints, b: Ints, q: Floats, odd: Ints, passed: Floats, catches: Floats,
            lodged: Floats) -> float:
    """Moves the amounts between cells, in place; what is too wide lodges. Returns what left through open ends."""
    for e in range(len(flux)):
        caught = flux[e] * catches[e] if flux[e] > 0.0 else 0.0
        lodged[e] += caught
        m[e + 2] += flux[e] - caught
    for e in range(1, len(flux)):
        m[e + 1] -= flux[e]
    lost = 0.0
    for i in range(len(odd)):
        e, f = odd[i], passed[i]
        d, r = (a[e], b[e]) if q[e] > 0.0 else (b[e], a[e])
        m[d + 2] -= f
        if r < 0:
            lost += f
            continue
        caught = f * catches[e] if q[e] > 0.0 else 0.0
        lodged[r] += caught
        m[r + 2] += f - caught
    return lost


@njit(cache=True, nogil=True)
def advect(mass: Floats, present: Ints, a: Ints, b: Ints, q: Floats, out_cell: Ints, out_q: Floats,
           volume: Floats, up: Ints, down: Ints, outflow: Floats, outs: Ints, dt: float, substeps: int,
           put_cell: Ints, put: Floats, catches: Floats, lodged: Floats, barred: Bools, left: Floats,
           lost: Floats) -> None:
    """Carries the masses (S, C) of the present species through one step, in place.

    put (K, S) enters cells put_cell (K,) evenly over the step. catches (S, E): share of what passes an edge
    outward that is too wide and lodges, lodged (S, C), in the cell it would enter; barred (S, O): outlets
    that let nothing in. Adds to left (S, O) what took an outlet, to lost (S,) what left through open ends.
    """
    h, edges, cells = dt / substeps, len(q), len(volume)
    share, lean, odd = np.empty(edges), np.empty(edges), np.empty(edges, np.int64)
    odd = odd[: _course(a, b, q, volume, up, down, outflow, outs, h, share, lean, odd)]
    beside, tilt = share[:cells].copy(), lean[:cells].copy()
    for e in odd:
        if e < cells:
            beside[e] = tilt[e] = 0.0
    per_volume, m, x = np.zeros(cells + 4), np.zeros(cells + 4), np.empty(cells + 4)
    per_volume[2:-2] = 1.0 / volume
    flux, passed, out, part = np.empty(cells), np.empty(len(odd)), np.empty(len(out_q)), np.empty(len(out_q))
    for o in range(len(out_q)):
        part[o] = max(out_q[o], 0.0) * h / max(volume[out_cell[o]], outflow[out_cell[o]] * h)
    for s in present:
        m[2:-2] = mass[s]
        for _ in range(substeps):
            for i in range(len(put_cell)):
                m[put_cell[i] + 2] += put[i, s] / substeps
            _along(m, per_volume, q, beside, tilt, x, flux)
            _past(m, x, a, b, q, share, lean, up, down, odd, passed)
            for o in range(len(out_q)):
                out[o] = 0.0 if barred[s, o] else part[o] * max(m[out_cell[o] + 2], 0.0)
            lost[s] += _settle(m, flux, a, b, q, odd, passed, catches[s], lodged[s])
            for o in range(len(out_q)):
                m[out_cell[o] + 2] -= out[o]
                left[s, o] += out[o]
        mass[s] = m[2:-2]


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
