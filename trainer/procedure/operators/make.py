"""Makes a simulated operator for a case."""

from __future__ import annotations

import numpy as np

from trainer.anatomy.build import build_patient
from trainer.errors import CallError, nearest
from trainer.flow.fluids import load_pharmacy
from trainer.instruments.catalog import load_catalog
from trainer.procedure.operators.access import Access
from trainer.procedure.operators.approach import Approach
from trainer.procedure.operators.base import Operator, Tray, choose
from trainer.procedure.operators.hands import Moves
from trainer.procedure.operators.skill import HABITS, SKILLS
from trainer.procedure.operators.therapy import Therapy
from trainer.scenario.schema import Scenario

OPERATORS = tuple(SKILLS)


MOST_STARTS = 3
"""How often the trunk is hooked anew after the support slipped."""


class Expert(Access, Approach, Therapy):
    """The whole procedure, in the order of a textbook.

    It knows the planning CT (the way to the feeder), reads tips from the live picture while the beam is on,
    feels the hubs, and decides the rest by trying. Where it cannot get to, it does not treat.
    """

    def procedure(self) -> Moves:
        yield from self.puncture()
        yield from self.set_up()
        yield from self.climb()
        ready = False
        for start in range(MOST_STARTS):
            yield from self.cannulate()
            if not self.seated:
                break
            yield from self.make_way()
            if start == 0:
                yield from self.map_run()
            yield from self.go_coaxial()
            ready = yield from self.position()
            if ready:
                break
            yield from self.back_to_base()
            yield from self.climb_on()
        if ready:
            yield from self.treat()
        yield from self.act("finish")
        yield from self.wait(0.1)


def make_operator(name: str, scenario: Scenario, seed: int, habits: str = "good") -> Operator:
    """An operator for a case and seed. Raises CallError for an unknown name or habit, ScenarioError for a bare table.

    The patient is built here only for its planning CT: the course of the arteries, nothing that happens later.
    """
    if name not in SKILLS:
        raise CallError(f"there is no operator '{name}'.", mend=nearest(name, SKILLS))
    if habits not in HABITS:
        raise CallError(f"there are no habits '{habits}'.", mend=nearest(habits, HABITS))
    patient = build_patient(scenario.patient, np.random.SeedSequence(seed).spawn(4)[0])
    devices = scenario.devices or tuple(load_catalog().devices)
    fluids = scenario.fluids or tuple(load_pharmacy().fluids)
    tray = Tray(
        catheter=choose(devices, (scenario.approach.catheter,), "catheter"),
        wire=choose(devices, (scenario.approach.wire,), "wire"),
        microcatheter=choose(devices, (scenario.approach.microcatheter,), "microcatheter"),
        microwire=choose(devices, (scenario.approach.microwire,), "microwire"),
        fine_microwire=choose(devices, ("microwire_016_75", scenario.approach.microwire), "microwire"),
        contrast=choose(fluids, ("contrast_300", "contrast_350"), "contrast"),
        drug=choose(fluids, (scenario.plan.drug or "saline", "saline"), "drug"),
        embolic=choose(fluids, (scenario.plan.embolic,), "embolic"),
    )
    return Expert(patient, tray, scenario.target.feeder, SKILLS[name], HABITS[habits])
