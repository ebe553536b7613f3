"""Coils: where they lie, what they shut, how they are refused."""

from dataclasses import replace

import numpy as np
import pytest
from flow_patient import DT, LUMENS, device_at, patient_of

from trainer.commands import Hand
from trainer.controls.menus import TrayMenu
from trainer.controls.options import CoilChoice, ControlOptions
from trainer.flow.cells import build_cells
from trainer.flow.coiling import Coiling
from trainer.flow.flow import Flow
from trainer.instruments.catalog import load_catalog
from trainer.instruments.coils import Coils, coil_file
from trainer.instruments.instruments import Instruments
from trainer.instruments.types import TipPose

ROWS = [("trunk", "", 60.0, 2.5, 2.5), ("left", "trunk", 40.0, 1.4, 1.4), ("right", "trunk", 50.0, 1.2, 1.2),
        ("twig", "right", 30.0, 0.7, 0.7)]
PATIENT = patient_of(ROWS, {"left": 2.0, "twig": 0.4})


def tip_at(vessel: str, at_mm: float) -> TipPose:
    return TipPose("microcatheter", np.zeros(3), np.array([0.0, 0.0, 1.0]), PATIENT.tree.index(vessel), at_mm, 1.0, 0.4)


def codes(coils: Coils) -> list[str]:
    return [e.code for e in coils.take(1.0)]


def test_a_coil_wider_than_its_vessel_stays_ahead_of_the_tip() -> None:
    coils = Coils(PATIENT.tree)
    assert coils.deploy("coil_3x30", tip_at("left", 10.0), 0.57) is None
    coil = coils.placed[0]
    assert (coil.vessel, coil.from_mm) == (PATIENT.tree.index("left"), 10.0)
    # its wire fills a quarter of the nest
    volume = 0.25 * np.pi * 0.36**2 * 30.0
    assert (coil.to_mm - coil.from_mm) * np.pi * 1.4**2 * 0.25 == pytest.approx(volume)
    assert codes(coils) == ["coil.placed"]


def test_its_wire_lies_within_the_vessel_and_is_as_long_as_it_is() -> None:
    coils = Coils(PATIENT.tree)
    coils.deploy("coil_4x50", tip_at("left", 10.0), 0.57)
    tree, coil = PATIENT.tree, coils.placed[0]
    line = tree.points[tree.first[1] : tree.first[2]]
    off = np.linalg.norm(coil.points[:, None] - line[None], axis=2).min(axis=1)
    assert off.max() < 1.4
    assert off.max() > 0.8  # loops, not a straight wire
    length = np.linalg.norm(np.diff(coil.points, axis=0), axis=1).sum()
    assert 0.6 * 50.0 < length < 1.5 * 50.0


def test_a_coil_too_small_goes_on_with_the_blood_until_it_fits() -> None:
    coils = Coils(PATIENT.tree)
    assert coils.deploy("coil_2x20", tip_at("trunk", 20.0), 1.1) is None
    coil = coils.placed[0]
    assert coil.vessel in (PATIENT.tree.index("left"), PATIENT.tree.index("twig"))
    assert codes(coils) == ["coil.migrated"]


def test_for_want_of_room_it_reaches_back() -> None:
    coils = Coils(PATIENT.tree)
    assert coils.deploy("coil_3x30", tip_at("twig", 28.0), 0.57) is None
    assert coils.placed[0].from_mm < 25.0
    assert codes(coils) == ["coil.protrudes"]


@pytest.mark.parametrize(("name", "tip", "lumen", "words"), [
    ("coil_9x9", tip_at("left", 5.0), 0.57, "no coil"),
    ("coil_6x80", tip_at("left", 5.0), 0.57, "does not pass"),
    ("coil_3x30", replace(tip_at("left", 5.0), vessel=-1), 0.57, "sheath"),
])
def test_refusals_say_why(name: str, tip: TipPose, lumen: float, words: str) -> None:
    coils = Coils(PATIENT.tree)
    assert words in str(coils.deploy(name, tip, lumen))
    assert coils.placed == ()


def test_a_coil_sends_the_blood_elsewhere_and_clots() -> None:
    """The classic use: a branch is shut so that what is given goes to the other."""
    cells = build_cells(PATIENT)
    flow = Flow(PATIENT, cells, LUMENS, np.random.SeedSequence(3))
    coils = Coils(PATIENT.tree)
    shapes = device_at(PATIENT, "trunk", 30.0)
    for _ in range(60):
        before = flow.step(DT, shapes)
    coils.deploy("coil_3x30", tip_at("left", 10.0), 0.57)
    shapes = replace(shapes, coils=coils.placed)
    early = [flow.step(DT, shapes) for _ in range(120)][-1]
    late = [flow.step(3.0 * DT, shapes) for _ in range(20 * 600)][-1]
    assert late.bed_flow_mL_s[0] < 0.7 * before.bed_flow_mL_s[0] < early.bed_flow_mL_s[0] * 1.2
    assert late.bed_flow_mL_s[0] < early.bed_flow_mL_s[0]
    assert late.bed_flow_mL_s[1] >= before.bed_flow_mL_s[1]


def test_nests_over_one_another_shut_more() -> None:
    cells = build_cells(PATIENT)
    flow = Flow(PATIENT, cells, LUMENS, np.random.SeedSequence(3))
    coils, coiling = Coils(PATIENT.tree), Coiling(cells, flow.topology, coil_file().rules)
    coils.deploy("coil_3x30", tip_at("left", 10.0), 0.57)
    one = coiling.step(coils.placed, DT)
    coils.deploy("coil_3x30", tip_at("left", 10.0), 0.57)
    two = coiling.step(coils.placed, DT)
    assert one is not None
    assert two is not None
    assert one.max() == pytest.approx(0.75)
    assert two.max() == pytest.approx(1.0 - 0.25**2, abs=0.01)
    assert coiling.step(coils.placed, DT) is None  # nothing new


def test_the_lumen_must_be_free() -> None:
    from trainer.anatomy.types import Access

    tree = PATIENT.tree
    access = Access("right_femoral", "trunk", tree.points[0], np.array([0.0, 0.0, -1.0]), 1.93)
    tray = Instruments(tree, access, load_catalog())
    assert "no catheter" in str(tray.coil("catheter", "coil_3x30"))
    assert tray.insert("catheter", "cobra_2_5f") is None
    assert tray.insert("wire", "wire_035_angled") is None
    assert "Take out the wire" in str(tray.coil("catheter", "coil_3x30"))
    assert tray.remove("wire") is None
    assert "sheath" in str(tray.coil("catheter", "coil_3x30"))
    tray.step((Hand("catheter", 60.0),), np.zeros(3), DT)


def test_the_tray_offers_coils_through_the_innermost_catheter() -> None:
    from frames import device, frame

    menu = TrayMenu(ControlOptions(coils=(CoilChoice("coil_3x30", "coil 3 mm x 3 cm"),)))
    free = [r for r in menu.view(frame(device("catheter"))).rows if "Push" in r.text]
    assert free[0].enabled
    held = menu.view(frame(device("catheter"), device("wire"))).rows
    assert not next(r for r in held if "Push" in r.text).enabled
