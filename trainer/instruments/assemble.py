"""Builds the arrays of one solve from a mesh and device tables."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trainer.instruments.mesh import AXIAL_N, contact_radius, sections
from trainer.instruments.model import Ridges, Rod
from trainer.instruments.profile import Tables
from trainer.instruments.wall import MAX_CANDIDATES, PACKED

Floats = NDArray[np.float64]

MOST_RIDGES, RIDGE_CANDIDATES = 16, 40


def cell_lengths(s: Floats) -> Floats:
    """Length (N,) that each node stands for: half of both neighboring edges."""
    h = np.diff(s)
    out = np.zeros(len(s))
    out[:-1] += 0.5 * h
    out[1:] += 0.5 * h
    return out


def new_rod(s: Floats, x: Floats, theta: Floats, first_director: Floats, tips: Floats,
            tables: Tables, ridges: Floats | None = None) -> Rod:
    """A rod on nodes s (N,) at positions x (N, 3) with twist angles theta (K, N-1) against the twist-free
    frame that starts with first_director (3,) at edge 0. ridges (M, 2): place and force of the last solve's.
    No wall, no friction, no drag origin yet."""
    n, kinds = len(s), len(tips)
    bend, nat1, nat2 = np.zeros(n), np.zeros((kinds, n)), np.zeros((kinds, n))
    twist, radius = np.zeros((kinds, n)), np.zeros(n)
    outer = np.zeros(n, np.int64)
    sections(s, tips, tables, bend, nat1, nat2, twist)
    contact_radius(s, tips, tables.radius, radius, outer)
    rest = np.diff(s)
    edges = np.diff(x, axis=0)
    tangent = edges / np.linalg.norm(edges, axis=1)[:, None]
    director = np.zeros((n - 1, 3))
    director[0] = first_director - tangent[0] * (first_director @ tangent[0])
    director[0] /= np.linalg.norm(director[0])
    zeros = np.zeros((n, 3))
    index, value = np.zeros(MOST_RIDGES, np.int64), np.zeros(MOST_RIDGES)
    edges_crossed = Ridges(
        s=s, found=np.zeros(1, np.int64), first=index.copy(), last=index.copy(), node=index.copy(),
        point=np.zeros((MOST_RIDGES, 3)), near=np.empty((MOST_RIDGES, RIDGE_CANDIDATES, PACKED)),
        seen=index.copy(), clearance=value.copy(), scale=value.copy(),
        multiplier=value.copy(), carried=np.zeros((0, 2)) if ridges is None else ridges, place=value.copy(),
        force=value.copy(),
    )
    return Rod(
        x=x, theta=theta, tangent=tangent, director=director, ref_twist=np.zeros(n), rest=rest,
        stretch=AXIAL_N / rest, bend=bend, nat1=nat1, nat2=nat2, twist=twist, cell=cell_lengths(s),
        radius=radius, load=zeros.copy(), torque=np.zeros(kinds), start=x.copy(), axis=zeros.copy(),
        near=np.empty((n, MAX_CANDIDATES, PACKED)), candidate_count=np.zeros(n, np.int64),
        narrow=np.zeros(n, bool),
        clearance=np.zeros(n), multiplier=np.zeros(n), normal_force=np.zeros(n), normal=zeros.copy(),
        friction=np.zeros(n), bristle=zeros.copy(), slip_from=x.copy(), spin_from=np.zeros(n),
        spin_axis=zeros.copy(), outer=outer, drag_from=x.copy(), ridges=edges_crossed,
    )

