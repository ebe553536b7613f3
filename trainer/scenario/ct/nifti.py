"""Reads a CT from a NIfTI file (nibabel, extra `anatomy`)."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from trainer.errors import FileError, MissingPartError
from trainer.scenario.ct.scan import MOST_GB, Scan, checked

TO_MM = {"mm": 1.0, "unknown": 1.0, "meter": 1000.0, "micron": 0.001}


def _nibabel() -> Any:
    try:
        import nibabel
    except ImportError:
        raise MissingPartError("reading NIfTI files needs nibabel, which is not installed.",
                               mend="Run: pip install 'catheter-trainer[anatomy]'") from None  # fmt: skip
    return nibabel


def read_nifti(path: Path) -> Scan:
    """The scan of a .nii, .nii.gz or .hdr file. Raises FileError or MissingPartError."""
    nibabel = _nibabel()
    where = str(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = nibabel.load(path)
    except FileNotFoundError:
        raise FileError("no such file", where=where, mend="Check the name and the folder.") from None
    except (nibabel.filebasedimages.ImageFileError, OSError, EOFError, ValueError) as error:
        raise FileError(f"is no readable NIfTI file ({_first_line(error)})", where=where,
                        mend="The file may be cut off; take another copy.") from None  # fmt: skip
    header, shape = image.header, tuple(n for n in image.shape if n != 1)
    if len(shape) != 3:
        raise FileError(f"has {len(image.shape)} dimensions {image.shape}; one volume is expected", where=where,
                        mend="Export a single 3-D volume (no time series, no slice).")  # fmt: skip
    if "sform_code" in header and int(header["sform_code"]) == 0 and int(header["qform_code"]) == 0:
        raise FileError("does not say how the patient lies in it (sform and qform code are 0)", where=where,
                        mend="Export it again with its orientation, or give the DICOM series.")  # fmt: skip
    if np.prod(shape) * 4.0 > MOST_GB * 1e9:
        raise FileError(f"would take more than {MOST_GB:g} GB of memory", where=where,
                        mend="Crop it to the abdomen or resample it to 1 mm.")  # fmt: skip
    unit = TO_MM.get(header.get_xyzt_units()[0], 1.0) if hasattr(header, "get_xyzt_units") else 1.0
    try:
        values = np.asarray(image.dataobj, dtype=np.float32).reshape(shape)
    except (OSError, EOFError, ValueError, zlib_error()) as error:
        raise FileError(f"is cut off or damaged ({_first_line(error)})", where=where,
                        mend="Take another copy of the file.") from None  # fmt: skip
    affine = np.diag([-1.0, -1.0, 1.0, 1.0]) @ np.asarray(image.affine, dtype=np.float64)  # RAS to LPS
    return checked(_scan(values, affine, unit), where)


def _scan(values: Any, affine: Any, unit: float) -> Scan:
    columns = affine[:3, :3] * unit
    step = float(np.linalg.norm(columns[:, 2])) or 1.0
    levels = step * np.arange(values.shape[2], dtype=np.float64)
    return Scan(values, affine[:3, 3] * unit, columns[:, 0], columns[:, 1], columns[:, 2] / step, levels)


def zlib_error() -> type[Exception]:
    """What a damaged .gz raises."""
    import zlib

    return zlib.error


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:120]
