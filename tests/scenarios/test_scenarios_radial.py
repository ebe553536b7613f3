"""The case from the left wrist by hand: arm, arch, descending aorta, down to the celiac level."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest

from trainer.commands import Action, Commands, Hand
from trainer.frame import Frame
from trainer.scenario.checking import target_of
from trainer.scenario.loading import find
from trainer.scoring.detectors import WrongBranch
from trainer.scoring.sample import Sampler
from trainer.scoring.settings import error_definitions, levels
from trainer.scoring.topology import Topology
from trainer.simulation import Setup, Simulation
from trainer.units import STEP_S

pytestmark = pytest.mark.slow


class Hands:
    """Moves one hub at a time and watches every frame."""

    def __init__(self, case_name: str) -> None:
        case = find(case_name)
        s = case.scenario
        self.simulation = Simulation(Setup(s.patient, s.devices, s.fluids))
        self.frame = self.simulation.reset(1)
        self.topology = Topology(self.simulation.patient, target_of(case).feeder, levels().levels)
        self.deepest_mm = 0.0
        self.visited: set[str] = set()
        limits = error_definitions()["wrong_branch"].limits
        self.wrong = WrongBranch(limits, s.history.labs.egfr_mL_min, frozenset(s.target.survey))
        self._sampler = Sampler(self.topology, self.frame)

    def step(self, commands: Commands) -> Frame:
        self.frame = self.simulation.step(commands)
        truth = self.frame.truth
        assert np.isfinite(truth.centerline_mm).all()
        self.deepest_mm = max(self.deepest_mm, truth.wall_penetration_mm)
        self.visited |= set(truth.tip_vessel.values()) - {""}
        sample = self._sampler.feed(self.frame, commands)
        if sample is not None:
            self.wrong.see(sample)
        return self.frame

    def insert(self, slot: str, device: str) -> None:
        frame = self.step(Commands(actions=(Action("insert", {"slot": slot, "device": device}),)))
        assert not [e for e in frame.events if e.code == "refused"]

    def push(self, slot: str, way_mm: float, speed_mm_s: float) -> None:
        for _ in range(round(abs(way_mm) / speed_mm_s / STEP_S)):
            self.step(Commands(hands=(Hand(slot, math.copysign(speed_mm_s, way_mm)),)))

    def inserted(self, slot: str) -> float:
        return next(d.inserted_mm for d in self.frame.devices if d.slot == slot)

    def steps(self, slot: str, to_mm: float, stride_mm: float, speed_mm_s: float) -> Iterator[float]:
        while (at := self.inserted(slot)) * math.copysign(1.0, stride_mm) < to_mm * math.copysign(1.0, stride_mm):
            self.push(slot, stride_mm, speed_mm_s)
            yield at


def test_wire_and_catheter_go_from_the_wrist_to_the_celiac_level() -> None:
    """Wire 15 cm ahead, catheter slowly after it, slack out, wire back slowly, bend down to the trunk."""
    hands = Hands("segment_8_left_radial")
    hands.insert("catheter", "visceral_radial_5f")
    hands.insert("wire", "wire_035_angled")
    hands.push("wire", 1200.0, 300.0)  # through the catheter
    hands.push("wire", 470.0, 40.0)
    for at in hands.steps("catheter", 740.0, 20.0, 20.0):
        ahead = min(880.0, at + 170.0) - hands.inserted("wire")
        if ahead > 5.0:
            hands.push("wire", ahead, 30.0)
    assert hands.frame.truth.tip_vessel["catheter"] == "aorta_thoracic"
    hands.push("catheter", -12.0, 15.0)
    for _ in hands.steps("wire", hands.inserted("catheter") - 60.0, -10.0, 8.0):
        pass
    hands.push("catheter", 815.0 - hands.inserted("catheter"), 15.0)
    truth = hands.frame.truth
    assert truth.tip_vessel["catheter"] in ("aorta_abdominal", "celiac_trunk")
    assert truth.tip_mm["catheter"][2] < 5.0  # the celiac ostium is at 0
    assert hands.deepest_mm < 0.1
    hands.wrong.close(hands.frame.t_s)
    assert hands.wrong.entries == 0
    assert {"left_brachial_artery", "left_subclavian_artery", "aortic_arch", "aorta_thoracic"} <= hands.visited
