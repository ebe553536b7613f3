"""Selectivity, downstream beds and ways through the tree, on a tree small enough to know by heart."""

import numpy as np
import pytest
from procedure_fakes import NAMES, TERRITORIES, patient

from trainer.scoring.settings import levels
from trainer.scoring.topology import Topology


@pytest.fixture(scope="module")
def tree() -> Topology:
    return Topology(patient(), "feeder", levels().levels)


def v(name: str) -> int:
    return NAMES.index(name)


@pytest.mark.parametrize(
    ("vessel", "at_mm", "level"),
    [
        ("aorta", 150.0, "nonselective"),
        ("celiac", 10.0, "nonselective"),
        ("proper_hepatic", 5.0, "nonselective"),
        ("gastroduodenal", 10.0, "nonselective"),
        ("cystic", 10.0, "nonselective"),
        ("right_hepatic", 5.0, "lobar"),
        ("right_hepatic", 25.0, "lobar"),
        ("right_anterior", 5.0, "sectoral"),
        ("segment_8", 5.0, "segmental"),
        ("segment_5", 5.0, "segmental"),
        ("feeder", 5.0, "ultraselective"),
    ],
)
def test_level_follows_what_lies_downstream(tree: Topology, vessel: str, at_mm: float, level: str) -> None:
    assert tree.level(v(vessel), at_mm) == level


def test_a_small_part_of_a_segment_is_subsegmental() -> None:
    p = patient()
    p.beds.tissue_mL[list(TERRITORIES).index("left_liver")] = 400.0
    p.beds.territory[list(TERRITORIES).index("segment_5")] = list(TERRITORIES).index("segment_8")
    small = Topology(p, "feeder", levels().levels)  # segment 8 now has 350 + 200 mL; 200 are 36 %
    assert small.level(v("segment_5"), 5.0) == "subsegmental"
    assert small.level(v("segment_8_far"), 5.0) == "segmental"  # 350 of 550 mL are 64 %


def test_downstream_depends_on_the_place_along_the_vessel(tree: Topology) -> None:
    before, past = tree.territories_below(v("right_hepatic"), 5.0), tree.territories_below(v("right_hepatic"), 25.0)
    assert before - past == {"gallbladder"}
    assert tree.territories_below(v("segment_8"), 0.0) == {"segment_8", "tumor"}


def test_native_flow_is_the_sum_of_the_beds_below(tree: Topology) -> None:
    assert tree.native_flow(v("segment_8"), 1.0) == pytest.approx(0.9)
    assert tree.native_flow(v("aorta"), 0.0) == pytest.approx(sum(row[4] for row in TERRITORIES.values()))


def test_the_route_goes_from_access_to_feeder(tree: Topology) -> None:
    off = {NAMES[i] for i in range(len(NAMES)) if i not in tree.on_route}
    assert tree.trunk == v("celiac")
    assert off == {"gastroduodenal", "left_hepatic", "cystic", "right_posterior", "segment_5", "segment_8_far"}


def test_distance_is_the_length_of_the_way(tree: Topology) -> None:
    # 20 mm back up the iliac artery, 100 mm up the aorta, 10 mm into the celiac trunk
    aorta_mm = tree.arcs[v("aorta")][-1]
    attach_mm = tree.attach_mm[v("celiac")]
    assert tree.distance(v("iliac"), 20.0, v("celiac"), 10.0) == pytest.approx(30.0 + aorta_mm - attach_mm)
    assert tree.distance(v("celiac"), 3.0, v("celiac"), 11.0) == pytest.approx(8.0)


def test_a_tip_is_placed_on_its_vessel_whatever_the_breath(tree: Topology) -> None:
    p = patient()
    p.tree.breathing[:] = 1.0
    moved = Topology(p, "feeder", levels().levels)
    first = int(p.tree.first[v("feeder")])
    point = p.tree.points[first + 3] + 0.5 * np.array(p.breathing.amplitude_mm)
    assert moved.place(v("feeder"), point, 0.5) == pytest.approx(moved.arcs[v("feeder")][3])
    assert moved.rest_point(v("feeder"), point, 0.5) == pytest.approx(p.tree.points[first + 3])
