"""Ways in from both groins and the left wrist: where the sheath lies, what is on the way, what is a wrong branch."""

from functools import cache

import numpy as np
import pytest

from trainer.anatomy.build import build_patient
from trainer.anatomy.queries import rest_flow
from trainer.anatomy.spec import PatientSpec
from trainer.anatomy.types import Patient
from trainer.commands import Action, Commands, Hand
from trainer.scenario.reach import HUB_MM, SEAT_MM, needed_mm, way_of
from trainer.scoring.mishaps import critical_organ
from trainer.scoring.sample import Spot
from trainer.scoring.settings import levels
from trainer.scoring.topology import Topology
from trainer.simulation import Setup, Simulation

ROUTES = ("right_femoral", "left_femoral", "left_radial")


@cache
def patient(route: str, anatomy: str = "michels_1") -> Patient:
    return build_patient(PatientSpec(anatomy=anatomy, access=route), np.random.SeedSequence(1))


def topology(route: str) -> Topology:
    return Topology(patient(route), "tumor_feeder", levels().levels)


@pytest.mark.parametrize("anatomy", ["michels_1", "michels_3"])
@pytest.mark.parametrize("route", ROUTES)
def test_the_sheath_lies_in_an_artery_and_points_toward_the_heart(route: str, anatomy: str) -> None:
    p = patient(route, anatomy)
    tree, v = p.tree, p.tree.index(p.access.vessel)
    line = tree.points[tree.first[v] : tree.first[v + 1]]
    k = int(np.argmin(np.linalg.norm(line - p.access.mouth, axis=1)))
    assert np.linalg.norm(line[k] - p.access.mouth) < 1.5
    upstream = line[max(k - 1, 0)] - line[min(k + 1, len(line) - 1)]
    assert upstream @ p.access.direction > 0.9 * np.linalg.norm(upstream)
    assert p.access.direction[2] > 0.5  # up the leg's artery, and up the hanging arm
    assert p.access.route == route


def test_the_ways_are_as_long_as_in_people() -> None:
    """Puncture to celiac about 350 mm from the groin and 950 mm from the wrist (path lengths summed of ADAN56)."""
    length = {}
    for route in ROUTES:
        way = way_of(topology(route))
        length[route] = way.sheath_mm + way.trunk_mm - SEAT_MM
        assert needed_mm("catheter", way, 0.0, 0.0) == pytest.approx(HUB_MM + SEAT_MM + length[route])
    assert length["right_femoral"] == pytest.approx(350.0, rel=0.1)
    assert length["left_femoral"] == pytest.approx(350.0, rel=0.1)
    assert length["left_radial"] == pytest.approx(950.0, rel=0.05)


@pytest.mark.parametrize("route", ROUTES)
def test_the_trunk_and_the_wrong_branches_of_each_way(route: str) -> None:
    t = topology(route)
    names = t.patient.tree.names
    on = {names[v] for v in t.on_route}
    assert names[t.trunk] == "celiac_trunk"
    assert {"aorta_thoracic", "aorta_abdominal", "celiac_trunk", "tumor_feeder"} <= on
    assert not on & {
        "ascending_aorta", "left_common_carotid_artery", "left_vertebral_artery", "brachiocephalic_trunk",
        "superior_mesenteric_artery", "splenic_artery", "left_ulnar_artery", "right_internal_iliac_artery",
    }  # fmt: skip
    assert ("left_subclavian_artery" in on) == (route == "left_radial")
    assert ("left_external_iliac_artery" in on) == (route == "left_femoral")


def test_the_heart_pumps_what_the_beds_take() -> None:
    """Neck and arms add 1290 mL/min; what the descending aorta carries is as without them."""
    p = patient("right_femoral")
    minute = {n: 60.0 * q for n, q in zip(p.tree.names, rest_flow(p), strict=True)}
    upper = ("brachiocephalic_trunk", "left_common_carotid_artery", "left_subclavian_artery")
    assert sum(minute[n] for n in upper) == pytest.approx(1290.0)
    assert minute["ascending_aorta"] == pytest.approx(minute["aorta_thoracic"] + 1290.0)
    assert minute["left_common_iliac_artery"] == pytest.approx(minute["right_common_iliac_artery"])


def test_the_picture_of_arm_and_arch_is_a_picture() -> None:
    """The table reaches both; a wire is dark in the arm, which has no tissue of its own."""
    simulation = Simulation(Setup(PatientSpec(access="left_radial")))
    simulation.reset(1)
    simulation.step(Commands(actions=(Action("insert", {"slot": "wire", "device": "wire_035_angled"}),)))
    for _ in range(150):
        simulation.step(Commands(hands=(Hand("wire", 50.0),)))
    for at, dark in (((300.0, 28.0, 40.0), 200), ((-20.0, 5.0, 225.0), 20000)):
        table = Action("table", dict(zip(("x_mm", "y_mm", "z_mm"), at, strict=True)))
        frame = simulation.step(Commands(actions=(table,)))
        for _ in range(300):
            frame = simulation.step(Commands())
        for _ in range(20):
            frame = simulation.step(Commands(fluoro_pedal=True))
        assert frame.xray.isocenter_mm == pytest.approx(at)
        assert frame.xray.live is not None
        assert (frame.xray.live < 200).sum() > dark
        assert frame.xray.live.max() > 200
        assert np.isfinite(frame.dose.kap_Gycm2)


@pytest.mark.parametrize("anatomy", ["michels_1", "michels_3"])
def test_air_before_the_neck_vessels_may_reach_the_brain_and_beyond_them_not(anatomy: str) -> None:
    p = patient("left_radial", anatomy)
    ways = Topology(p, "tumor_feeder", levels().levels)
    for name, organ in (("ascending_aorta", "brain"), ("left_common_carotid_artery", "brain"),
                        ("left_vertebral_artery", "brain"), ("aorta_thoracic", ""), ("celiac_trunk", ""),
                        ("left_brachial_artery", "")):
        spot = Spot(p.tree.index(name), name, 0.0, (0.0, 0.0, 0.0))
        assert critical_organ(ways, spot) == organ, name
