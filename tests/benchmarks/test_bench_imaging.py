"""Time of pictures and of building a pose. Prints figures; asserts nothing about seconds."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any

import numpy as np
import pytest
from flow_patient import new_flow

from trainer.anatomy.build import build_patient
from trainer.anatomy.spec import PatientSpec
from trainer.commands import IDLE, Commands
from trainer.flow.cells import build_cells
from trainer.imaging.geometry import Geometry
from trainer.imaging.pose import Preview
from trainer.imaging.scene import build_scene
from trainer.imaging.still import prepare_still
from trainer.imaging.suite import Imaging

DT = 1.0 / 60.0


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("filled", [False, True])
@pytest.mark.parametrize("pedal", ["fluoro", "dsa"])
def test_picture(benchmark: Callable[..., Any], threads: int, filled: bool, pedal: str) -> None:
    """One 1024 x 1024 pulse and its readout (three steps' work), every vessel and bed empty or full of contrast."""
    patient = build_patient(PatientSpec(), np.random.SeedSequence(1))
    cells = build_cells(patient)
    imaging = Imaging(patient, cells, {}, 1, threads=threads)
    imaging.stand.isocenter = (-60.0, -20.0, 0.0)
    flow = replace(
        new_flow(patient, cells).step(DT),
        iodine_mg_mL=np.full(len(cells.start), 100.0 * filled),
        bed_iodine_mg=np.full(len(patient.beds.vessel), 4.0 * filled),
    )
    offset = np.array([0.5, -1.5, -6.0])
    for k in range(90):
        imaging.step(k * DT, DT, IDLE, None, flow, 0.0, offset)
    command = Commands(fluoro_pedal=True) if pedal == "fluoro" else Commands(dsa_pedal=True)

    pulses = count(1)

    def picture() -> None:
        t_s = 2.0 + next(pulses) / 7.5
        imaging._darkroom.wait()
        imaging._pulse = 1.0
        imaging.step(t_s, DT, command, None, flow, 0.0, offset)
        while imaging._shot is not None:
            imaging._develop(t_s)
            imaging._darkroom.start()
        imaging._darkroom.wait()
        if imaging._run is not None:
            del imaging._run.logs[2:]

    picture()
    benchmark(picture)


def test_pose(benchmark: Callable[..., Any]) -> None:
    """All shadows and matrices of a new C-arm position."""
    patient = build_patient(PatientSpec(), np.random.SeedSequence(1))
    cells = build_cells(patient)
    benchmark(prepare_still, patient, cells, Geometry(0.3, 0.1, (-60.0, -20.0, 0.0)), 1)


def test_preview(benchmark: Callable[..., Any]) -> None:
    """The coarse body while the C-arm moves."""
    static, moving, gas = build_scene(coarse=True)
    benchmark(Preview, Geometry(0.3, 0.1, (-60.0, -20.0, 0.0)), (static, moving, gas), np.zeros(3))


@pytest.mark.parametrize("z_mm", [0.0, 60.0])
def test_heartbeat(benchmark: Callable[..., Any], z_mm: float) -> None:
    """What the beating heart costs a pulse of 1024 x 1024, the heart at the upper border and in the middle."""
    patient = build_patient(PatientSpec(), np.random.SeedSequence(1))
    pose = prepare_still(patient, build_cells(patient), Geometry(isocenter=(0.0, 0.0, z_mm)), 1).pose
    phases = itertools.cycle(np.linspace(0.05, 0.95, 13))
    benchmark(lambda: pose.beat(float(next(phases))))
