"""What all simulated operators share: the tray, the ways, the working view, runs."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainer.anatomy.types import Patient
from trainer.commands import Commands
from trainer.errors import ScenarioError
from trainer.imaging.geometry import Geometry
from trainer.procedure.operators.eyes import flat
from trainer.procedure.operators.hands import Moves, Script
from trainer.procedure.operators.plan import Way, plan_way
from trainer.procedure.operators.skill import HABITS, Habits, Skill
from trainer.units import STEP_S, rad

Floats = NDArray[np.float64]

VIEWS_DEG = ((0.0, 0.0), (-30.0, 0.0), (30.0, 0.0), (-45.0, 0.0), (30.0, 20.0), (-30.0, 20.0), (-30.0, -20.0))
"""Views that an operator considers for the work in the liver: primary, secondary."""
APART_MM = 8.0
"""Distance after a fork at which its branches should be seen apart."""
APART_POINTS = 5
SUPPORT_RADIUS_MM = 2.2
"""Radius of the first branch from which on it is wide enough to seat the base catheter in it."""
PROFILES_DEG = tuple((float(p), 0.0) for p in range(-90, 91, 15))
"""Views to see an ostium in profile."""


@dataclass(frozen=True, slots=True)
class Tray:
    """Catalog ids and fluids chosen for the case."""

    catheter: str
    wire: str
    microcatheter: str
    microwire: str
    """For the way out of the trunk."""
    fine_microwire: str
    """For the small arteries beyond."""
    contrast: str
    drug: str
    embolic: str


class Operator(Script):
    """Knows the planning CT and the table; sees the picture; feels the hubs."""

    def __init__(self, patient: Patient, tray: Tray, feeder: str, skill: Skill,
                 habits: Habits = HABITS["good"]) -> None:
        super().__init__(plan_way(patient, feeder))
        self.tray = tray
        self.skill, self.habits = skill, habits
        self.foot_down = habits.foot_down
        self.seated = False
        self.aimed: dict[int, int] = {}
        """How often a tip was aimed at the fork at a length, mm, on this way."""
        self.feeder = feeder
        trunk = next((f for f in self.way.forks if f.parent.startswith("aorta") and not f.vessel.startswith("aorta")),
                     None)  # fmt: skip
        if trunk is None:
            raise ScenarioError(f"the way to '{feeder}' does not leave the aorta by a trunk")
        above = [patient.tree.names[v] for v in patient.tree.path(patient.tree.index(trunk.parent))]
        top = next(name for name in above if name.startswith("aorta"))
        if patient.tree.index(top) not in patient.tree.path(patient.tree.index(patient.access.vessel)):
            raise ScenarioError(f"the simulated operators work up the aorta only, not from '{patient.access.route}'",
                                mend="Play this case by hand.")  # fmt: skip
        self.up_way = plan_way(patient, top)
        self.ostium_mm = trunk.s_mm
        self.trunk = trunk.vessel
        after = next((f for f in self.way.forks if f.s_mm > trunk.s_mm + 1.0), None)
        # into a narrow branch the base catheter is not led: it stays hooked in the trunk
        self.seats_deep = after is None or after.radius_mm >= SUPPORT_RADIUS_MM
        self.working_view = working_view(self.way, self.ostium_mm + 40.0)
        self.seat_view = best_view(self.way.part(self.ostium_mm + 5.0, self.ostium_mm + 75.0), PROFILES_DEG)
        self.profile_view = best_view(self.way.part(self.ostium_mm, self.ostium_mm + 14.0), PROFILES_DEG)

    def caliber(self, way: Way, s_mm: float) -> float:
        """Vessel radius at a length along a way, mm."""
        return float(way.radius[way.at(s_mm)])

    def beyond(self, slot: str) -> float:
        view = self.device(slot)
        return view.beyond_mm if view else 0.0

    def to_tip(self, slot: str, beyond_mm: float) -> Moves:
        """Runs a device through the one around it until it stands `beyond_mm` past that one's tip."""
        yield from self.push(slot, beyond_mm - self.beyond(slot), 200.0, fluoro=False)

    def center_on(self, way: Way, s_mm: float) -> Moves:
        """Puts a point of a way into the middle of the picture."""
        x, y, z = (float(v) for v in way.points[way.at(s_mm)])
        yield from self.table(x, y, z)

    def set_up(self) -> Moves:
        """Low pulse rate, a field that shows the way and no more."""
        yield from self.act("pulse_rate", hz=self.habits.pulse_rate_hz or self.skill.pulse_rate_hz)
        yield from self.act("fov", diagonal_mm=self.habits.wide_mm)
        yield from self.view(0.0)
        yield from self.center_on(self.way, 40.0)

    def run(self, slot: str, fluid: str, rate: float, volume: float, seconds: float) -> Moves:
        """A DSA run in a held breath, with a power injection after one second of mask."""
        yield from self.act("breath_hold", on=True)
        yield from self.wait(1.0)
        for _ in range(round(1.0 / STEP_S)):
            yield Commands(dsa_pedal=True)
        action = self.injection(slot, fluid, rate, volume)
        yield Commands(dsa_pedal=True, actions=(action,))
        for _ in range(round(max(seconds, self.habits.shortest_run_s) / STEP_S)):
            yield Commands(dsa_pedal=True)
        yield from self.wait(0.3)
        yield from self.act("breath_hold", on=False)


def working_view(way: Way, from_mm: float) -> tuple[float, float]:
    """The view that opens the forks: long way, and side branches seen apart from it soon after they leave."""
    part = way.part(from_mm, float(way.s[-1]))
    x, y, z = (float(v) for v in part.mean(axis=0))
    true = np.linalg.norm(np.diff(part, axis=0), axis=1)
    pairs = [
        (a.points[min(APART_POINTS, len(a.points) - 1)], way.points[way.at(a.s_mm + APART_MM)])
        for a in way.asides
        if a.s_mm > from_mm
    ]

    def worth(view: tuple[float, float]) -> float:
        geometry = Geometry(primary=rad(view[0]), secondary=rad(view[1]), isocenter=(x, y, z))
        seen = np.linalg.norm(np.diff(flat(geometry, part), axis=0), axis=1)
        apart = [float(np.linalg.norm(np.diff(flat(geometry, np.array(p)), axis=0))) for p in pairs]
        open_share = float(np.mean([min(d / APART_MM, 1.0) for d in apart])) if apart else 0.0
        return float(np.minimum(seen / true, 1.0).mean()) + open_share - 0.001 * (abs(view[0]) + abs(view[1]))

    return max(VIEWS_DEG, key=worth)


def best_view(part: Floats, views: Iterable[tuple[float, float]]) -> tuple[float, float]:
    """The view that foreshortens a course (N, 3) mm least: the largest share of its length in the picture.

    Steep views cost dose, so they must show clearly more.
    """
    x, y, z = (float(v) for v in part.mean(axis=0))
    true = np.linalg.norm(np.diff(part, axis=0), axis=1)

    def worth(view: tuple[float, float]) -> float:
        geometry = Geometry(primary=rad(view[0]), secondary=rad(view[1]), isocenter=(x, y, z))
        seen = np.linalg.norm(np.diff(flat(geometry, part), axis=0), axis=1)
        return float(np.minimum(seen / true, 1.0).mean()) - 0.001 * (abs(view[0]) + abs(view[1]))

    return max(views, key=worth)


def choose(devices: Collection[str], wanted: tuple[str, ...], what: str) -> str:
    """The first wanted id that lies on the table. Raises ScenarioError when none does."""
    for name in wanted:
        if name in devices:
            return name
    raise ScenarioError(f"no {what} lies on the table", mend=f"Add one of: {', '.join(wanted)}.")
