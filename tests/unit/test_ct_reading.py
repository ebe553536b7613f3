"""Scans in every order of axes and of files come out the same; what is no scan says what, where and how to mend."""

import builtins
import gzip
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ct_phantom as phantom
import numpy as np
import pytest

from trainer.errors import FileError, MissingPartError
from trainer.scenario.ct.reading import read_scan
from trainer.scenario.ct.scan import resampled

ORDERS = ["".join(c) for p in itertools.permutations(("LR", "PA", "SI")) for c in itertools.product(*p)]


@pytest.mark.parametrize("axes", ORDERS)
def test_left_stays_left_in_every_order_of_axes(axes: str, tmp_path: Path) -> None:
    scan = read_scan(phantom.write_nifti(tmp_path / "body.nii", axes))
    assert scan.axes == axes
    values, start = resampled(scan, phantom.SPACING)
    assert start == pytest.approx(phantom.START)
    assert np.array_equal(values, phantom.hu().astype(np.int16))
    assert phantom.marker_of(values, start, phantom.SPACING) == pytest.approx(phantom.MARKER, abs=1.0)


@pytest.mark.parametrize("prone", [False, True])
def test_a_series_is_ordered_by_position(prone: bool, tmp_path: Path) -> None:
    """File names and instance numbers run at random, UIDs are empty; slope and intercept are applied."""
    scan = read_scan(phantom.write_series(tmp_path / "ct", prone=prone))
    assert scan.axes == ("RAS" if prone else "LPS")
    assert scan.notes == ()
    values, start = resampled(scan, phantom.SPACING)
    assert start == pytest.approx(phantom.START)
    assert np.abs(values - phantom.hu()).max() <= 1.0


def test_uneven_steps_are_told_and_interpolated(tmp_path: Path) -> None:
    levels = [k for k in range(phantom.SHAPE[2]) if k not in (3, 4, 17)]
    scan = read_scan(phantom.write_series(tmp_path / "ct", levels))
    assert "4.00 to 12.00 mm apart" in scan.notes[0]
    values, _ = resampled(scan, phantom.SPACING)
    assert values.shape == phantom.SHAPE
    # the trunk is the same in every slice, away from the marker
    assert np.abs(values - phantom.hu())[:, :, :10].max() <= 1.0
    assert np.abs(values - phantom.hu())[:, :, 17].max() < 150.0  # halfway across the marker


def test_padding_and_compressed_files(tmp_path: Path) -> None:
    values = phantom.hu()
    path = phantom.write_nifti(tmp_path / "body.nii", "RAS", np.float64)
    zipped = tmp_path / "body.nii.gz"
    zipped.write_bytes(gzip.compress(path.read_bytes()))
    assert np.array_equal(read_scan(zipped).hu, read_scan(path).hu)
    padded = read_scan(phantom.write_series(tmp_path / "ct", PixelPaddingValue=12))
    assert padded.hu.min() >= -1024.0
    assert values.min() == -1000.0  # stored as 12: padding, and so air
    assert (padded.hu == -1024.0).sum() == (values == -1000.0).sum()


def test_coarser_voxels_are_means(tmp_path: Path) -> None:
    scan = read_scan(phantom.write_nifti(tmp_path / "body.nii", "RAS"))
    values, start = resampled(scan, 8.0)
    assert values.mean() == pytest.approx(phantom.hu().mean(), abs=25.0)
    assert phantom.marker_of(values, start, 8.0) == pytest.approx(phantom.MARKER, abs=3.0)


def nifti(change: Callable[[Any], Any]) -> Callable[[Path], Path]:
    """Writes a NIfTI file that was changed in some way."""

    def write(folder: Path) -> Path:
        import nibabel

        path = phantom.write_nifti(folder / "body.nii", "RAS")
        image = nibabel.load(path)
        image = nibabel.Nifti1Image(np.asarray(image.get_fdata(), np.int16), image.affine, image.header)
        nibabel.save(change(image), path)
        return path

    return write


def _values(f: Callable[[np.ndarray], np.ndarray]) -> Callable[[Path], Path]:
    def change(image: Any) -> Any:
        import nibabel

        return nibabel.Nifti1Image(f(image.get_fdata()), image.affine)

    return nifti(change)


def _cut(folder: Path) -> Path:
    path = phantom.write_nifti(folder / "body.nii", "RAS")
    path.write_bytes(path.read_bytes()[:9000])
    return path


def _text(name: str, data: bytes) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        (folder / name).write_bytes(data)
        return folder / name

    return write


def _no_orientation(image: Any) -> Any:
    import nibabel

    return nibabel.Nifti1Image(np.asarray(image.get_fdata(), np.int16), None)


def _twice(folder: Path) -> Path:
    phantom.write_series(folder / "ct")
    for path in list((folder / "ct").iterdir()):
        (folder / "ct" / f"copy{path.name}").write_bytes(path.read_bytes())
    return folder / "ct"


FAULTS: dict[str, tuple[Callable[[Path], Path], str]] = {
    "missing": (lambda folder: folder / "none.nii", "no such file"),
    "empty nifti": (_text("x.nii", b""), "no readable NIfTI"),
    "text as nifti": (_text("x.nii.gz", b"hello" * 200), "no readable NIfTI"),
    "cut off": (_cut, "cut off or damaged"),
    "other file": (_text("x.png", b"\x89PNG" * 50), "neither a NIfTI file"),
    "one slice": (lambda folder: next(phantom.write_series(folder / "ct").iterdir()), "is one DICOM file"),
    "empty folder": (lambda folder: folder, "holds no slice of a CT (0 files"),
    "folder of text": (lambda folder: _text("notes.txt", b"no scan")(folder).parent, "holds no slice of a CT (1 files"),
    "twice": (_twice, "28 slice(s) twice"),
    "few slices": (lambda folder: phantom.write_series(folder / "ct", range(4)), "30 x 24 x 4 voxels"),
    "gap": (lambda folder: phantom.write_series(folder / "ct", [*range(6), *range(20, 28)]), "gap of 60 mm"),
    "mask": (_values(lambda a: (a > 0).astype(np.int16)), "it is a mask"),
    "no HU": (_values(lambda a: (a + 1100).astype(np.int16)), "no Hounsfield units"),
    "series in time": (_values(lambda a: np.stack([a, a], -1)), "one volume is expected"),
    "no orientation": (nifti(_no_orientation), "how the patient lies"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_no_scan_is_one_clear_message(fault: str, tmp_path: Path) -> None:
    pytest.importorskip("nibabel", reason="nibabel (extra anatomy) is not installed")
    write, said = FAULTS[fault]
    with pytest.raises(FileError) as caught:
        read_scan(write(tmp_path))
    assert said in str(caught.value)
    assert str(tmp_path) in caught.value.where
    assert caught.value.mend


@pytest.mark.parametrize(("library", "extra"), [("nibabel", "anatomy"), ("pydicom", "dicom")])
def test_a_missing_library_names_its_repair(
    library: str, extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = phantom.write_nifti(tmp_path / "body.nii") if library == "nibabel" else tmp_path
    real = builtins.__import__

    def without(name: str, *args: Any, **more: Any) -> Any:
        if name.split(".")[0] == library:
            raise ImportError(name)
        return real(name, *args, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingPartError) as caught:
        read_scan(path)
    assert f"pip install 'catheter-trainer[{extra}]'" in str(caught.value)
