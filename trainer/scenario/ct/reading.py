"""Reads a scan, whatever it is stored as."""

from __future__ import annotations

from pathlib import Path

from trainer.errors import FileError
from trainer.scenario.ct.dicom import read_dicom
from trainer.scenario.ct.nifti import read_nifti
from trainer.scenario.ct.scan import Scan

NIFTI = (".nii", ".nii.gz", ".hdr", ".img")


def read_scan(path: Path) -> Scan:
    """A NIfTI file, or the CT series in a folder of DICOM files. Raises FileError or MissingPartError."""
    if path.is_dir():
        return read_dicom(path)
    if not path.exists():
        raise FileError("no such file or folder", where=str(path), mend="Check the name.")
    if path.name.lower().endswith(NIFTI):
        return read_nifti(path)
    with path.open("rb") as file:
        start = file.read(132)
    if start[128:] == b"DICM":
        raise FileError("is one DICOM file", where=str(path), mend=f"Give the folder of its series: {path.parent}")
    raise FileError("is neither a NIfTI file (.nii, .nii.gz) nor a folder of DICOM files", where=str(path),
                    mend="Give the CT as one of these.")  # fmt: skip
