"""Time of one step of blood. Prints figures; asserts nothing about seconds."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from trainer.anatomy.build import build_patient
from trainer.anatomy.spec import PatientSpec
from trainer.flow.cells import build_cells
from trainer.flow.flow import Flow

FLUIDS = ("contrast_300", "doxorubicin_solution", "deb_100_300", "deb_300_500", "particles_300_500")


@pytest.mark.parametrize("species", [0, 1, 5])
def test_step(benchmark: Callable[..., Any], species: int) -> None:
    """A 5 mL/s celiac run over 0, 1 or 5 species already in the blood."""
    patient = build_patient(PatientSpec(), np.random.SeedSequence(1))
    flow = Flow(patient, build_cells(patient), {}, np.random.SeedSequence(2))
    for fluid in FLUIDS[:species]:
        flow.inject_at("celiac_trunk", 1.0, 1.0, fluid)
    if species:
        flow.inject_at("celiac_trunk", 5.0, 500.0)
    for _ in range(120):
        flow.step(1.0 / 60.0)
    benchmark(flow.step, 1.0 / 60.0)


def test_build(benchmark: Callable[..., Any]) -> None:
    """Cutting the patient into cells and settling the pulse."""
    patient = build_patient(PatientSpec(), np.random.SeedSequence(1))
    benchmark(lambda: Flow(patient, build_cells(patient), {}, np.random.SeedSequence(2)))
