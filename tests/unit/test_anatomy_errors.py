"""Faults in a patient's description: one message each, with file and line."""

from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest

from trainer.anatomy.build import build_patient
from trainer.anatomy.faults import AnatomyFault
from trainer.anatomy.spec import PatientSpec
from trainer.errors import AnatomyError, ScenarioError, TrainerError, at_line
from trainer.textfile import StrictModel, line_of, read_model


class File(StrictModel):
    patient: PatientSpec


def build(folder: Path, text: str) -> None:
    """Builds the patient of a file the way a scenario loader does."""
    path = folder / "case.yaml"
    path.write_text(dedent(text), encoding="utf-8")
    model, node = read_model(File, path)

    def where(keys: tuple[str | int, ...]) -> str:
        return at_line(path, line_of(node, ("patient", *keys)))

    build_patient(model.patient, np.random.SeedSequence(1), where)


FAULTS = {
    "missing parent": (4, "leaves 'hepatic_artery'", """\
        patient:
          vessels:
            accessory_artery:
              parent: hepatic_artery
              diameter_mm: [2.0, 1.0]
              waypoints_mm: [[0, 0, 0], [0, 5, 5]]
              territory: gallbladder
              flow_mL_min: 10
        """),
    "loop": (4, "form a loop", """\
        patient:
          vessels:
            celiac_trunk:
              parent: common_hepatic_artery
        """),
    "second root": (4, "no parent", """\
        patient:
          vessels:
            celiac_trunk:
              parent: null
        """),
    "away from the parent": (4, "away from its parent", """\
        patient:
          vessels:
            cystic_artery:
              waypoints_mm: [[-72.3, -13.7, 30.0], [-76.4, -39.3, -18.2]]
        """),
    "coinciding way-points": (4, "coincide", """\
        patient:
          vessels:
            cystic_artery:
              waypoints_mm: [[-72.3, -33.7, -7.5], [-72.3, -33.7, -7.5]]
        """),
    "no territory of this name": (4, "no territory", """\
        patient:
          vessels:
            cystic_artery:
              territory: gall_bladder
        """),
    "ends in nothing": (3, "ends without a territory", """\
        patient:
          vessels:
            blind_artery:
              parent: splenic_artery
              diameter_mm: [1.0, 0.8]
              waypoints_mm: [[19.0, -18.0, -20.0], [19.0, -10.0, -30.0]]
        """),
    "outside its segment": (4, "not in segment 8", """\
        patient:
          vessels:
            segment_8_artery:
              waypoints_mm: [[-95, -32, -4], [-100, -36, -14], [-106, -38, -28]]
        """),
    "feeder's parent absent": (5, "does not exist", """\
        patient:
          tumors:
            - segment: "8"
              feeder:
                parent: segment_9_artery
        """),
    "tumor out of reach": (4, "no feeder of", """\
        patient:
          tumors:
            - segment: "8"
              center_mm: [60, 30, 0]
        """),
    "two tumors of one name": (4, "two tumors", """\
        patient:
          tumors:
            - {segment: "8", diameter_mm: 20}
            - {segment: "7", diameter_mm: 20}
        """),
    "anatomy": (2, "no anatomy 'michels_11'", "patient:\n  anatomy: michels_11\n"),
    "course": (2, "no course 'steep'", "patient:\n  celiac_course: steep\n"),
    "cystic origin": (2, "no course 'splenic_artery'", "patient:\n  cystic_origin: splenic_artery\n"),
    "access": (2, "no access 'left_ulnar'", "patient:\n  access: left_ulnar\n"),
    "removing what is not there": (3, "cannot be removed", """\
        patient:
          vessels:
            middle_hepatic_artery: {remove: true}
        """),
    "removing a parent": (0, "leaves 'proper_hepatic_artery'", """\
        patient:
          vessels:
            proper_hepatic_artery: {remove: true}
        """),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_fault_names_file_and_line(name: str, tmp_path: Path) -> None:
    line, words, text = FAULTS[name]
    with pytest.raises(AnatomyFault, match=words) as caught:
        build(tmp_path, text)
    assert isinstance(caught.value, AnatomyError)
    if line:
        assert caught.value.where == f"{tmp_path / 'case.yaml'}:{line}"
        assert caught.value.keys
    else:  # the fault shows in the template's own vessel
        assert "michels_1.yaml:" in caught.value.where
        assert caught.value.keys == ()


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (4, "patient:\n  vessels:\n    celiac_trunk:\n      diameter_mm: [-7.2, 6.6]\n"),
        (2, "patient:\n  anatomie: michels_1\n"),
        (3, "patient:\n  tumors:\n    - segment: '9'\n"),
        (2, "patient:\n  heart: {systolic_mmHg: 60}\n"),
        (2, "patient:\n  viscosity_mPa_s: .nan\n"),
    ],
)
def test_values_out_of_range_are_refused_by_the_schema(line: int, text: str, tmp_path: Path) -> None:
    with pytest.raises(ScenarioError) as caught:
        build(tmp_path, text)
    assert caught.value.where == f"{tmp_path / 'case.yaml'}:{line}"


def test_a_vessel_of_ones_own_is_built(tmp_path: Path) -> None:
    spec = PatientSpec.model_validate({"vessels": {"accessory_left_gastric_artery": {
        "parent": "left_hepatic_artery", "diameter_mm": [1.4, 1.0], "flow_mL_min": 8.0,
        "waypoints_mm": [[-50.0, -56.5, 0.8], [-36.0, -50.0, -6.0], [-14.0, -46.0, -10.0]],
        "territory": "stomach_lesser_curvature",
    }}})  # fmt: skip
    tree = build_patient(spec, np.random.SeedSequence(1)).tree
    assert tree.names[tree.parent[tree.index("accessory_left_gastric_artery")]] == "left_hepatic_artery"


def test_a_fault_without_a_file_still_says_what_and_which_key() -> None:
    with pytest.raises(TrainerError, match="no anatomy 'michels_x'") as caught:
        build_patient(PatientSpec(anatomy="michels_x"), np.random.SeedSequence(1))
    assert isinstance(caught.value, AnatomyFault)
    assert caught.value.keys == ("anatomy",)
