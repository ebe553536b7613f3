"""The verb preview: one X-ray image of a case, with contrast carried there by the blood."""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trainer.anatomy.build import build_patient
from trainer.anatomy.types import Patient
from trainer.cli import console
from trainer.cli.pictures import write_png
from trainer.cli.sheet import read_sheet, write_sheet
from trainer.errors import CallError, nearest
from trainer.flow.cells import build_cells
from trainer.flow.flow import Flow
from trainer.flow.types import Cells, FlowState
from trainer.imaging.geometry import Geometry
from trainer.imaging.still import render_still
from trainer.instruments.catalog import Catalog, load_catalog
from trainer.scenario.checking import located
from trainer.scenario.loading import CaseFile, find
from trainer.simulation import lumens, xray_layers
from trainer.units import STEP_HZ, STEP_S, rad

SETTLE_S = 1.0
"""Time of blood flow before the injection begins, so that the pulse is under way."""
MOST_S = 60.0


def parse_view(text: str) -> tuple[float, float]:
    """Primary and secondary angle, rad, of e.g. `LAO 30 CRA 15` or `RAO 30 / CAU 10`."""
    found = re.fullmatch(r"(LAO|RAO) (\d{1,3})(?: ?/ ?| )(CRA|CAU) (\d{1,2})", text.strip().upper())
    if found is None:
        raise CallError(f"'{text}' is no view.", where="--view", mend='Write it as "LAO 30 CRA 15".')
    primary = float(found[2]) * (1.0 if found[1] == "LAO" else -1.0)
    secondary = float(found[4]) * (1.0 if found[3] == "CRA" else -1.0)
    return rad(primary), rad(secondary)


def parse_injection(text: str) -> tuple[str, float, float]:
    """Vessel, rate in mL/s and volume in mL of e.g. `celiac_trunk:5:20`."""
    try:
        vessel, rate, volume = text.split(":")
        given = vessel, float(rate), float(volume)
    except ValueError:
        raise CallError(f"'{text}' is no injection.", where="--inject",
                        mend="Write it as vessel:mL_per_s:mL, e.g. celiac_trunk:5:20.") from None  # fmt: skip
    if not (0.0 < given[1] <= 50.0 and 0.0 < given[2] <= 200.0):
        raise CallError("rate must lie within 0..50 mL/s and volume within 0..200 mL", where="--inject")
    return given


@dataclass(frozen=True, slots=True)
class Filled:
    """A case's patient with blood that carried contrast for some seconds."""

    case: CaseFile
    patient: Patient
    cells: Cells
    flow: Flow
    state: FlowState
    catalog: Catalog

    @property
    def middle(self) -> tuple[float, float, float]:
        """Halfway from the celiac ostium, the origin, to the tumor, LPS mm."""
        tumor = next(t for t in self.patient.tumors if t.name == self.case.scenario.target.tumor)
        x, y, z = (0.5 * float(c) for c in tumor.center)
        return x, y, z


def filled(arguments: argparse.Namespace) -> Filled:
    """The patient of a call's case, `--at` seconds after the injection of `--inject` began."""
    injection = parse_injection(arguments.inject) if arguments.inject else None
    if arguments.at > MOST_S:
        raise CallError(f"at most {MOST_S:g} s after the injection began can be drawn", where="--at")
    case = find(arguments.scenario)
    anatomy, _, blood, _ = np.random.SeedSequence(arguments.seed).spawn(4)
    with located(case):
        patient = build_patient(case.scenario.patient, anatomy, case.patient_where)
    named = [n for n, generated in zip(patient.tree.names, patient.tree.generated) if not generated]
    if injection is not None and injection[0] not in patient.tree.names:
        raise CallError(f"there is no vessel '{injection[0]}'.", where="--inject",
                        mend=nearest(injection[0], named))  # fmt: skip
    catalog, cells = load_catalog(), build_cells(patient)
    flow = Flow(patient, cells, lumens(catalog), blood)
    state = flow.step(STEP_S)
    for _ in range(round(SETTLE_S * STEP_HZ)):
        state = flow.step(STEP_S)
    if injection is not None:
        vessel, rate, volume = injection
        flow.inject_at(vessel, rate, volume)
        with console.progress("blood flow", arguments.at) as bar:
            for step in range(round(arguments.at * STEP_HZ)):
                state = flow.step(STEP_S)
                bar.update(bar.task_ids[0], completed=step * STEP_S)
    return Filled(case, patient, cells, flow, state, catalog)


def preview(arguments: argparse.Namespace) -> int:
    """Draws the image, or the pages of a list, and writes them as PNG."""
    if arguments.sheet is not None:
        return _sheet(arguments)
    primary, secondary = parse_view(arguments.view)
    one = filled(arguments)
    geometry = Geometry(primary, secondary, one.middle)
    image = render_still(one.patient, one.cells, xray_layers(one.catalog), geometry, arguments.mode,
                         one.state.iodine_mg_mL, one.state.bed_iodine_mg, seed=arguments.seed,
                         contraction=one.state.contraction)  # fmt: skip
    write_png(arguments.out, image)
    console.say(f"drawn: {arguments.out}")
    return 0


def _sheet(arguments: argparse.Namespace) -> int:
    """Draws the contact sheet."""
    sheet = read_sheet(Path(arguments.sheet) if arguments.sheet else None)
    views = {view: parse_view(view) for view in sheet.views}
    case = find(arguments.scenario)
    with located(case):
        written = write_sheet(case.scenario.patient, sheet, views, arguments.seed, arguments.out)
    console.say(f"drawn: {len(written)} pages in {arguments.out}")
    return 0
