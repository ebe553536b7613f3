"""Bending, twist and stretch of coaxial rods on one shared centerline: frames and energy. Derivatives: stiffness.py.

Discrete elastic rods (Bergou et al. 2008, 2010) with summed bending stiffness, natural curvature of
each device as a vector, and one twist angle per device and edge:
E = sum A/2 |kb|^2 - kb.(V_e + V_f) + sum_k C_k/2 (theta_f - theta_e + m)^2 + stretch.
Unknowns are ordered [theta_1..theta_K, x, y, z] per node, so that the half-band is 2 (3 + K) + 2.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from trainer.instruments.model import Rod

Floats = NDArray[np.float64]


@njit(cache=True, nogil=True, inline="always")
def _transport(tx, ty, tz, ux, uy, uz, vx, vy, vz):  # type: ignore[no-untyped-def]
    """Vector v carried from unit tangent t to unit tangent u without twist."""
    bx, by, bz = ty * uz - tz * uy, tz * ux - tx * uz, tx * uy - ty * ux
    cosine = tx * ux + ty * uy + tz * uz
    share = (bx * vx + by * vy + bz * vz) / max(1.0 + cosine, 1e-9)
    return (cosine * vx + by * vz - bz * vy + bx * share, cosine * vy + bz * vx - bx * vz + by * share,
            cosine * vz + bx * vy - by * vx + bz * share)


@njit(cache=True, nogil=True)
def frames(rod: Rod, x: Floats, tangent: Floats, size: Floats, director: Floats, m: Floats) -> None:
    """Tangents (N-1, 3), edge lengths (N-1,), directors (N-1, 3) and reference twist (N,) of positions x,
    carried in time from the rod's reference frame."""
    edges = size.shape[0]
    before, carried, turned = rod.tangent, rod.director, rod.ref_twist
    for j in range(edges):
        ex, ey, ez = x[j + 1, 0] - x[j, 0], x[j + 1, 1] - x[j, 1], x[j + 1, 2] - x[j, 2]
        length = max(np.sqrt(ex * ex + ey * ey + ez * ez), 1e-9)
        ex, ey, ez = ex / length, ey / length, ez / length
        size[j] = length
        tangent[j, 0], tangent[j, 1], tangent[j, 2] = ex, ey, ez
        dx, dy, dz = _transport(before[j, 0], before[j, 1], before[j, 2], ex, ey, ez,
                                carried[j, 0], carried[j, 1], carried[j, 2])
        along = dx * ex + dy * ey + dz * ez
        dx, dy, dz = dx - along * ex, dy - along * ey, dz - along * ez
        scale = 1.0 / np.sqrt(dx * dx + dy * dy + dz * dz)
        director[j, 0], director[j, 1], director[j, 2] = dx * scale, dy * scale, dz * scale
    m[0] = 0.0
    m[edges] = 0.0
    for i in range(1, edges):
        e, f = i - 1, i
        ux, uy, uz = _transport(tangent[e, 0], tangent[e, 1], tangent[e, 2],
                                tangent[f, 0], tangent[f, 1], tangent[f, 2],
                                director[e, 0], director[e, 1], director[e, 2])
        dx, dy, dz = director[f, 0], director[f, 1], director[f, 2]
        sine = ((uy * dz - uz * dy) * tangent[f, 0] + (uz * dx - ux * dz) * tangent[f, 1]
                + (ux * dy - uy * dx) * tangent[f, 2])
        angle = np.arctan2(sine, ux * dx + uy * dy + uz * dz)
        m[i] = angle + 2.0 * np.pi * np.round((turned[i] - angle) / (2.0 * np.pi))


@njit(cache=True, nogil=True)
def bishop(rod: Rod) -> None:
    """Replaces the reference frame by the twist-free one that starts at edge 0; angles follow."""
    edges = rod.rest.shape[0]
    kinds = rod.theta.shape[0]
    total = 0.0
    for j in range(1, edges):
        total += rod.ref_twist[j]
        for k in range(kinds):
            rod.theta[k, j] += total
    for j in range(edges):
        ex, ey, ez = (rod.x[j + 1, 0] - rod.x[j, 0], rod.x[j + 1, 1] - rod.x[j, 1],
                      rod.x[j + 1, 2] - rod.x[j, 2])
        scale = 1.0 / max(np.sqrt(ex * ex + ey * ey + ez * ez), 1e-9)
        rod.tangent[j, 0], rod.tangent[j, 1], rod.tangent[j, 2] = ex * scale, ey * scale, ez * scale
    for j in range(1, edges):
        dx, dy, dz = _transport(
            rod.tangent[j - 1, 0], rod.tangent[j - 1, 1], rod.tangent[j - 1, 2],
            rod.tangent[j, 0], rod.tangent[j, 1], rod.tangent[j, 2],
            rod.director[j - 1, 0], rod.director[j - 1, 1], rod.director[j - 1, 2])
        along = dx * rod.tangent[j, 0] + dy * rod.tangent[j, 1] + dz * rod.tangent[j, 2]
        dx, dy, dz = (dx - along * rod.tangent[j, 0], dy - along * rod.tangent[j, 1],
                      dz - along * rod.tangent[j, 2])
        scale = 1.0 / np.sqrt(dx * dx + dy * dy + dz * dz)
        rod.director[j, 0], rod.director[j, 1], rod.director[j, 2] = dx * scale, dy * scale, dz * scale
    for i in range(rod.ref_twist.shape[0]):
        rod.ref_twist[i] = 0.0


@njit(cache=True, nogil=True)
def elastic_energy(rod: Rod, theta: Floats, tangent: Floats, size: Floats, director: Floats,
                   m: Floats) -> float:
    """Elastic energy, N mm, of frames computed by `frames` and twist angles (K, N-1)."""
    edges = size.shape[0]
    kinds = theta.shape[0]
    nat1, nat2, twist, bend, stretch, rest = rod.nat1, rod.nat2, rod.twist, rod.bend, rod.stretch, rod.rest
    energy = 0.0
    for j in range(1, edges):
        energy += 0.5 * stretch[j] * (size[j] - rest[j]) ** 2
    for i in range(1, edges):
        e, f = i - 1, i
        ax, ay, az = tangent[e, 0], tangent[e, 1], tangent[e, 2]
        bx, by, bz = tangent[f, 0], tangent[f, 1], tangent[f, 2]
        chi = max(1.0 + ax * bx + ay * by + az * bz, 1e-9)
        kx, ky, kz = (2.0 * (ay * bz - az * by) / chi, 2.0 * (az * bx - ax * bz) / chi,
                      2.0 * (ax * by - ay * bx) / chi)
        energy += 0.5 * bend[i] * 4.0 * (2.0 - chi) / chi
        for k in range(kinds):
            w1, w2 = nat1[k, i], nat2[k, i]
            if w1 != 0.0 or w2 != 0.0:
                for j in (e, f):
                    dx, dy, dz = director[j, 0], director[j, 1], director[j, 2]
                    tx, ty, tz = tangent[j, 0], tangent[j, 1], tangent[j, 2]
                    cosine, sine = np.cos(theta[k, j]), np.sin(theta[k, j])
                    along = kx * dx + ky * dy + kz * dz
                    across = (kx * (ty * dz - tz * dy) + ky * (tz * dx - tx * dz) + kz * (tx * dy - ty * dx))
                    energy += 0.5 * (w1 * sine + w2 * cosine) * along
                    energy -= 0.5 * (w1 * cosine - w2 * sine) * across
            change = theta[k, f] - theta[k, e] + m[i]
            energy += 0.5 * twist[k, i] * change * change
    for k in range(kinds):
        energy -= rod.torque[k] * theta[k, edges - 1]
    return energy


@njit(cache=True, nogil=True)
def measure(rod: Rod, tension: Floats, curvature: Floats) -> float:
    """Writes axial force (N-1,), N, and curvature (N,), 1/mm, of a rod whose frames are those of its positions.
    Returns the largest strain."""
    most = 0.0
    for j in range(rod.rest.shape[0]):
        square = 0.0
        for c in range(3):
            square += (rod.x[j + 1, c] - rod.x[j, c]) ** 2
        longer = np.sqrt(square) - rod.rest[j]
        tension[j] = rod.stretch[j] * longer
        if j == 0:
            continue
        most = max(most, abs(longer / rod.rest[j]))
        a, b = rod.tangent[j - 1], rod.tangent[j]
        turn = ((a[1] * b[2] - a[2] * b[1]) ** 2 + (a[2] * b[0] - a[0] * b[2]) ** 2 + (a[0] * b[1] - a[1] * b[0]) ** 2)
        curvature[j] = np.sqrt(turn) / rod.cell[j]
    return most
