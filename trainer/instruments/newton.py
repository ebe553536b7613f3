"""Equilibrium of the stack: damped Newton with exact elastic Hessian, line search and a hard cap."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from trainer.instruments.band import solve_band
from trainer.instruments.contact import contact_energy, contact_system, foresee, press_planes
from trainer.instruments.elastic import elastic_energy, frames
from trainer.instruments.model import Law, Report, Rod
from trainer.instruments.rows import Rows, follow, lay_rows
from trainer.instruments.stiffness import elastic_system

Floats = NDArray[np.float64]


TWIST_LEVER = 4.0
"""Square of the lever, mm2, at which damping acts on twist."""
LEAST_DAMPING, LESS_DAMPING = 0.005, 0.03
"""Least damping, N/mm per mm, and what is left of it after a full step."""
SHORT, MORE_DAMPING = 0.3, 5.0
"""Share of a step, held back by walls foreseen, below which damping grows, and how much."""
TRIES = 4
"""Most energies that a line search looks at on the way back."""
LOOKS = 2
"""Most times that a step is solved for again with the walls that it met."""
POOR = 0.2
"""Share of the decrease that the slope promises (a parabola keeps half) below which a step went too far."""


class Room(NamedTuple):
    """What one solve works in: the system's rows, the frames of the state looked at, gradient and band."""

    rows: Rows
    tangent: Floats  # (N-1, 3)
    director: Floats  # (N-1, 3)
    size: Floats  # (N-1,)
    m: Floats  # (N,)
    gradient: Floats  # (n,) held nodes' rows included
    band: Floats  # (n, width)
    kept: Floats  # (n, width) Hessian at the rod's state
    slopes: Floats  # (n,) gradient there
    push: Floats  # (n,) what a step is solved for
    planes: Floats  # (N, 4) walls foreseen
    first: Floats  # (n - held,) the first step of a search


@njit(cache=True, nogil=True)
def _room(rod: Rod, every: bool) -> Room:
    edges = rod.rest.shape[0]
    rows = lay_rows(rod, every)
    n = rows.held + rows.last.shape[0]
    return Room(rows, np.empty((edges, 3)), np.empty((edges, 3)), np.empty(edges), np.empty(edges + 1), np.empty(n),
                np.empty((n, rows.width)), np.empty((n, rows.width)), np.empty(n), np.empty(n),
                np.empty((edges + 1, 4)), np.empty(n - rows.held))


@njit(cache=True, nogil=True)
def _adopt(rod: Rod, room: Room, x: Floats, theta: Floats) -> None:
    """Takes over a state whose frames are in the room."""
    rod.x[:] = x
    rod.theta[:] = theta
    rod.tangent[:] = room.tangent
    rod.director[:] = room.director
    rod.ref_twist[:] = room.m


@njit(cache=True, nogil=True)
def _system(rod: Rod, law: Law, room: Room, x: Floats, theta: Floats) -> float:
    """Frames, gradient, Hessian (into the room) and energy, N mm, at x (N, 3) and theta (K, N-1)."""
    frames(rod, x, room.tangent, room.size, room.director, room.m)
    follow(rod, room.rows, theta, room.m)
    room.gradient[:] = 0.0
    room.band[:] = 0.0
    energy = elastic_system(rod, room.rows, theta, room.tangent, room.size, room.director, room.m, room.gradient,
                            room.band)
    return energy + contact_system(rod, law, room.rows, x, theta, room.gradient, room.band)


@njit(cache=True, nogil=True)
def _energy(rod: Rod, law: Law, room: Room, x: Floats, theta: Floats) -> float:
    """Frames and energy, N mm, at x (N, 3) and theta (K, N-1)."""
    frames(rod, x, room.tangent, room.size, room.director, room.m)
    follow(rod, room.rows, theta, room.m)
    energy = elastic_energy(rod, theta, room.tangent, room.size, room.director, room.m)
    return energy + contact_energy(rod, law, x, theta)


@njit(cache=True, nogil=True)
def system(rod: Rod, law: Law, gradient: Floats, band: Floats) -> None:
    """Gradient (n,) and Hessian (n, half+1) of the whole energy at the rod's present state, by all angles: rows are
    [theta_1..theta_K, x, y, z] of each free node."""
    room = _room(rod, True)
    _system(rod, law, room, rod.x, rod.theta)
    gradient[:] = room.gradient[room.rows.held :]
    band[:] = room.band[room.rows.held :, : band.shape[1]]


@njit(cache=True, nogil=True)
def total_energy(rod: Rod, law: Law, x: Floats, theta: Floats) -> float:
    """Energy, N mm, of trial positions x (N, 3) and angles theta (K, N-1)."""
    return _energy(rod, law, _room(rod, True), x, theta)


@njit(cache=True, nogil=True)
def _damp(rod: Rod, rows: Rows, damping: float, band: Floats) -> None:
    """Adds damping per length to the Hessian's diagonal."""
    place, twist, cell = rows.place, rows.twist, rod.cell
    for i in range(2, cell.shape[0]):
        for c in range(3):
            band[place[i] + c, 0] += damping * cell[i]
        for k in range(twist.shape[0]):
            if twist[k, i - 1] >= 0:
                band[twist[k, i - 1], 0] += damping * cell[i] * TWIST_LEVER


@njit(cache=True, nogil=True)
def _largest(rows: Rows, step: Floats, law: Law) -> float:
    """Largest nodal move of a step (n,), mm; 1.5 rad of twist count as the largest move that is allowed."""
    place, held = rows.place, rows.held
    largest, weight, row = 1e-12, law.max_move / 1.5, 0
    for i in range(2, place.shape[0]):
        while row < place[i] - held:
            largest = max(largest, weight * abs(step[row]))
            row += 1
        for _ in range(3):
            largest = max(largest, abs(step[row]))
            row += 1
    return largest


@njit(cache=True, nogil=True)
def _go(rod: Rod, rows: Rows, step: Floats, scale: float, x: Floats, theta: Floats) -> None:
    """Writes the trial state (x, theta) that lies a share of a step from the rod's. Angles that follow are not set."""
    place, twist, held, from_x, from_theta = rows.place, rows.twist, rows.held, rod.x, rod.theta
    for i in range(2, x.shape[0]):
        for k in range(theta.shape[0]):
            row = twist[k, i - 1]
            if row >= 0:
                theta[k, i - 1] = from_theta[k, i - 1] + scale * step[row - held]
        for c in range(3):
            x[i, c] = from_x[i, c] + scale * step[place[i] + c - held]


@njit(cache=True, nogil=True)
def equilibrium(rod: Rod, law: Law) -> Report:
    """Moves the rod to equilibrium, in place. Never leaves an iteration without a step: when the Hessian
    is indefinite or the line search fails, damping per length is added and the step repeated. Returns early,
    not converged, when a node has moved farther from `rod.start` than `law.reach`.

    A full step is mostly good, so its energy, gradient and Hessian are taken in one pass.
    """
    room = _room(rod, False)
    rows = room.rows
    gradient, band = room.gradient[rows.held :], room.band[rows.held :]
    step = np.empty(gradient.shape[0])
    x, theta = rod.x.copy(), rod.theta.copy()
    damping, residual, last_move = law.damping, 1e30, 1e30
    definite = True
    energy = _system(rod, law, room, x, theta)
    _adopt(rod, room, x, theta)
    here, smooth = True, False  # the system is that at rod.x; the last step was a full one
    for iteration in range(law.iterations):
        if not here:
            energy = _system(rod, law, room, rod.x, rod.theta)
        residual = np.max(np.abs(gradient))
        # a soft span can be far from rest at a tiny force, so the last step, hardly damped, must have been small too
        if residual < law.tolerance and last_move < law.still:
            return Report(residual, iteration, True, definite)
        trial, scale, most = 0.0, 0.0, 0.0
        room.kept[:] = room.band
        room.slopes[:] = room.gradient
        damped = 0.0
        for _ in range(8):
            if damping > damped:
                _damp(rod, rows, damping - damped, room.kept)
                damped = damping
            room.band[:] = room.kept
            step[:] = -room.slopes[rows.held :]
            if not solve_band(band, rows.last, step):
                definite = False
                damping = max(LEAST_DAMPING, damping * 10.0)
                continue
            scale, most, trial, here = _search(rod, law, room, step, energy, smooth, x, theta)
            if scale > 0.0:
                break
            damping = max(LEAST_DAMPING, damping * 10.0)
        if scale == 0.0:
            return Report(residual, iteration, False, definite)
        smooth, free = scale == most, damping <= law.drag
        if scale < SHORT * most and np.any(room.planes[:, 3] != 0.0):
            damping = max(LEAST_DAMPING, MORE_DAMPING * damping)
        if smooth:
            damping = damping * LESS_DAMPING if damping > 0.1 * LEAST_DAMPING else 0.0
        last_move = np.max(np.abs(x - rod.x)) if free else 1e30
        _adopt(rod, room, x, theta)
        energy = trial
        if np.max(np.abs(x - rod.start)) > law.reach:
            return Report(residual, iteration + 1, False, definite)
    return Report(residual, law.iterations, False, definite)


@njit(cache=True, nogil=True)
def _search(rod: Rod, law: Law, room: Room, step: Floats, energy: float, smooth: bool,
            x: Floats, theta: Floats) -> tuple[float, float, float, bool]:
    """Share of a step (n,) that lowers the energy enough (0: none), and the largest share that was allowed; the
    energy there; whether the system there is known. The trial state is left in x, theta and the room.
    smooth: a full step is to be expected.

    A step that meets a wall which no node touched before is solved for again with that wall; else one node at a wall
    would hold back the whole wire.
    """
    rows = room.rows
    band, slopes, push = room.band[rows.held :], room.slopes[rows.held :], room.push[rows.held :]
    first = (0.0, 0.0, 0.0)
    room.planes[:] = 0.0
    for look in range(LOOKS + 1):
        slope = np.dot(slopes, step)
        most = min(1.0, law.max_move / _largest(rows, step, law))
        _go(rod, rows, step, most, x, theta)
        known = smooth and look == 0
        trial = _system(rod, law, room, x, theta) if known else _energy(rod, law, room, x, theta)
        change = trial - energy
        if look == 0:
            room.first[:], first = step, (most, slope, change)
        poor = abs(change) > 1e-9 * abs(energy) and change > POOR * most * slope
        if _lower(change, most * slope, energy) and not poor:
            return most, most, trial, known
        if look == LOOKS or not foresee(rod, law, x, room.planes):
            break
        room.band[:] = room.kept
        room.push[:] = -room.slopes
        press_planes(rod, law, rows, room.planes, room.band, room.push)
        step[:] = push
        if not solve_band(band, rows.last, step):
            break
    step[:] = room.first
    scale, trial = _shorten(rod, law, room, step, first, energy, x, theta)
    return scale, first[0], trial, False


@njit(cache=True, nogil=True, inline="always")
def _lower(change, slope, energy):  # type: ignore[no-untyped-def]
    """Whether a change of energy is enough of what the slope promises."""
    return change <= 1e-4 * slope + 1e-9 * abs(energy)


@njit(cache=True, nogil=True)
def _shorten(rod: Rod, law: Law, room: Room, step: Floats, first: tuple[float, float, float], energy: float,
             x: Floats, theta: Floats) -> tuple[float, float]:
    """Share of a step whose `first` share, slope and change of energy were none too good, and the energy there."""
    most, slope, change = first
    scale, best = most, change
    hardly = _lower(change, most * slope, energy)  # the step has gone across the valley, whose floor is nearer
    for _ in range(1 if hardly else TRIES):
        # the least of the parabola through both energies and the slope
        scale *= min(0.7, max(0.1, -0.5 * scale * slope / max(change - scale * slope, 1e-300)))
        _go(rod, room.rows, step, scale, x, theta)
        trial = _energy(rod, law, room, x, theta)
        change = trial - energy
        if change <= best if hardly else _lower(change, scale * slope, energy):
            return scale, trial
    if not hardly:
        return 0.0, energy
    _go(rod, room.rows, step, most, x, theta)
    return most, _energy(rod, law, room, x, theta)
