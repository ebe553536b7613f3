"""Which unknowns a solve has, and in which row of the system each stands.

Most of a device lies straight inside another one: nothing turns it there, so its twist is even by stiffness from
its hub to where it is shaped or touches the wall. Those angles are no unknowns; they follow the others (`follow`).
Beyond its own tip a device's angle merely follows, too. What is left is mostly one angle per node instead of one for
each device, which makes the system a third of the work.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from trainer.instruments.model import Rod

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Rows(NamedTuple):
    """Rows of the system, node by node: angles of the edge before the node, then its position. The first `held`
    rows belong to the two held nodes and are of no use; they spare the kernels a question at every vertex."""

    place: Ints  # (N,) row of a node's x; y and z follow
    twist: Ints  # (K, N-1) row of an edge's angle, -1 where it follows
    last: Ints  # (n,) last row that an unknown's row is coupled with, both counted without the held ones
    first_edge: Ints  # (K,) edges first..last of each device have their angle as an unknown
    last_edge: Ints  # (K,)
    chain: Floats  # (K,) twist stiffness from the hub to the first of them, N mm
    held: int
    width: int  # of the band


@njit(cache=True, nogil=True)
def lay_rows(rod: Rod, every: bool) -> Rows:
    """Rows of a rod. every: all angles are unknowns."""
    kinds, edges = rod.theta.shape[0], rod.rest.shape[0]
    nodes = edges + 1
    first, last = np.full(kinds, edges), np.full(kinds, -1)
    chain = np.zeros(kinds)
    for k in range(kinds):
        if every or rod.torque[k] != 0.0:
            first[k], last[k] = 1, edges - 1
            continue
        for i in range(1, nodes):  # a vertex needs both its edges, a node that touches the one before it
            if i < edges and (rod.nat1[k, i] != 0.0 or rod.nat2[k, i] != 0.0):
                first[k], last[k] = min(first[k], max(i - 1, 1)), max(last[k], i)
            if i > 1 and rod.outer[i] == k:
                first[k], last[k] = min(first[k], i - 1), max(last[k], i - 1)
        soft = 0.0
        for i in range(1, min(first[k], edges - 1) + 1):
            soft += 1.0 / rod.twist[k, i]
        chain[k] = 1.0 / soft
    place, twist = np.empty(nodes, np.int64), np.full((kinds, edges), -1)
    end = np.empty(nodes, np.int64)
    row = 0
    for i in range(nodes):
        for k in range(kinds):
            if i == 1 or (i > 1 and first[k] <= i - 1 <= last[k]):
                twist[k, i - 1] = row
                row += 1
        place[i] = row
        row += 3
        end[i] = row - 1
    held = end[1] + 1
    reach, width = np.empty(row - held, np.int64), 1
    begin = held
    for i in range(2, nodes):
        for r in range(begin, end[i] + 1):
            ahead = min(i + 1 if r < place[i] else i + 2, nodes - 1)
            reach[r - held] = end[ahead] - held
            width = max(width, end[ahead] - r + 1)
        begin = end[i] + 1
    # the held nodes' own rows reach as far, so the band must hold them
    width = max(width, end[min(2, nodes - 1)] + 1, end[min(3, nodes - 1)] - end[0])
    return Rows(place, twist, reach, first, last, chain, held, width)


@njit(cache=True, nogil=True)
def follow(rod: Rod, rows: Rows, theta: Floats, m: Floats) -> None:
    """Sets the angles (K, N-1) that are no unknowns, for a reference twist m (N,): even torque from the hub to the
    first unknown, none behind the last."""
    edges, twist = theta.shape[1], rod.twist
    for k in range(theta.shape[0]):
        first = min(rows.first_edge[k], edges)
        torque = 0.0
        if 1 < first < edges:
            turn = theta[k, first] - theta[k, 0]
            for i in range(1, first + 1):
                turn += m[i]
            torque = turn * rows.chain[k]
        for e in range(1, first):
            theta[k, e] = theta[k, e - 1] - m[e] + torque / twist[k, e]
        for e in range(max(rows.last_edge[k] + 1, first), edges):
            theta[k, e] = theta[k, e - 1] - m[e]
