"""A small body with a marker at its left front top, stored in any order of axes, as NIfTI or as a DICOM series."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

START = np.array([-60.0, -45.0, 100.0])  # LPS mm of the first voxel
SPACING = 4.0
SHAPE = (30, 24, 28)
MARKER = np.array([36.0, -21.0, 180.0])
"""LPS mm: left, in front, up."""


def places(shape: Sequence[int] = SHAPE) -> tuple[np.ndarray, ...]:
    axes = [START[k] + SPACING * np.arange(shape[k]) for k in range(3)]
    return tuple(np.meshgrid(*axes, indexing="ij"))


def hu() -> np.ndarray:
    """HU (X, Y, Z) along left, posterior, superior: an elliptic trunk with fat, a spine at the back, the marker."""
    x, y, z = places()
    out = np.full(SHAPE, -1000.0)
    r = np.hypot(x / 52.0, y / 38.0)
    out[r < 1.0] = -100.0
    out[r < 0.85] = 50.0
    out[np.hypot(x, y - 22.0) < 9.0] = 400.0
    ball = np.exp(-((x - MARKER[0]) ** 2 + (y - MARKER[1]) ** 2 + (z - MARKER[2]) ** 2) / 2 / 6.0**2)
    return np.where(r < 1.0, out + 1500.0 * ball, out)


def marker_of(values: np.ndarray, start: np.ndarray, spacing: float) -> np.ndarray:
    """LPS mm of the brightest spot."""
    weight = np.maximum(values.astype(float) - 700.0, 0.0)
    at = np.stack(np.meshgrid(*(np.arange(n) for n in values.shape), indexing="ij"), -1)
    return np.asarray(start + spacing * (weight[..., None] * at).sum(axis=(0, 1, 2)) / weight.sum())


def write_nifti(path: Path, axes: str = "LPS", kind: type = np.int16) -> Path:
    """The body as NIfTI, its axes toward the directions of three letters, e.g. RAS or SPL."""
    nibabel = pytest.importorskip("nibabel", reason="nibabel (extra anatomy) is not installed")
    letters = {"L": (0, 1), "R": (0, -1), "P": (1, 1), "A": (1, -1), "S": (2, 1), "I": (2, -1)}
    which = [letters[c] for c in axes]
    values = hu().transpose([k for k, _ in which])
    affine = np.eye(4)
    affine[:3, 3] = START
    for column, (k, sign) in enumerate(which):
        affine[:3, column] = 0.0
        affine[k, column] = sign * SPACING
        if sign < 0:
            values = np.flip(values, column)
            affine[k, 3] = START[k] + SPACING * (SHAPE[k] - 1)
    affine[:2] *= -1.0  # NIfTI is RAS
    nibabel.save(nibabel.Nifti1Image(np.ascontiguousarray(values).astype(kind), affine), path)
    return path


def write_series(folder: Path, levels: Sequence[int] = range(SHAPE[2]), prone: bool = False, **more: Any) -> Path:
    """Slices `levels` of the body as DICOM files whose names and numbers run at random. more: other elements."""
    pydicom = pytest.importorskip("pydicom", reason="pydicom (extra dicom) is not installed")
    folder.mkdir(parents=True, exist_ok=True)
    values = hu()
    names = np.random.default_rng(2).permutation(len(levels))
    for name, k in zip(names, levels):
        data = pydicom.Dataset()
        data.Modality, data.SOPClassUID = "CT", ""
        data.StudyInstanceUID = data.SeriesInstanceUID = data.SOPInstanceUID = ""
        data.InstanceNumber = int(name)
        plane, first, sign = values[:, :, k].T, START[:2].copy(), 1.0
        if prone:
            plane, sign = plane[::-1, ::-1], -1.0
            first += SPACING * (np.array(SHAPE[:2]) - 1)
        data.ImagePositionPatient = [*(float(v) for v in first), float(START[2] + SPACING * k)]
        data.ImageOrientationPatient = [sign, 0.0, 0.0, 0.0, sign, 0.0]
        data.PixelSpacing, data.SliceThickness = [SPACING, SPACING], 9.0
        data.Rows, data.Columns = plane.shape
        data.RescaleSlope, data.RescaleIntercept = 2.0, -1024.0
        data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
        data.BitsAllocated = data.BitsStored = 16
        data.HighBit, data.PixelRepresentation = 15, 1
        data.PixelData = np.ascontiguousarray(np.rint((plane + 1024.0) / 2.0).astype(np.int16)).tobytes()
        for key, value in more.items():
            setattr(data, key, value)
        data.file_meta = pydicom.dataset.FileMetaDataset()
        data.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
        data.file_meta.MediaStorageSOPClassUID = pydicom.uid.CTImageStorage
        data.file_meta.MediaStorageSOPInstanceUID = f"2.25.{1000 + k}"
        data.save_as(folder / f"{name:03d}", enforce_file_format=True)
    return folder
