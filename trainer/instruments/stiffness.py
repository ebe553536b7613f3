"""Gradient and Hessian of the elastic energy of `elastic`, in one pass over the vertices with the energy itself.

Derivatives: facts of discrete rods as in Bergou 2010 and Jawed et al. 2018 (A Primer on the Kinematics of Discrete
Elastic Rods), with V_e + V_f in place of the averaged director.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from trainer.instruments.model import Rod
from trainer.instruments.rows import Rows

Floats = NDArray[np.float64]


@njit(cache=True, nogil=True, inline="always")
def cross(u, v, out):  # type: ignore[no-untyped-def]
    out[0] = u[1] * v[2] - u[2] * v[1]
    out[1] = u[2] * v[0] - u[0] * v[2]
    out[2] = u[0] * v[1] - u[1] * v[0]


@njit(cache=True, nogil=True, inline="always")
def _shaped_vertex(nat1, nat2, twist_rows, low, mid, high, theta, i, te, tf, de, df, le, lf, kb, tt, chi,  # type: ignore[no-untyped-def]
                   ge, gf, hee, hef, hff, work, gradient, band):
    """Natural curvature of all devices at vertex i: adds to the gradients ge, gf (3,) and Hessians (3, 3) by its two
    edges, and to the rows of its twist angles. Returns the energy, N mm. Inlined: handing all that over costs more
    than the work."""
    kinds = theta.shape[0]
    ve, vf, d2e, d2f, prime, a, b = work[0], work[1], work[2], work[3], work[4], work[5], work[6]
    ve[:] = 0.0
    vf[:] = 0.0
    cross(te, de, d2e)
    cross(tf, df, d2f)
    for k in range(kinds):
        w1, w2 = nat1[k, i], nat2[k, i]
        if w1 == 0.0 and w2 == 0.0:
            continue
        for side in range(2):
            d1, d2 = (de, d2e) if side == 0 else (df, d2f)
            angle = theta[k, i - 1 + side]
            sine, cosine = np.sin(angle), np.cos(angle)
            alpha, beta = -0.5 * (w1 * sine + w2 * cosine), 0.5 * (w1 * cosine - w2 * sine)
            bend_now, bend_prime = 0.0, 0.0
            for c in range(3):
                value = alpha * d1[c] + beta * d2[c]
                if side == 0:
                    ve[c] += value
                else:
                    vf[c] += value
                bend_now += kb[c] * value
                prime[c] = -beta * d1[c] + alpha * d2[c]
                bend_prime += kb[c] * prime[c]
                prime[c] *= 2.0 / chi
            cross(tf, prime, a)
            cross(te, prime, b)
            row = twist_rows[k, i - 1 + side]
            gradient[row] -= bend_prime
            band[row, 0] += bend_now
            for c in range(3):
                along_e = -(a[c] - bend_prime * tt[c]) / le
                along_f = (b[c] + bend_prime * tt[c]) / lf
                band[low + c, row - low - c] -= along_e
                if side == 0:
                    band[row, mid + c - row] += along_e - along_f
                else:
                    band[mid + c, row - mid - c] += along_e - along_f
                band[row, high + c - row] += along_f
    kappa = 0.0
    for c in range(3):
        prime[c] = 2.0 * (ve[c] + vf[c]) / chi
        kappa += kb[c] * (ve[c] + vf[c])
    cross(tf, prime, a)
    cross(te, prime, b)
    per_ee, per_ff, per_ef, over = 1.0 / (le * le), 1.0 / (lf * lf), 1.0 / (le * lf), kappa / chi
    for r in range(3):
        ge[r] -= (a[r] - kappa * tt[r]) / le
        gf[r] += (b[r] + kappa * tt[r]) / lf
        for c in range(3):
            one = over if r == c else 0.0
            both = 2.0 * kappa * tt[r] * tt[c]
            hee[r, c] -= (both - a[r] * tt[c] - tt[r] * a[c] - one + over * te[r] * te[c]
                          + 0.5 * (kb[r] * ve[c] + ve[r] * kb[c])) * per_ee
            hff[r, c] -= (both + b[r] * tt[c] + tt[r] * b[c] - one + over * tf[r] * tf[c]
                          + 0.5 * (kb[r] * vf[c] + vf[r] * kb[c])) * per_ff
            hef[r, c] -= (both - a[r] * tt[c] + tt[r] * b[c] - one - over * te[r] * tf[c]) * per_ef
    hef[0, 1] -= prime[2] * per_ef
    hef[0, 2] += prime[1] * per_ef
    hef[1, 2] -= prime[0] * per_ef
    hef[1, 0] += prime[2] * per_ef
    hef[2, 0] -= prime[1] * per_ef
    hef[2, 1] += prime[0] * per_ef
    return -kappa


@njit(cache=True, nogil=True)
def elastic_system(rod: Rod, rows: Rows, theta: Floats, tangent: Floats, size: Floats, director: Floats, m: Floats,
                   gradient: Floats, band: Floats) -> float:
    """Adds the gradient and Hessian (band) of the elastic energy, N mm, which it returns.

    The formulas hold where the frames are the reference frames themselves, or will be. How angles that follow change
    with the shape is left out of the Hessian.
    """
    edges, kinds = size.shape[0], theta.shape[0]
    nat1, nat2, twist, bend, chain = rod.nat1, rod.nat2, rod.twist, rod.bend, rows.chain
    place, twist_rows = rows.place, rows.twist  # once: a field of a rod costs as much as a vertex
    te, tf, kb, tt, p, q = (np.empty(3), np.empty(3), np.empty(3), np.empty(3), np.empty(3), np.empty(3))
    we, wf, ue, uf, ve, vf = (np.empty(3), np.empty(3), np.empty(3), np.empty(3), np.empty(3), np.empty(3))
    ge, gf, hee, hef, hff = np.empty(3), np.empty(3), np.empty((3, 3)), np.empty((3, 3)), np.empty((3, 3))
    de, df, uef, pe, qf = np.empty(3), np.empty(3), np.empty(3), np.empty(3), np.empty(3)
    work, energy = np.empty((7, 3)), 0.0
    for i in range(1, edges):
        le, lf = size[i - 1], size[i]
        for c in range(3):
            te[c], tf[c] = tangent[i - 1, c], tangent[i, c]
        cosine = te[0] * tf[0] + te[1] * tf[1] + te[2] * tf[2]
        chi = max(1.0 + cosine, 1e-6)
        per_chi, per_e, per_f = 1.0 / chi, 1.0 / le, 1.0 / lf
        cross(te, tf, kb)
        shaped, tau_sum, twist_sum = False, 0.0, 0.0
        low, mid, high = place[i - 1], place[i], place[i + 1]
        for c in range(3):
            kb[c] *= 2.0 * per_chi
        for k in range(kinds):
            shaped = shaped or nat1[k, i] != 0.0 or nat2[k, i] != 0.0
            stiff, change = twist[k, i], theta[k, i] - theta[k, i - 1] + m[i]
            tau = stiff * change
            tau_sum += tau
            energy += 0.5 * tau * change
            e, f = twist_rows[k, i - 1], twist_rows[k, i]
            if e < 0 or f < 0:
                if f >= 0:
                    gradient[f] += tau
                    band[f, 0] += chain[k]
                continue
            twist_sum += stiff
            gradient[e] -= tau
            gradient[f] += tau
            band[e, 0] += stiff
            band[f, 0] += stiff
            band[e, f - e] -= stiff
            to_e, to_f = 0.5 * stiff * per_e, 0.5 * stiff * per_f
            for c in range(3):
                band[low + c, e - low - c] += to_e * kb[c]
                band[e, mid + c - e] += (to_f - to_e) * kb[c]
                band[e, high + c - e] -= to_f * kb[c]
                band[low + c, f - low - c] -= to_e * kb[c]
                band[mid + c, f - mid - c] += (to_e - to_f) * kb[c]
                band[f, high + c - f] += to_f * kb[c]
        energy += 2.0 * bend[i] * (2.0 - chi) * per_chi
        # E = bend f(cosine): first and second derivative, times bend
        first = -4.0 * bend[i] * per_chi * per_chi
        second = -2.0 * first * per_chi
        twist_ee, twist_ff, twist_ef = (0.25 * per_e * per_e, 0.25 * per_f * per_f, 0.25 * per_e * per_f)
        one_e, one_f, one_ef = -first * cosine * per_e * per_e, -first * cosine * per_f * per_f, first * per_e * per_f
        for c in range(3):
            tt[c] = (te[c] + tf[c]) * per_chi
            p[c] = (tf[c] - cosine * te[c]) * per_e
            q[c] = (te[c] - cosine * tf[c]) * per_f
            ge[c] = first * p[c] + 0.5 * tau_sum * per_e * kb[c]
            gf[c] = first * q[c] + 0.5 * tau_sum * per_f * kb[c]
            we[c] = -first * per_e * per_e * (tf[c] - 1.5 * cosine * te[c])
            wf[c] = -first * per_f * per_f * (te[c] - 1.5 * cosine * tf[c])
            ue[c] = twist_ee * (0.5 * twist_sum * kb[c] - tau_sum * (te[c] + tt[c]))
            uf[c] = twist_ff * (0.5 * twist_sum * kb[c] - tau_sum * (tf[c] + tt[c]))
            ve[c] = one_ef * (cosine * tf[c] - te[c])
            vf[c] = -one_ef * tf[c]
            pe[c] = second * p[c]
            qf[c] = second * q[c]
            uef[c] = twist_ef * (twist_sum * kb[c] - 2.0 * tau_sum * tt[c])
        for r in range(3):
            for c in range(3):
                hef[r, c] = pe[r] * q[c] + te[r] * ve[c] + tf[r] * vf[c] + kb[r] * uef[c]
            for c in range(r + 1):
                hee[r, c] = (pe[r] * p[c] + te[r] * we[c] + we[r] * te[c] + kb[r] * ue[c] + ue[r] * kb[c])
                hff[r, c] = (qf[r] * q[c] + tf[r] * wf[c] + wf[r] * tf[c] + kb[r] * uf[c] + uf[r] * kb[c])
                hee[c, r], hff[c, r] = hee[r, c], hff[r, c]
            hee[r, r] += one_e
            hff[r, r] += one_f
            hef[r, r] += one_ef
        skew = 4.0 * twist_ef * tau_sum * per_chi
        hef[0, 1] -= skew * te[2]
        hef[0, 2] += skew * te[1]
        hef[1, 2] -= skew * te[0]
        hef[1, 0] += skew * te[2]
        hef[2, 0] -= skew * te[1]
        hef[2, 1] += skew * te[0]
        if shaped:
            for c in range(3):
                de[c], df[c] = director[i - 1, c], director[i, c]
            energy += _shaped_vertex(nat1, nat2, twist_rows, low, mid, high, theta, i, te, tf, de, df, le, lf, kb, tt,
                                     chi, ge, gf, hee, hef, hff, work, gradient, band)
        for c in range(3):
            gradient[low + c] -= ge[c]
            gradient[mid + c] += ge[c] - gf[c]
            gradient[high + c] += gf[c]
            for r in range(c, 3):
                band[low + c, r - c] += hee[c, r]
                band[mid + c, r - c] += hee[c, r] - hef[c, r] - hef[r, c] + hff[c, r]
                band[high + c, r - c] += hff[c, r]
            for r in range(3):
                band[low + c, mid + r - low - c] += hef[c, r] - hee[c, r]
                band[low + c, high + r - low - c] -= hef[c, r]
                band[mid + c, high + r - mid - c] += hef[c, r] - hff[c, r]
    for k in range(kinds):
        if rod.torque[k] != 0.0:
            gradient[rows.twist[k, edges - 1]] -= rod.torque[k]
        energy -= rod.torque[k] * theta[k, edges - 1]
    return energy + _stretch(rod, rows, tangent, size, gradient, band)


@njit(cache=True, nogil=True)
def _stretch(rod: Rod, rows: Rows, tangent: Floats, size: Floats, gradient: Floats, band: Floats) -> float:
    """Adds gradient and Hessian of the stretch of all edges; returns its energy, N mm."""
    stretch, rest, place, energy = rod.stretch, rod.rest, rows.place, 0.0
    for j in range(1, size.shape[0]):
        stiff, strain = stretch[j], size[j] - rest[j]
        energy += 0.5 * stiff * strain * strain
        ratio = strain / size[j]
        along, across = stiff * (1.0 - ratio), stiff * ratio
        here, there = place[j], place[j + 1]
        for c in range(3):
            force = stiff * strain * tangent[j, c]
            gradient[there + c] += force
            gradient[here + c] -= force
            for r in range(3):
                value = along * tangent[j, r] * tangent[j, c] + (across if r == c else 0.0)
                band[here + c, there + r - here - c] -= value
                if r >= c:
                    band[there + c, r - c] += value
                    band[here + c, r - c] += value
    return energy
