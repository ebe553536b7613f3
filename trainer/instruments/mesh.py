"""Nodes along the stack, their stiffness, and carrying a shape from one mesh to the next.

Nodes are points of the path coordinate s (arclength from the sheath mouth), not material points. The
mesh hangs on the most distal tip, which moves continuously whichever device is longest.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from trainer.instruments.profile import Tables, read

Floats = NDArray[np.float64]

GHOST_MM = 1.0
"""Length of the held edge inside the sheath."""
AXIAL_N = 4000.0
"""Axial stiffness EA of the composite, N (a push of 10 N strains it by 0.25 %)."""
FREE_TWIST = 1e-2
"""GJ, N mm2, given to a device beyond its own tip, where its angle merely follows."""
BLEND_MM = 6.0
"""Length over which the contact radius changes at a tip inside the stack (coaxial.md section 2)."""
QUADRATURE_MM = 0.6
TORQUER_MM = 50.0
"""Distance at which an inner device is held, by fingers or a torque device, from the hub that it goes into."""


def node_distances(spacing: tuple[tuple[float, float], ...], longest: float = 2500.0) -> Floats:
    """Distances from the tip of all nodes for spacing points (d, spacing), joined linearly."""
    d, out = 0.0, []
    at, size = [p[0] for p in spacing], [p[1] for p in spacing]
    while d < longest:
        out.append(d)
        d += float(np.interp(d, at, size))
    return np.array(out)


SPACING = ((0.0, 1.0), (50.0, 1.0), (70.0, 2.0), (220.0, 2.0), (240.0, 3.0))
"""Node spacing, mm, by distance from the most distal tip. Wider than 3 mm, the wire cuts into an ostium's edge far
behind the tip and the solve does not end; that costs more than the nodes saved."""
NODES_FROM_TIP = node_distances(SPACING)


def lay_nodes(total_mm: float, from_tip: Floats = NODES_FROM_TIP) -> Floats:
    """Path coordinates (N,) of the ghost node, the mouth and the free nodes of a stack of this length."""
    count = int(np.searchsorted(from_tip, total_mm))
    s = total_mm - from_tip[:count][::-1]
    gap = from_tip[count] - from_tip[count - 1] if count < len(from_tip) else 5.0
    if len(s) > 1 and s[0] < 0.5 * gap:
        s = s[1:]
    return np.concatenate([[-GHOST_MM, 0.0], s])


@njit(cache=True, nogil=True)
def sections(s: Floats, tips: Floats, tables: Tables, bend: Floats, nat1: Floats, nat2: Floats,
             twist: Floats) -> None:
    """Writes bending stiffness (N,), natural bend (K, N) and twist stiffness (K, N) of every vertex.

    s (N,) path coordinates, tips (K,) insertion lengths, mm. Series average: the compliance of a cell is
    integrated, with break points at tips, so that nothing jumps when a tip crosses a node.
    The vertex at the mouth holds the free half cell, and in twist the shaft outside the patient too.
    """
    nodes = s.shape[0]
    kinds = tips.shape[0]
    end = s[nodes - 1]
    angle1, angle2, turned1, turned2, stiff = (np.empty(kinds), np.empty(kinds), np.empty(kinds), np.empty(kinds),
                                               np.empty(kinds))
    for i in range(1, nodes - 1):
        low = 0.0 if i == 1 else 0.5 * (s[i - 1] + s[i])
        high = 0.5 * (s[i] + s[i + 1])
        reach = end if i == nodes - 2 else high  # a preshaped tip keeps its full angle
        angle1[:] = 0.0
        angle2[:] = 0.0
        for k in range(kinds):
            turned1[k], turned2[k] = read(tables.turn1[k], tips[k] - low), read(tables.turn2[k], tips[k] - low)
        compliance = 0.0
        at = low
        while at < reach - 1e-12:
            stop = reach if at >= high else high
            for k in range(kinds):
                if at + 1e-9 < tips[k] < stop:
                    stop = tips[k]
            stop = at + (stop - at) / np.ceil((stop - at) / QUADRATURE_MM)
            middle = 0.5 * (at + stop)
            total = 0.0
            for k in range(kinds):
                stiff[k] = read(tables.bend[k], tips[k] - middle) if middle < tips[k] else 0.0
                total += stiff[k]
            total = max(total, 0.02)
            if middle < high:
                compliance += (stop - at) / total
            for k in range(kinds):
                if middle < tips[k]:
                    one, two = read(tables.turn1[k], tips[k] - stop), read(tables.turn2[k], tips[k] - stop)
                    angle1[k] += stiff[k] / total * (turned1[k] - one)
                    angle2[k] += stiff[k] / total * (turned2[k] - two)
                    turned1[k], turned2[k] = one, two
            at = stop
        bend[i] = 1.0 / compliance
        for k in range(kinds):
            nat1[k, i] = bend[i] * 2.0 * np.tan(0.5 * angle1[k])
            nat2[k, i] = bend[i] * 2.0 * np.tan(0.5 * angle2[k])
            begin = tips[k] - low
            if i == 1:  # held at its hub, or inner ones by the fingers where they enter the hub around them
                begin = tables.length[k]
                if k > 0:
                    begin = min(begin, tips[k] - tips[k - 1] + tables.length[k - 1] + TORQUER_MM)
            stop = max(tips[k] - high, 0.0)
            soft = (high - max(low, min(tips[k], high))) / FREE_TWIST
            if begin > stop:
                soft += read(tables.twist[k], begin) - read(tables.twist[k], stop)
            twist[k, i] = 1.0 / max(soft, 1e-9)


@njit(cache=True, nogil=True)
def contact_radius(s: Floats, tips: Floats, radius: Floats, out: Floats, outer: NDArray[np.int64]) -> None:
    """Writes the outer radius (N,) of the stack, blended at tips, and the outermost device (N,)."""
    kinds = tips.shape[0]
    longest = 0
    for k in range(kinds):
        if tips[k] >= tips[longest]:
            longest = k
    for i in range(s.shape[0]):
        value = radius[longest]
        outer[i] = longest
        for k in range(kinds - 1, -1, -1):
            if k == longest:
                continue
            place = min(1.0, max(0.0, (tips[k] + 0.5 * BLEND_MM - s[i]) / BLEND_MM))
            value = max(value, radius[longest] + (radius[k] - radius[longest])
                        * place * place * (3.0 - 2.0 * place))
            if s[i] < tips[k]:
                outer[i] = min(outer[i], k)
        out[i] = value


@njit(cache=True, nogil=True)
def resample(s: Floats, x: Floats, at: Floats, out: Floats) -> None:
    """Writes points (M, 3) of the cubic Hermite curve through x (N, 3) at path coordinates `at` (M,),
    continued straight beyond both ends."""
    n = s.shape[0]
    tangent = np.empty((n, 3))
    for i in range(n):
        for c in range(3):
            if i == 0:
                tangent[i, c] = (x[1, c] - x[0, c]) / (s[1] - s[0])
            elif i == n - 1:
                tangent[i, c] = (x[i, c] - x[i - 1, c]) / (s[i] - s[i - 1])
            else:
                before, after = s[i] - s[i - 1], s[i + 1] - s[i]
                tangent[i, c] = ((x[i, c] - x[i - 1, c]) / before * after
                                 + (x[i + 1, c] - x[i, c]) / after * before) / (before + after)
    for c in range(3):  # half a cell of the end's bend is missing in a one-sided difference
        if n > 2:
            tangent[n - 1, c] = 2.0 * tangent[n - 1, c] - tangent[n - 2, c]
    size = np.sqrt(tangent[n - 1, 0] ** 2 + tangent[n - 1, 1] ** 2 + tangent[n - 1, 2] ** 2)
    for c in range(3):
        tangent[n - 1, c] /= max(size, 1e-9)
    i = 0
    for m in range(at.shape[0]):
        value = at[m]
        if value <= s[0]:
            for c in range(3):
                out[m, c] = x[0, c] + (value - s[0]) * tangent[0, c]
            continue
        if value >= s[n - 1]:
            for c in range(3):
                out[m, c] = x[n - 1, c] + (value - s[n - 1]) * tangent[n - 1, c]
            continue
        if s[i] > value:
            i = 0
        while s[i + 1] < value:
            i += 1
        h = s[i + 1] - s[i]
        t = (value - s[i]) / h
        for c in range(3):
            out[m, c] = ((1 + 2 * t) * (1 - t) ** 2 * x[i, c] + t * (1 - t) ** 2 * h * tangent[i, c]
                         + t * t * (3 - 2 * t) * x[i + 1, c] - t * t * (1 - t) * h * tangent[i + 1, c])
