"""A spin: dose by the body, contrast in its place, slabs the right way round, the verb."""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from trainer.anatomy.build import build_patient
from trainer.anatomy.spec import PatientSpec
from trainer.cli import main
from trainer.errors import CallError
from trainer.flow.cells import build_cells
from trainer.imaging.spin.slabs import slabs
from trainer.imaging.spin.spin import Slices, noise_hu, spin, spin_dose


@cache
def made() -> tuple[Any, Slices]:
    """A spin with contrast in the tumor's bed only, and the patient."""
    patient = build_patient(PatientSpec(), np.random.SeedSequence(1))
    cells = build_cells(patient)
    tumor = np.array([patient.territories[int(k)].organ == "tumor" for k in patient.beds.territory])
    iodine = np.where(tumor, 40.0, 0.0)
    at = tuple(0.5 * float(v) for v in patient.tumors[0].center)
    return patient, spin(patient, cells, np.zeros(len(cells.start)), iodine, at, 1)  # type: ignore[arg-type]


def test_dose_follows_the_body() -> None:
    patient, slices = made()
    dose = slices.dose
    assert 5.0 < dose.kap_Gycm2 < 60.0
    assert dose.receptor_uGy == pytest.approx(0.36, rel=0.05)
    at = tuple(0.5 * float(v) for v in patient.tumors[0].center)
    obese = spin_dose(replace(patient, body={"size": 1.25}), at)  # type: ignore[arg-type]
    assert obese.kap_Gycm2 > 1.5 * dose.kap_Gycm2
    assert obese.kvp[1] >= dose.kvp[1]
    assert noise_hu(replace(dose, receptor_uGy=0.09), 1.2, 1.5) == pytest.approx(2.0 * noise_hu(dose, 1.2, 1.5))


def test_the_stain_lies_where_the_tumor_is() -> None:
    patient, slices = made()
    weight = slices.iodine_hu.astype(float)
    at = np.stack(np.meshgrid(*(np.arange(n) for n in weight.shape), indexing="ij"), -1)
    place = slices.grid.origin + slices.grid.spacing * (weight[..., None] * at).sum(axis=(0, 1, 2)) / weight.sum()
    assert np.linalg.norm(place - patient.tumors[0].center) < 6.0


@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
def test_slabs_stand_upright_and_left_stays_left(plane: str) -> None:
    """The brightest spot of the contrast is found where rows and columns say the tumor is."""
    patient, slices = made()
    bare = replace(slices, body_hu=np.zeros_like(slices.body_hu), noise_hu=0.0)
    drawn = slabs(bare, plane, 1)
    best = max(drawn, key=lambda s: float(s.hu.max()))
    row, column = (float(v) for v in np.unravel_index(int(best.hu.argmax()), best.hu.shape))
    x, y, z = (np.asarray(patient.tumors[0].center) - slices.grid.origin) / slices.grid.spacing
    top = slices.grid.shape[2] - 1 - z
    want = {"axial": (y, x), "coronal": (top, x), "sagittal": (top, y)}[plane]
    near = patient.tumors[0].diameter_mm / slices.grid.spacing
    assert (row, column) == pytest.approx(want, abs=near)
    axis = {"axial": 2, "coronal": 1, "sagittal": 0}[plane]
    assert best.at_mm == pytest.approx(patient.tumors[0].center[axis], abs=15.0)


def test_noise_is_that_of_the_dose_and_repeats() -> None:
    _, slices = made()
    water = replace(slices, body_hu=np.zeros_like(slices.body_hu), iodine_hu=np.zeros_like(slices.iodine_hu))
    one, again, other = slabs(water, "axial", 1), slabs(water, "axial", 1), slabs(water, "axial", 2)
    middle = one[10].hu[60:140, 60:140]
    assert 0.1 * slices.noise_hu < middle.std() < slices.noise_hu
    assert np.array_equal(one[10].picture, again[10].picture)
    assert not np.array_equal(one[10].picture, other[10].picture)
    assert one[10].hu[0, 0] == pytest.approx(-1000.0)  # outside the field


def test_an_unknown_plane_is_told() -> None:
    with pytest.raises(CallError, match="axial"):
        slabs(made()[1], "oblique", 1)


def test_the_verb_writes_slabs_a_sheet_and_the_dose(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "slices"
    call = ["spin", "segment_8_first_case", "--inject", "common_hepatic_artery:3:6", "--at", "1", "--plane", "coronal"]
    assert main([*call, "--out", str(folder), "--json"]) == 0
    doc = json.loads(capsys.readouterr().out)
    assert doc["reconstructed"] is False
    assert doc["iodine_hu_max"] > 300.0
    assert doc["dose"]["kap_Gycm2"] > 5.0
    pictures = sorted(folder.glob("coronal_0*.png"))
    assert len(pictures) == len(doc["slabs_at_mm"])
    assert cv2.imread(str(folder / "coronal_sheet.png"), cv2.IMREAD_GRAYSCALE).std() > 20.0
