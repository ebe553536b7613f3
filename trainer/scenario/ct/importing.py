"""From a scan to a body file beside the cases."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trainer.errors import CallError, FileError
from trainer.imaging.volume.bodyfile import SUFFIX, BodyFile, write_body
from trainer.imaging.volume.outline import BODY_HU, cropped_share, without_couch
from trainer.scenario.ct.reading import read_scan
from trainer.scenario.ct.scan import resampled

Floats = NDArray[np.float64]

SPACING_MM = 2.0
LUNG_HU = (-960, -600)
LUNG_SHARE = 0.12
"""Share of a section that is lung at the height from which the guess starts (by eye on two scans)."""
BELOW_LUNG_MM = 25.0
"""The celiac ostium lies this far below that height, about (two scans: see `guess_celiac`)."""
BEFORE_BACK = 0.52
"""... and this share of the section's depth in front of the back."""
FAR_MM = 30.0


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import made."""

    path: Path
    body: BodyFile
    axes: str
    """Directions of the axes as the scan was stored, e.g. RAS."""
    notes: tuple[str, ...]


def import_ct(
    source: Path, folder: Path, celiac_mm: tuple[float, float, float] | None = None, name: str = "",
    spacing_mm: float = SPACING_MM,
) -> Imported:
    """Reads a CT and writes a body file into a folder.

    celiac_mm: the celiac ostium in the scan's own LPS mm; None guesses it. Raises FileError, MissingPartError or
    CallError.
    """
    if name and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}", name):
        raise CallError(f"'{name}' cannot be a file's name", where="--name", mend="Use letters, digits, _ and -.")
    if folder.exists() and not folder.is_dir():
        raise FileError("is a file, not a folder", where=str(folder), mend="Name a folder for --out.")
    scan = read_scan(source)
    hu, start = resampled(scan, spacing_mm)
    hu = without_couch(hu, spacing_mm)
    notes = list(scan.notes)
    if cropped_share(hu) > 0.3:
        notes.append("the scan is cut off at its sides: what was cut away is air in the pictures")
    if celiac_mm is None:
        celiac = guess_celiac(hu, start, spacing_mm)
        notes.append("the celiac ostium was guessed; read it on the scan and give it with --celiac")
    else:
        celiac = np.array(celiac_mm)
        low, high = start - FAR_MM, start + spacing_mm * np.array(hu.shape) + FAR_MM
        if (celiac < low).any() or (celiac > high).any():
            raise CallError("that point lies outside the scan, which reaches from "
                            f"({_words(scan.corners().min(axis=0))}) to ({_words(scan.corners().max(axis=0))})",
                            where="--celiac", mend="Give it in the scan's LPS mm (left, posterior, up; a viewer that "
                            "shows RAS has the first two with the other sign).")  # fmt: skip
    body = BodyFile(hu, start - celiac, spacing_mm, celiac, celiac_mm is None)
    path = folder / ((name or _stem(source)) + SUFFIX)
    write_body(path, body)
    return Imported(path, body, scan.axes, tuple(notes))


def guess_celiac(hu: NDArray[np.int16], start: Floats, spacing_mm: float) -> Floats:
    """A guess of the celiac ostium (3,), LPS mm, from the section and the lung bases.

    Height: below the lowest section of which LUNG_SHARE is lung; without lung a quarter below the top. Side: the
    middle of the section. Depth: BEFORE_BACK of the way from the back to the front. Off by 30 mm and more.
    """
    body = hu > BODY_HU
    area = np.maximum((hu > -1000).sum(axis=(0, 1)), 1)
    lung = ((hu > LUNG_HU[0]) & (hu < LUNG_HU[1])).sum(axis=(0, 1)) / area
    k = int(0.75 * hu.shape[2])
    lowest = int(lung.argmax())
    if lung[lowest] > LUNG_SHARE:
        # down from the fullest section, so that gas in the bowel is not taken for lung
        while lowest > 0 and lung[lowest - 1] > LUNG_SHARE:
            lowest -= 1
        k = int(lowest - BELOW_LUNG_MM / spacing_mm)
    k = min(max(k, 0), hu.shape[2] - 1)
    x, y = np.nonzero(body[:, :, k])
    if len(x) == 0:
        raise FileError("shows no body at the height of the celiac trunk", where="scan",
                        mend="Give the ostium with --celiac.")  # fmt: skip
    middle, front, back = float(x.mean()), float(np.percentile(y, 1)), float(np.percentile(y, 99))
    return start + spacing_mm * np.array([middle, back + BEFORE_BACK * (front - back), float(k)])


def _stem(source: Path) -> str:
    """A plain file name of a scan's."""
    stem = re.sub(r"(\.nii)?(\.gz)?$", "", source.resolve().name, flags=re.IGNORECASE)
    return re.sub(r"[^A-Za-z0-9_-]+", "_", stem).strip("_-")[:60] or "body"


def _words(point: Floats) -> str:
    return ", ".join(f"{v:.0f}" for v in point)
