"""Mishaps as handling errors: events of the simulation, and positions that are lost."""

from typing import Any

from procedure_fakes import device, frame, patient

from trainer.commands import Commands, Hand
from trainer.frame import Event, Truth
from trainer.scoring.measures import Measures, Target

TARGET = Target("feeder", "8", egfr=60.0)
SECOND = 60


class Log:
    """Feeds frames whose devices stand where a test says; `codes` lists the errors so far."""

    def __init__(self) -> None:
        self.patient = patient()
        self.measures = Measures(self.patient, TARGET, frame(0))
        self.step = 0

    def show(self, seconds: float, events: tuple[Event, ...] = (), moving: str = "",
             **tips: tuple[str, float, float]) -> None:
        """tips: slot=(vessel, inserted mm at the start, inserted mm at the end)."""
        tree, count = self.patient.tree, round(seconds * SECOND)
        for i in range(count):
            self.step += 1
            share = (i + 1) / count
            devices = tuple(device(slot, a + (b - a) * share) for slot, (_, a, b) in tips.items())
            where = {slot: vessel for slot, (vessel, _, _) in tips.items()}
            spots: dict[str, Any] = {}
            for slot, vessel in where.items():
                v = tree.index(vessel)
                spots[slot] = tuple(float(c) for c in tree.points[(tree.first[v] + tree.first[v + 1]) // 2])
            now = frame(self.step, devices=devices, truth=Truth(tip_vessel=where, tip_mm=spots),
                        events=events if i == 0 else ())
            self.measures.feed(now, Commands(hands=(Hand(moving, -1.0),) if moving else ()))

    def codes(self) -> list[str]:
        known = ("kink", "wire_lost", "exchange_lost", "position_slipped", "position_withdrawn", "air_sent",
                 "clot_sent", "embolus_critical")
        return [e.code for e in self.measures.errors if e.code in known]


def event(log: Log, code: str, vessel: str = "right_hepatic", **detail: Any) -> Event:
    tree = log.patient.tree
    x, y, z = (float(c) for c in tree.points[tree.first[tree.index(vessel)] + 3])
    return Event(1.0, code, "major", f"{code} happened", vessel, (x, y, z), detail)


AT_RIGHT = ("right_hepatic", 300.0, 300.0)


def test_events_become_errors_with_their_place() -> None:
    log = Log()
    log.show(1.0, (event(log, "device.kinked"), event(log, "device.wire_lost")), catheter=AT_RIGHT)
    assert log.codes() == ["kink", "wire_lost"]
    first = log.measures.errors[0]
    assert (first.vessel, first.severity, first.detail) == ("right_hepatic", "major", "device.kinked happened")
    assert first.position_mm is not None


def test_an_exchange_is_judged_by_how_far_the_tip_moved() -> None:
    log = Log()
    log.show(1.0, (event(log, "exchange.done", moved_mm=12.0, out=False),), catheter=AT_RIGHT)
    assert log.codes() == []
    log.show(1.0, (event(log, "exchange.done", moved_mm=25.0, out=False),), catheter=AT_RIGHT)
    log.show(1.0, (event(log, "exchange.done", moved_mm=0.0, out=True),), catheter=AT_RIGHT)
    assert log.codes() == ["exchange_lost"] * 2


def test_air_in_the_liver_is_minor_and_clot_is_major() -> None:
    log = Log()
    log.show(1.0, (event(log, "lumen.air_sent"), event(log, "lumen.clot_sent")), catheter=AT_RIGHT)
    assert [(e.code, e.severity) for e in log.measures.errors] == [("air_sent", "minor"), ("clot_sent", "major")]


def test_air_that_may_reach_the_brain_is_critical() -> None:
    log = Log()
    territories = log.patient.territories
    brain = tuple(type(t)(t.name, "brain", t.segment) if t.name == "left_liver" else t for t in territories)
    object.__setattr__(log.patient, "territories", brain)
    log.show(1.0, (event(log, "lumen.air_sent", "aorta"),), catheter=AT_RIGHT)
    log.show(1.0, (event(log, "lumen.air_sent", "right_hepatic"),), catheter=AT_RIGHT)
    assert [(e.code, e.severity) for e in log.measures.errors] == [("embolus_critical", "critical"),
                                                                     ("air_sent", "minor")]


def test_a_catheter_that_falls_out_without_being_pulled_has_slipped() -> None:
    log = Log()
    log.show(6.0, catheter=("common_hepatic", 300.0, 300.0))
    log.show(1.0, catheter=("aorta", 300.0, 298.0))
    assert log.codes() == ["position_slipped"]
    assert log.measures.errors[0].vessel == "common_hepatic"


def test_a_catheter_pulled_out_counts_when_the_trunk_is_entered_again() -> None:
    log = Log()
    log.show(6.0, catheter=("common_hepatic", 300.0, 300.0))
    log.show(1.0, catheter=("celiac", 300.0, 270.0))
    log.show(1.0, catheter=("aorta", 270.0, 230.0))
    assert log.codes() == []  # at the end of the work this is what everybody does
    log.show(1.0, catheter=("celiac", 230.0, 270.0))
    assert log.codes() == []
    log.show(1.0, catheter=("common_hepatic", 270.0, 300.0))
    assert log.codes() == ["position_withdrawn"]


def test_a_wire_left_in_place_or_a_short_stay_loses_no_position() -> None:
    log = Log()
    log.show(6.0, catheter=("common_hepatic", 300.0, 300.0), wire=("right_hepatic", 350.0, 350.0))
    log.show(1.0, catheter=("aorta", 300.0, 298.0), wire=("right_hepatic", 350.0, 350.0))
    assert log.codes() == []
    log = Log()
    log.show(4.0, catheter=("common_hepatic", 300.0, 300.0))
    log.show(1.0, catheter=("aorta", 300.0, 298.0))
    assert log.codes() == []
