"""What acts on the nodes: wall, Coulomb friction, drag, dead loads. Energy, gradient, Hessian.

Wall: kc l/2 (g + lambda/kc)^2 with the multiplier lambda carried from step to step (augmented
Lagrangian). The gap is taken without displacement along the wire, so that a node never hooks on an
ostium's edge (coaxial.md section 4); only the last node feels the full normal.
Friction: bristle model of Coulomb friction. Slip since the last step is added to the elastic slip stored
at the wall; the force grows linearly up to mu N at `law.slip`, then slides. It includes spin.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from trainer.instruments.model import Law, Rod
from trainer.instruments.ridge import find_ridges, finish_ridges, ridge_energy, ridge_system
from trainer.instruments.rows import Rows
from trainer.instruments.wall import distance

Floats = NDArray[np.float64]

HOOK_FROM, HOOK_TO = 0.1, 0.35
"""Share of the wall's normal that lies along the wire: kept below the first, removed above the second. A
smooth tube needs the small ones (they carry the insertion force), an ostium's edge shows the large ones."""


@njit(cache=True, nogil=True, inline="always")
def _apart(count, clearance, dx, dy, dz):  # type: ignore[no-untyped-def]
    """Whether a node that has moved by (dx, dy, dz) cannot have reached the wall: the field's slope is about 1."""
    return count == 0 or (clearance > 0.0 and dx * dx + dy * dy + dz * dz < (0.9 * clearance) ** 2)


@njit(cache=True, nogil=True)
def _gap(near: Floats, count: int, axis: Floats, x: Floats, i: int, dx: float, dy: float, dz: float, want: bool,
         normal: Floats) -> float:
    """Distance of node i, mm, to the wall (> 0: outside the lumen), its motion (dx, dy, dz) along the axis left out."""
    ax, ay, az = axis[i, 0], axis[i, 1], axis[i, 2]
    along = ax * dx + ay * dy + az * dz
    out: float = distance(near, i, count, x[i, 0] - along * ax, x[i, 1] - along * ay, x[i, 2] - along * az, want,
                          normal)
    return out


@njit(cache=True, nogil=True, inline="always")
def _slip(rod, theta, i, x, out):  # type: ignore[no-untyped-def]
    """Slip vector (3,), mm, of the surface at node i against the wall, elastic part included."""
    nx, ny, nz = rod.normal[i, 0], rod.normal[i, 1], rod.normal[i, 2]
    dx, dy, dz = (x[i, 0] - rod.slip_from[i, 0], x[i, 1] - rod.slip_from[i, 1],
                  x[i, 2] - rod.slip_from[i, 2])
    along = nx * dx + ny * dy + nz * dz
    spin = rod.radius[i] * (theta[rod.outer[i], i - 1] - rod.spin_from[i])
    out[0] = rod.bristle[i, 0] + dx - along * nx + spin * rod.spin_axis[i, 0]
    out[1] = rod.bristle[i, 1] + dy - along * ny + spin * rod.spin_axis[i, 1]
    out[2] = rod.bristle[i, 2] + dz - along * nz + spin * rod.spin_axis[i, 2]


@njit(cache=True, nogil=True)
def contact_energy(rod: Rod, law: Law, x: Floats, theta: Floats) -> float:
    """Energy, N mm, of wall, friction, drag and loads at positions x (N, 3)."""
    near, count, clearance, axis, start = rod.near, rod.candidate_count, rod.clearance, rod.axis, rod.start
    radius, multiplier, cell, normal_force = rod.radius, rod.multiplier, rod.cell, rod.normal_force
    drag_from, load = rod.drag_from, rod.load  # once: a field of a rod costs as much as a distance
    normal, slip = np.empty(3), np.empty(3)
    energy = ridge_energy(rod, law, x)
    for i in range(2, x.shape[0]):
        dx, dy, dz = x[i, 0] - start[i, 0], x[i, 1] - start[i, 1], x[i, 2] - start[i, 2]
        if not _apart(count[i], clearance[i], dx, dy, dz):
            gap = (_gap(near, count[i], axis, x, i, dx, dy, dz, False, normal) + radius[i]
                   + multiplier[i] / law.wall)
            if gap > 0.0:
                energy += 0.5 * law.wall * cell[i] * gap * gap
        if normal_force[i] > 0.0:
            _slip(rod, theta, i, x, slip)
            size = np.sqrt(slip[0] ** 2 + slip[1] ** 2 + slip[2] ** 2)
            limit = rod.friction[i] * normal_force[i]
            if size < law.slip:
                energy += 0.5 * limit * size * size / law.slip
            else:
                energy += limit * (size - 0.5 * law.slip)
        for c in range(3):
            d = x[i, c] - drag_from[i, c]
            energy += 0.5 * law.drag * cell[i] * d * d - load[i, c] * x[i, c]
    return energy


@njit(cache=True, nogil=True)
def _across(normal: Floats, axes: Floats, i: int, out: Floats) -> None:
    """Writes the curvature (3, 3) of the field that `distance` left behind the normal, for motions of node i of
    which the part along its axis does not count."""
    out[0, 0], out[0, 1], out[0, 2] = normal[3], normal[4], normal[5]
    out[1, 0], out[1, 1], out[1, 2] = normal[4], normal[6], normal[7]
    out[2, 0], out[2, 1], out[2, 2] = normal[5], normal[7], normal[8]
    ax, ay, az = axes[i, 0], axes[i, 1], axes[i, 2]
    if ax == 0.0 and ay == 0.0 and az == 0.0:
        return
    v = (out[0, 0] * ax + out[0, 1] * ay + out[0, 2] * az, out[1, 0] * ax + out[1, 1] * ay + out[1, 2] * az,
         out[2, 0] * ax + out[2, 1] * ay + out[2, 2] * az)
    along = ax * v[0] + ay * v[1] + az * v[2]
    for r in range(3):
        for c in range(3):
            out[r, c] += along * axes[i, r] * axes[i, c] - v[r] * axes[i, c] - axes[i, r] * v[c]


@njit(cache=True, nogil=True)
def contact_system(rod: Rod, law: Law, rows: Rows, x: Floats, theta: Floats, gradient: Floats,
                   band: Floats) -> float:
    """Adds gradient and Hessian (band) of `contact_energy`, N mm, which it returns.

    The curvature of the wall counts: in a vessel hardly wider than the device a small motion turns the normal far,
    and without it Newton's method swings from side to side and never ends.
    """
    near, count, clearance, axes, start = rod.near, rod.candidate_count, rod.clearance, rod.axis, rod.start
    radius, multiplier, cell, normal_force = rod.radius, rod.multiplier, rod.cell, rod.normal_force
    drag_from, load, place = rod.drag_from, rod.load, rows.place
    normal, slip, turn, axis = np.empty(9), np.empty(3), np.empty(3), np.empty(3)
    bend = np.empty((3, 3))
    energy = ridge_system(rod, law, rows, x, gradient, band)
    for i in range(2, x.shape[0]):
        row, gap = place[i], -1.0
        dx, dy, dz = x[i, 0] - start[i, 0], x[i, 1] - start[i, 1], x[i, 2] - start[i, 2]
        if not _apart(count[i], clearance[i], dx, dy, dz):
            gap = _gap(near, count[i], axes, x, i, dx, dy, dz, True, normal) + radius[i] + multiplier[i] / law.wall
        if gap > 0.0:
            along = normal[0] * axes[i, 0] + normal[1] * axes[i, 1] + normal[2] * axes[i, 2]
            for c in range(3):
                normal[c] -= along * axes[i, c]
            stiff = law.wall * cell[i]
            energy += 0.5 * stiff * gap * gap
            _across(normal, axes, i, bend)
            for r in range(3):
                gradient[row + r] += stiff * gap * normal[r]
                for c in range(r + 1):
                    band[row + c, r - c] += stiff * (normal[r] * normal[c] + gap * bend[r, c])
        if normal_force[i] > 0.0:
            _slip(rod, theta, i, x, slip)
            size = np.sqrt(slip[0] ** 2 + slip[1] ** 2 + slip[2] ** 2)
            limit = rod.friction[i] * normal_force[i]
            scale = limit / max(size, law.slip)
            slides = size > law.slip
            energy += limit * (size - 0.5 * law.slip) if slides else 0.5 * limit * size * size / law.slip
            for c in range(3):
                axis[c] = rod.normal[i, c]
            for c in range(3):
                turn[c] = rod.radius[i] * rod.spin_axis[i, c]
            spin_row = rows.twist[rod.outer[i], i - 1]
            along_n = slip[0] * axis[0] + slip[1] * axis[1] + slip[2] * axis[2]
            for c in range(3):
                slip[c] -= along_n * axis[c]
            torque, stiff_spin = 0.0, 0.0
            for r in range(3):
                gradient[row + r] += scale * slip[r]
                torque += scale * slip[r] * turn[r]
                mixed = 0.0
                for c in range(3):
                    value = scale * ((1.0 if r == c else 0.0) - axis[r] * axis[c])
                    if slides:
                        value -= scale * slip[r] * slip[c] / (size * size)
                    if c <= r:
                        band[row + c, r - c] += value
                    mixed += value * turn[c]
                band[spin_row, row + r - spin_row] += mixed
                stiff_spin += mixed * turn[r]
            gradient[spin_row] += torque
            band[spin_row, 0] += stiff_spin
        drag = law.drag * cell[i]
        for r in range(3):
            d = x[i, r] - drag_from[i, r]
            energy += 0.5 * drag * d * d - load[i, r] * x[i, r]
            gradient[row + r] += drag * d - load[i, r]
            band[row + r, 0] += drag
    return energy


PLANE_MM = 0.02
"""Shift of a foreseen wall that is worth another solve."""


@njit(cache=True, nogil=True)
def foresee(rod: Rod, law: Law, x: Floats, planes: Floats) -> bool:
    """The walls that nodes touch at trial positions x (N, 3), but not yet at the rod's: each as the plane that it is
    at x, normal and depth at the rod's position, planes (N, 4), all zero for none. What is there already is from an
    earlier trial of the same step: it is set anew, or taken out where the node did not press on it. False when nothing
    has changed."""
    near, count, clearance, axis, start = rod.near, rod.candidate_count, rod.clearance, rod.axis, rod.start
    radius, multiplier, here = rod.radius, rod.multiplier, rod.x
    normal = np.empty(3)
    changed = False
    for i in range(2, x.shape[0]):
        known, gap, reach = planes[i, 3] < 0.0, -1.0, radius[i] + multiplier[i] / law.wall
        dx, dy, dz = x[i, 0] - start[i, 0], x[i, 1] - start[i, 1], x[i, 2] - start[i, 2]
        if not _apart(count[i], clearance[i], dx, dy, dz):
            gap = _gap(near, count[i], axis, x, i, dx, dy, dz, True, normal) + reach
        if gap <= 0.0:
            if known:
                modeled = planes[i, 3]
                for c in range(3):
                    modeled += planes[i, c] * (x[i, c] - here[i, c])
                if modeled <= 0.0:
                    planes[i] = 0.0
                    changed = True
            continue
        dx, dy, dz = here[i, 0] - start[i, 0], here[i, 1] - start[i, 1], here[i, 2] - start[i, 2]
        if not known and not _apart(count[i], clearance[i], dx, dy, dz):
            if _gap(near, count[i], axis, here, i, dx, dy, dz, False, normal) + reach > 0.0:
                continue  # it presses already
        along = normal[0] * axis[i, 0] + normal[1] * axis[i, 1] + normal[2] * axis[i, 2]
        before = gap
        for c in range(3):
            normal[c] -= along * axis[i, c]
            before -= normal[c] * (x[i, c] - here[i, c])
        if before >= 0.0:  # the wall turns too much on the way to be a plane
            continue
        changed = changed or abs(before - planes[i, 3]) > PLANE_MM
        planes[i, :3] = normal
        planes[i, 3] = before
    return changed


@njit(cache=True, nogil=True)
def press_planes(rod: Rod, law: Law, rows: Rows, planes: Floats, band: Floats, push: Floats) -> None:
    """Adds foreseen walls, planes (N, 4), to the Hessian (band) and the forces push (n,) of a step."""
    place, cell = rows.place, rod.cell
    for i in range(2, planes.shape[0]):
        if planes[i, 3] == 0.0:
            continue
        row, stiff = place[i], law.wall * cell[i]
        for r in range(3):
            push[row + r] -= stiff * planes[i, 3] * planes[i, r]
            for c in range(r + 1):
                band[row + c, r - c] += stiff * planes[i, r] * planes[i, c]


@njit(cache=True, nogil=True)
def prepare_contact(rod: Rod, law: Law) -> None:
    """Fills axis, normal, spin_axis and clearance from the start positions, and lays the carried elastic
    slip into the wall's tangent plane. multiplier, bristle and candidates must be set."""
    x, tangent, near, count, radius = rod.x, rod.tangent, rod.near, rod.candidate_count, rod.radius
    axis, bristle, wall_normal, spin_axis, multiplier = rod.axis, rod.bristle, rod.normal, rod.spin_axis, rod.multiplier
    normal = np.empty(3)
    last = x.shape[0] - 1
    slope, walls = np.zeros(last + 1), np.zeros((last + 1, 3))
    for i in range(2, last + 1):
        tx, ty, tz = (tangent[i - 1, 0], tangent[i - 1, 1], tangent[i - 1, 2])
        if i < last:
            tx, ty, tz = tx + tangent[i, 0], ty + tangent[i, 1], tz + tangent[i, 2]
        scale = 1.0 / max(np.sqrt(tx * tx + ty * ty + tz * tz), 1e-9)
        tx, ty, tz = tx * scale, ty * scale, tz * scale
        gap = distance(near, i, count[i], x[i, 0], x[i, 1], x[i, 2], True, normal) + radius[i]
        rod.clearance[i] = -gap - multiplier[i] / law.wall
        along = normal[0] * tx + normal[1] * ty + normal[2] * tz
        slope[i], walls[i] = along, normal
        # A node at an ostium's edge can see a wall that points along the wire; it would hook there. A wall
        # ahead stops the tip, and a device that is too thick, but an edge behind them must not hook either.
        place = min(1.0, max(0.0, (abs(along) - HOOK_FROM) / (HOOK_TO - HOOK_FROM)))
        root = np.sqrt(place * place * (3.0 - 2.0 * place))
        if i == last or rod.narrow[i]:
            root = 1.0 if along < 0.0 else 0.0
        axis[i, 0], axis[i, 1], axis[i, 2] = root * tx, root * ty, root * tz
        nx, ny, nz = normal[0] - along * tx, normal[1] - along * ty, normal[2] - along * tz
        size = np.sqrt(nx * nx + ny * ny + nz * nz)
        if size < 1e-6:
            rod.normal_force[i] = 0.0
            continue
        nx, ny, nz = nx / size, ny / size, nz / size
        wall_normal[i, 0], wall_normal[i, 1], wall_normal[i, 2] = nx, ny, nz
        spin_axis[i, 0], spin_axis[i, 1] = ty * nz - tz * ny, tz * nx - tx * nz
        spin_axis[i, 2] = tx * ny - ty * nx
        along = bristle[i, 0] * nx + bristle[i, 1] * ny + bristle[i, 2] * nz
        bristle[i, 0] -= along * nx
        bristle[i, 1] -= along * ny
        bristle[i, 2] -= along * nz
    find_ridges(rod, law, slope, walls)


@njit(cache=True, nogil=True)
def finish_contact(rod: Rod, law: Law, pressing: Floats) -> float:
    """Writes the wall force per length (N,), N/mm, ridges included, and what the next step carries on: the
    nodes' own wall force (into rod.multiplier) and elastic slip (into rod.bristle). Returns the deepest true
    penetration, mm (negative: clear of the wall)."""
    near, count, clearance, axis, start = rod.near, rod.candidate_count, rod.clearance, rod.axis, rod.start
    x, radius, multiplier, normal_force, bristle = rod.x, rod.radius, rod.multiplier, rod.normal_force, rod.bristle
    normal, slip = np.empty(3), np.empty(3)
    deepest = -1e30
    pressing[:] = 0.0
    for i in range(2, x.shape[0]):
        dx, dy, dz = x[i, 0] - start[i, 0], x[i, 1] - start[i, 1], x[i, 2] - start[i, 2]
        if not _apart(count[i], clearance[i], dx, dy, dz):
            gap = _gap(near, count[i], axis, x, i, dx, dy, dz, False, normal) + radius[i]
            pressing[i] = max(0.0, law.wall * gap + multiplier[i])
            real = distance(near, i, count[i], x[i, 0], x[i, 1], x[i, 2], False, normal) + radius[i]
            deepest = max(deepest, real)
        scale = 0.0
        if normal_force[i] > 0.0:
            _slip(rod, rod.theta, i, x, slip)
            size = np.sqrt(slip[0] ** 2 + slip[1] ** 2 + slip[2] ** 2)
            scale = min(1.0, law.slip / max(size, 1e-12))
        for c in range(3):
            bristle[i, c] = slip[c] * scale if scale > 0.0 else 0.0
    for i in range(2, x.shape[0]):
        multiplier[i] = min(pressing[i], law.most)
    return max(deepest, finish_ridges(rod, law, pressing))
