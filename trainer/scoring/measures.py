"""Running measures of one procedure. Feed each frame with the commands that led to it; ask for the result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trainer import __version__
from trainer.anatomy.types import Patient
from trainer.commands import Commands
from trainer.frame import DoseView, Frame
from trainer.scoring import selectivity
from trainer.scoring.errors import ErrorLog, HandlingError
from trainer.scoring.motion import Motion
from trainer.scoring.phases import PhaseWatch
from trainer.scoring.result import Result
from trainer.scoring.sample import Sample, Sampler
from trainer.scoring.settings import ErrorDefinition, SaceRules, error_definitions, levels
from trainer.scoring.topology import LEVELS, Topology


@dataclass(frozen=True, slots=True)
class Target:
    """What the case asks for, as far as measuring needs it."""

    feeder: str
    segment: str
    egfr: float = 60.0
    """mL/min/1.73 m2."""
    survey: tuple[str, ...] = ()
    """Vessels off the route that may be entered to look for variants."""


def sace(flow_left: float, rules: SaceRules) -> str:
    """SACE level I..IV of the feeder flow left, a share of that at the start (rules: levels.yaml)."""
    if flow_left >= rules.one_above:
        return "I"
    if flow_left >= rules.two_above:
        return "II"
    return "III" if flow_left >= rules.three_above else "IV"


def weighted_median_level(given: Mapping[str, float]) -> str | None:
    """The most selective level at which, or beyond which, at least half of the amount was given."""
    total, beyond = sum(given.values()), 0.0
    if total <= 0.0:
        return None
    for name in reversed(LEVELS):
        beyond += given.get(name, 0.0)
        if beyond >= 0.5 * total:
            return name
    return LEVELS[0]


class Measures:
    """`first` is the frame before the first step. Nothing here feeds back into the simulation."""

    def __init__(
        self,
        patient: Patient,
        target: Target,
        first: Frame,
        definitions: Mapping[str, ErrorDefinition] | None = None,
    ) -> None:
        self.patient, self.target, self.frame = patient, target, first
        self._rules = levels()
        self.topology = Topology(patient, target.feeder, self._rules.levels)
        self.log = ErrorLog(error_definitions() if definitions is None else definitions,
                            max(target.egfr, 1.0), target.survey)  # fmt: skip
        self._motion, self._phases = Motion(self._rules.motion), PhaseWatch()
        self._sampler = Sampler(self.topology, first)
        self._embolic_at = dict.fromkeys(LEVELS, 0.0)
        self._drug_at = dict.fromkeys(LEVELS, 0.0)
        self._deepest_mm = self._treated_mm = 0.0
        self._max_wall_force_N = self._max_outside_mm = 0.0
        self._wall_N: dict[str, float] = {}
        self._wall_kPa: dict[str, float] = {}
        self._closed = False

    def feed(self, frame: Frame, commands: Commands) -> tuple[HandlingError, ...]:
        """Takes in one step; returns the handling errors it brought."""
        self.frame = frame
        self._max_wall_force_N = max(self._max_wall_force_N, frame.truth.max_wall_force_N)
        self._max_outside_mm = max(self._max_outside_mm, frame.truth.outside_mm)
        for most, now in ((self._wall_N, frame.truth.wall_force_N), (self._wall_kPa, frame.truth.wall_pressure_kPa)):
            for vessel, much in now.items():
                most[vessel] = max(most.get(vessel, 0.0), much)
        sample = self._sampler.feed(frame, commands)
        if sample is None:
            return ()
        self._motion.see(sample)
        self._phases.see(sample)
        self._see_place(sample)
        return self.log.see(sample)

    def _see_place(self, s: Sample) -> None:
        spot = s.source
        if spot.vessel >= 0 and (s.embolic_mL > 0.0 or s.drug_mg > 0.0):
            level = self.topology.level(spot.vessel, spot.at_mm)
            self._embolic_at[level] += s.embolic_mL
            self._drug_at[level] += s.drug_mg
            self._treated_mm = max(self._treated_mm, self._way_mm(spot.vessel, spot.at_mm))
        lead = s.spot(s.leader)
        if lead.vessel >= 0 and s.hands:
            self._deepest_mm = max(self._deepest_mm, self._way_mm(lead.vessel, lead.at_mm))

    def _way_mm(self, v: int, at_mm: float) -> float:
        access = self.patient.access
        start = self.patient.tree.index(access.vessel)
        return self.topology.distance(start, self.topology.place(start, access.mouth, 0.0), v, at_mm)

    @property
    def errors(self) -> tuple[HandlingError, ...]:
        """Handling errors so far."""
        return tuple(self.log.errors)

    def close(self) -> None:
        """Ends the procedure: writes what only its end shows. Further frames are not expected."""
        if not self._closed:
            self._closed = True
            self.log.close(self.frame.t_s)

    def result(
        self, scenario: str, seed: int, operator: str, completed: bool, recording: str | None = None
    ) -> Result:
        """The Result so far, without the score (see rubric.grade)."""
        self.close()
        frame, truth = self.frame, self.frame.truth
        drug_flying = max(frame.injection.drug_mg - sum(truth.drug_by_place.values()), 0.0)
        left = max(truth.feeder_flow_share, 0.0)
        territories, segment = self.patient.territories, self.target.segment
        embolic = selectivity.amounts(
            truth.embolic_by_place, truth.embolic_in_flight_mL, territories, segment
        )
        return Result(
            scenario=scenario, seed=seed, operator=operator, version=__version__, completed=completed,
            level=weighted_median_level(self._embolic_at) or weighted_median_level(self._drug_at),
            selectivity=selectivity.shares(embolic), feeder_coverage=min(max(1.0 - left, 0.0), 1.0),
            tumor_flow_left=left, sace=sace(left, self._rules.sace),
            drug_mg=selectivity.amounts(truth.drug_by_place, drug_flying, territories, segment),
            dose=_dose(frame.dose), contrast_mL=frame.injection.contrast_mL,
            iodine_g=frame.injection.iodine_g, procedure_time_s=frame.t_s, handling=self._handling(),
            phases=tuple(self._phases.to_json()), mass_balance_error=truth.mass_balance_error,
            embolic_mL=selectivity.total(embolic), recording=recording,
        )  # fmt: skip

    def _handling(self) -> dict[str, Any]:
        way_mm = self._treated_mm or self._deepest_mm
        return {
            "errors": [e.to_json() for e in self.log.errors],
            "max_wall_force_N": self._max_wall_force_N,
            "wall_force_N": dict(sorted(self._wall_N.items())),
            "wall_pressure_kPa": dict(sorted(self._wall_kPa.items())),
            "extravasated_mL": self.frame.truth.extravasated_mL,
            "tip_travel_mm": self._motion.travel_mm,
            "path_ratio": self._motion.travel_mm / way_mm if way_mm > 0.0 else None,
            "wrong_branches": self.log.wrong_branches,
            "sparc": self._motion.sparc(),
            "max_outside_mm": self._max_outside_mm,
        }


def _dose(dose: DoseView) -> dict[str, float]:
    return {"kap_Gycm2": dose.kap_Gycm2, "air_kerma_mGy": dose.air_kerma_mGy,
            "peak_skin_mGy": dose.peak_skin_mGy, "fluoro_time_s": dose.fluoro_time_s,
            "frames": dose.frames, "operator_uSv": dose.operator_uSv}  # fmt: skip
