"""The shared centerline of the devices in the body: its state, and one quasi-static solve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from trainer.instruments.assemble import new_rod
from trainer.instruments.contact import finish_contact, prepare_contact
from trainer.instruments.elastic import bishop, measure
from trainer.instruments.mesh import GHOST_MM, NODES_FROM_TIP, lay_nodes, resample
from trainer.instruments.model import Law, Report, Rod
from trainer.instruments.newton import equilibrium
from trainer.instruments.profile import Profile, Tables, stack_tables
from trainer.instruments.ridge import LOOK_MM
from trainer.instruments.wall import MAX_CANDIDATES, Lumen, find_candidates, move_lumen, pack

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MOTION_MM = 0.8
"""Motion of a node within one round for which its candidate wall segments are complete. Beyond it a node
sees only part of the wall, which can hold it back but never lets it out."""
ROUNDS = 8
"""Most times that one solve looks up the wall."""
NEAR_MM = 0.12
"""A round that converged with less motion than this saw the wall as it is: the wall's direction and the part
of the motion along the wire, which contact leaves out, are those of the round's start."""
GOES_ON, MOST_GUESS_MM = 0.8, 0.5
"""Share of the last motion that a solve starts with, and the motion above which it does not: a guess only, but
hands move steadily, and from it Newton's method needs a fifth fewer iterations."""
SHORTEST_MM = 3.0
"""Below this insertion there is no free node and nothing to solve."""


@dataclass(frozen=True, slots=True)
class Move:
    """One device in a solve: where its tip and hub angle go. tip_mm is measured from the sheath mouth."""

    slot: str
    profile: Profile
    friction: float
    tip_mm: float
    advance_mm: float
    angle_rad: float
    turn_rad: float


@dataclass(frozen=True, slots=True)
class Effort:
    """How much a solve may do: its iterations and its drag, by the law's own."""

    iterations: int = 1
    drag: float = 1.0


PLAIN = Effort()


@dataclass(slots=True)
class Line:
    """The centerline between solves. N nodes (ghost and mouth first)."""

    s: Floats  # (N,) mm
    x: Floats  # (N, 3) mm
    theta: dict[str, Floats]  # slot -> (N-1,) twist angle against the twist-free frame, rad
    pressing: Floats  # (N,) wall force, N/mm
    multiplier: Floats  # (N,) N/mm
    bristle: Floats  # (N, 3) elastic slip at the wall, mm
    home: Ints  # (N,) nearest segment of the lumen
    radius: Floats = field(default_factory=lambda: np.zeros(0))  # (N,) mm
    tension: Floats = field(default_factory=lambda: np.zeros(0))  # (N-1,) axial force of edges, N
    curvature: Floats = field(default_factory=lambda: np.zeros(0))  # (N,) 1/mm
    ridges: Floats = field(default_factory=lambda: np.zeros((0, 2)))  # (M, 2) place, mm, and force, N, of edges crossed
    penetration_mm: float = 0.0
    residual_N: float = 0.0
    converged: bool = True
    iterations: int = 0
    stretch: float = 0.0  # largest strain
    hub_torque: dict[str, float] = field(default_factory=dict)  # N mm


State = tuple[Line | None, Line | None, Floats]


class Stack:
    """Solves the centerline in a lumen, held by the sheath at `mouth` (3,) pointing along `direction` (3,)."""

    def __init__(self, lumen: Lumen, mouth: Floats, direction: Floats, law: Law | None = None) -> None:
        self.lumen = lumen
        self.law = law or Law()
        self.mouth = np.asarray(mouth, float)
        self.direction = np.asarray(direction, float) / np.linalg.norm(direction)
        axis = np.eye(3)[int(np.argmin(np.abs(self.direction)))]
        first = np.cross(self.direction, axis)
        self.first_director = first / np.linalg.norm(first)
        self.offset = np.zeros(3)
        self.line: Line | None = None
        self.last: Line | None = None  # the one before `line`
        self.from_tip = NODES_FROM_TIP
        """Distances of nodes from the most distal tip, mm; finer ones for tests of the mesh."""
        self.tip_load_N = np.zeros(3)
        """Dead load on the most distal tip, for tests of the mechanics."""
        self._tables: tuple[tuple[Profile, ...], Tables] | None = None

    def state(self) -> State:
        """What `restore` takes back a solve to."""
        return self.line, self.last, self.offset

    def restore(self, state: State) -> None:
        self.line, self.last, self.offset = state

    def hold(self, offset: Floats) -> None:
        """Leaves the devices as they lie on the wall, which breathing moves to offset (3,) mm."""
        if self.line is not None:
            home = self.line.home
            share = np.where(home >= 0, self.lumen.share[self.lumen.wall.seg[home]], 0.0)
            self.line = replace(self.line, x=self.line.x + share[:, None] * (offset - self.offset))
            self.line.x[:2] = self.mouth - GHOST_MM * self.direction, self.mouth
        self.last = None  # at rest: the motion before it was refused
        self.offset = offset.copy()
        move_lumen(self.lumen.wall.points, self.lumen.rest, self.lumen.share, offset)

    def tables(self, moves: Sequence[Move]) -> Tables:
        """Tables of the devices. The profiles are kept, since the next device may get the identity of one let go."""
        now = tuple(m.profile for m in moves)
        known = self._tables
        if known is None or len(known[0]) != len(now) or any(a is not b for a, b in zip(known[0], now, strict=True)):
            known = self._tables = now, stack_tables(list(now))
        return known[1]

    def solve(self, moves: Sequence[Move], offset: Floats, parts: int = 1, effort: Effort = PLAIN) -> None:
        """One equilibrium. moves: devices whose tip is past the mouth, outermost first. offset (3,) mm of
        breathing. parts: how many such solves make one step (drag is per step)."""
        total = max((m.tip_mm for m in moves), default=0.0)
        change = offset - self.offset
        self.offset = offset.copy()
        move_lumen(self.lumen.wall.points, self.lumen.rest, self.lumen.share, offset)
        if total < SHORTEST_MM:
            self.line = self.last = None
            return
        old = self.line or self._straight(total)
        s = lay_nodes(total, self.from_tip)
        n = len(s)
        tips = np.array([m.tip_mm for m in moves])
        nearest = np.clip(np.searchsorted(old.s, s), 0, len(old.s) - 1)
        home = old.home[nearest].copy()
        shift = np.where(home[:, None] >= 0, self.lumen.share[self.lumen.wall.seg[home]][:, None], 0.0) * change
        x = np.empty((n, 3))
        resample(old.s, old.x, s, x)
        x += shift
        here = x.copy()
        x += self._ahead(s, here - shift, shift)
        x[0], x[1] = self.mouth - GHOST_MM * self.direction, self.mouth
        rod = new_rod(s, x, self._angles(old, moves, s), self.first_director, tips, self.tables(moves),
                      old.ridges)
        bishop(rod)
        self._carry(rod, old, moves, s, shift)
        rod.drag_from[:] = here  # a guess is no motion
        rod.load[-1] = self.tip_load_N
        law = self.law._replace(drag=self.law.drag * parts * effort.drag,
                                iterations=self.law.iterations * effort.iterations)
        report = self._relax(rod, law, home)
        pressing = np.zeros(n)
        deepest = finish_contact(rod, law, pressing)
        bishop(rod)
        self.last = self.line
        self.line = self._keep(rod, moves, s, pressing, home)
        self.line.penetration_mm = max(0.0, deepest)
        self.line.residual_N, self.line.iterations = report.residual, report.iterations
        self.line.converged = report.converged

    def _ahead(self, s: Floats, x: Floats, shift: Floats) -> Floats:
        """First guess (N, 3), mm, of the motion of the nodes at s and x beyond `shift`: mostly as in the last solve."""
        if self.last is None:
            return np.zeros_like(x)
        past = np.empty_like(x)
        resample(self.last.s, self.last.x, s, past)
        guess: Floats = GOES_ON * (x - past - shift)
        return guess if np.abs(guess).max() < MOST_GUESS_MM else np.zeros_like(x)

    def _relax(self, rod: Rod, law: Law, home: Ints) -> Report:
        """Newton's method in rounds: a node that has moved far sees the wall where it now is, so a snap
        cannot carry it past what was near at the start. home (N,): nearest segments, updated."""
        candidates = np.empty((len(rod.x), MAX_CANDIDATES), np.int64)
        spent, report = 0, Report(0.0, 0, False, True)
        for _ in range(ROUNDS * law.iterations // self.law.iterations):
            rod.start[:] = rod.x
            find_candidates(self.lumen.wall, self.lumen.first, self.lumen.near, rod.x, home, candidates,
                            rod.candidate_count, MOTION_MM)
            pack(self.lumen.wall, home, candidates, rod.candidate_count, rod.radius, rod.near, rod.narrow)
            prepare_contact(rod, law)
            self._look_around_ridges(rod, home)
            report = equilibrium(rod, law._replace(iterations=law.iterations - spent))
            spent += report.iterations
            if spent >= law.iterations:
                break
            if report.converged and np.abs(rod.x - rod.start).max() < NEAR_MM:
                break
        return report._replace(iterations=spent)

    def _look_around_ridges(self, rod: Rod, home: Ints) -> None:
        """Gives each edge that the wire crosses the wall segments around it."""
        ridges, many = rod.ridges, int(rod.ridges.found[0])
        if not many:
            return
        seen = np.empty((many, ridges.near.shape[1]), np.int64)
        nearest = home[ridges.node[:many]].copy()
        find_candidates(self.lumen.wall, self.lumen.first, self.lumen.near, ridges.point[:many], nearest, seen,
                        ridges.seen, LOOK_MM)
        pack(self.lumen.wall, nearest, seen, ridges.seen, rod.radius[ridges.node[:many]], ridges.near,
             np.zeros(many, np.bool_))

    def _straight(self, total: float) -> Line:
        s = np.array([-GHOST_MM, 0.0, total])
        x = self.mouth + s[:, None] * self.direction
        return Line(s, x, {}, np.zeros(3), np.zeros(3), np.zeros((3, 3)), np.full(3, -1, np.int64))

    def _angles(self, old: Line, moves: Sequence[Move], s: Floats) -> Floats:
        """Twist angles (K, N-1): material carried along with each device, plus its hub's turn."""
        middle, before = 0.5 * (s[1:] + s[:-1]), 0.5 * (old.s[1:] + old.s[:-1])
        out = np.empty((len(moves), len(s) - 1))
        for k, m in enumerate(moves):
            known = old.theta.get(m.slot)
            if known is None:
                out[k] = m.angle_rad
            else:
                out[k] = np.interp(middle - m.advance_mm, before[1:], known[1:]) + m.turn_rad
            out[k, 0] = m.angle_rad
        return out

    def _carry(self, rod: Rod, old: Line, moves: Sequence[Move], s: Floats, shift: Floats) -> None:
        """Friction, wall force and drag origins from the last solve."""
        rod.multiplier[:] = np.interp(s, old.s, old.multiplier, right=0.0)
        rod.normal_force[:] = np.interp(s, old.s, old.pressing, right=0.0) * rod.cell
        rod.multiplier[-1] = old.multiplier[-1]  # what stops a tip is ahead of it, wherever it has got to
        for c in range(3):
            rod.bristle[:, c] = np.interp(s, old.s, old.bristle[:, c])
        advance = np.array([m.advance_mm for m in moves])[rod.outer]
        rod.friction[:] = np.array([m.friction for m in moves])[rod.outer]
        # s - advance must rise for the sweep in `resample`; where devices differ it may fall, which is handled
        resample(old.s, old.x, s - advance, rod.slip_from)
        rod.slip_from[:] += shift
        before = 0.5 * (old.s[1:] + old.s[:-1])
        middle = np.concatenate([[s[0]], 0.5 * (s[1:] + s[:-1])])
        for k, m in enumerate(moves):
            here = rod.outer == k
            known = old.theta.get(m.slot)
            if known is None:
                rod.spin_from[here] = m.angle_rad - m.turn_rad
            else:
                rod.spin_from[here] = np.interp(middle[here] - m.advance_mm, before[1:], known[1:])

    def _keep(self, rod: Rod, moves: Sequence[Move], s: Floats, pressing: Floats, home: Ints) -> Line:
        tension, curvature = np.zeros(len(s) - 1), np.zeros(len(s))
        strain = measure(rod, tension, curvature)
        torque = {m.slot: float(rod.twist[k, 1] * (rod.theta[k, 0] - rod.theta[k, 1]))
                  for k, m in enumerate(moves)}
        r, many = rod.ridges, int(rod.ridges.found[0])
        return Line(
            s=s, x=rod.x, theta={m.slot: rod.theta[k] for k, m in enumerate(moves)}, pressing=pressing,
            multiplier=rod.multiplier, ridges=np.stack([r.place[:many], r.force[:many]], axis=1),
            bristle=rod.bristle, home=home, radius=rod.radius,
            tension=tension, curvature=curvature, stretch=strain, hub_torque=torque,
        )
