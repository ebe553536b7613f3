"""Bending, twist and stretch of coaxial rods on one shared centerline: energy, gradient, Hessian.

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
    for j in range(edges):
        ex, ey, ez = x[j + 1, 0] - x[j, 0], x[j + 1, 1] - x[j, 1], x[j + 1, 2] - x[j, 2]
        length = max(np.sqrt(ex * ex + ey * ey + ez * ez), 1e-9)
        ex, ey, ez = ex / length, ey / length, ez / length
        size[j] = length
        tangent[j, 0], tangent[j, 1], tangent[j, 2] = ex, ey, ez
        dx, dy, dz = _transport(rod.tangent[j, 0], rod.tangent[j, 1], rod.tangent[j, 2], ex, ey, ez,
                                rod.director[j, 0], rod.director[j, 1], rod.director[j, 2])
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
        m[i] = angle + 2.0 * np.pi * np.round((rod.ref_twist[i] - angle) / (2.0 * np.pi))


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
    energy = 0.0
    for j in range(1, edges):
        energy += 0.5 * rod.stretch[j] * (size[j] - rod.rest[j]) ** 2
    for i in range(1, edges):
        e, f = i - 1, i
        ax, ay, az = tangent[e, 0], tangent[e, 1], tangent[e, 2]
        bx, by, bz = tangent[f, 0], tangent[f, 1], tangent[f, 2]
        chi = max(1.0 + ax * bx + ay * by + az * bz, 1e-9)
        kx, ky, kz = (2.0 * (ay * bz - az * by) / chi, 2.0 * (az * bx - ax * bz) / chi,
                      2.0 * (ax * by - ay * bx) / chi)
        energy += 0.5 * rod.bend[i] * 4.0 * (2.0 - chi) / chi
        for k in range(kinds):
            w1, w2 = rod.nat1[k, i], rod.nat2[k, i]
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
            energy += 0.5 * rod.twist[k, i] * change * change
    for k in range(kinds):
        energy -= rod.torque[k] * theta[k, edges - 1]
    return energy


@njit(cache=True, nogil=True, inline="always")
def _put(band, row, column, value):  # type: ignore[no-untyped-def]
    if row >= 0 and column >= 0:
        if row <= column:
            band[row, column - row] += value
        else:
            band[column, row - column] += value


@njit(cache=True, nogil=True)
def elastic_system(rod: Rod, theta: Floats, tangent: Floats, size: Floats, director: Floats, m: Floats,
                   gradient: Floats, band: Floats) -> None:
    """Adds the gradient (n,) and Hessian (band) of the elastic energy.

    The frames must be the reference frames themselves: the formulas hold only there.
    Derivatives: facts of discrete rods as in Bergou 2010 and Jawed et al. 2018 (A Primer on the
    Kinematics of Discrete Elastic Rods), with V_e + V_f in place of the averaged director.
    """
    edges = size.shape[0]
    kinds = theta.shape[0]
    block = 3 + kinds
    te, tf, kb, tt, p, q = (np.empty(3), np.empty(3), np.empty(3), np.empty(3), np.empty(3), np.empty(3))
    ve, vf, a, b, ge, gf = (np.empty(3), np.empty(3), np.empty(3), np.empty(3), np.empty(3), np.empty(3))
    hee, hef, hff = np.empty((3, 3)), np.empty((3, 3)), np.empty((3, 3))
    de, df, d2e, d2f = np.empty(3), np.empty(3), np.empty(3), np.empty(3)
    prime, ce, cf, skew_d, skew_t = np.empty(3), np.empty(3), np.empty(3), np.zeros((3, 3)), np.zeros((3, 3))
    for i in range(1, edges):
        e, f = i - 1, i
        le, lf = size[e], size[f]
        for c in range(3):
            te[c], tf[c] = tangent[e, c], tangent[f, c]
            de[c], df[c] = director[e, c], director[f, c]
        cosine = te[0] * tf[0] + te[1] * tf[1] + te[2] * tf[2]
        chi = max(1.0 + cosine, 1e-6)
        _cross(te, tf, kb)
        _cross(te, de, d2e)
        _cross(tf, df, d2f)
        for c in range(3):
            kb[c] *= 2.0 / chi
            tt[c] = (te[c] + tf[c]) / chi
            p[c] = (tf[c] - cosine * te[c]) / le
            q[c] = (te[c] - cosine * tf[c]) / lf
            ve[c] = 0.0
            vf[c] = 0.0
        # natural curvature of all devices, as one vector per edge
        tau_sum, twist_sum, shaped = 0.0, 0.0, False
        for k in range(kinds):
            w1, w2 = rod.nat1[k, i], rod.nat2[k, i]
            if w1 != 0.0 or w2 != 0.0:  # most of a device is straight: no sines there
                shaped = True
                se, co = np.sin(theta[k, e]), np.cos(theta[k, e])
                sf, cof = np.sin(theta[k, f]), np.cos(theta[k, f])
                for c in range(3):
                    ve[c] += -0.5 * (w1 * se + w2 * co) * de[c] + 0.5 * (w1 * co - w2 * se) * d2e[c]
                    vf[c] += -0.5 * (w1 * sf + w2 * cof) * df[c] + 0.5 * (w1 * cof - w2 * sf) * d2f[c]
            tau_sum += rod.twist[k, i] * (theta[k, f] - theta[k, e] + m[i])
            twist_sum += rod.twist[k, i]
        bend = 0.5 * rod.bend[i]
        per_chi, per_ee, per_ff, per_ef = 1.0 / chi, 1.0 / (le * le), 1.0 / (lf * lf), 1.0 / (le * lf)
        f1 = -8.0 * per_chi * per_chi
        f2 = 16.0 * per_chi * per_chi * per_chi
        for c in range(3):
            prime[c] = 2.0 * (ve[c] + vf[c]) / chi
        kappa = kb[0] * (ve[0] + vf[0]) + kb[1] * (ve[1] + vf[1]) + kb[2] * (ve[2] + vf[2])
        _cross(tf, prime, a)
        _cross(te, prime, b)
        skew_d[0, 1], skew_d[0, 2], skew_d[1, 2] = -prime[2], prime[1], -prime[0]
        skew_d[1, 0], skew_d[2, 0], skew_d[2, 1] = prime[2], -prime[1], prime[0]
        skew_t[0, 1], skew_t[0, 2], skew_t[1, 2] = -te[2], te[1], -te[0]
        skew_t[1, 0], skew_t[2, 0], skew_t[2, 1] = te[2], -te[1], te[0]
        for c in range(3):
            ge[c] = bend * f1 * p[c] - (a[c] - kappa * tt[c]) / le + tau_sum * kb[c] / (2.0 * le)
            gf[c] = bend * f1 * q[c] - (-b[c] - kappa * tt[c]) / lf + tau_sum * kb[c] / (2.0 * lf)
        for r in range(3):
            for c in range(3):
                one = 1.0 if r == c else 0.0
                # quadratic bending
                cee = -(tf[r] * te[c] + te[r] * tf[c] + (one - 3.0 * te[r] * te[c]) * cosine) * per_ee
                cff = -(te[r] * tf[c] + tf[r] * te[c] + (one - 3.0 * tf[r] * tf[c]) * cosine) * per_ff
                cef = (one - te[r] * te[c] - tf[r] * tf[c] + te[r] * cosine * tf[c]) * per_ef
                # twist
                mixed = twist_sum * kb[r] * kb[c]
                hee[r, c] = bend * (f2 * p[r] * p[c] + f1 * cee) + 0.25 * per_ee * (
                    mixed - tau_sum * (kb[r] * (te[c] + tt[c]) + (te[r] + tt[r]) * kb[c]))
                hff[r, c] = bend * (f2 * q[r] * q[c] + f1 * cff) + 0.25 * per_ff * (
                    mixed - tau_sum * (kb[r] * (tf[c] + tt[c]) + (tf[r] + tt[r]) * kb[c]))
                hef[r, c] = bend * (f2 * p[r] * q[c] + f1 * cef) + per_ef * (
                    0.25 * mixed + 0.5 * tau_sum * (2.0 * per_chi * skew_t[r, c] - kb[r] * tt[c]))
        if shaped:  # natural curvature
            for r in range(3):
                for c in range(3):
                    one = 1.0 if r == c else 0.0
                    ttrc, over = 2.0 * kappa * tt[r] * tt[c], kappa * per_chi
                    hee[r, c] -= (ttrc - a[r] * tt[c] - tt[r] * a[c] - over * (one - te[r] * te[c])
                                  + 0.5 * (kb[r] * ve[c] + ve[r] * kb[c])) * per_ee
                    hff[r, c] -= (ttrc + b[r] * tt[c] + tt[r] * b[c] - over * (one - tf[r] * tf[c])
                                  + 0.5 * (kb[r] * vf[c] + vf[r] * kb[c])) * per_ff
                    hef[r, c] -= (ttrc - a[r] * tt[c] + tt[r] * b[c] - over * (one + te[r] * tf[c])
                                  - skew_d[r, c]) * per_ef
        low, mid, high = (i - 3) * block + kinds, (i - 2) * block + kinds, (i - 1) * block + kinds
        for r in range(3):
            if i >= 3:
                gradient[low + r] -= ge[r]
            if i >= 2:
                gradient[mid + r] += ge[r] - gf[r]
            gradient[high + r] += gf[r]
            for c in range(3):
                if i >= 3:
                    band[low + c, high + r - low - c] -= hef[c, r]
                    band[low + c, mid + r - low - c] += hef[c, r] - hee[r, c]
                    if c <= r:
                        band[low + c, r - c] += hee[r, c]
                if i >= 2:
                    band[mid + c, high + r - mid - c] += hef[c, r] - hff[r, c]
                    if c <= r:
                        band[mid + c, r - c] += hee[r, c] - hef[r, c] - hef[c, r] + hff[r, c]
                if c <= r:
                    band[high + c, r - c] += hff[r, c]
        for k in range(kinds):
            stiff = rod.twist[k, i]
            tau = stiff * (theta[k, f] - theta[k, e] + m[i])
            w1, w2 = rod.nat1[k, i], rod.nat2[k, i]
            row_e, row_f = (i - 2) * block + k if i >= 2 else -1, (i - 1) * block + k
            for edge in range(2):
                angle = theta[k, e] if edge == 0 else theta[k, f]
                d1 = de if edge == 0 else df
                d2 = d2e if edge == 0 else d2f
                row = row_e if edge == 0 else row_f
                if row < 0:
                    continue
                sign = -1.0 if edge == 0 else 1.0
                turn_e, turn_f = sign * stiff * 0.5 / le, sign * stiff * 0.5 / lf
                gradient[row] += sign * tau
                band[row, 0] += stiff
                if w1 == 0.0 and w2 == 0.0:
                    for c in range(3):
                        _put(band, row, low + c if i >= 3 else -1, -turn_e * kb[c])
                        _put(band, row, mid + c if i >= 2 else -1, (turn_e - turn_f) * kb[c])
                        _put(band, row, high + c, turn_f * kb[c])
                    continue
                alpha = -0.5 * (w1 * np.sin(angle) + w2 * np.cos(angle))
                beta = 0.5 * (w1 * np.cos(angle) - w2 * np.sin(angle))
                bend_now, bend_prime = 0.0, 0.0
                for c in range(3):
                    prime[c] = -beta * d1[c] + alpha * d2[c]
                    bend_prime += kb[c] * prime[c]
                    bend_now += kb[c] * (alpha * d1[c] + beta * d2[c])
                    prime[c] *= 2.0 / chi
                _cross(tf, prime, ce)
                _cross(te, prime, cf)
                gradient[row] -= bend_prime
                band[row, 0] += bend_now
                for c in range(3):
                    along_e = -(ce[c] - bend_prime * tt[c]) / le + turn_e * kb[c]
                    along_f = -(-cf[c] - bend_prime * tt[c]) / lf + turn_f * kb[c]
                    _put(band, row, low + c if i >= 3 else -1, -along_e)
                    _put(band, row, mid + c if i >= 2 else -1, along_e - along_f)
                    _put(band, row, high + c, along_f)
            _put(band, row_f, row_e, -stiff)
    for j in range(1, edges):
        stiff = rod.stretch[j]
        strain = size[j] - rod.rest[j]
        ratio = 1.0 - rod.rest[j] / size[j]
        here, there = (j - 2) * block + kinds, (j - 1) * block + kinds
        for r in range(3):
            force = stiff * strain * tangent[j, r]
            gradient[there + r] += force
            if j >= 2:
                gradient[here + r] -= force
            for c in range(3):
                value = stiff * ((1.0 - ratio) * tangent[j, r] * tangent[j, c] + (ratio if r == c else 0.0))
                if c <= r:
                    band[there + c, r - c] += value
                    if j >= 2:
                        band[here + c, r - c] += value
                if j >= 2:
                    band[here + c, there + r - here - c] -= value
    for k in range(kinds):
        gradient[(edges - 2) * block + k] -= rod.torque[k]


@njit(cache=True, nogil=True, inline="always")
def _cross(u, v, out):  # type: ignore[no-untyped-def]
    out[0] = u[1] * v[2] - u[2] * v[1]
    out[1] = u[2] * v[0] - u[0] * v[2]
    out[2] = u[0] * v[1] - u[1] * v[0]
