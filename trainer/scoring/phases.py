"""Steps of the procedure, recognized from what happens, in the order of the practice table.

The list is the project's own (no published step list for this procedure is known), unverified.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from trainer.commands import SLOTS
from trainer.scoring.sample import Sample
from trainer.scoring.topology import LEVELS

PHASES: Mapping[str, str] = {
    "access": "A device past the sheath",
    "trunk_cannulated": "Catheter in the trunk that leads to the feeder",
    "trunk_run": "Run with contrast from the trunk or beyond, before going superselective",
    "superselective": "Catheter tip beyond the segmental artery on the way to the feeder",
    "test_run": "Test contrast under X-ray at the treating position, before treatment",
    "drug": "Drug given",
    "embolization": "Embolic given",
    "end_point": "Near stasis reached",
    "completion_run": "Run with contrast after the last embolic",
    "finish": "Procedure finished",
}

LEAST_CONTRAST_ML = 0.3
"""Contrast that makes an exposure a run or a test, mL; as in the error `embolic_without_test`."""
LEAST_COMPLETION_ML = 0.1
"""Less is enough after the embolic: at near stasis more than this would only reflux, unverified."""
WITHIN_MM = 5.0
"""A test holds for positions of the tip within this distance."""
LEAST_EMBOLIC_ML = 0.02
"""Spheres, without the contrast that carries them."""
NEAR_STASIS = 0.2
"""Feeder flow left at near stasis, the lower end of 'reduced' (20-60 %), unverified."""


@dataclass(slots=True)
class Phase:
    name: str
    t_s: float | None = None
    """When it was first reached; None when it never was."""
    in_order: bool = True

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "title": PHASES[self.name], "done": self.t_s is not None, "t_s": self.t_s,
                "in_order": self.in_order}  # fmt: skip


class PhaseWatch:
    """Feed every sample; `phases` fills."""

    def __init__(self) -> None:
        self.phases = {name: Phase(name) for name in PHASES}
        self._run_mL = self._test_mL = self._embolic_mL = 0.0
        self._test_at: tuple[int, float] | None = None
        self._tests: dict[str, Callable[[Sample], bool]] = {
            "access": lambda s: any(spot.vessel >= 0 for spot in s.spots.values()),
            "trunk_cannulated": self._trunk, "trunk_run": self._trunk_run,
            "superselective": _superselective, "test_run": self._test_run,
            "drug": lambda s: s.frame.injection.drug_mg > 0.5,
            "embolization": lambda s: s.frame.injection.embolic_mL > LEAST_EMBOLIC_ML,
            "end_point": lambda s: self._embolic_mL > LEAST_EMBOLIC_ML
            and s.frame.truth.feeder_flow_share < NEAR_STASIS,
            "completion_run": lambda s: False,
            "finish": lambda s: s.frame.finished,
        }  # fmt: skip

    def see(self, s: Sample) -> None:
        self._run_mL = self._run_mL + s.contrast_mL if s.acquiring else 0.0
        self._embolic_mL += s.embolic_mL
        treating = s.embolic_mL > 0.0 or s.drug_mg > 0.0
        if s.embolic_mL > 0.0:
            self.phases["completion_run"].t_s = None  # what was seen before is no completion
        elif self._embolic_mL > 0.0 and not treating and self._run_mL >= LEAST_COMPLETION_ML:
            if self.phases["completion_run"].t_s is None:
                self._done("completion_run", s.t_s)
        for name, test in self._tests.items():
            if self.phases[name].t_s is None and test(s):
                self._done(name, s.t_s)

    def _done(self, name: str, t_s: float) -> None:
        order = list(PHASES)
        later = order[order.index(name) + 1 :]
        self.phases[name].t_s = t_s
        self.phases[name].in_order = all(self.phases[n].t_s is None or n == "completion_run" for n in later)

    def _trunk(self, s: Sample) -> bool:
        return any((v := s.spot(slot).vessel) >= 0 and s.topology.is_below(v, s.topology.trunk)
                   for slot in ("catheter", "microcatheter"))  # fmt: skip

    def _trunk_run(self, s: Sample) -> bool:
        v = s.source.vessel
        if self.phases["superselective"].t_s is not None or self._run_mL < LEAST_CONTRAST_ML:
            return False
        return v >= 0 and s.topology.is_below(v, s.topology.trunk)

    def _test_run(self, s: Sample) -> bool:
        spot = s.source
        if spot.vessel < 0 or s.drug_mg > 0.0 or s.embolic_mL > 0.0 or self._embolic_mL > 0.0:
            return False
        at = self._test_at
        if at is None or at[0] != spot.vessel or abs(at[1] - spot.at_mm) > WITHIN_MM:
            self._test_at, self._test_mL = (spot.vessel, spot.at_mm), 0.0
        self._test_mL += s.contrast_mL if s.beam else 0.0
        selective = LEVELS.index(s.topology.level(spot.vessel, spot.at_mm)) >= LEVELS.index("segmental")
        return selective and self._test_mL >= LEAST_CONTRAST_ML

    def to_json(self) -> list[dict[str, Any]]:
        return [phase.to_json() for phase in self.phases.values()]


def _superselective(s: Sample) -> bool:
    for slot in SLOTS:
        spot = s.spot(slot)
        if "catheter" not in slot or spot.vessel < 0 or spot.vessel not in s.topology.on_route:
            continue
        if not s.topology.is_below(spot.vessel, s.topology.trunk):
            continue
        if LEVELS.index(s.topology.level(spot.vessel, spot.at_mm)) >= LEVELS.index("subsegmental"):
            return True
    return False
