"""A CT as the patient's body: import, case file, pictures, preview of a moving arm, exposure, skin, messages."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import ct_phantom as phantom
import numpy as np
import pytest

from trainer.anatomy.build import build_patient
from trainer.anatomy.spec import PatientSpec
from trainer.anatomy.types import Patient
from trainer.cli import main
from trainer.commands import IDLE, Commands
from trainer.errors import FileError, ScenarioError
from trainer.flow.cells import build_cells
from trainer.imaging.geometry import Geometry
from trainer.imaging.patient_body import scene_of, skin_rings
from trainer.imaging.pose import WORK_PER_STEP, Pose, Preview
from trainer.imaging.still import prepare_still, render_still
from trainer.imaging.suite import Imaging
from trainer.imaging.vessels import frusta
from trainer.imaging.volume.bodyfile import BodyFile, load_parts, parts_of, read_body, volume_of, write_body
from trainer.imaging.volume.projection import project
from trainer.imaging.volume.shadow import VolumeShadow
from trainer.resources import resource
from trainer.scenario.checking import check_case
from trainer.scenario.loading import load, parse

CELIAC = (0.0, -5.0, 155.0)
DT = 1.0 / 60.0


def body(scale: float = 2.0) -> BodyFile:
    """The phantom, twice as large, so that it fills the field."""
    celiac = np.array(CELIAC)
    values = phantom.hu().astype(np.int16)
    return BodyFile(values, scale * (phantom.START - celiac), scale * phantom.SPACING, celiac, False)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("body") / "phantom.npz"
    write_body(path, body())
    return path


@pytest.fixture(scope="module")
def people(file: Path) -> tuple[Patient, Any]:
    patient = replace(build_patient(PatientSpec(), np.random.SeedSequence(1)), ct=file)
    return patient, build_cells(patient)


def case_text(line: str) -> str:
    text = resource("scenarios", "segment_8_first_case.yaml").read_text(encoding="utf-8")
    own = next(row for row in text.splitlines() if row.startswith("  body:"))
    return text.replace(f"{own}\n", "").replace("patient:\n", f"patient:\n  body:\n    {line}\n", 1)


def test_a_body_file_comes_back_as_it_was(file: Path) -> None:
    back, first = read_body(file), body()
    assert np.array_equal(back.hu, first.hu)
    assert np.array_equal(back.origin_mm, first.origin_mm)
    assert (back.spacing_mm, back.guessed) == (first.spacing_mm, False)


def test_the_last_slices_go_on_beyond_the_scan(file: Path) -> None:
    volume = volume_of(body())
    z = volume.origin[2] + volume.spacing[2] * np.arange(volume.shape[2])
    section = volume.soft.sum(axis=(0, 1))
    assert section[z < -200.0][5:10] == pytest.approx(section[np.abs(z + 100.0).argmin()], rel=0.01)
    assert (section[(z > 120.0) & (z < 155.0)] > 0).all()


@pytest.mark.parametrize("mode", ["native", "fluoro", "dsa"])
def test_every_picture_shows_the_body_and_left_stays_left(people: tuple[Patient, Any], mode: str) -> None:
    """The marker of the phantom is dense: dark at the viewer's right in AP; gone in the difference."""
    patient, cells = people
    geometry = Geometry(isocenter=(0.0, 0.0, 0.0), pixels=256)
    source = prepare_still(patient, cells, geometry, 1)
    none = np.zeros(len(cells.start)), np.zeros(len(patient.beds.vessel))
    picture = render_still(patient, cells, {}, geometry, mode, *none, source=source).astype(float)
    place = 2.0 * (phantom.MARKER - np.array(CELIAC))
    (column, row), = geometry.project(place).round().astype(int)
    assert column > 128
    there = picture[row - 4 : row + 5, column - 4 : column + 5].mean()
    mirrored = picture[row - 4 : row + 5, 255 - column - 4 : 255 - column + 5].mean()
    if mode == "dsa":
        assert abs(there - mirrored) < 4.0
    else:
        assert there < mirrored - 10.0


def test_portions_are_counted_and_do_not_change_the_picture(people: tuple[Patient, Any]) -> None:
    patient, cells = people
    geometry = Geometry(0.4, 0.2, pixels=1024)
    assert patient.ct is not None
    volume = load_parts(patient.ct)[0][0]
    whole, parts = VolumeShadow(volume, geometry), VolumeShadow(volume, geometry)
    whole.advance(1e12)
    steps = 0
    while not parts.finished:
        parts.advance(3000.0)
        steps += 1
    assert steps > 10
    assert np.array_equal(whole.soft, parts.soft)
    assert np.array_equal(whole.bone, parts.bone)
    assert whole.soft.shape == (1024, 1024)
    pose = prepare_still(patient, cells, geometry, 1).pose
    assert np.array_equal(pose.static, whole.soft)
    assert pose.moving.shape == (1024 + 2 * pose.pad,) * 2


def test_what_stays_and_what_moves_are_the_whole() -> None:
    """Bone, wall and back stay; the cavity moves as a difference to its fill."""
    stays, moves = parts_of(body())
    whole = volume_of(body())
    geometry = Geometry(0.3, 0.1, pixels=128)
    (a, bone), (b, none), (want, hard) = (project(v, geometry) for v in (stays, moves, whole))
    assert np.abs(a + b - want).max() < 0.02
    assert np.array_equal(bone, hard)
    assert not none.any()
    assert moves.whole[0].any()
    assert abs(int(moves.whole[0].min())) < 8192  # never more than the fill taken away
    x, y, z = (np.rint((np.array(p) - moves.origin) / moves.spacing).astype(int) for p in
               ((0.0, 54.0, 0.0), (100.0, 0.0, 0.0), (0.0, -10.0, 20.0)))  # fmt: skip
    inside = [all(0 <= i < n for i, n in zip(p, moves.shape)) for p in (x, y, z)]
    at = [moves.whole[0][tuple(p)] if there else 0 for p, there in zip((x, y, z), inside)]
    assert at[0] == 0  # the spine
    assert at[1] == 0  # the skin
    assert at[2] > 0.05 * 8192  # soft tissue of 50 HU over a fill of 0.935


def test_breathing_leaves_a_ghost_in_the_difference(people: tuple[Patient, Any]) -> None:
    """A mask from another breath shows the edges of what moved, and bone that stayed leaves nothing."""
    patient, cells = people
    geometry = Geometry(isocenter=(0.0, 0.0, 0.0), pixels=256)
    source = prepare_still(patient, cells, geometry, 1)
    none = np.zeros(len(cells.start)), np.zeros(len(patient.beds.vessel))
    still, moved = (
        render_still(
            patient, cells, {}, geometry, "dsa", *none, source=source, mask_offset_mm=(0.0, 0.0, z)
        ).astype(float)
        for z in (0.0, -12.0)
    )
    place = 2.0 * (phantom.MARKER - np.array(CELIAC))
    column, row = geometry.project(place).round().astype(int)[0]
    near = (slice(row - 25, row + 26), slice(column - 25, column + 26))
    assert moved[near].std() > 1.5 * still[near].std()
    quick = [Preview(geometry, scene_of(patient, 1, coarse=True), np.array([0.0, 0.0, z])).soft for z in (0.0, -12.0)]
    assert np.abs(quick[1] - quick[0]).max() > 1.0


def test_the_preview_is_the_same_body_coarsely(people: tuple[Patient, Any]) -> None:
    patient, cells = people
    geometry = Geometry(-0.5, 0.1, pixels=320)
    fine = prepare_still(patient, cells, geometry, 1).pose
    quick = Preview(geometry, scene_of(patient, 1, coarse=True), np.zeros(3))
    whole = fine.static + fine.moving[fine.pad : -fine.pad, fine.pad : -fine.pad]
    small = whole.reshape(160, 2, 160, 2).mean(axis=(1, 3))
    assert np.corrcoef(small.ravel(), quick.soft.ravel())[0, 1] > 0.97
    assert quick.water_mm.mean() == pytest.approx(fine.water_mm.mean(), rel=0.05)


def test_the_suite_plays_with_it(people: tuple[Patient, Any]) -> None:
    """Exposure control sees its water, the moving arm gets a preview, the skin takes the dose; all repeatable."""
    patient, cells = people
    fluid: Any = SimpleNamespace(
        iodine_mg_mL=np.zeros(len(cells.start)), bed_iodine_mg=np.zeros(len(patient.beds.vessel)),
        extravasated_iodine_mg=(), contraction=0.0,
    )  # fmt: skip
    pictures = []
    for _ in range(2):
        imaging = Imaging(patient, cells, {}, 1, size=256, threads=1)
        imaging.stand.isocenter = (0.0, 0.0, 0.0)
        views = []
        for k in range(150):
            jog = (0.5, 0.0) if 60 <= k < 90 else (0.0, 0.0)
            command = Commands(fluoro_pedal=True, carm_rad_s=jog) if k > 30 else IDLE
            views.append(imaging.step(k * DT, DT, command, None, fluid, 0.0, np.zeros(3)))
        pictures.append(views[-1].xray.live)
        assert views[-1].dose.peak_skin_mGy > 0.0
        assert 60.0 <= views[-1].xray.kVp <= 125.0
    assert pictures[0] is not None
    assert np.array_equal(pictures[0], pictures[1])


def test_thicker_bodies_take_more_dose(people: tuple[Patient, Any], tmp_path: Path) -> None:
    patient, cells = people
    large = tmp_path / "large.npz"
    write_body(large, body(2.4))
    geometry = Geometry(pixels=64)
    water = [float(prepare_still(replace(patient, ct=p), cells, geometry, 1).pose.water_mm[28:36, 28:36].mean())
             for p in (patient.ct, large)]  # fmt: skip
    assert water[1] == pytest.approx(1.2 * water[0], rel=0.05)


def test_skin_lies_around_the_body(people: tuple[Patient, Any]) -> None:
    rings = skin_rings(people[0])
    assert len(rings) > 10
    middle = rings[len(rings) // 2]
    assert np.ptp(middle[:, 0]) == pytest.approx(2 * 104.0, abs=20.0)
    assert np.ptp(middle[:, 1]) == pytest.approx(2 * 76.0, abs=20.0)


def test_work_on_a_pose_is_spread_over_steps(people: tuple[Patient, Any]) -> None:
    patient, cells = people
    pose = prepare_still(patient, cells, Geometry(pixels=256), 1).pose
    again = Pose(pose.geometry, scene_of(patient, 1), frusta(cells, patient), pose._clouds)
    steps = 0
    while not again.ready:
        again.advance(WORK_PER_STEP)
        steps += 1
    assert 3 < steps < 200


def test_import_and_case_by_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scan = phantom.write_nifti(tmp_path / "my scan.nii", "RAS")
    folder = tmp_path / "cases"
    assert main(["import", "ct", str(scan), "--out", str(folder), "--celiac", "0", "-5", "155", "--json"]) == 0
    said = capsys.readouterr()
    made = json.loads(said.out)
    assert made["path"] == str(folder / "my_scan.npz")
    assert (made["axes"], made["guessed"], made["celiac_mm"]) == ("RAS", False, [0.0, -5.0, 155.0])
    assert main(["import", "ct", str(scan), "--out", str(folder), "--name", "other"]) == 0
    said = capsys.readouterr()
    assert "ct: other.npz" in said.out
    assert "was guessed" in said.err
    (folder / "own.yaml").write_text(case_text(f"ct: {made['line']}"), encoding="utf-8")
    case = load(folder / "own.yaml")
    assert case.scenario.patient.body.ct == str(folder / "my_scan.npz")
    assert check_case(case).vessels > 100


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["ct"], "required"),
        (["mri", "x.nii", "--out", "."], "invalid choice"),
        (["ct", "none.nii", "--out", "."], "no such file or folder"),
        (["ct", "body.nii", "--out", ".", "--celiac", "1", "2"], "expected 3 arguments"),
        (["ct", "body.nii", "--out", ".", "--celiac", "1", "2", "x"], "a number is expected"),
        (["ct", "body.nii", "--out", ".", "--celiac", "1", "2", "3000"], "lies outside the scan"),
        (["ct", "body.nii", "--out", ".", "--name", "../x"], "cannot be a file's name"),
        (["ct", "body.nii", "--out", ".", "--spacing", "9"], "voxels of 1 to 4 mm"),
        (["ct", "body.nii", "--out", "body.nii"], "is a file, not a folder"),
    ],
)
def test_wrong_imports_are_one_message_and_exit_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    phantom.write_nifti(tmp_path / "body.nii", "RAS")
    monkeypatch.chdir(tmp_path)
    assert main(["import", *arguments]) == 2
    said = capsys.readouterr()
    assert message in said.err
    assert said.out == ""
    assert "Traceback" not in said.err
    assert [p.name for p in tmp_path.iterdir()] == ["body.nii"]


def test_a_missing_or_damaged_body_file_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(case_text("ct: none.npz"), encoding="utf-8")
    with pytest.raises(ScenarioError, match="there is no body file 'none") as caught:
        load(path)
    line = next(n for n, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1) if "ct: none" in text)
    assert caught.value.where == f"{path}:{line}"
    for name, data in (("text.npz", b"nothing"), ("empty.npz", b"")):
        (tmp_path / name).write_bytes(data)
        path.write_text(case_text(f"ct: {name}"), encoding="utf-8")
        with pytest.raises(ScenarioError, match="is no readable body file"):
            check_case(load(path))
        with pytest.raises(FileError, match="Make it again"):
            load_parts(tmp_path / name)
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    with pytest.raises(FileError, match="is no body file"):
        read_body(tmp_path / "other.npz")


def test_a_case_out_of_a_recording_finds_its_body_beside_it(file: Path) -> None:
    case = parse(case_text(f"ct: {file.name}"), f"{file.parent / 'play.jsonl.gz'} (scenario inside)")
    assert case.scenario.patient.body.ct == str(file)
