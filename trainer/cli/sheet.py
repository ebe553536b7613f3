"""The contact sheet of `preview --sheet`: pages of pictures by a list of patients, modes, views, runs and moments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from trainer.anatomy.build import build_patient
from trainer.anatomy.spec import PatientSpec
from trainer.anatomy.types import Patient
from trainer.cli import console
from trainer.cli.pictures import write_png
from trainer.errors import CallError, nearest
from trainer.flow.cells import build_cells
from trainer.flow.flow import Flow
from trainer.flow.types import Cells, FlowState
from trainer.imaging.geometry import Geometry
from trainer.imaging.still import prepare_still, render_still
from trainer.imaging.system import load_system
from trainer.instruments.catalog import load_catalog
from trainer.resources import resource
from trainer.simulation import lumens, xray_layers
from trainer.textfile import StrictModel, read_model
from trainer.units import STEP_HZ, STEP_S

Image8 = NDArray[np.uint8]
SETTLE_S = 1.0
LABEL_PX = 22


class Figure(StrictModel):
    """Whose body."""

    label: str
    size: Annotated[float, Field(ge=0.7, le=1.6)] = 1.0


class SheetRun(StrictModel):
    """One injection without a device, and the moments at which it is looked at."""

    label: str
    vessel: str
    rate_mL_s: Annotated[float, Field(gt=0.0, le=50.0)]
    volume_mL: Annotated[float, Field(gt=0.0, le=200.0)]
    center_mm: tuple[float, float, float]
    field_mm: float = 480.0
    at_s: Annotated[Mapping[str, Annotated[float, Field(gt=0.0, le=60.0)]], Field(min_length=1)]


class Sheet(StrictModel):
    """A list of pictures."""

    format: Literal[1]
    tile: Annotated[int, Field(ge=128, le=1024)] = 384
    patients: Annotated[tuple[Figure, ...], Field(min_length=1)]
    modes: Annotated[tuple[Literal["native", "fluoro", "dsa"], ...], Field(min_length=1)]
    views: Annotated[tuple[str, ...], Field(min_length=1)]
    runs: Annotated[tuple[SheetRun, ...], Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class Moment:
    """Contrast in cells (C,) mg/mL and beds (B,) mg at one time of a run."""

    label: str
    iodine_mg_mL: NDArray[np.float64]
    bed_iodine_mg: NDArray[np.float64]


def read_sheet(path: Path | None) -> Sheet:
    """The list in a file; without one, the shipped list."""
    return read_model(Sheet, path or resource("assets", "xray", "sheet.yaml"))[0]


def moments(patient: Patient, cells: Cells, run: SheetRun, seed: np.random.SeedSequence) -> list[Moment]:
    """Plays one run and keeps its moments, in order of time."""
    if run.vessel not in patient.tree.names:
        raise CallError(f"there is no vessel '{run.vessel}'.", where="--sheet",
                        mend=nearest(run.vessel, patient.tree.names))  # fmt: skip
    flow = Flow(patient, cells, lumens(load_catalog()), seed)
    for _ in range(round(SETTLE_S * STEP_HZ)):
        flow.step(STEP_S)
    flow.inject_at(run.vessel, run.rate_mL_s, run.volume_mL)
    out, step = [], 0
    for label, at in sorted(run.at_s.items(), key=lambda item: item[1]):
        state: FlowState | None = None
        while state is None or step < round(at * STEP_HZ):
            state, step = flow.step(STEP_S), step + 1
        out.append(Moment(f"{label} {at:g} s", state.iodine_mg_mL, state.bed_iodine_mg))
    return out


def pages(spec: PatientSpec, sheet: Sheet, views: Mapping[str, tuple[float, float]], seed: int
          ) -> Iterator[tuple[str, Image8]]:
    """Name and picture (H, W) of each page, in the order of the list. views: name -> angles, rad."""
    anatomy, _, blood, _ = np.random.SeedSequence(seed).spawn(4)
    patient = build_patient(spec, anatomy)
    cells, layers = build_cells(patient), xray_layers(load_catalog())
    played = [moments(patient, cells, run, blood) for run in sheet.runs]
    pixels = 2 * sheet.tile
    for figure in sheet.patients:
        body = replace(patient, body={**patient.body, "size": figure.size})
        for view, angles in views.items():
            rows: dict[str, list[Image8]] = {mode: [] for mode in sheet.modes}
            for run, filled in zip(sheet.runs, played, strict=True):
                geometry = Geometry(*angles, run.center_mm, run.field_mm, pixels=pixels)
                source = prepare_still(body, cells, geometry, seed)
                for mode in sheet.modes:
                    tiles = [_tile(render_still(body, cells, layers, geometry, mode, m.iodine_mg_mL, m.bed_iodine_mg,
                                                seed=seed, source=source), f"{run.label}, {m.label}", sheet.tile)
                             for m in filled]
                    rows[mode].append(np.concatenate(tiles, axis=1))
            for mode in sheet.modes:
                widest = max(row.shape[1] for row in rows[mode])
                page = np.concatenate([np.pad(r, ((0, 0), (0, widest - r.shape[1]))) for r in rows[mode]])
                yield f"{figure.label} {mode} {view}", page


def _tile(picture: Image8, label: str, size: int) -> Image8:
    """A picture made smaller, with its label above."""
    small = cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA)
    head = np.zeros((LABEL_PX, size), dtype=np.uint8)
    cv2.putText(head, label, (6, LABEL_PX - 7), cv2.FONT_HERSHEY_SIMPLEX, 0.42, 255, 1, cv2.LINE_AA)
    return np.concatenate([head, np.asarray(small, dtype=np.uint8)])


def write_sheet(spec: PatientSpec, sheet: Sheet, views: Mapping[str, tuple[float, float]], seed: int,
                folder: Path) -> list[Path]:
    """Writes all pages as PNG into a folder, which is made if need be; returns their paths."""
    fields = load_system().fields_mm.values
    for run in sheet.runs:
        if run.field_mm not in fields:
            raise CallError(f"field_mm of '{run.label}' is {run.field_mm:g}", where="--sheet",
                            mend=f"One of {', '.join(f'{f:g}' for f in fields)}.")  # fmt: skip
    count, out = len(sheet.patients) * len(views) * len(sheet.modes), []
    with console.progress("pages", float(count)) as bar:
        for name, page in pages(spec, sheet, views, seed):
            path = folder / (name.lower().replace(" ", "_") + ".png")
            write_png(path, page)
            out.append(path)
            bar.update(bar.task_ids[0], completed=len(out))
    return out
