"""A pulsatile network of tubes: edges R-L with stenosis, compliances at nodes, R-C-R beds, given pressures.

Backward Euler in time, which stays stable at any step. Any consistent units (the trainer: mmHg, mL, s).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numba import njit

from trainer.flow.sparse import Pattern, factor, make_pattern, solve
from trainer.flow.types import Floats, Ints

LEAST_RESISTANCE = 1e-9
LEAST_SHARE = 1e-7
"""Stands for a pure inertance in a steady solve, as a share of the network's middle resistance: small enough to change
nothing, large enough that its flow is not lost in rounding."""


def _zeros() -> Floats:
    return np.zeros(0)


@dataclass(slots=True)
class Circuit:
    """n unknown nodes, m nodes of given pressure (numbered from n), edges and beds, and their state."""

    count: int
    a: Ints  # (E,) edge from
    b: Ints  # (E,) edge to
    R: Floats  # (E,)
    L: Floats  # (E,)
    stenosis: Floats  # (E,) pressure drop per flow squared
    C: Floats  # (n,) compliance at a node
    bed_node: Ints  # (B,)
    bed_R1: Floats  # (B,)
    bed_C: Floats  # (B,)
    bed_R2: Floats  # (B,)
    bed_P: Floats  # (B,) venous pressure
    fixed: Floats  # (m,) given pressures now
    source: Floats = field(default_factory=_zeros)  # (n,) flow put into a node from outside
    P: Floats = field(default_factory=_zeros)  # (n,)
    Q: Floats = field(default_factory=_zeros)  # (E,) positive from a to b
    bed_Pc: Floats = field(default_factory=_zeros)  # (B,) at the bed's compliance
    bed_in: Floats = field(default_factory=_zeros)  # (B,)
    pattern: Pattern = field(init=False)
    g: Floats = field(init=False)
    diagonal: Floats = field(init=False)
    lower: Floats = field(init=False)
    rounds: int = 30
    """Most times that a step with stenoses looks at their flow again."""
    stale: bool = True
    """A resistance changed: factor again before the next solve."""
    _dt: float = 0.0

    def __post_init__(self) -> None:
        self.pattern = make_pattern(self.count, self.a, self.b)
        self.source = np.zeros(self.count)
        self.P, self.Q = np.zeros(self.count), np.zeros(len(self.a))
        self.bed_Pc, self.bed_in = np.zeros(len(self.bed_node)), np.zeros(len(self.bed_node))
        self.g = np.zeros(len(self.a))
        self.diagonal, self.lower = np.zeros(self.count), np.zeros(len(self.pattern.row))

    @property
    def bed_out(self) -> Floats:
        """Flow leaving each bed to its vein, (B,)."""
        return np.asarray((self.bed_Pc - self.bed_P) / self.bed_R2)

    def step(self, dt: float) -> None:
        """Advances by dt seconds. A network with stenoses is iterated on their flow."""
        rounds = self.rounds if np.any(self.stenosis != 0.0) else 1
        before, pc = self.Q.copy(), self.bed_Pc.copy()
        old = self.P.copy()
        for _ in range(rounds):
            if self.stale or dt != self._dt or rounds > 1:
                self._assemble(dt)
            last = self.Q.copy() if rounds > 1 else self.Q
            self.bed_Pc[:] = pc
            self._solve(dt, old, before)
            if rounds > 1 and np.max(np.abs(self.Q - last)) <= 1e-12 * (1e-300 + np.max(np.abs(self.Q))):
                break

    def steady(self) -> None:
        """Sets the state to the steady solution: compliances carry nothing, inertances resist nothing."""
        for _ in range(200):
            last = self.Q.copy()
            self._assemble(np.inf)
            self._solve(np.inf, self.P.copy(), self.Q.copy())
            if np.max(np.abs(self.Q - last), initial=0.0) <= 1e-14 * np.max(np.abs(self.Q), initial=1e-300):
                break
        self.stale = True

    def _assemble(self, dt: float) -> None:
        least = LEAST_RESISTANCE
        if dt == np.inf and np.any(self.R > 0.0):
            least = LEAST_SHARE * float(np.median(self.R[self.R > 0.0]))
        _conductances(self.R, self.L, self.stenosis, self.Q, dt, least, self.g)
        self.diagonal[:] = 0.0
        self.lower[:] = 0.0
        p = self.pattern
        _stamp(p.rank, p.slot, self.a, self.b, self.g, self.C, self.bed_node, self.bed_R1, self.bed_C,
               self.bed_R2, dt, self.diagonal, self.lower)
        factor(p.start, p.row, p.update, self.diagonal, self.lower)
        self.stale, self._dt = False, dt

    def _solve(self, dt: float, old_P: Floats, old_Q: Floats) -> None:
        p = self.pattern
        _advance(p.rank, p.start, p.row, self.diagonal, self.lower, self.a, self.b, self.g, self.L, self.C,
                 self.bed_node, self.bed_R1, self.bed_C, self.bed_R2, self.bed_P, self.fixed, self.source,
                 dt, old_P, old_Q, self.P, self.Q, self.bed_Pc, self.bed_in)


@njit(cache=True, nogil=True)
def _conductances(R: Floats, L: Floats, stenosis: Floats, Q: Floats, dt: float, least: float, g: Floats) -> None:
    """Edge conductance of one step: 1 / (R + S |Q| + L / dt), at most 1 / least."""
    for e in range(len(R)):
        g[e] = 1.0 / max(R[e] + stenosis[e] * abs(Q[e]) + L[e] / dt, least)


@njit(cache=True, nogil=True)
def _stamp(rank: Ints, slot: Ints, a: Ints, b: Ints, g: Floats, C: Floats, bed_node: Ints, R1: Floats,
           bed_C: Floats, R2: Floats, dt: float, diagonal: Floats, lower: Floats) -> None:
    """Adds all conductances to the matrix, in elimination order."""
    n = len(rank)
    for i in range(n):
        diagonal[rank[i]] += C[i] / dt
    for e in range(len(a)):
        if a[e] < n:
            diagonal[rank[a[e]]] += g[e]
        if b[e] < n:
            diagonal[rank[b[e]]] += g[e]
        if slot[e] >= 0:
            lower[slot[e]] -= g[e]
    for k in range(len(bed_node)):
        # the bed's compliance node is eliminated by hand
        own = bed_C[k] / dt + 1.0 / R2[k]
        diagonal[rank[bed_node[k]]] += own / (1.0 + R1[k] * own)


@njit(cache=True, nogil=True)
def _advance(rank: Ints, start: Ints, row: Ints, diagonal: Floats, lower: Floats, a: Ints, b: Ints, g: Floats,
             L: Floats, C: Floats, bed_node: Ints, R1: Floats, bed_C: Floats, R2: Floats, bed_P: Floats,
             fixed: Floats, source: Floats, dt: float, old_P: Floats, old_Q: Floats, P: Floats, Q: Floats,
             Pc: Floats, bed_in: Floats) -> None:
    """Solves one step and writes P, Q, Pc and bed_in."""
    n = len(rank)
    x = np.zeros(n)
    for i in range(n):
        x[rank[i]] = C[i] / dt * old_P[i] + source[i]
    for e in range(len(a)):
        drive = g[e] * L[e] / dt * old_Q[e]
        if a[e] < n:
            x[rank[a[e]]] -= drive
        else:
            x[rank[b[e]]] += g[e] * fixed[a[e] - n]
        if b[e] < n:
            x[rank[b[e]]] += drive
        elif a[e] < n:
            x[rank[a[e]]] += g[e] * fixed[b[e] - n]
    for k in range(len(bed_node)):
        own = bed_C[k] / dt + 1.0 / R2[k]
        push = bed_C[k] / dt * Pc[k] + bed_P[k] / R2[k]
        x[rank[bed_node[k]]] += push / (1.0 + R1[k] * own)
    solve(start, row, diagonal, lower, x)
    for i in range(n):
        P[i] = x[rank[i]]
    for e in range(len(a)):
        pa = P[a[e]] if a[e] < n else fixed[a[e] - n]
        pb = P[b[e]] if b[e] < n else fixed[b[e] - n]
        Q[e] = g[e] * (pa - pb + L[e] / dt * old_Q[e])
    for k in range(len(bed_node)):
        own = bed_C[k] / dt + 1.0 / R2[k]
        push = bed_C[k] / dt * Pc[k] + bed_P[k] / R2[k]
        p = P[bed_node[k]]
        bed_in[k] = (own * p - push) / (1.0 + R1[k] * own)
        Pc[k] = p - R1[k] * bed_in[k]
