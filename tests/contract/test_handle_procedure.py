"""The first case from the groin into the celiac trunk, by hands on the encoder pins of a simulated board.

The simulated expert decides; what it wants of its hands and feet goes as voltages to the pins of an ATmega328P in
simavr, through the firmware, the pseudo-terminal, the session and the controller, and only from there to the patient.
"""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from firmware import BUTTON_PINS, ENCODER_PINS, Bench, Rig

from trainer.commands import Commands
from trainer.controls.handle.controller import HandleController
from trainer.controls.handle.settings import default_settings
from trainer.controls.layout import load_layout
from trainer.controls.options import ControlOptions
from trainer.procedure.operators import make_operator
from trainer.procedure.session import Session
from trainer.scenario.loading import find

MOST_STEPS = 60 * 60
TURNING_S = 0.012
"""A step's edges come within this, so that the next step finds the encoder at rest."""
AXES = {"catheter": ("D 2", "D 4"), "wire": ("D 6", "B 0")}
"""Slide and roll encoders of the box's two channels."""
PEDALS = {"fluoro_pedal": "C 0", "dsa_pedal": "C 3"}


class BenchLink:
    """The controller's link to a simulated board."""

    trouble = ""

    def __init__(self, bench: Bench) -> None:
        self._session = bench.session

    @property
    def hello(self):
        return self._session.hello

    def newest(self):
        return self._session.newest

    def edges(self):
        edges = list(self._session.edges)
        self._session.edges.clear()
        return edges

    def set_force(self, levels):
        self._session.set_force(levels)

    def set_lamps(self, lamps):
        self._session.set_lamps(lamps)

    def close(self):
        pass


class HandsOnTheBox:
    """A player whose hands and feet are the expert's, and reach the patient only through the box."""

    def __init__(self, bench: Bench, expert) -> None:
        self.bench, self.expert = bench, expert
        self.controller = HandleController(ControlOptions(), load_layout(), BenchLink(bench), default_settings)
        hello = bench.session.hello
        self.scale = (hello.counts_per_100mm / 100.0, hello.counts_per_turn / (2.0 * math.pi))
        self.wanted = dict.fromkeys(AXES, (0.0, 0.0))
        self.turned = {pin: 0 for pins in AXES.values() for pin in pins}
        self.given = dict.fromkeys(AXES, (0.0, 0.0))
        self.feet = dict.fromkeys(PEDALS, False)
        self.beam_steps = [0, 0]

    def poll(self, frame) -> Commands:
        expert = self.expert.poll(frame)
        self._feel(expert)
        self.bench.run(1000.0 / 60.0, 1000.0 / 60.0)
        mine = self.controller.poll(frame)
        self.controller.feedback(frame)
        for hand in mine.hands:
            slide, roll = self.given[hand.slot]
            self.given[hand.slot] = (slide + hand.advance_mm_s / 60.0, roll + hand.torque_rad_s / 60.0)
        self.beam_steps[0] += expert.fluoro_pedal
        self.beam_steps[1] += mine.fluoro_pedal
        # what the box has no lever for comes from the keyboard
        return replace(expert, hands=mine.hands, fluoro_pedal=mine.fluoro_pedal, dsa_pedal=mine.dsa_pedal)

    def _feel(self, expert: Commands) -> None:
        """Sets the pins for one step."""
        for hand in expert.hands:
            slide, roll = self.wanted[hand.slot]
            self.wanted[hand.slot] = (slide + hand.advance_mm_s / 60.0, roll + hand.torque_rad_s / 60.0)
        orders = []
        for slot, pins in AXES.items():
            for pin, way, scale in zip(pins, self.wanted[slot], self.scale, strict=True):
                edges = round(way * scale) - self.turned[pin]
                if edges:
                    orders.append(f"encoder {pin} {edges} {abs(edges) / TURNING_S}")
                    self.turned[pin] += edges
        for name, pin in PEDALS.items():
            if getattr(expert, name) != self.feet[name]:
                self.feet[name] = getattr(expert, name)
                orders.append(f"pin {pin} {int(not self.feet[name])}")
        if orders:
            self.bench.rig.ask(*orders)


@pytest.mark.slow
def test_the_first_case_into_the_celiac_trunk(tmp_path):
    rig = Rig(tmp_path, "atmega328p", 2)
    bench = Bench(rig)
    bench.connect()
    rig.ask(*(f"pin {pin[0]} {pin[1]} 1" for pin in BUTTON_PINS[2]), *(f"pin {p[0]} {p[1]} 0" for p in ENCODER_PINS))
    bench.run(40.0)
    bench.session.edges.clear()
    case = find("segment_8_first_case")
    hands = HandsOnTheBox(bench, make_operator("expert", case.scenario, 1))
    session = Session(case, 1, hands)
    try:
        for _ in range(MOST_STEPS):
            frame = session.step()
            if "celiac_trunk" in frame.truth.tip_vessel.values():
                break
        assert "celiac_trunk" in frame.truth.tip_vessel.values(), (frame.step, frame.truth.tip_vessel)
        for _ in range(60):  # what is still on the wire, and what the hands did faster than instruments go
            bench.run(1000.0 / 60.0, 1000.0 / 60.0)
            for hand in hands.controller.poll(frame).hands:
                slide, roll = hands.given[hand.slot]
                hands.given[hand.slot] = (slide + hand.advance_mm_s / 60.0, roll + hand.torque_rad_s / 60.0)
    finally:
        session.close()
        bench.close()
    print(f"\nin the celiac trunk after {frame.t_s:.1f} s; {hands.given}")
    for slot, (slide, roll) in hands.wanted.items():
        assert hands.given[slot][0] == pytest.approx(slide, abs=1.01 / hands.scale[0])
        assert hands.given[slot][1] == pytest.approx(roll, abs=1.01 / hands.scale[1])
    assert hands.beam_steps[1] == pytest.approx(hands.beam_steps[0], abs=40)
    quality = bench.session.meter.quality()
    assert (quality.lost, quality.refused, quality.missed_edges) == (0, 0, 0)
