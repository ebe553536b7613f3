"""Reads a CT from a folder of DICOM files (pydicom, for JPEG 2000 pylibjpeg; extra `dicom`).

Nothing that names a person leaves this module: no header is kept, printed or copied.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer.errors import FileError, MissingPartError
from trainer.scenario.ct.scan import LOWEST_HU, MOST_GB, Scan, checked

Floats = NDArray[np.float64]
REPAIR = "Run: pip install 'catheter-trainer[dicom]'"
WIDEST_GAP_MM = 25.0
MOST_FILES = 20_000


def _pydicom() -> Any:
    try:
        import pydicom
    except ImportError:
        raise MissingPartError("reading DICOM files needs pydicom, which is not installed.", mend=REPAIR) from None
    return pydicom


def read_dicom(folder: Path) -> Scan:
    """The scan of the longest CT series in a folder and those below. Raises FileError or MissingPartError."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # odd headers are common and handled here
        slices, notes = _longest_series(folder)
        order = _ordered(slices, folder)
        slices, levels, along = order
        size = len(slices) * int(slices[0].Rows) * int(slices[0].Columns)
        if size * 4.0 > MOST_GB * 1e9:
            raise FileError(f"would take more than {MOST_GB:g} GB of memory", where=str(folder),
                            mend="Give a series of the abdomen only, or of thicker slices.")  # fmt: skip
        hu = np.stack([_hounsfield(s) for s in slices], axis=-1)
    across, down = _orientation(slices[0])
    row_mm, column_mm = (float(v) for v in slices[0].PixelSpacing)
    steps = np.diff(levels)
    if steps.max() > 1.05 * steps.min():
        notes.append(f"slices are {steps.min():.2f} to {steps.max():.2f} mm apart; values between them are made up")
    scan = Scan(hu, _position(slices[0]), across * column_mm, down * row_mm, along, levels - levels[0], tuple(notes))
    return checked(scan, str(folder))


def _read(path: Path) -> Any | None:
    """A slice's header and undecoded pixels; None for a file that is none."""
    pydicom = _pydicom()
    try:
        data = pydicom.dcmread(path)
    except (pydicom.errors.InvalidDicomError, OSError, EOFError, ValueError, KeyError, AttributeError, TypeError):
        return None
    needed = ("PixelData", "Rows", "Columns", "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing")
    if any(name not in data or data[name].is_empty for name in needed):
        return data if "PixelData" in data and "NumberOfFrames" in data else None
    if "LOCALIZER" in [str(word).upper() for word in data.get("ImageType", [])]:
        return None
    return data


def _longest_series(folder: Path) -> tuple[list[Any], list[str]]:
    """Slices of the series with most of them, and notes. Series are told apart by UID, direction and size."""
    _pydicom()  # says at once when it is missing
    try:
        files = sorted(p for p in folder.rglob("*") if p.is_file())
    except OSError as error:
        raise FileError(f"cannot be read ({error.strerror})", where=str(folder)) from None
    if len(files) > MOST_FILES:
        raise FileError(f"holds {len(files)} files", where=str(folder), mend="Give the folder of one series.")
    groups: dict[tuple[Any, ...], list[Any]] = {}
    frames = 0
    for path in files:
        data = _read(path)
        if data is None:
            continue
        if "ImagePositionPatient" not in data:
            frames += 1
            continue
        if str(data.get("Modality") or "CT") != "CT":
            continue
        direction = tuple(np.round([float(v) for v in data.ImageOrientationPatient], 3))
        spacing = tuple(np.round([float(v) for v in data.PixelSpacing], 4))
        key = (str(data.get("SeriesInstanceUID") or ""), direction, spacing, int(data.Rows), int(data.Columns))
        groups.setdefault(key, []).append(data)
    if not groups:
        said = "holds multi-frame DICOM files only" if frames else "holds no slice of a CT"
        mend = ("Export the series as single slices, or convert it to NIfTI." if frames else
                "Give the folder with the DICOM files of one CT series, or a NIfTI file.")  # fmt: skip
        raise FileError(f"{said} ({len(files)} files looked at)", where=str(folder), mend=mend)
    longest = max(groups.values(), key=len)
    notes = []
    if len(groups) > 1:
        notes.append(f"{len(groups)} series found; the longest, of {len(longest)} slices, was taken")
    return longest, notes


def _orientation(data: Any) -> tuple[Floats, Floats]:
    """Unit vectors of growing column and of growing row, LPS."""
    six = np.array([float(v) for v in data.ImageOrientationPatient])
    return six[:3] / np.linalg.norm(six[:3]), six[3:] / np.linalg.norm(six[3:])


def _position(data: Any) -> Floats:
    return np.array([float(v) for v in data.ImagePositionPatient])


def _ordered(slices: Sequence[Any], folder: Path) -> tuple[list[Any], Floats, Floats]:
    """Slices by place along the stack, their levels (K,) mm and its unit direction (3,).

    File names and instance numbers say nothing reliable: only positions count.
    """
    where = str(folder)
    if len(slices) < 2:
        raise FileError("holds one slice only", where=where, mend="Give the folder with the whole series.")
    across, down = _orientation(slices[0])
    normal = np.cross(across, down)
    places = np.array([_position(s) for s in slices])
    order = np.argsort(places @ normal, kind="stable")
    places = places[order]
    way = places[-1] - places[0]
    if np.linalg.norm(way) < 1e-3:
        raise FileError("holds slices that all lie in one place", where=where, mend="Give a whole series.")
    along = way / np.linalg.norm(way)
    levels = (places - places[0]) @ along
    steps = np.diff(levels)
    if steps.min() < 1e-3:
        twice = int((steps < 1e-3).sum())
        raise FileError(f"holds {twice} slice(s) twice at the same place (several phases or copies?)", where=where,
                        mend="Keep the files of one phase in the folder.")  # fmt: skip
    if steps.max() > WIDEST_GAP_MM:
        k = int(steps.argmax())
        raise FileError(f"has a gap of {steps[k]:.0f} mm between slices {k + 1} and {k + 2}", where=where,
                        mend="Slices are missing; copy the whole series.")  # fmt: skip
    return [slices[int(i)] for i in order], levels, along


def _hounsfield(data: Any) -> NDArray[np.float32]:
    """HU (columns, rows) of a slice: stored values by slope and intercept, padding as air."""
    name = Path(str(getattr(data, "filename", ""))).name
    try:
        stored = data.pixel_array
    except (RuntimeError, NotImplementedError, ImportError, AttributeError) as error:
        syntax = getattr(getattr(data, "file_meta", None), "TransferSyntaxUID", "")
        what = f"the pixels of {name} are compressed ({getattr(syntax, 'name', syntax)}) and no decoder is there"
        raise MissingPartError(what, mend=REPAIR) from error
    except (ValueError, OSError, EOFError) as error:
        raise FileError(f"has unreadable pixels ({str(error).splitlines()[0][:100]})", where=name,
                        mend="The file may be cut off; take another copy.") from None  # fmt: skip
    if stored.ndim != 2:
        raise FileError("holds more than one image or colors", where=name, mend="Export single gray slices.")
    hu = stored.astype(np.float32) * float(data.get("RescaleSlope") or 1.0) + float(data.get("RescaleIntercept") or 0.0)
    padding = data.get("PixelPaddingValue")
    if padding is not None:
        hu[stored == int(padding)] = LOWEST_HU
    return np.ascontiguousarray(hu.T)
