"""Where the tissue of each bed lies: inside the measured organs, so that a stain has its organ's outline."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trainer.anatomy.body import Body, load_body
from trainer.anatomy.couinaud import load_liver
from trainer.anatomy.surfaces import depth
from trainer.anatomy.types import Patient
from trainer.imaging.blush import Clouds, Pull, Tissue, clouds
from trainer.imaging.meshes import radii

Floats = NDArray[np.float64]

SHELLS = {"spleen": 0.0, "kidney": 0.6, "stomach": 0.86}
"""Share of an organ's radius at which its perfused tissue begins: a kidney's cortex, the wall of the stomach."""
POINTS, SPREAD_MM = {"spleen": 170, "kidney": 150, "stomach": 260}, {"spleen": 6.0, "kidney": 3.2, "stomach": 5.5}
LIVER_MARGIN_MM = 5.0
"""A liver's stain stays so far inside its surface."""


def bed_clouds(patient: Patient, seed: int) -> Clouds:
    """The blush of every bed; tumor beds are ragged, organs with a measured shape have it."""
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(78,)))
    organs = [patient.territories[int(k)].organ for k in patient.beds.territory]
    tumor = np.array([organ == "tumor" for organ in organs], dtype=bool)
    return clouds(patient.beds, tumor, rng, _tissues(patient, organs, load_body(), rng), _in_liver(organs))


def _tissues(patient: Patient, organs: list[str], body: Body, rng: np.random.Generator) -> dict[int, Tissue]:
    """Tissue by bed of the organs that have a shape; the beds of one organ share it by nearness."""
    out: dict[int, Tissue] = {}
    for name, organ in body.organs.items():
        kind = name.split("_")[0]
        if kind not in SHELLS:
            continue
        center = organ.place(organ.center[None])[0]
        mine = [b for b, o in enumerate(organs) if o == kind and (
            kind != "kidney" or (patient.beds.center[b, 0] > -10.0) == (center[0] > -10.0))]
        if not mine:
            continue
        points = _sampled(organ.center, organ.coefficients, SHELLS[kind], POINTS[kind] * len(mine), rng)
        points = organ.place(points)
        near = np.argmin(np.linalg.norm(points[:, None] - patient.beds.center[mine][None], axis=2), axis=1)
        for k, b in enumerate(mine):
            if (near == k).any():
                out[b] = Tissue(points[near == k], SPREAD_MM[kind])
    return out


def _sampled(center: Floats, coefficients: Floats, shell: float, count: int, rng: np.random.Generator) -> Floats:
    """Points (count, 3) spread evenly in a closed surface, outside the share `shell` of its radius."""
    u = rng.normal(0.0, 1.0, (4 * count, 3))
    u /= np.linalg.norm(u, axis=1, keepdims=True)
    r = radii(coefficients, u)
    keep = rng.random(len(u)) < (r / r.max()) ** 3
    u, r = u[keep][:count], r[keep][:count]
    share = np.cbrt(rng.uniform(shell**3, 1.0, len(u)))
    return np.asarray(center + (0.97 * share * r)[:, None] * u)


def _in_liver(organs: list[str]) -> dict[int, Pull]:
    """For beds of the liver, the function that pulls points under its surface."""
    surfaces = load_liver().surfaces

    def pull(center: Floats, offset: Floats) -> Floats:
        for _ in range(6):
            outside = depth(surfaces, center + offset) < LIVER_MARGIN_MM
            if not outside.any():
                break
            offset[outside] *= 0.6
        return offset

    return {b: pull for b, organ in enumerate(organs) if organ == "liver"}
