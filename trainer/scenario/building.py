"""Builds the simulation of a case."""

from __future__ import annotations

from trainer.scenario.checking import check_names
from trainer.scenario.loading import CaseFile
from trainer.simulation import Setup, Simulation


def setup_of(case: CaseFile) -> Setup:
    """What the simulation needs of a case."""
    s = case.scenario
    return Setup(patient=s.patient, devices=s.devices, fluids=s.fluids, coils=s.coils)


def build(case: CaseFile) -> Simulation:
    """A simulation of the case; `reset(seed)` puts the patient on the table.

    Raises ScenarioError with file and line when devices or fluids do not exist.
    """
    check_names(case)
    return Simulation(setup_of(case))
