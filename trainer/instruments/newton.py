"""Equilibrium of the stack: damped Newton with exact elastic Hessian, line search and a hard cap."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from trainer.instruments.band import factor, solve
from trainer.instruments.contact import contact_energy, contact_system
from trainer.instruments.elastic import elastic_energy, elastic_system, frames
from trainer.instruments.model import Law, Report, Rod

Floats = NDArray[np.float64]


TWIST_LEVER = 4.0
"""Square of the lever, mm2, at which damping acts on twist."""


@njit(cache=True, nogil=True)
def _adopt(rod: Rod, tangent: Floats, director: Floats, m: Floats) -> None:
    rod.tangent[:] = tangent
    rod.director[:] = director
    rod.ref_twist[:] = m


@njit(cache=True, nogil=True)
def system(rod: Rod, law: Law, gradient: Floats, band: Floats) -> None:
    """Gradient (n,) and Hessian (n, half+1) of the whole energy at the rod's present state."""
    edges = rod.rest.shape[0]
    tangent, director = np.empty((edges, 3)), np.empty((edges, 3))
    size, m = np.empty(edges), np.empty(edges + 1)
    frames(rod, rod.x, tangent, size, director, m)
    gradient[:] = 0.0
    band[:] = 0.0
    elastic_system(rod, rod.theta, tangent, size, director, m, gradient, band)
    contact_system(rod, law, rod.x, rod.theta, gradient, band)


@njit(cache=True, nogil=True)
def total_energy(rod: Rod, law: Law, x: Floats, theta: Floats) -> float:
    """Energy, N mm, of trial positions x (N, 3) and angles theta (K, N-1)."""
    edges = rod.rest.shape[0]
    tangent, director = np.empty((edges, 3)), np.empty((edges, 3))
    size, m = np.empty(edges), np.empty(edges + 1)
    frames(rod, x, tangent, size, director, m)
    return elastic_energy(rod, theta, tangent, size, director, m) + contact_energy(rod, law, x, theta)


@njit(cache=True, nogil=True)
def equilibrium(rod: Rod, law: Law) -> Report:
    """Moves the rod to equilibrium, in place. Never leaves an iteration without a step: when the Hessian
    is indefinite or the line search fails, damping per length is added and the step repeated. Returns early,
    not converged, when a node has moved farther from `rod.start` than `law.reach`."""
    n_nodes = rod.x.shape[0]
    edges = n_nodes - 1
    kinds = rod.theta.shape[0]
    block = 3 + kinds
    n = (n_nodes - 2) * block
    half = 2 * block + 2
    gradient, step, band, saved = np.empty(n), np.empty(n), np.empty((n, half + 1)), np.empty((n, half + 1))
    x, theta = rod.x.copy(), rod.theta.copy()
    tangent, director = np.empty((edges, 3)), np.empty((edges, 3))
    size, m = np.empty(edges), np.empty(edges + 1)
    damping = 0.0
    residual = 1e30
    definite = True
    last_move = 1e30
    energy = total_energy(rod, law, rod.x, rod.theta)
    frames(rod, rod.x, tangent, size, director, m)
    _adopt(rod, tangent, director, m)
    for iteration in range(law.iterations):
        gradient[:] = 0.0
        saved[:] = 0.0
        elastic_system(rod, rod.theta, tangent, size, director, m, gradient, saved)
        contact_system(rod, law, rod.x, rod.theta, gradient, saved)
        residual = np.max(np.abs(gradient))
        # a soft span can be far from rest at a tiny force, so the last step must have been small too
        if residual < law.tolerance and last_move < law.still:
            return Report(residual, iteration, True, definite)
        moved = False
        for _ in range(8):
            band[:] = saved
            if damping > 0.0:
                for i in range(2, n_nodes):
                    row = (i - 2) * block
                    for c in range(kinds):
                        band[row + c, 0] += damping * rod.cell[i] * TWIST_LEVER
                    for c in range(kinds, block):
                        band[row + c, 0] += damping * rod.cell[i]
            if not factor(band):
                definite = False
                damping = max(0.02, damping * 10.0)
                continue
            step[:] = -gradient
            solve(band, step)
            largest, slope = 1e-12, 0.0
            for i in range(2, n_nodes):
                row = (i - 2) * block
                for c in range(kinds):
                    largest = max(largest, abs(step[row + c]) * law.max_move / 1.5)
                for c in range(kinds, block):
                    largest = max(largest, abs(step[row + c]))
            slope = np.dot(gradient, step)
            scale = min(1.0, law.max_move / largest)
            full = True
            for _try in range(4):
                for i in range(2, n_nodes):
                    row = (i - 2) * block
                    for k in range(kinds):
                        theta[k, i - 1] = rod.theta[k, i - 1] + scale * step[row + k]
                    for c in range(3):
                        x[i, c] = rod.x[i, c] + scale * step[row + kinds + c]
                trial = total_energy(rod, law, x, theta)
                if trial <= energy + 1e-4 * scale * slope + 1e-9 * abs(energy):
                    moved = True
                    break
                scale *= 0.4
                full = False
            if moved:
                if full:
                    damping = damping * 0.1 if damping > 2e-3 else 0.0
                break
            damping = max(0.02, damping * 10.0)
        if not moved:
            return Report(residual, iteration, False, definite)
        frames(rod, x, tangent, size, director, m)
        last_move = np.max(np.abs(x - rod.x))
        rod.x[:] = x
        rod.theta[:] = theta
        _adopt(rod, tangent, director, m)
        energy = trial
        if np.max(np.abs(x - rod.start)) > law.reach:
            return Report(residual, iteration + 1, False, definite)
    return Report(residual, law.iterations, False, definite)
