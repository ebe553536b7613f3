"""Real scans of ../shared/data (TotalSegmentator's test data): RAS, LPS, LAS and DICOM lie the same way."""

from pathlib import Path

import numpy as np
import pytest

from trainer.imaging.geometry import Geometry
from trainer.imaging.volume.bodyfile import BodyFile, volume_of
from trainer.imaging.volume.outline import without_couch
from trainer.imaging.volume.projection import project
from trainer.scenario.ct.importing import guess_celiac, import_ct
from trainer.scenario.ct.reading import read_scan
from trainer.scenario.ct.scan import resampled

DATA = Path(__file__).parents[2] / "../shared/data/totalsegmentator_ct"
pytestmark = pytest.mark.skipif(not DATA.exists(), reason="reference data ../shared/data is absent")
ABDOMEN, AORTA = DATA / "example_ct.nii.gz", DATA / "aorta_report/ct_cropped.nii.gz"
CELIAC = {ABDOMEN: (14.0, -165.0, 403.0), AORTA: (5.1, -149.1, 564.0)}
"""LPS mm: read on sections (body.md 1), and the mean of the voxels where the celiac's and the aorta's masks touch."""
GEOMETRY = Geometry(0.4, 0.1, pixels=96)


def test_stored_axes_and_places_are_those_of_the_files() -> None:
    pytest.importorskip("nibabel", reason="nibabel (extra anatomy) is not installed")
    scan = read_scan(ABDOMEN)
    assert (scan.axes, scan.hu.shape) == ("RAS", (122, 101, 112))
    assert (scan.hu.min(), scan.hu.max()) == (-1024.0, 3071.0)  # stored -1207 to 3382
    assert read_scan(AORTA).axes == "LPS"


@pytest.mark.parametrize("path", CELIAC, ids=lambda p: p.name)
def test_organs_lie_on_their_side(path: Path) -> None:
    """Liver on the right, spine at the back; a mask of the aorta lies on contrast or blood where the scan says."""
    pytest.importorskip("nibabel", reason="nibabel (extra anatomy) is not installed")
    values, start = resampled(read_scan(path), 3.0)
    x, y, z = ((np.array(CELIAC[path]) - start) / 3.0).round().astype(int)
    part = values[:, :, z - 6 : z + 6]
    bone = np.argwhere(part > 350)
    assert bone[:, 1].mean() > y + 5  # behind the ostium
    if path == ABDOMEN:
        liver = (values[:, :, z - 10 : z] > 30) & (values[:, :, z - 10 : z] < 75)
        assert liver[: x - 10].sum() > 1.3 * liver[x + 10 :].sum()
        assert guess_celiac(without_couch(values, 3.0), start, 3.0) == pytest.approx(CELIAC[path], abs=40.0)


def test_the_same_scan_in_three_orders_gives_the_same_picture(tmp_path: Path) -> None:
    nibabel = pytest.importorskip("nibabel", reason="nibabel (extra anatomy) is not installed")
    stored = nibabel.load(ABDOMEN)
    pictures = []
    for axes in ("RAS", "LAS", "LPS"):
        turn = nibabel.orientations.ornt_transform(nibabel.io_orientation(stored.affine),
                                                   nibabel.orientations.axcodes2ornt(axes))  # fmt: skip
        path = tmp_path / f"{axes}.nii"
        nibabel.save(stored.as_reoriented(turn), path)
        scan = read_scan(path)
        assert scan.axes == axes
        values, start = resampled(scan, 4.0)
        body = BodyFile(values, start - np.array(CELIAC[ABDOMEN]), 4.0, np.zeros(3), False)
        pictures.append(project(volume_of(body), GEOMETRY)[0])
    for other in pictures[1:]:  # a value halfway between two whole HU may be rounded either way
        assert np.abs(other - pictures[0]).max() < 0.3
        assert np.abs(other - pictures[0]).mean() < 0.01


def test_a_dicom_series_with_compressed_pixels() -> None:
    for library in ("pydicom", "pylibjpeg", "openjpeg"):
        pytest.importorskip(library, reason=f"{library} (extra dicom) is not installed")
    import pydicom

    scan = read_scan(DATA / "example_ct_dicom")
    assert (scan.axes, scan.hu.shape) == ("LPS", (512, 512, 20))
    assert np.diff(scan.levels) == pytest.approx(2.0)  # not the slice thickness of 3
    lowest = min((pydicom.dcmread(p) for p in (DATA / "example_ct_dicom").iterdir()),
                 key=lambda d: float(d.ImagePositionPatient[2]))  # fmt: skip
    assert np.array_equal(scan.hu[:, :, 0].T, np.maximum(lowest.pixel_array.astype(np.float32) - 1024.0, -1024.0))


def test_couch_and_air_are_taken_away() -> None:
    for library in ("pydicom", "pylibjpeg", "openjpeg"):
        pytest.importorskip(library, reason=f"{library} (extra dicom) is not installed")
    values, _ = resampled(read_scan(DATA / "example_ct_dicom"), 2.0)
    clean = without_couch(values, 2.0)
    rows = np.flatnonzero((values > -350).any(axis=(0, 2)))
    kept = np.flatnonzero((clean > -350).any(axis=(0, 2)))
    assert kept[-1] < rows[-1] - 5  # the couch lay behind the patient
    inside = clean > -900
    assert (clean[inside] == values[inside]).all()
    assert (values > -150).sum() > (clean > -150).sum() > 0.85 * (values > -150).sum()


def test_a_cropped_scan_is_told(tmp_path: Path) -> None:
    pytest.importorskip("nibabel", reason="nibabel (extra anatomy) is not installed")
    assert any("cut off at its sides" in note for note in import_ct(AORTA, tmp_path).notes)
    assert not any("cut off at its sides" in note for note in import_ct(ABDOMEN, tmp_path).notes)


def test_an_import_is_small_and_has_no_names(tmp_path: Path) -> None:
    pytest.importorskip("pydicom", reason="pydicom (extra dicom) is not installed")
    pytest.importorskip("openjpeg", reason="pylibjpeg-openjpeg (extra dicom) is not installed")
    made = import_ct(DATA / "example_ct_dicom", tmp_path)
    assert made.path == tmp_path / "example_ct_dicom.npz"
    assert made.path.stat().st_size < 3e6
    with np.load(made.path) as data:
        assert sorted(data.files) == ["celiac_mm", "format", "guessed", "hu", "origin_mm", "spacing_mm"]
