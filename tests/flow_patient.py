"""Small patients with closed-form flow, devices placed by hand, and the shipped patient (cached)."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from trainer.anatomy.types import (
    Access,
    Beds,
    Breathing,
    Couinaud,
    Heart,
    Patient,
    Territory,
    VesselTree,
)
from trainer.flow.cells import attach_mm, build_cells
from trainer.flow.flow import Flow
from trainer.flow.hydraulics import Lumen
from trainer.instruments.types import Shapes, TipPose

DT = 1.0 / 60.0
LUMENS = {"micro": Lumen(0.57, 1300.0, 750.0), "wide": Lumen(0.70, 1300.0, 1000.0),
          "base": Lumen(1.10, 800.0, 1050.0)}


def tree_of(rows: list[tuple[str, str, float, float, float]]) -> VesselTree:
    """A tree of straight vessels: (name, parent, length, radius at the start, at the end), mm; a child leaves
    its parent's end."""
    names = tuple(r[0] for r in rows)
    points: list[np.ndarray] = []
    radius, first, attach, parent = [], [0], [], []
    for k, (_, mother, length, r1, r2) in enumerate(rows):
        n = max(2, round(length) + 1)
        p = names.index(mother) if mother else -1
        parent.append(p)
        start = points[p][-1] if p >= 0 else np.zeros(3)
        angle = 0.5 * k
        course = np.array([np.sin(angle), np.cos(angle), -0.2 * k - 1.0])
        course /= np.linalg.norm(course)
        points.append(start + np.linspace(0.0, length, n)[:, None] * course)
        radius.append(np.linspace(r1, r2, n))
        attach.append(first[p + 1] - 1 if p >= 0 else -1)
        first.append(first[-1] + n)
    total = first[-1]
    return VesselTree(names, np.array(parent), np.array(first), np.concatenate(points),
                      np.concatenate(radius), np.array(attach), np.zeros(total),
                      np.zeros(len(rows), np.bool_))


def patient_of(rows: list[tuple[str, str, float, float, float]], flows: dict[str, float], pulse: float = 0.0,
               organ: str = "liver", transit_s: float = 6.0, **more: Any) -> Patient:
    """A patient with one bed (mL/s) at the end of each named vessel; pressure 93 mmHg with a given pulse."""
    tree = tree_of(rows)
    B = len(flows)
    ends = np.array([tree.index(n) for n in flows])
    beds = Beds(ends, np.arange(B), tree.points[tree.first[ends + 1] - 1], np.full((B, 3), 5.0),
                np.full(B, 10.0), np.array(list(flows.values())), np.full(B, transit_s), np.zeros(B),
                np.full(B, -1))
    none = np.zeros(0, np.int64)
    empty = VesselTree((), none, np.zeros(1, np.int64), np.zeros((0, 3)), np.zeros(0), none, np.zeros(0),
                       np.zeros(0, np.bool_))
    fields: dict[str, Any] = {
        "tree": tree, "beds": beds, "territories": tuple(Territory(f"at_{n}", organ, "8") for n in flows),
        "veins": empty, "vein_kind": (), "tumors": (), "liver": Couinaud((), {}),
        "breathing": Breathing(0.2, (0.0, 0.0, 0.0), 0.0),
        "heart": Heart(70.0, 93.0 + 0.643 * pulse, 93.0 - 0.357 * pulse, 93.0),
        "access": Access("right_femoral", tree.names[0], tree.points[0], np.array([0.0, 0.0, 1.0]), 1.9)}
    return Patient(**(fields | more))


Y = [("trunk", "", 60.0, 2.5, 2.5), ("left", "trunk", 40.0, 1.5, 1.5), ("right", "trunk", 50.0, 1.2, 1.2)]


@functools.cache
def shipped() -> Any:
    """The shipped patient (segment 8 tumor) and its cells."""
    from trainer.anatomy.build import build_patient
    from trainer.anatomy.spec import PatientSpec

    patient = build_patient(PatientSpec(), np.random.SeedSequence(1))
    return patient, build_cells(patient)


def new_flow(patient: Patient, cells: Any = None) -> Flow:
    return Flow(patient, build_cells(patient) if cells is None else cells, LUMENS, np.random.SeedSequence(3))


def device_at(patient: Patient, vessel: str, position_mm: float, device: str = "micro", outer_mm: float = 0.8,
              slot: str = "microcatheter") -> Shapes:
    """Shapes of one device that lies along the tree from the root to a place, one node per mm."""
    tree = patient.tree
    at, path = attach_mm(tree), tree.path(tree.index(vessel))
    nodes: list[tuple[int, float]] = []
    for v, after in zip(path, [*path[1:], -1]):
        end = position_mm if after < 0 else at[after]
        nodes += [(v, x) for x in np.arange(0.0, end, 1.0)]
    nodes.append((path[-1], position_mm))
    v, x = np.array([n[0] for n in nodes]), np.array([n[1] for n in nodes])
    n = len(v)
    tip = TipPose(slot, np.zeros(3), np.array([1.0, 0.0, 0.0]), path[-1], position_mm,
                  0.5 * LUMENS[device].inner_diameter_mm, 0.5 * outer_mm)
    return Shapes((slot,), (device,), np.zeros((n, 3)), np.arange(n) * 1.0, np.full(n, 0.5 * outer_mm), v, x,
                  np.zeros(n), np.array([float(n)]), (tip,), np.zeros(1), np.zeros(1), 0.0, 0.0, 0.0, True)
