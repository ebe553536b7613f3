"""Equilibrium of the stack: damped Newton with exact elastic Hessian, line search and a hard cap."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from trainer.instruments.band import factor, solve
from trainer.instruments.contact import contact_energy, contact_system
from trainer.instruments.elastic import elastic_energy, frames
from trainer.instruments.model import Law, Report, Rod
from trainer.instruments.stiffness import elastic_system

Floats = NDArray[np.float64]


TWIST_LEVER = 4.0
"""Square of the lever, mm2, at which damping acts on twist."""
LEAST_DAMPING, LESS_DAMPING = 0.02, 0.03
"""Least damping, N/mm per mm, and what is left of it after a full step."""
TRIES = 4
"""Most energies that a line search looks at on the way back."""
POOR = 0.2
"""Share of the decrease that the slope promises (a parabola keeps half) below which a step went too far."""


@njit(cache=True, nogil=True)
def _adopt(rod: Rod, tangent: Floats, director: Floats, m: Floats) -> None:
    rod.tangent[:] = tangent
    rod.director[:] = director
    rod.ref_twist[:] = m


@njit(cache=True, nogil=True)
def _frame(rod: Rod, law: Law, x: Floats, theta: Floats, tangent: Floats, size: Floats, director: Floats, m: Floats,
           gradient: Floats, band: Floats) -> float:
    """Frames, gradient (N (3+K),), Hessian (band) and energy, N mm, at x (N, 3) and theta (K, N-1)."""
    held = 2 * (3 + theta.shape[0])
    frames(rod, x, tangent, size, director, m)
    gradient[:] = 0.0
    band[:] = 0.0
    energy = elastic_system(rod, theta, tangent, size, director, m, gradient, band)
    return energy + contact_system(rod, law, x, theta, gradient[held:], band[held:])


@njit(cache=True, nogil=True)
def system(rod: Rod, law: Law, gradient: Floats, band: Floats) -> None:
    """Gradient (n,) and Hessian (n, half+1) of the whole energy at the rod's present state."""
    edges, block = rod.rest.shape[0], 3 + rod.theta.shape[0]
    whole, rows = np.empty((edges + 1) * block), np.empty(((edges + 1) * block, 2 * block + 3))
    _frame(rod, law, rod.x, rod.theta, np.empty((edges, 3)), np.empty(edges), np.empty((edges, 3)),
           np.empty(edges + 1), whole, rows)
    gradient[:] = whole[2 * block :]
    band[:] = rows[2 * block :]


@njit(cache=True, nogil=True)
def total_energy(rod: Rod, law: Law, x: Floats, theta: Floats) -> float:
    """Energy, N mm, of trial positions x (N, 3) and angles theta (K, N-1)."""
    edges = rod.rest.shape[0]
    tangent, director = np.empty((edges, 3)), np.empty((edges, 3))
    size, m = np.empty(edges), np.empty(edges + 1)
    frames(rod, x, tangent, size, director, m)
    return elastic_energy(rod, theta, tangent, size, director, m) + contact_energy(rod, law, x, theta)


@njit(cache=True, nogil=True)
def _damp(rod: Rod, damping: float, band: Floats) -> None:
    """Adds damping per length to the Hessian's diagonal."""
    kinds = rod.theta.shape[0]
    block = 3 + kinds
    for i in range(2, rod.x.shape[0]):
        for c in range(block):
            band[(i - 2) * block + c, 0] += damping * rod.cell[i] * (TWIST_LEVER if c < kinds else 1.0)


@njit(cache=True, nogil=True)
def _largest(step: Floats, kinds: int, law: Law) -> float:
    """Largest nodal move of a step, mm; 1.5 rad of twist count as the largest move that is allowed."""
    largest, block = 1e-12, 3 + kinds
    for row in range(step.shape[0]):
        weight = law.max_move / 1.5 if row % block < kinds else 1.0
        largest = max(largest, weight * abs(step[row]))
    return largest


@njit(cache=True, nogil=True)
def _go(rod: Rod, step: Floats, scale: float, x: Floats, theta: Floats) -> None:
    """Writes the trial state (x, theta) that lies a share of a step from the rod's."""
    kinds = theta.shape[0]
    block = 3 + kinds
    for i in range(2, x.shape[0]):
        row = (i - 2) * block
        for k in range(kinds):
            theta[k, i - 1] = rod.theta[k, i - 1] + scale * step[row + k]
        for c in range(3):
            x[i, c] = rod.x[i, c] + scale * step[row + kinds + c]


@njit(cache=True, nogil=True)
def equilibrium(rod: Rod, law: Law) -> Report:
    """Moves the rod to equilibrium, in place. Never leaves an iteration without a step: when the Hessian
    is indefinite or the line search fails, damping per length is added and the step repeated. Returns early,
    not converged, when a node has moved farther from `rod.start` than `law.reach`.

    A full step is mostly good, so its energy, gradient and Hessian are taken in one pass.
    """
    n_nodes, kinds = rod.x.shape[0], rod.theta.shape[0]
    edges, block = n_nodes - 1, 3 + kinds
    held = 2 * block
    whole, rows = np.empty(n_nodes * block), np.empty((n_nodes * block, 2 * block + 3))
    gradient, band = whole[held:], rows[held:]
    step = np.empty(gradient.shape[0])
    x, theta = rod.x.copy(), rod.theta.copy()
    tangent, director = np.empty((edges, 3)), np.empty((edges, 3))
    size, m = np.empty(edges), np.empty(edges + 1)
    damping, residual, last_move = law.damping, 1e30, 1e30
    definite = True
    energy = _frame(rod, law, x, theta, tangent, size, director, m, whole, rows)
    _adopt(rod, tangent, director, m)
    here, smooth = True, False  # the system is that at rod.x; the last step was a full one
    for iteration in range(law.iterations):
        if not here:
            energy = _frame(rod, law, rod.x, rod.theta, tangent, size, director, m, whole, rows)
        residual = np.max(np.abs(gradient))
        # a soft span can be far from rest at a tiny force, so the last step, hardly damped, must have been small too
        if residual < law.tolerance and last_move < law.still:
            return Report(residual, iteration, True, definite)
        trial, scale, here = 0.0, 0.0, True
        for _ in range(8):
            if not here:
                _frame(rod, law, rod.x, rod.theta, tangent, size, director, m, whole, rows)
            if damping > 0.0:
                _damp(rod, damping, band)
            here = False
            if not factor(band):
                definite = False
                damping = max(LEAST_DAMPING, damping * 10.0)
                continue
            step[:] = -gradient
            solve(band, step)
            slope = np.dot(gradient, step)
            most = min(1.0, law.max_move / _largest(step, kinds, law))
            scale, trial, here = _search(rod, law, step, slope, most, energy, smooth, x, theta, tangent, size,
                                         director, m, whole, rows)
            if scale > 0.0:
                break
            damping = max(LEAST_DAMPING, damping * 10.0)
        if scale == 0.0:
            return Report(residual, iteration, False, definite)
        smooth, free = scale == most, damping <= law.drag
        if smooth:
            damping = damping * LESS_DAMPING if damping > 0.1 * LEAST_DAMPING else 0.0
        if not here:
            frames(rod, x, tangent, size, director, m)
        last_move = np.max(np.abs(x - rod.x)) if free else 1e30
        rod.x[:] = x
        rod.theta[:] = theta
        _adopt(rod, tangent, director, m)
        energy = trial
        if np.max(np.abs(x - rod.start)) > law.reach:
            return Report(residual, iteration + 1, False, definite)
    return Report(residual, law.iterations, False, definite)


@njit(cache=True, nogil=True)
def _search(rod: Rod, law: Law, step: Floats, slope: float, most: float, energy: float, smooth: bool, x: Floats,
            theta: Floats, tangent: Floats, size: Floats, director: Floats, m: Floats, whole: Floats, rows: Floats
            ) -> tuple[float, float, bool]:
    """Share of a step that lowers the energy enough (0: none), at most `most`; the energy there; whether the system
    there is known. The trial state is left in x, theta. smooth: a full step is to be expected."""
    scale = most
    for attempt in range(TRIES):
        _go(rod, step, scale, x, theta)
        known = smooth and attempt == 0
        if known:
            trial = _frame(rod, law, x, theta, tangent, size, director, m, whole, rows)
        else:
            trial = total_energy(rod, law, x, theta)
        change = trial - energy
        if change <= 1e-4 * scale * slope + 1e-9 * abs(energy):
            share = change / min(scale * slope, -1e-300)
            if attempt == 0 and share < POOR and abs(change) > 1e-9 * abs(energy):
                # hardly lower: the step has gone across the valley, whose floor is about here
                nearer = scale * min(0.7, max(0.2, 0.5 / (1.0 - share)))
                _go(rod, step, nearer, x, theta)
                better = total_energy(rod, law, x, theta)
                if better < trial:
                    return nearer, better, False
                _go(rod, step, scale, x, theta)
            return scale, trial, known
        # the least of the parabola through both energies and the slope
        scale *= min(0.5, max(0.1, -0.5 * scale * slope / max(change - scale * slope, 1e-300)))
    return 0.0, energy, False
