"""The fan of the superior mesenteric artery: enough vessels, in the abdomen, with the flow of their trunks."""

from functools import cache

import numpy as np
import pytest

from trainer.anatomy.body import load_body
from trainer.anatomy.build import build_patient
from trainer.anatomy.capsules import crossings
from trainer.anatomy.mesentery import load_mesentery
from trainer.anatomy.queries import beds_below, rest_flow
from trainer.anatomy.spec import PatientSpec
from trainer.anatomy.types import Patient

FLOWS = {"jejunum": 130.0, "ileum": 150.0, "right_colon": 140.0, "transverse_colon": 80.0}
"""mL/min, assets/anatomy/michels_1.yaml."""


@cache
def patient(anatomy: str = "michels_1", seed: int = 1, without: str = "") -> Patient:
    changes = {without: {"remove": True}} if without else {}
    spec = PatientSpec.model_validate({"anatomy": anatomy, "vessels": changes})
    return build_patient(spec, np.random.SeedSequence(seed))


def grown(p: Patient, territory: str) -> list[int]:
    return [v for v, name in enumerate(p.tree.names) if name.startswith(f"{territory}_branch_")]


def length(p: Patient, v: int) -> float:
    return float(p.tree.arc(v)[-1])


@pytest.mark.parametrize("anatomy", ["michels_1", "michels_3"])
@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_there_is_a_fan_and_it_is_not_too_much(anatomy: str, seed: int) -> None:
    p = patient(anatomy, seed)
    assert len(grown(p, "jejunum")) >= 12
    assert len(grown(p, "ileum")) >= 20
    assert len(grown(p, "right_colon")) + len(grown(p, "transverse_colon")) >= 16
    assert p.tree.count <= 600  # the budget of the flow
    roots = {v for k in ("jejunum", "ileum") for v in grown(p, k) if not p.tree.generated[p.tree.parent[v]]}
    assert 7 <= len(roots) <= len(load_mesentery().fans)
    assert len(crossings(p.tree)) == 0


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_flow_tissue_and_veins_are_those_of_the_trunks(seed: int) -> None:
    p = patient(seed=seed)
    for name, flow in FLOWS.items():
        mine = p.beds.territory == p.territory_index(name)
        assert 60.0 * p.beds.flow_mL_s[mine].sum() == pytest.approx(flow)
        assert len(set(p.beds.vein[mine].tolist())) == 1
        assert set(p.beds.vessel[mine].tolist()) == set(grown(p, name))
    assert p.beds.tissue_mL[p.beds.territory == p.territory_index("ileum")].sum() == pytest.approx(220.0)
    trunk = p.tree.index("superior_mesenteric_artery")
    assert 60.0 * rest_flow(p)[trunk] == pytest.approx(sum(FLOWS.values()))
    assert len(beds_below(p, "superior_mesenteric_artery")) == sum(len(grown(p, k)) for k in FLOWS)


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_it_lies_in_the_abdomen_before_the_spine(seed: int) -> None:
    p, body = patient(seed=seed), load_body()
    height = body.inner[:, :, 2].mean(axis=1)
    front_of_spine = min(float(v.center[1]) - 20.0 for v in body.vertebrae if v.center[2] < 0.0)
    for v in (v for k in FLOWS for v in grown(p, k)):
        points = p.tree.points[p.tree.first[v] : p.tree.first[v + 1]]
        assert (points[:, 1] < front_of_spine + 8.0).all()
        for x, y, z in points:
            ring = body.inner[int(np.argmin(np.abs(height - z)))]
            assert ring[:, 0].min() + 8.0 < x < ring[:, 0].max() - 8.0
            assert y > ring[:, 1].min() + 4.0


def test_straight_vessels_are_long_in_the_jejunum_and_short_in_the_ileum() -> None:
    mean = {}
    for name in ("jejunum", "ileum"):
        ends = []
        for seed in (1, 2, 3, 4):
            p = patient(seed=seed)
            leaves = set(p.beds.vessel.tolist())
            ends += [length(p, v) for v in grown(p, name)
                     if v in leaves and p.tree.generated[p.tree.parent[v]] and p.tree.generated[v]]
        mean[name] = np.mean(ends)
    assert mean["jejunum"] > 1.2 * mean["ileum"]


def test_a_seed_is_a_fan_and_another_seed_another() -> None:
    again = build_patient(PatientSpec(), np.random.SeedSequence(1))
    assert np.array_equal(again.tree.points, patient().tree.points)
    one, two = (np.sort(patient(seed=s).beds.center[:, 2]) for s in (1, 2))
    assert len(one) != len(two) or not np.array_equal(one, two)


@pytest.mark.parametrize(
    ("without", "territory"), [("jejunal_artery", "jejunum"), ("middle_colic_artery", "transverse_colon")]
)
def test_a_patient_without_a_trunk_has_no_branches_of_it(without: str, territory: str) -> None:
    p = patient(without=without)
    assert not grown(p, territory)
    assert grown(p, "ileum")
    ends = np.flatnonzero(~np.isin(np.arange(p.tree.count), p.tree.parent))
    assert set(ends.tolist()) <= set(p.beds.vessel.tolist()) | {v for v, _ in p.tree.joins}
