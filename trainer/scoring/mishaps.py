"""Detectors of mishaps with devices: most read events of the simulation, a lost position is read from the tips."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping

import numpy as np

from trainer.frame import Event
from trainer.scoring.detectors import Finding, Limits, Watch
from trainer.scoring.sample import NOWHERE, Sample, Spot
from trainer.scoring.settings import levels
from trainer.scoring.topology import Topology

_INNER = {"catheter": ("wire", "microcatheter", "microwire"), "microcatheter": ("microwire",)}


def place_of(s: Sample, event: Event) -> Spot:
    """Where an event says that it happened."""
    if not event.vessel or event.position_mm is None:
        return NOWHERE
    v = s.topology.patient.tree.index(event.vessel)
    point, breath = np.asarray(event.position_mm, dtype=float), s.frame.vitals.breath
    x, y, z = (float(c) for c in s.topology.rest_point(v, point, breath))
    return Spot(v, event.vessel, s.topology.place(v, point, breath), (x, y, z))


def critical_organ(topology: Topology, spot: Spot) -> str:
    """A critical organ that blood from a place reaches, '' when there is none."""
    if spot.vessel < 0:
        return ""
    below = topology.territories_below(spot.vessel, spot.at_mm)
    organs = {t.organ for t in topology.patient.territories if t.name in below}
    return next((o for o in levels().emboli.critical_organs if o in organs), "")


class Reported(Watch):
    """An event of the simulation, told as it is."""

    code = ""

    def see(self, s: Sample) -> Finding | None:
        for event in s.events:
            if event.code == self.code:
                return event.text, place_of(s, event)
        return None


class Kinked(Reported):
    code = "device.kinked"


class WireLost(Reported):
    code = "device.wire_lost"


class PunctureHigh(Reported):
    code = "access.high"


class PunctureLow(Reported):
    code = "access.low"


class PunctureBlind(Reported):
    code = "access.blind"


class PunctureVenous(Reported):
    code = "access.venous"


class PunctureBleeding(Reported):
    code = "access.bleeding"


class PunctureSubintimal(Reported):
    code = "access.subintimal"


class CoilMigrated(Reported):
    code = "coil.migrated"


class CoilProtrudes(Reported):
    code = "coil.protrudes"


class Spasm(Reported):
    code = "wall.spasm"


class Dissection(Reported):
    code = "wall.dissection"


class Perforation(Reported):
    code = "wall.perforation"


class ExchangeLost(Watch):
    def see(self, s: Sample) -> Finding | None:
        for event in s.events:
            far = event.detail.get("out") or event.detail.get("moved_mm", 0.0) > self.limits["moved_mm"]
            if event.code == "exchange.done" and far:
                return event.text, place_of(s, event)
        return None


class Sent(Watch):
    """Air or clot pushed out of a lumen that does not reach a critical organ."""

    code = ""

    def see(self, s: Sample) -> Finding | None:
        for event in s.events:
            if event.code == self.code and not critical_organ(s.topology, place_of(s, event)):
                return event.text, place_of(s, event)
        return None


class AirSent(Sent):
    code = "lumen.air_sent"


class ClotSent(Sent):
    code = "lumen.clot_sent"


class EmbolusCritical(Watch):
    def see(self, s: Sample) -> Finding | None:
        for event in s.events:
            if event.code not in ("lumen.air_sent", "lumen.clot_sent"):
                continue
            spot = place_of(s, event)
            organ = critical_organ(s.topology, spot)
            if organ:
                return f"{event.text}; it may reach the {organ.replace('_', ' ')}", spot
        return None


class _Position(Watch):
    """A catheter or microcatheter that stood beyond the trunk and is back in the aorta, with nothing left beyond."""

    def __init__(self, limits: Limits, egfr: float, survey: frozenset[str]) -> None:
        super().__init__(limits, egfr, survey)
        self._stood_s = dict.fromkeys(_INNER, 0.0)
        self._seat = dict.fromkeys(_INNER, NOWHERE)
        self._pulls: dict[str, deque[tuple[float, float]]] = {slot: deque() for slot in _INNER}

    def lost(self, s: Sample) -> tuple[str, Spot, float] | None:
        """Slot, where it had stood, and how far its hub was withdrawn within `pull_s`, when position is lost now."""
        found = None
        for slot, inner in _INNER.items():
            spot, pulls = s.spot(slot), self._pulls[slot]
            pulls.append((s.t_s, s.advanced_mm[slot]))
            while pulls and pulls[0][0] < s.t_s - self.limits["pull_s"]:
                pulls.popleft()
            if _beyond(s, spot):
                self._stood_s[slot] += s.dt_s
                self._seat[slot] = spot
                continue
            back = spot.vessel < 0 or not s.topology.is_below(spot.vessel, s.topology.trunk)
            if not back:
                continue
            stood, self._stood_s[slot] = self._stood_s[slot], 0.0
            if stood < self.limits["stood_s"] or any(_beyond(s, s.spot(i)) for i in (*inner, *_INNER)):
                continue
            found = slot, self._seat[slot], -sum(mm for _, mm in pulls)
        return found


def _beyond(s: Sample, spot: Spot) -> bool:
    v = spot.vessel
    return v >= 0 and v != s.topology.trunk and s.topology.is_below(v, s.topology.trunk)


class PositionSlipped(_Position):
    def see(self, s: Sample) -> Finding | None:
        lost = self.lost(s)
        if lost is None or lost[2] > self.limits["pulled_mm"]:
            return None
        slot, seat, _ = lost
        return f"the {slot} slipped back into the aorta from {seat.name.replace('_', ' ')}", seat


class PositionWithdrawn(_Position):
    """Told when the trunk is entered again: a withdrawal at the end of the work is no mishap."""

    def __init__(self, limits: Limits, egfr: float, survey: frozenset[str]) -> None:
        super().__init__(limits, egfr, survey)
        self._waiting: Finding | None = None

    def see(self, s: Sample) -> Finding | None:
        lost = self.lost(s)
        if lost is not None and lost[2] > self.limits["pulled_mm"]:
            slot, seat, _ = lost
            self._waiting = f"the {slot} was pulled out of {seat.name.replace('_', ' ')} and position was lost", seat
        if self._waiting is not None and any(_beyond(s, spot) for spot in s.spots.values()):
            found, self._waiting = self._waiting, None
            return found
        return None


MISHAPS: Mapping[str, Callable[[Limits, float, frozenset[str]], Watch]] = {
    "kink": Kinked,
    "wire_lost": WireLost,
    "exchange_lost": ExchangeLost,
    "position_slipped": PositionSlipped,
    "position_withdrawn": PositionWithdrawn,
    "air_sent": AirSent,
    "clot_sent": ClotSent,
    "embolus_critical": EmbolusCritical,
    "puncture_high": PunctureHigh,
    "puncture_low": PunctureLow,
    "puncture_blind": PunctureBlind,
    "puncture_venous": PunctureVenous,
    "puncture_bleeding": PunctureBleeding,
    "puncture_subintimal": PunctureSubintimal,
    "coil_migrated": CoilMigrated,
    "coil_protrudes": CoilProtrudes,
    "spasm": Spasm,
    "dissection": Dissection,
    "perforation": Perforation,
}
