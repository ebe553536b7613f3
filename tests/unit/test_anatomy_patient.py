"""The built patient: structure, place of every vessel, calibers, flows, tumor, variants, determinism."""

from functools import cache

import numpy as np
import pytest

from trainer.anatomy.build import build_patient
from trainer.anatomy.capsules import NEAR_FACTOR, NEAR_MM, crossings
from trainer.anatomy.couinaud import segment_of
from trainer.anatomy.curves import arc_length
from trainer.anatomy.queries import beds_below, rest_flow, territories_below, vessels_below
from trainer.anatomy.spec import PatientSpec, TumorSpec
from trainer.anatomy.surfaces import depth
from trainer.anatomy.tumors import share_in_segment
from trainer.anatomy.types import Patient, VesselTree

EASY = PatientSpec()
MEDIUM = PatientSpec(cystic_origin="right_anterior_hepatic_artery", tumors=(TumorSpec(segment="5"),))
DEEP_CYSTIC = PatientSpec(cystic_origin="segment_5_artery", tumors=(TumorSpec(segment="5"),))
HARD = PatientSpec(anatomy="michels_3", tumors=(TumorSpec(segment="6"),))
CASES = {"easy": EASY, "medium": MEDIUM, "hard": HARD, "deep cystic": DEEP_CYSTIC}


@cache
def patient(case: str, seed: int = 1) -> Patient:
    return build_patient(CASES[case], np.random.SeedSequence(seed))


def points_of(tree: VesselTree, name: str) -> np.ndarray:
    v = tree.index(name)
    return tree.points[tree.first[v] : tree.first[v + 1]]


def cubes(tree: VesselTree, v: int, i: int) -> float:
    return float(tree.radius[tree.first[v] + i] ** 3)


@pytest.mark.parametrize("case", CASES)
def test_vessels_begin_on_their_parents(case: str) -> None:
    tree = patient(case).tree
    assert len(set(tree.names)) == tree.count
    assert (tree.parent == -1).sum() == 1
    for v in range(tree.count):
        step = np.linalg.norm(np.diff(tree.points[tree.first[v] : tree.first[v + 1]], axis=0), axis=1)
        assert step.min() > 0.0
        assert step.max() <= 2.0
        parent = tree.parent[v]
        if parent >= 0:
            assert parent < v
            assert tree.first[parent] < tree.attach[v] < tree.first[parent + 1]
            assert (tree.points[tree.first[v]] == tree.points[tree.attach[v]]).all()
    assert (tree.radius > 0.1).all()
    assert not tree.points.flags.writeable


@pytest.mark.parametrize("case", CASES)
def test_every_end_has_exactly_one_bed(case: str) -> None:
    p = patient(case)
    tree, beds = p.tree, p.beds
    continued = np.zeros(tree.count, dtype=bool)
    for v in range(1, tree.count):
        parent = tree.parent[v]
        continued[parent] |= tree.attach[v] == tree.first[parent + 1] - 1
    arcades = [v for v, _ in tree.joins]
    assert len(arcades) == 2
    assert set(beds.vessel).isdisjoint(arcades)
    continued[arcades] = True
    assert sorted(beds.vessel) == np.flatnonzero(~continued).tolist()
    assert (beds.flow_mL_s > 0).all()
    assert (beds.tissue_mL > 0).all()
    assert (beds.sigma > 0).all()


@pytest.mark.parametrize("case", CASES)
def test_generated_trees_lie_in_their_own_segments(case: str) -> None:
    p = patient(case)
    tree = p.tree
    liver_ends = 0
    for v in range(tree.count):
        if tree.names[v].startswith("segment_"):
            points = tree.points[tree.first[v] : tree.first[v + 1]]
            assert segment_of(p.liver, points[-1:])[0] == int(tree.names[v].split("_")[1]), tree.names[v]
            if tree.generated[v]:
                liver_ends += 1
                radius = tree.radius[tree.first[v] : tree.first[v + 1]]
                assert (depth(p.liver.surfaces, points) > radius).all(), tree.names[v]
    assert liver_ends >= 400
    assert {int(t.segment) for t in p.territories if t.organ == "liver"} == set(range(1, 9))


@pytest.mark.parametrize("case", CASES)
def test_no_vessel_crosses_another(case: str) -> None:
    tree = patient(case).tree
    found = crossings(tree)
    assert [(tree.names[a], tree.names[b]) for a, b in found] == []


def test_no_thin_vessel_crosses_another_by_brute_force() -> None:
    """Independent of the kernel: every vessel below 1.7 mm radius sampled each 0.3 mm."""
    spatial = pytest.importorskip("scipy.spatial", reason="scipy is not installed")
    tree = patient("easy").tree
    points, radii, owner, arcs = [], [], [], []
    for v in range(tree.count):
        p, r = (x[tree.first[v] : tree.first[v + 1]] for x in (tree.points, tree.radius))
        s = arc_length(p)
        at = np.arange(0.0, s[-1], 0.3)
        if r.max() < 1.7:
            points.append(np.stack([np.interp(at, s, p[:, k]) for k in range(3)], axis=1))
            radii.append(np.interp(at, s, r))
            owner.append(np.full(len(at), v))
            arcs.append(at)
    x, r, o, a = (np.concatenate(y) for y in (points, radii, owner, arcs))
    pairs = spatial.cKDTree(x).query_pairs(2.0 * r.max(), output_type="ndarray")
    pairs = pairs[o[pairs[:, 0]] != o[pairs[:, 1]]]
    gap = np.linalg.norm(x[pairs[:, 0]] - x[pairs[:, 1]], axis=1) - r[pairs[:, 0]] - r[pairs[:, 1]]
    touching = pairs[gap < 0.0]
    assert len(touching) > 100  # around branchings
    joined = [{v, int(np.searchsorted(tree.first, point, side="right")) - 1} for v, point in tree.joins]
    for i, j in touching:
        if {o[i], o[j]} in joined:
            continue
        assert way(tree, o[i], a[i], o[j], a[j]) < NEAR_FACTOR * (r[i] + r[j]) + NEAR_MM + 2.0


def way(tree: VesselTree, v: int, s: float, w: int, t: float) -> float:
    """Way along the tree, by listing both paths to the root."""
    def stations(vessel: int, at: float) -> dict[int, tuple[float, float]]:
        """By vessel on the path to the root: arc where the path enters it from below, way so far."""
        out, so_far = {}, 0.0
        while vessel >= 0:
            out[vessel] = (at, so_far)
            so_far += at
            parent = int(tree.parent[vessel])
            at = float(tree.arc(parent)[tree.attach[vessel] - tree.first[parent]]) if parent >= 0 else 0.0
            vessel = parent
        return out

    one, two = stations(int(v), s), stations(int(w), t)
    common = max(set(one) & set(two))
    return one[common][1] + two[common][1] + abs(one[common][0] - two[common][0])


@pytest.mark.parametrize("case", CASES)
def test_murray_at_every_branching_of_the_generated_trees(case: str) -> None:
    tree = patient(case).tree
    checked = 0
    for v in range(tree.count):
        parent = int(tree.parent[v])
        if parent < 0 or not (tree.generated[v] and tree.generated[parent]):
            continue
        i = int(tree.attach[v] - tree.first[parent])
        goes_on = i + 1 < tree.first[parent + 1] - tree.first[parent]
        children = cubes(tree, v, 0) + (cubes(tree, parent, i + 1) if goes_on else 0.0)
        assert cubes(tree, parent, i) == pytest.approx(children, rel=1e-9)
        checked += 1
    assert checked > 300


def test_calibers_let_a_microcatheter_pass() -> None:
    tree = patient("easy").tree
    generated = [v for v in range(tree.count) if tree.names[v].startswith("segment_") and tree.generated[v]]
    ends = np.array([tree.radius[tree.first[v + 1] - 1] for v in generated])
    assert ends.min() > 0.14
    assert 0.19 < np.median(ends) < 0.35
    trunk = tree.index("segment_8_artery")
    first = [tree.radius[tree.first[v]] for v in generated if tree.parent[v] == trunk]
    assert max(first) > 0.5
    assert max(first) < tree.radius[tree.first[trunk]]


@pytest.mark.parametrize("case", CASES)
def test_flows_add_up(case: str) -> None:
    p = patient(case)
    flow = rest_flow(p)
    assert flow[0] == pytest.approx(p.beds.flow_mL_s.sum())
    minute = {name: 60.0 * flow[v] for v, name in enumerate(p.tree.names)}
    # 150 in the network, which has the arcades: its beds take from both sides
    assert minute["gastroduodenal_artery"] == pytest.approx(205.0)
    assert minute["splenic_artery"] == pytest.approx(330.0)
    assert minute["tumor_feeder"] == pytest.approx(25.0)
    celiac = minute["left_gastric_artery"] + minute["splenic_artery"] + minute["common_hepatic_artery"]
    assert minute["celiac_trunk"] == pytest.approx(celiac)
    if case == "easy":
        assert minute["common_hepatic_artery"] == pytest.approx(451.0 + 55.0, rel=0.05)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("seed", [1, 2, 3, 4, 5])
def test_tumor_hangs_on_one_feeder(case: str, seed: int) -> None:
    p = patient(case, seed)
    tree, tumor = p.tree, p.tumors[0]
    feeder = tree.index("tumor_feeder")
    course = points_of(tree, "tumor_feeder")
    assert 15.0 <= arc_length(course)[-1] <= 35.0
    radius = tree.radius[tree.first[feeder] : tree.first[feeder + 1]]
    assert 2.0 * radius[0] == pytest.approx(1.3)
    assert 2.0 * radius[-1] == pytest.approx(1.0)
    at = tree.attach[feeder]
    along = tree.points[at + 1] - tree.points[at - 1]
    out = course[1] - course[0]
    angle = np.degrees(np.arccos(along @ out / np.linalg.norm(along) / np.linalg.norm(out)))
    assert 33.0 <= angle <= 67.0
    below = [tree.names[v] for v in vessels_below(tree, feeder)]
    assert all(name.startswith("tumor_") for name in below)
    assert 6 <= len(below) - 1 <= 12
    tumor_beds = [b for b in range(len(p.beds.vessel)) if p.territories[p.beds.territory[b]].organ == "tumor"]
    assert beds_below(p, "tumor_feeder").tolist() == tumor_beds
    assert tree.names[tree.parent[feeder]] == f"segment_{tumor.segment}_artery"
    liver_ends = [tree.first[v + 1] - 1 for v in range(tree.count) if "_branch_" in tree.names[v]]
    gap = np.linalg.norm(tree.points[liver_ends] - tumor.center, axis=1)
    assert gap.min() > 0.5 * tumor.diameter_mm
    for v in vessels_below(tree, feeder)[1:]:
        inner = tree.points[tree.first[v] : tree.first[v + 1]]
        assert (np.linalg.norm(inner - tumor.center, axis=1) < 0.5 * tumor.diameter_mm).all()
    assert share_in_segment(tumor) > (0.2 if case == "hard" else 0.55)
    assert len(crossings(tree)) == 0


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("case", ["medium", "deep cystic"])
def test_the_way_to_the_segment_5_tumor_passes_the_cystic_artery(case: str, seed: int) -> None:
    p = patient(case, seed)
    tree = p.tree
    cystic, feeder = tree.index("cystic_artery"), tree.index("tumor_feeder")
    origin = CASES[case].cystic_origin
    assert tree.names[tree.parent[cystic]] == origin
    way = tree.path(feeder)
    assert tree.parent[cystic] in way
    on = way[way.index(tree.parent[cystic]) + 1]  # where the way leaves the artery that gives off the cystic
    assert tree.attach[on] > tree.attach[cystic]
    assert "gallbladder" in territories_below(p, origin)


def test_type_three_takes_the_right_liver_from_the_superior_mesenteric_artery() -> None:
    p = patient("hard")
    path = [p.tree.names[v] for v in p.tree.path(p.tree.index("right_hepatic_artery"))]
    assert path[-2] == "superior_mesenteric_artery"
    celiac = set(territories_below(p, "celiac_trunk"))
    mesenteric = set(territories_below(p, "superior_mesenteric_artery"))
    assert {"segment_5", "segment_6", "segment_7", "segment_8", "tumor"} <= mesenteric
    assert not celiac & {"segment_5", "segment_6", "segment_7", "segment_8", "tumor"}
    assert {"segment_1", "segment_2", "segment_3", "segment_4"} <= celiac


def test_organs_at_risk_have_territories() -> None:
    organs = {t.organ for t in patient("easy").territories}
    assert {"gallbladder", "stomach", "duodenum_pancreas", "skin", "spleen", "liver", "tumor"} <= organs
    assert set(territories_below(patient("easy"), "gastroduodenal_artery")) == {
        "duodenum_first_part", "stomach_greater_curvature", "pancreas_head",
    }  # fmt: skip


def test_breathing_is_smooth_along_the_vessels() -> None:
    tree = patient("easy").tree
    assert (tree.breathing >= 0).all()
    assert (tree.breathing <= 1).all()
    for v in range(tree.count):
        share = tree.breathing[tree.first[v] : tree.first[v + 1]]
        assert np.abs(np.diff(share)).max() < 0.07
        if tree.parent[v] >= 0:
            assert share[0] == pytest.approx(tree.breathing[tree.attach[v]])
    assert tree.breathing[tree.first[tree.index("celiac_trunk")]] == 0.0
    assert (tree.breathing[tree.first[tree.index("segment_8_artery")] :][:5] == 1.0).all()


def test_celiac_leaves_at_the_level_angle_or_as_measured() -> None:
    measured = build_patient(PatientSpec(celiac_course="measured"), np.random.SeedSequence(1))
    drop = []
    for p in (patient("easy"), measured):
        trunk = points_of(p.tree, "celiac_trunk")
        ostium = int(np.argmin(np.linalg.norm(trunk, axis=1)))
        assert np.linalg.norm(trunk[ostium]) < 1.0
        assert trunk[-1] == pytest.approx([-2.0, -21.0, -19.0], abs=0.01)
        way_out = trunk[ostium + 4] - trunk[ostium]
        drop.append(np.degrees(np.arctan2(-way_out[2], -way_out[1])))
    assert drop[0] < 30.0 < drop[1]


def test_sheath_mouth_lies_in_the_external_iliac_and_points_up() -> None:
    p = patient("easy")
    course = points_of(p.tree, "right_external_iliac_artery")
    assert p.access.vessel == "right_external_iliac_artery"
    assert np.linalg.norm(course - p.access.mouth, axis=1).min() < 1.0
    assert p.access.direction[2] > 0.5
    assert np.linalg.norm(p.access.direction) == pytest.approx(1.0)


def test_veins() -> None:
    p = patient("easy")
    kinds = dict(zip(p.veins.names, p.vein_kind, strict=True))
    assert kinds["splenic_vein"] == kinds["portal_vein"] == "portal"
    assert kinds["segment_8_portal_vein"] == "portal_branch"
    assert kinds["right_hepatic_vein"] == "hepatic"
    names = [p.veins.names[v] if v >= 0 else "" for v in p.beds.vein]
    for name, territory in zip(names, p.beds.territory, strict=True):
        t = p.territories[territory]
        if t.organ in ("liver", "tumor"):
            assert kinds[name] == "hepatic"
            assert name == "caudate_vein" or name.endswith(f"segment_{t.segment}")
        if t.organ == "spleen":
            assert name == "splenic_vein"
    for v in range(p.veins.count):
        if p.veins.parent[v] >= 0:
            assert (p.veins.points[p.veins.first[v]] == p.veins.points[p.veins.attach[v]]).all()


def test_same_seed_same_bits_other_seed_other_trees() -> None:
    seed = np.random.SeedSequence(7)
    seed.spawn(3)  # what the caller did with its sequence does not matter
    a, b = build_patient(EASY, seed), build_patient(EASY, np.random.SeedSequence(7))
    for name in ("points", "radius", "breathing", "attach", "parent"):
        assert getattr(a.tree, name).tobytes() == getattr(b.tree, name).tobytes()
    for name in ("center", "flow_mL_s", "vein"):
        assert getattr(a.beds, name).tobytes() == getattr(b.beds, name).tobytes()
    assert a.tree.points.tobytes() != patient("easy", 1).tree.points.tobytes()
