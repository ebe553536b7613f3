"""Sparse symmetric factorization L D L^T with an elimination order that is found once.

A network's matrix has one row a node and one off-diagonal entry an edge. Leaves are eliminated first, so a
tree fills in nothing and factors in one pass; each loop adds a little fill (minimum degree).
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np
from numba import njit

from trainer.flow.types import Floats, Ints


@dataclass(frozen=True, slots=True)
class Pattern:
    """Where the factor's entries are. Nodes are renumbered to elimination order: rank[node]."""

    rank: Ints  # (n,) place of each node in the elimination order
    start: Ints  # (n+1,) first entry of each column of L, in elimination order
    row: Ints  # (nnz,) row of each entry, in elimination order
    slot: Ints  # (edges,) entry that an edge adds to; -1 when an end is no unknown
    update: Ints  # (u,) entries that the elimination of each column changes, in the order they are met

    @property
    def count(self) -> int:
        return len(self.rank)


def make_pattern(count: int, a: Ints, b: Ints) -> Pattern:
    """Elimination pattern of a network of `count` unknown nodes and edges (a[i], b[i]).

    An end that is >= count is a node of given pressure, no unknown.
    """
    near: list[set[int]] = [set() for _ in range(count)]
    for i, j in zip(a.tolist(), b.tolist()):
        if i < count and j < count and i != j:
            near[i].add(j)
            near[j].add(i)
    heap = [(len(s), i) for i, s in enumerate(near)]
    heapq.heapify(heap)
    rank = np.full(count, -1, np.int64)
    columns: list[list[int]] = []
    while heap:
        degree, i = heapq.heappop(heap)
        if rank[i] >= 0 or degree != len(near[i]):
            continue
        rank[i] = len(columns)
        columns.append(list(near[i]))
        for j in near[i]:
            near[j].discard(i)
            near[j].update(k for k in near[i] if k != j)
            heapq.heappush(heap, (len(near[j]), j))
    return _index(count, a, b, rank, columns)


def _index(count: int, a: Ints, b: Ints, rank: Ints, columns: list[list[int]]) -> Pattern:
    """Numbers the entries of the columns, and where edges and eliminations write to them."""
    rows = [sorted(int(rank[j]) for j in column) for column in columns]
    start = np.concatenate([[0], np.cumsum([len(r) for r in rows])]).astype(np.int64)
    place = {(k, r): int(start[k]) + m for k, rs in enumerate(rows) for m, r in enumerate(rs)}
    slot = np.full(len(a), -1, np.int64)
    for e, (i, j) in enumerate(zip(a.tolist(), b.tolist())):
        if i < count and j < count and i != j:
            low, high = sorted((int(rank[i]), int(rank[j])))
            slot[e] = place[low, high]
    update = [place[r, s] for rs in rows for m, r in enumerate(rs) for s in rs[m + 1 :]]
    flat = [r for rs in rows for r in rs]
    return Pattern(rank, start, np.array(flat, np.int64), slot, np.array(update, np.int64))


@njit(cache=True, nogil=True)
def factor(start: Ints, row: Ints, update: Ints, diagonal: Floats, lower: Floats) -> None:
    """Replaces diagonal (n,) by D and lower (nnz,) by L of A = L D L^T. All in elimination order."""
    u = 0
    for k in range(len(diagonal)):
        d = diagonal[k]
        for p in range(start[k], start[k + 1]):
            share = lower[p] / d
            diagonal[row[p]] -= share * lower[p]
            for q in range(p + 1, start[k + 1]):
                lower[update[u]] -= share * lower[q]
                u += 1
        for p in range(start[k], start[k + 1]):
            lower[p] /= d


@njit(cache=True, nogil=True)
def solve(start: Ints, row: Ints, diagonal: Floats, lower: Floats, x: Floats) -> None:
    """Replaces the right side x (n,) by the solution, in elimination order."""
    n = len(diagonal)
    for k in range(n):
        y = x[k]
        for p in range(start[k], start[k + 1]):
            x[row[p]] -= lower[p] * y
    for k in range(n):
        x[k] /= diagonal[k]
    for k in range(n - 1, -1, -1):
        y = x[k]
        for p in range(start[k], start[k + 1]):
            y -= lower[p] * x[row[p]]
        x[k] = y
