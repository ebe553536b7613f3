"""Mishaps in a real patient, played through commands, and played again to the same bits."""

import numpy as np
import pytest

from trainer.commands import Action, Commands, Hand
from trainer.frame import Event, Frame
from trainer.instruments.mishap_rules import mishap_rules
from trainer.procedure.digest import frame_digest
from trainer.scenario.building import setup_of
from trainer.scenario.loading import find
from trainer.simulation import Simulation

Moves = list[tuple[int, Commands]]


def act(kind: str, **args: object) -> tuple[int, Commands]:
    return 1, Commands(actions=(Action(kind, args),))


def hand(slot: str, mm_s: float, seconds: float) -> tuple[int, Commands]:
    return round(60 * seconds), Commands(hands=(Hand(slot, mm_s),))


def idle(seconds: float) -> tuple[int, Commands]:
    return round(60 * seconds), Commands()


def syringe(slot: str, mL_s: float, seconds: float) -> tuple[int, Commands]:
    return round(60 * seconds), Commands(syringe_slot=slot, syringe_mL_s=mL_s)


def play(moves: Moves) -> tuple[list[Event], Frame, list[bytes]]:
    """All events, the last frame, and digests of the frames."""
    case = find("segment_8_first_case")
    simulation = Simulation(setup_of(case))
    frame, events, digests = simulation.reset(1), [], []
    for count, commands in moves:
        for i in range(count):
            frame = simulation.step(commands if i == 0 or not commands.actions else Commands())
            events += frame.events
            digests.append(frame_digest(frame))
    return events, frame, digests


UP: Moves = [
    act("insert", slot="catheter", device="cobra_2_5f"),
    act("insert", slot="wire", device="wire_035_angled"),
    hand("wire", 300.0, 2.2), hand("wire", 50.0, 3.0), hand("catheter", 40.0, 2.0),
]  # fmt: skip
WIRE_OUT: Moves = [hand("wire", -300.0, 4.0), act("remove", slot="wire")]
CONTRAST: Moves = [act("load_syringe", fluid="contrast_300", size_mL=10.0), syringe("catheter", 1.0, 1.0)]


def codes(events: list[Event]) -> list[str]:
    return [e.code for e in events if not e.code.startswith("table.")]


def test_contrast_after_the_wire_sends_air_unless_flushed_and_repeats_bit_for_bit() -> None:
    events, frame, first = play([*UP, *WIRE_OUT, *CONTRAST])
    assert codes(events) == ["lumen.air_sent"]
    (event,) = [e for e in events if e.code == "lumen.air_sent"]
    assert event.vessel
    assert event.position_mm is not None
    assert frame.truth.mass_balance_error < 1e-9
    flushed = [act("flush", slot="catheter"), idle(3.0)]
    events, frame, _ = play([*UP, *WIRE_OUT, *flushed, *CONTRAST])
    assert codes(events) == []
    assert [d.lumen for d in frame.devices] == [""]
    assert frame.truth.mass_balance_error < 1e-9
    assert play([*UP, *WIRE_OUT, *CONTRAST])[2] == first


def test_what_the_hub_shows() -> None:
    _, frame, _ = play([*UP, *WIRE_OUT, idle(0.1)])
    assert [(d.slot, d.lumen, d.hold) for d in frame.devices] == [("catheter", "air in hub", "held")]
    _, frame, _ = play([*UP, act("hold", slot="wire", on=False)])
    assert [d.hold for d in frame.devices] == ["held", "free"]


def test_refusals_say_why() -> None:
    events, _, _ = play([act("flush", slot="catheter"), act("hold", slot="wire", on=False)])
    assert [e.code for e in events] == ["refused", "refused"]
    assert "no lumen to flush" in events[0].text
    assert "no wire" in events[1].text


def test_air_closes_beds_beyond_the_tip_for_a_while() -> None:
    case = find("segment_8_first_case")
    simulation = Simulation(setup_of(case))
    simulation.reset(1)
    for count, commands in [*UP, *WIRE_OUT, *CONTRAST]:
        for i in range(count):
            simulation.step(commands if i == 0 or not commands.actions else Commands())
    flow = simulation._flow
    assert flow.network.bed_closed.max() > 0.0
    assert flow.network.bed_closed == pytest.approx(flow.emboli.closed["air"])
    before = flow.network.bed_closed.max()
    for _ in range(60):
        simulation.step(Commands())
    after = flow.network.bed_closed.max()
    assert after == pytest.approx(before * np.exp(-1.0 / mishap_rules().flushing.lasts_s["air"]), rel=0.006)
