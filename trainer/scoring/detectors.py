"""One detector per handling error. Each reads samples and returns a sentence when its definition is met.

The thresholds are the `limits` of the definition (assets/scoring/errors.yaml); the code decides only how
they are compared.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping

from trainer.scoring.sample import NOWHERE, Sample, Spot
from trainer.scoring.selectivity import extrahepatic
from trainer.units import STEP_S

Limits = Mapping[str, float]
Finding = tuple[str, Spot]
"""What happened, in a sentence, and where."""

_INNER = {"catheter": ("wire", "microcatheter", "microwire"), "microcatheter": ("microwire",)}
_LEAST_MM = 0.01  # hub travel below this in a sample is rounding, not motion


class Lasting:
    """Counts how long a condition has held; true once when it reaches `least_s`."""

    def __init__(self, least_s: float) -> None:
        self.least_s, self.held_s, self._told = least_s, 0.0, False

    def __call__(self, holds: bool, dt_s: float) -> bool:
        if not holds:
            self.held_s, self._told = 0.0, False
            return False
        self.held_s += dt_s
        if self._told or self.held_s < self.least_s - 0.5 * STEP_S:
            return False
        self._told = True
        return True


class Watch(ABC):
    """Base of the detectors."""

    def __init__(self, limits: Limits, egfr: float, survey: frozenset[str]) -> None:
        self.limits, self.egfr, self.survey = limits, egfr, survey

    @abstractmethod
    def see(self, s: Sample) -> Finding | None:
        """What was found in this sample, or None."""


class CatheterWithoutWire(Watch):
    def __init__(self, limits: Limits, egfr: float, survey: frozenset[str]) -> None:
        super().__init__(limits, egfr, survey)
        self._run_mm = dict.fromkeys(_INNER, 0.0)

    def see(self, s: Sample) -> Finding | None:
        inserted = {d.slot: d.inserted_mm for d in s.frame.devices}
        for slot, inner in _INNER.items():
            if slot not in inserted:
                self._run_mm[slot] = 0.0
                continue
            ahead = max((inserted[i] for i in inner if i in inserted), default=-1e9) - inserted[slot]
            spot = s.spot(slot)
            beyond_aorta = spot.vessel >= 0 and s.topology.is_below(spot.vessel, s.topology.trunk)
            if ahead > self.limits["ahead_mm"] or not beyond_aorta or s.advanced_mm[slot] < -_LEAST_MM:
                self._run_mm[slot] = 0.0
                continue
            self._run_mm[slot] += max(s.advanced_mm[slot], 0.0)
            if self._run_mm[slot] > self.limits["advance_mm"]:
                run, self._run_mm[slot] = self._run_mm[slot], 0.0
                return f"{slot} advanced {run:.0f} mm with no wire ahead of its tip", spot
        return None


class WallForce(Watch):
    def __init__(self, limits: Limits, egfr: float, survey: frozenset[str]) -> None:
        super().__init__(limits, egfr, survey)
        self._lasting, self._peak, self._rest_N = Lasting(limits["lasting_s"]), 0.0, 0.0

    def see(self, s: Sample) -> Finding | None:
        limit = min(self._rest_N + self.limits["rise_N"], self.limits["force_N"])
        hard = s.wall_force_N > limit and s.hands
        if not s.hands:
            self._rest_N = s.wall_force_N
        self._peak = max(self._peak, s.wall_force_N) if hard else 0.0
        if self._lasting(hard, s.dt_s):
            return f"contact force on the wall of {self._peak:.2f} N while moving", s.spot(s.leader)
        return None


class HubForce(Watch):
    def __init__(self, limits: Limits, egfr: float, survey: frozenset[str]) -> None:
        super().__init__(limits, egfr, survey)
        self._lasting = Lasting(limits["lasting_s"])

    def see(self, s: Sample) -> Finding | None:
        limit = self.limits["force_N"]
        pushed = [d for d in s.frame.devices if s.advanced_mm[d.slot] > _LEAST_MM and d.hub_force_N > limit]
        if self._lasting(bool(pushed), s.dt_s):
            worst = max(pushed, key=lambda d: d.hub_force_N)
            return f"{worst.slot} pushed against {worst.hub_force_N:.1f} N", s.spot(worst.slot)
        return None


class WrongBranch(Watch):
    """Reports when the tip has left the branch again (or, at the end, through `close`), with the dwell."""

    def __init__(self, limits: Limits, egfr: float, survey: frozenset[str]) -> None:
        super().__init__(limits, egfr, survey)
        self.entries = 0
        self._inside, self._since_s, self._deep = NOWHERE, 0.0, False

    def see(self, s: Sample) -> Finding | None:
        spot = s.spot(s.leader)
        off = spot.vessel >= 0 and spot.vessel not in s.topology.on_route and spot.name not in self.survey
        found = None
        if self._inside.vessel >= 0 and not (off and _same_branch(s, self._inside, spot)):
            found = self._leave(s.t_s)
        if not off:
            return found
        if self._inside.vessel < 0:
            self._inside, self._since_s, self._deep = spot, s.t_s, False
        self._deep |= spot.vessel != self._inside.vessel or spot.at_mm > self._wall_mm(s, spot)
        return found

    def _wall_mm(self, s: Sample, spot: Spot) -> float:
        """Arc length at which a tip is `depth_mm` past the parent's wall (arcs start at its centerline)."""
        tree = s.topology.patient.tree
        attach = int(tree.attach[spot.vessel])
        return self.limits["depth_mm"] + (float(tree.radius[attach]) if attach >= 0 else 0.0)

    def _leave(self, t_s: float) -> Finding | None:
        inside, dwell_s = self._inside, t_s - self._since_s
        self._inside = NOWHERE
        if not self._deep or dwell_s < self.limits["dwell_s"]:
            return None
        self.entries += 1
        return f"{_words(inside.name)} entered for {dwell_s:.1f} s", inside

    def close(self, t_s: float) -> Finding | None:
        """The finding of a branch that the tip never left."""
        return self._leave(t_s) if self._inside.vessel >= 0 else None


def _same_branch(s: Sample, first: Spot, now: Spot) -> bool:
    return s.topology.is_below(now.vessel, first.vessel) or s.topology.is_below(first.vessel, now.vessel)


class BlindMotion(Watch):
    def __init__(self, limits: Limits, egfr: float, survey: frozenset[str]) -> None:
        super().__init__(limits, egfr, survey)
        self._blind_mm = 0.0

    def see(self, s: Sample) -> Finding | None:
        lead = s.spot(s.leader)
        if s.beam or lead.vessel < 0:
            self._blind_mm = 0.0
            return None
        exposed = [d.slot for d in s.frame.devices if d.beyond_mm > 0.0 and s.spot(d.slot).vessel >= 0]
        self._blind_mm += max((s.advanced_mm[slot] for slot in exposed), default=0.0)
        if self._blind_mm > self.limits["advance_mm"]:
            run, self._blind_mm = self._blind_mm, 0.0
            return f"tip advanced {run:.0f} mm without fluoroscopy", lead
        return None


class IdleFluoroscopy(Watch):
    def __init__(self, limits: Limits, egfr: float, survey: frozenset[str]) -> None:
        super().__init__(limits, egfr, survey)
        self._lasting = Lasting(limits["idle_s"])

    def see(self, s: Sample) -> Finding | None:
        if self._lasting(s.beam and not s.acquiring and not s.busy, s.dt_s):
            return f"fluoroscopy for {self._lasting.held_s:.0f} s while nothing moved", s.spot(s.leader)
        return None


class BlindInjection(Watch):
    def __init__(self, limits: Limits, egfr: float, survey: frozenset[str]) -> None:
        super().__init__(limits, egfr, survey)
        self._blind_mL = 0.0

    def see(self, s: Sample) -> Finding | None:
        self._blind_mL = 0.0 if s.beam else self._blind_mL + s.contrast_mL
        if self._blind_mL > self.limits["contrast_mL"]:
            given, self._blind_mL = self._blind_mL, 0.0
            return f"{given:.1f} mL of contrast given without X-ray", s.source
        return None


class PressureLimit(Watch):
    def __init__(self, limits: Limits, egfr: float, survey: frozenset[str]) -> None:
        super().__init__(limits, egfr, survey)
        self._lasting = Lasting(0.0)

    def see(self, s: Sample) -> Finding | None:
        if self._lasting(s.limited, s.dt_s):
            view = s.frame.injection
            return (f"pressure limit reached at {view.pressure_psi:.0f} psi; "
                    f"{view.rate_mL_s:.1f} mL/s delivered"), s.spot(view.slot)  # fmt: skip
        return None


class InjectionAboveFlow(Watch):
    def __init__(self, limits: Limits, egfr: float, survey: frozenset[str]) -> None:
        super().__init__(limits, egfr, survey)
        self._lasting = Lasting(0.0)

    def see(self, s: Sample) -> Finding | None:
        view, spot = s.frame.injection, s.spot(s.frame.injection.slot)
        flow, high = 0.0, False
        if s.power and spot.vessel >= 0 and 2.0 * _radius(s, spot) < self.limits["diameter_mm"]:
            flow = s.topology.native_flow(spot.vessel, spot.at_mm)
            high = view.rate_mL_s > self.limits["flow_ratio"] * flow
        if self._lasting(high, s.dt_s):
            return f"{view.rate_mL_s:.1f} mL/s into a vessel that carries {flow:.2f} mL/s", spot
        return None


def _radius(s: Sample, spot: Spot) -> float:
    tree = s.topology.patient.tree
    arc = s.topology.arcs[spot.vessel]
    k = min(int(arc.searchsorted(spot.at_mm)), arc.size - 1)
    return float(tree.radius[int(tree.first[spot.vessel]) + k])


class EmbolicWithoutTest(Watch):
    def __init__(self, limits: Limits, egfr: float, survey: frozenset[str]) -> None:
        super().__init__(limits, egfr, survey)
        self._test_mL, self._at = 0.0, NOWHERE
        self._untested_mL = self._untested_mg = 0.0

    def see(self, s: Sample) -> Finding | None:
        spot = s.source
        if spot.vessel < 0:
            return None
        treating = s.drug_mg > 0.0 or s.embolic_mL > 0.0
        if spot.vessel != self._at.vessel or abs(spot.at_mm - self._at.at_mm) > self.limits["within_mm"]:
            self._at, self._test_mL, self._untested_mL, self._untested_mg = spot, 0.0, 0.0, 0.0
        if not treating:  # contrast that carries drug or embolic is no test
            self._test_mL += s.contrast_mL if s.beam else 0.0
            return None
        if self._test_mL >= self.limits["contrast_mL"]:
            return None
        self._untested_mL += s.embolic_mL
        self._untested_mg += s.drug_mg
        if self._untested_mL > self.limits["given_mL"] or self._untested_mg > self.limits["given_mg"]:
            self._untested_mL = self._untested_mg = 0.0
            return f"treated from {_words(spot.name)} after {self._test_mL:.1f} mL of test contrast", spot
        return None


class EmbolicAboveFlow(Watch):
    def __init__(self, limits: Limits, egfr: float, survey: frozenset[str]) -> None:
        super().__init__(limits, egfr, survey)
        self._lasting = Lasting(limits["lasting_s"])

    def see(self, s: Sample) -> Finding | None:
        spot, rate, flow = s.source, s.frame.injection.rate_mL_s, 0.0
        high = False
        if s.embolic_mL > 0.0 and spot.vessel >= 0:
            flow = s.topology.native_flow(spot.vessel, spot.at_mm)
            if s.topology.is_below(spot.vessel, s.topology.feeder):
                flow *= min(max(s.frame.truth.feeder_flow_share, 0.0), 1.0)
            high = rate > self.limits["flow_ratio"] * flow
        if self._lasting(high, s.dt_s):
            return f"embolic pushed at {rate:.2f} mL/s; the vessel carried {flow:.2f} mL/s", spot
        return None


class Reflux(Watch):
    def __init__(self, limits: Limits, egfr: float, survey: frozenset[str]) -> None:
        super().__init__(limits, egfr, survey)
        self._reachable: set[str] = set()
        self._told: set[str] = set()
        self._from = NOWHERE

    def see(self, s: Sample) -> Finding | None:
        if s.embolic_mL > 0.0 and s.source.vessel >= 0:
            self._from = s.source
            self._reachable |= s.topology.territories_below(s.source.vessel, s.source.at_mm)
        places = s.frame.truth.embolic_by_place
        total = sum(places.values()) + s.frame.truth.embolic_in_flight_mL
        for place, amount in places.items():
            fresh = place not in self._reachable and place not in self._told and place != "systemic"
            if fresh and amount > max(self.limits["embolic_mL"], self.limits["share"] * total):
                self._told.add(place)
                return (f"embolic given from {_words(self._from.name)} went back past the tip "
                        f"into {_words(place)}"), self._from  # fmt: skip
        return None


class NontargetOrgan(Watch):
    def __init__(self, limits: Limits, egfr: float, survey: frozenset[str]) -> None:
        super().__init__(limits, egfr, survey)
        self._told: set[str] = set()
        self._from = NOWHERE

    def see(self, s: Sample) -> Finding | None:
        if s.embolic_mL > 0.0:
            self._from = s.source
        places = s.frame.truth.embolic_by_place
        total = sum(places.values()) + s.frame.truth.embolic_in_flight_mL
        for organ, amount in extrahepatic(places, s.topology.patient.territories).items():
            high = amount > self.limits["embolic_mL"] and amount > self.limits["share"] * total
            if high and organ not in self._told:
                self._told.add(organ)
                return f"embolic in the {_words(organ)} (given from {_words(self._from.name)})", self._from
        return None


class OverEmbolization(Watch):
    def __init__(self, limits: Limits, egfr: float, survey: frozenset[str]) -> None:
        super().__init__(limits, egfr, survey)
        self._after_mL = 0.0

    def see(self, s: Sample) -> Finding | None:
        if s.frame.truth.feeder_flow_share < self.limits["flow_left"]:
            self._after_mL += s.embolic_mL
        if self._after_mL > self.limits["embolic_mL"]:
            given, self._after_mL = self._after_mL, 0.0
            return f"{given:.2f} mL of embolic given after stasis", s.source
        return None


class ContrastEgfr(Watch):
    def see(self, s: Sample) -> Finding | None:
        ratio = s.frame.injection.contrast_mL / self.egfr
        if ratio > self.limits["ratio"]:
            return (f"{s.frame.injection.contrast_mL:.0f} mL of contrast at an eGFR of {self.egfr:.0f} "
                    f"(ratio {ratio:.1f})"), NOWHERE  # fmt: skip
        return None


class HighSkinDose(Watch):
    def see(self, s: Sample) -> Finding | None:
        dose = s.frame.dose.peak_skin_mGy
        if dose > self.limits["peak_skin_mGy"]:
            return f"peak skin dose {dose:.0f} mGy", NOWHERE
        return None


def _words(name: str) -> str:
    return name.replace("_", " ") if name else "outside the vessels"


DETECTORS: Mapping[str, Callable[[Limits, float, frozenset[str]], Watch]] = {
    "catheter_without_wire": CatheterWithoutWire,
    "wall_force": WallForce,
    "hub_force": HubForce,
    "wrong_branch": WrongBranch,
    "blind_motion": BlindMotion,
    "idle_fluoroscopy": IdleFluoroscopy,
    "blind_injection": BlindInjection,
    "pressure_limit": PressureLimit,
    "injection_above_flow": InjectionAboveFlow,
    "embolic_without_test": EmbolicWithoutTest,
    "embolic_above_flow": EmbolicAboveFlow,
    "reflux": Reflux,
    "nontarget_organ": NontargetOrgan,
    "over_embolization": OverEmbolization,
    "contrast_egfr": ContrastEgfr,
    "contrast_egfr_high": ContrastEgfr,
    "high_skin_dose": HighSkinDose,
}
ONCE = frozenset({"contrast_egfr", "contrast_egfr_high", "high_skin_dose"})
"""Errors that, once true, stay true; they are written a single time."""
