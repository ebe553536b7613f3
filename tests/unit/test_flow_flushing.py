"""Air and clot in lumens, flushing, and kinks in the hydraulics, with an injector but no patient."""

import numpy as np
import pytest

from trainer.flow.emboli import Emboli, beds_below
from trainer.flow.fluids import load_hemodynamics, load_pharmacy
from trainer.flow.flushing import Flushing, Sent
from trainer.flow.hydraulics import BLOOD, Lumen, kink_resistance, lumen_resistance
from trainer.flow.injector import Injector
from trainer.instruments.mishap_rules import mishap_rules
from trainer.instruments.shapes import empty_shapes
from trainer.instruments.types import Shapes

DT = 1 / 60
LUMENS = {"base": Lumen(1.1, 650.0, 1050.0), "micro": Lumen(0.57, 1100.0, 750.0)}
RULES = mishap_rules().flushing


class Bench:
    """An injector and its flushing against a pressure of 90 mmHg."""

    def __init__(self) -> None:
        self.injector = Injector(LUMENS, load_pharmacy(), load_hemodynamics())
        self.flushing = Flushing(RULES)

    def shapes(self, *devices: tuple[str, str]) -> Shapes:
        slots, ids = tuple(s for s, _ in devices), tuple(d for _, d in devices)
        tips = np.array([100.0 + k for k in range(len(slots))])
        return empty_shapes(slots, ids, tips, np.full(len(slots), 0.4), np.zeros(3), np.array([0.0, 0.0, 1.0]))

    def step(self, *devices: tuple[str, str], syringe: str = "", rate: float = 0.0, dt: float = DT) -> None:
        shapes = self.shapes(*devices)
        self.injector.connect(shapes)
        self.flushing.follow(shapes.slots, self.injector)
        running = self.flushing.running
        self.flushing.push(self.injector, dt, 90.0 if running else None)
        p = self.injector.program
        fluids = {syringe: self.injector.syringe_fluid} | ({p.slot: f"{p.fluid} by power"} if p else {})
        out = self.injector.advance(dt, dict.fromkeys(shapes.slots, 90.0), syringe, rate)
        self.flushing.step(self.injector, out, fluids, dt)


BASE, WIRE, MICRO = ("catheter", "base"), ("wire", "wire"), ("microcatheter", "micro")


def test_air_comes_when_a_wire_leaves_and_a_flush_clears_it() -> None:
    bench = Bench()
    bench.step(BASE, WIRE)
    assert bench.flushing.words("catheter") == ""
    bench.step(BASE)
    assert bench.flushing.words("catheter") == "air in hub"
    assert bench.flushing.start("catheter", bench.injector) is None
    assert "Wait" in (bench.flushing.start("catheter", bench.injector) or "")
    steps = 0
    while bench.flushing.words("catheter") == "flushing" and steps < 600:
        bench.step(BASE)
        steps += 1
    assert RULES.aspirate_s < steps * DT < 5.0
    assert bench.flushing.words("catheter") == ""
    assert bench.injector.lines["catheter"].column.content == (("saline", pytest.approx(
        bench.injector.lines["catheter"].column.volume_mL)),)
    bench.injector.load("contrast_300", 10)
    for _ in range(60):
        bench.step(BASE, syringe="catheter", rate=1.0)
    assert bench.flushing.sent == []


def test_what_stood_in_the_lumen_is_drawn_back_not_pushed_in() -> None:
    bench = Bench()
    bench.step(MICRO)
    bench.injector.load("deb_100_300", 10)
    for _ in range(300):
        bench.step(MICRO, syringe="microcatheter", rate=0.2)
    assert bench.flushing.start("microcatheter", bench.injector) is None
    for _ in range(round(RULES.aspirate_s / DT) + 1):
        bench.step(MICRO)
    names = {name for name, _ in bench.injector.lines["microcatheter"].column.content}
    assert names <= {BLOOD, "saline"}


def test_anything_else_given_sends_the_air_ahead_once() -> None:
    bench = Bench()
    bench.step(BASE, WIRE)
    bench.step(BASE)
    bench.injector.load("contrast_300", 10)
    for _ in range(60):
        bench.step(BASE, syringe="catheter", rate=1.0)
    assert bench.flushing.sent == [Sent("catheter", "air")]


def test_saline_by_hand_clears_after_the_dead_space_but_saline_by_power_does_not() -> None:
    bench = Bench()
    bench.step(BASE, WIRE)
    bench.step(BASE)
    bench.injector.load("saline", 10)
    dead = bench.injector.lines["catheter"].column.volume_mL
    while bench.flushing.words("catheter"):
        bench.step(BASE, syringe="catheter", rate=1.0)
    assert 10.0 - bench.injector.syringe_left_mL == pytest.approx(dead, abs=2 * DT)
    assert bench.flushing.sent == []
    bench.step(BASE, WIRE)
    bench.step(BASE)
    bench.injector.start("catheter", "saline", 2.0, 3.0, 0.0, 900.0)
    for _ in range(60):
        bench.step(BASE)
    assert bench.flushing.sent == [Sent("catheter", "air")]


def test_an_idle_lumen_is_due_then_clots_unseen() -> None:
    bench = Bench()
    bench.step(MICRO, dt=RULES.due_s + 1.0)
    assert bench.flushing.words("microcatheter") == "flush due"
    bench.step(MICRO, dt=RULES.clot_s)
    assert bench.flushing.words("microcatheter") == "flush due"  # a clot is not seen
    bench.injector.load("contrast_300", 10)
    for _ in range(60):
        bench.step(MICRO, syringe="microcatheter", rate=0.1)
    assert bench.flushing.sent == [Sent("microcatheter", "clot")]


def test_the_drip_keeps_a_lumen_clear_around_another_device() -> None:
    bench = Bench()
    bench.step(BASE, MICRO, dt=10.0 * RULES.clot_s)
    assert bench.flushing.words("catheter") == ""
    assert bench.flushing.words("microcatheter") == "flush due"


def test_a_device_that_went_in_dry_has_air() -> None:
    bench = Bench()
    bench.flushing.dry("catheter")
    bench.step(BASE)
    assert bench.flushing.words("catheter") == "air in hub"


def test_a_kink_adds_the_resistance_of_a_narrow_tube() -> None:
    lumen = LUMENS["base"]
    narrow = lumen._replace(inner_diameter_mm=0.45 * 1.1, length_mm=4.0)
    piece = lumen._replace(length_mm=4.0)
    expected = lumen_resistance(narrow, 3.5) - lumen_resistance(piece, 3.5)
    assert kink_resistance(lumen, 3.5, ((0.45, 4.0),)) == pytest.approx(expected, rel=1e-12)
    assert kink_resistance(lumen, 3.5, ()) == 0.0


def test_air_lodges_by_flow_and_goes_with_its_time_constant() -> None:
    emboli = Emboli(RULES)
    emboli.lodge("air", np.array([3.0, 1.0, 0.0, -1.0]), np.array([1.0, 1.0, 1.0, 1.0]))
    volume = RULES.blocks_mL["air"]
    none = np.zeros(4)
    assert emboli.with_spheres(none) == pytest.approx([0.75 * volume, 0.25 * volume, 0.0, 0.0])
    half = np.full(4, 0.5)
    assert emboli.with_spheres(half)[0] == pytest.approx(1.0 - 0.5 * (1.0 - 0.75 * volume))
    emboli.fade(RULES.lasts_s["air"])
    assert emboli.with_spheres(none)[0] == pytest.approx(0.75 * volume / np.e)
    emboli.fade(100.0 * RULES.lasts_s["air"])
    assert emboli.closed == {}
    emboli.lodge("clot", np.array([1.0]), np.array([1e-6]))
    assert emboli.with_spheres(np.zeros(1))[0] == RULES.most_closed


def test_beds_below_a_cell_are_those_that_it_feeds() -> None:
    up, beds = np.array([-1, 0, 0, 1, 1, 2]), np.array([3, 4, 5])
    assert beds_below(1, up, beds).tolist() == [True, True, False]
    assert beds_below(0, up, beds).tolist() == [True, True, True]
    assert beds_below(5, up, beds).tolist() == [False, False, True]


def test_heparin_slows_the_clot() -> None:
    """The same idle time: a lumen of saline is due for a flush, one of heparinized saline not yet."""
    words = {}
    for fluid in ("saline", "heparin_flush"):
        bench = Bench()
        bench.step(MICRO)
        bench.injector.load(fluid, 10)
        for _ in range(240):
            bench.step(MICRO, syringe="microcatheter", rate=1.0)
        assert bench.injector.lines["microcatheter"].column.share(fluid) > 0.99
        bench.step(MICRO, dt=1.2 * RULES.due_s)
        words[fluid] = bench.flushing.words("microcatheter")
    assert words == {"saline": "flush due", "heparin_flush": ""}
