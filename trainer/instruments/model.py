"""The arrays of one mechanics solve, and the constants of the model.

N nodes, K devices (outermost first). Node 0 is a ghost inside the sheath, node 1 the sheath mouth; both
are held. Edge j joins nodes j and j+1; edge 0 is held. Unknowns are the positions of nodes 2..N-1 and,
for each device, the twist angle of edges 1..N-2.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Ridges(NamedTuple):
    """Edges between two lumens that the wire crosses, at most R of them; see ridge.py."""

    s: Floats  # (N,) path coordinate of the nodes, mm
    found: Ints  # (1,) how many
    first: Ints  # (R,) nodes between which the edge is sought
    last: Ints  # (R,)
    node: Ints  # (R,) node next to the edge
    point: Floats  # (R, 3) the wire there
    near: Floats  # (R, C, 11) wall segments near it, packed
    seen: Ints  # (R,) how many of them
    clearance: Floats  # (R,) as of a node
    scale: Floats  # (R,) depth on the way into the wedge by depth in its walls
    multiplier: Floats  # (R,) force carried from the last solve, N
    carried: Floats  # (M, 2) place, mm, and force, N, of the last solve's edges
    place: Floats  # (R,) out: path coordinate, mm
    force: Floats  # (R,) out: force, N


class Rod(NamedTuple):
    """Everything one solve reads and writes. mm, N, N mm, rad."""

    x: Floats  # (N, 3) positions; in: start value, out: equilibrium
    theta: Floats  # (K, N-1) twist angle of each device against the reference frame
    tangent: Floats  # (N-1, 3) tangents of the reference frame
    director: Floats  # (N-1, 3) first director of the reference frame
    ref_twist: Floats  # (N,) twist of the reference frame at each vertex
    rest: Floats  # (N-1,) rest length of edges
    stretch: Floats  # (N-1,) axial stiffness EA / rest length, N/mm
    bend: Floats  # (N,) bending stiffness of a vertex, N mm
    nat1: Floats  # (K, N) stiffness-weighted natural bend about the first director, N mm
    nat2: Floats  # (K, N) about the second director
    twist: Floats  # (K, N) twist stiffness of a vertex, N mm
    cell: Floats  # (N,) length that a node stands for
    radius: Floats  # (N,) outer radius of the outermost device
    load: Floats  # (N, 3) dead load, N
    torque: Floats  # (K,) torque applied to the last edge, N mm
    start: Floats  # (N, 3) start of this solve
    axis: Floats  # (N, 3) tangents at the start; contact does not push along them (zero: it may)
    near: Floats  # (N, C, 11) wall segments near each node, packed
    candidate_count: Ints  # (N,)
    narrow: NDArray[np.bool_]  # (N,) the vessel there is thinner than the device
    clearance: Floats  # (N,) -(distance + radius) at the start: the node cannot touch before moving this far
    multiplier: Floats  # (N,) wall force per mm carried from the last solve, N/mm
    normal_force: Floats  # (N,) lagged normal force for friction, N
    normal: Floats  # (N, 3) lagged wall normal, pointing out of the lumen
    friction: Floats  # (N,) coefficient of Coulomb friction
    bristle: Floats  # (N, 3) elastic slip stored at the wall, mm
    slip_from: Floats  # (N, 3) where the outer surface's material point was
    spin_from: Floats  # (N,) twist angle that it had, rad
    spin_axis: Floats  # (N, 3) direction in which spin moves the contact point (tangent x normal)
    outer: Ints  # (N,) outermost device at the node
    drag_from: Floats  # (N, 3) where the centerline was
    ridges: Ridges


class Law(NamedTuple):
    """Constants of the model; sources in README.md."""

    wall: float = 10.0  # wall stiffness per length, N/mm per mm
    most: float = 20.0  # largest carried wall force, N/mm; a rammed tip needs 8 N on half a millimeter
    drag: float = 5e-4  # N/mm per mm of length and per step: damps snap-through only
    slip: float = 0.03  # elastic slip before the wall lets go, mm
    tolerance: float = 2e-3  # residual force, N
    still: float = 0.01  # largest nodal move of the last iteration, mm
    max_move: float = 0.5  # largest nodal move per iteration, mm
    reach: float = 0.25  # nodal move after which the wall is looked up anew, mm
    iterations: int = 10
    damping: float = 0.02  # of the first step, N/mm per mm; less after each full step


class Wall(NamedTuple):
    """Lumen as tapered capsules. P points; segment m joins points seg[m] and seg[m]+1."""

    points: Floats  # (P, 3) mm, breathing included
    radius: Floats  # (P,)
    seg: Ints  # (M,) first point of each segment
    vessel: Ints  # (M,)
    fillet: Floats  # (V,) width of the rounding where a vessel leaves its parent, mm


class Report(NamedTuple):
    """What a solve says about itself."""

    residual: float  # largest force left, N
    iterations: int
    converged: bool
    definite: bool  # the undamped Hessian was positive definite at the end
