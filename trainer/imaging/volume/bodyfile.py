"""Body files: a CT resampled to a coarse grid about the celiac ostium, as NumPy's npz. No names, no headers.

Keys: format 1; hu int16 (X, Y, Z) along left, posterior, superior; origin_mm (3,), the center of the first voxel,
origin at the celiac ostium; spacing_mm; celiac_mm (3,), where that lay in the scan; guessed, whether it was guessed.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trainer.errors import FileError
from trainer.imaging.geometry import Geometry
from trainer.imaging.volume.breathing import parted
from trainer.imaging.volume.grid import Volume
from trainer.imaging.volume.projection import project

Floats = NDArray[np.float64]

FORMAT = 1
SUFFIX = ".npz"
KEYS = {"format", "hu", "origin_mm", "spacing_mm", "celiac_mm", "guessed"}
MOST_VOXELS = 60_000_000
REACH_MM = (-330.0, 160.0)
"""Heights below and above the celiac ostium to which the last slices of a shorter scan go on."""
END_SLICES = 3
"""Slices averaged for that."""
COARSE_MM = 5.0
"""Size of voxels for the picture while the C-arm moves, about."""


@dataclass(frozen=True, slots=True)
class BodyFile:
    """A scan on its grid; see the module."""

    hu: NDArray[np.int16]
    origin_mm: Floats
    spacing_mm: float
    celiac_mm: Floats
    guessed: bool


def write_body(path: Path, body: BodyFile) -> None:
    """Writes a body file. Raises FileError when it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            np.savez_compressed(
                file, format=np.int64(FORMAT), hu=body.hu, origin_mm=body.origin_mm,
                spacing_mm=np.float64(body.spacing_mm), celiac_mm=body.celiac_mm, guessed=np.bool_(body.guessed),
            )  # fmt: skip
    except OSError as error:
        raise FileError(f"cannot be written ({error.strerror})", where=str(path)) from None


def read_body(path: Path) -> BodyFile:
    """A body file. Raises FileError when it is missing, damaged, or none."""
    where, again = str(path), "Make it again with `import ct`."
    try:
        with np.load(path, allow_pickle=False) as data:
            if not isinstance(data, np.lib.npyio.NpzFile) or not set(data.files) >= KEYS:
                raise FileError("is no body file", where=where, mend=again)
            form = int(data["format"])
            if form != FORMAT:
                raise FileError(f"has format {form}; this program reads {FORMAT}", where=where, mend=again)
            body = BodyFile(
                data["hu"], np.asarray(data["origin_mm"], float), float(data["spacing_mm"]),
                np.asarray(data["celiac_mm"], float), bool(data["guessed"]),
            )  # fmt: skip
    except FileNotFoundError:
        raise FileError("no such body file", where=where, mend=again) from None
    except (OSError, EOFError, ValueError, TypeError, KeyError, zipfile.BadZipFile) as error:
        raise FileError(f"is no readable body file ({type(error).__name__})", where=where, mend=again) from None
    sound = (
        body.hu.ndim == 3 and body.hu.dtype == np.int16 and min(body.hu.shape) >= 8
        and body.hu.size <= MOST_VOXELS and body.origin_mm.shape == (3,) and bool(np.isfinite(body.origin_mm).all())
        and 0.5 <= body.spacing_mm <= 10.0
    )  # fmt: skip
    if not sound:
        raise FileError("holds a grid that no body has", where=where, mend=again)
    return body


def _continued(body: BodyFile) -> tuple[NDArray[np.int16], Floats]:
    """HU (X, Y, Z) with the last slices going on above and below, and the place (3,) mm of the first voxel."""
    s = body.spacing_mm
    low = max(int(np.ceil((body.origin_mm[2] - REACH_MM[0]) / s)), 0)
    top = body.origin_mm[2] + s * (body.hu.shape[2] - 1)
    high = max(int(np.ceil((REACH_MM[1] - top) / s)), 0)
    ends = [np.rint(body.hu[:, :, part].mean(axis=2)).astype(np.int16)[:, :, None]
            for part in (slice(0, END_SLICES), slice(-END_SLICES, None))]  # fmt: skip
    hu = np.concatenate([np.repeat(ends[0], low, axis=2), body.hu, np.repeat(ends[1], high, axis=2)], axis=2)
    return hu, body.origin_mm - np.array([0.0, 0.0, low * s])


def volume_of(body: BodyFile) -> Volume:
    """The densities of a body in one piece."""
    return Volume.of_hu(*_continued(body), np.full(3, body.spacing_mm))


Parts = tuple[Volume, Volume]
"""What stays and what moves with the liver."""


def parts_of(body: BodyFile) -> Parts:
    """The densities of a body, parted."""
    return parted(*_continued(body), body.spacing_mm)


@lru_cache(maxsize=2)
def load_parts(path: Path) -> tuple[Parts, Parts]:
    """The two parts of a body file, fine, and coarse for quick pictures. Kept for the next procedure."""
    stays, moves = parts_of(read_body(path))
    factor = max(round(COARSE_MM / float(stays.spacing[0])), 1)
    coarse = stays.coarser(factor), moves.coarser(factor)
    for volume in (stays, moves, *coarse):
        for axis in (0, 1):  # packed and the projector compiled now, not at the first pulse
            volume.packed(axis)
    project(coarse[0], Geometry(pixels=16))
    return (stays, moves), coarse
