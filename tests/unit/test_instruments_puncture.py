"""Needle against artery in closed form, blood, the order of acts, where the artery is entered."""

import numpy as np
import pytest

from trainer.anatomy.build import build_patient
from trainer.anatomy.spec import PatientSpec
from trainer.anatomy.types import Patient
from trainer.commands import Action, Commands, Hand
from trainer.instruments.puncture import Puncture
from trainer.simulation import Setup, Simulation

DT = 1 / 60
ROUTES = ("right_femoral", "left_femoral", "left_radial")
PATIENTS: dict[str, Patient] = {}


def patient(route: str = "right_femoral") -> Patient:
    if route not in PATIENTS:
        PATIENTS[route] = build_patient(PatientSpec(access=route), np.random.SeedSequence(1))
    return PATIENTS[route]


def ready(route: str = "right_femoral", along_mm: float = 8.0, across_mm: float = 0.0) -> Puncture:
    """The finger along_mm toward the heart from where the needle meets the nominal place."""
    puncture = Puncture(patient(route))
    puncture.along_mm, puncture.across_mm = puncture.ideal_along_mm + along_mm, across_mm
    return puncture


def advance(puncture: Puncture, to: str, speed: float = 6.0) -> None:
    """Moves the needle until a kind of blood comes."""
    for _ in range(4000):
        if puncture.blood == to:
            return
        puncture.move((Hand("needle", speed),), DT)
    raise AssertionError(f"no {to or 'dry needle'}")


def finish(puncture: Puncture) -> None:
    for step in ("wire", "needle_out", "sheath", "dilator_out"):
        assert puncture.do(step) is None
    assert puncture.done


def codes(puncture: Puncture) -> list[str]:
    return [e.code for e in puncture.take(1.0)]


@pytest.mark.parametrize("route", ROUTES)
def test_the_needle_meets_the_artery_where_geometry_says(route: str) -> None:
    """The needle's line against the vessel's own points, finely laid; at the wrist, where the artery is straight, also
    depth of skin over the sine of the angle."""
    puncture = ready(route, 0.0)
    tree, rules = patient(route).tree, puncture.route
    v = tree.index(patient(route).access.punctured)
    own = slice(int(tree.first[v]), int(tree.first[v + 1]))
    fine = np.linspace(0.0, 1.0, 4000)
    arc = tree.arc(v) / tree.arc(v)[-1]
    line = np.stack([np.interp(fine, arc, tree.points[own, c]) for c in range(3)], axis=1)
    radius = np.interp(fine, arc, tree.radius[own])
    depth = np.arange(0.0, 70.0, 0.05)
    inside = [bool((np.linalg.norm(line - puncture.skin_point - d * puncture.direction, axis=1) < radius).any())
              for d in depth]
    advance(puncture, "bright", 2.0)
    assert puncture.depth_mm == pytest.approx(depth[inside.index(True)], abs=0.1)
    if route == "left_radial":
        sine = np.sin(np.radians(rules.angle_deg))
        assert puncture.depth_mm == pytest.approx((rules.skin_mm - radius[-1]) / sine, abs=0.5)


@pytest.mark.parametrize("route", ROUTES)
def test_the_sheath_lies_where_the_artery_was_entered(route: str) -> None:
    placed = patient(route).access
    far = 8.0 if route != "left_radial" else 20.0
    puncture = ready(route, far)
    advance(puncture, "bright")
    finish(puncture)
    made = puncture.access()
    moved = float(np.linalg.norm(made.mouth - placed.mouth))
    assert moved == pytest.approx(puncture.entry_s, rel=0.1)
    assert made.sheath_mm == placed.sheath_mm
    assert (made.mouth - placed.mouth) @ placed.direction > 0.0  # toward the heart


@pytest.mark.parametrize(("along_mm", "code"), [(8.0, None), (14.0, None), (33.0, "access.high"),
                                                (-12.0, "access.low")])
def test_high_and_low_punctures_are_told_when_the_sheath_goes_in(along_mm: float, code: str | None) -> None:
    puncture = ready(along_mm=along_mm)
    puncture.look(True, puncture.landmark[0])  # type: ignore[index]
    aim = np.arange(-30.0, 30.0, 0.5)
    meets = []
    for across in aim:  # the artery bends to the middle higher up
        puncture.across_mm = float(across)
        tip = puncture.skin_point + np.linspace(0.0, 70.0, 200)[:, None] * puncture.direction
        meets.append(min(puncture.course.nearest(x)[0] for x in tip))
    puncture.across_mm = float(aim[int(np.argmin(meets))])
    advance(puncture, "bright")
    assert codes(puncture) == ["access.blood"]
    finish(puncture)
    assert codes(puncture) == ([code] if code else []) + ["access.done"]


def test_the_vein_lies_toward_the_middle_and_bleeds_dark() -> None:
    puncture = ready(across_mm=13.0)  # right groin: the patient's left is the middle
    advance(puncture, "dark")
    assert puncture.do("wire") == "Dark blood without a pulse: this is the vein. Take the needle out."
    assert codes(puncture) == ["access.venous"]
    assert ready(across_mm=-13.0).pulse < 0.2
    lateral = ready(across_mm=-13.0)
    for _ in range(600):
        lateral.move((Hand("needle", 10.0),), DT)
        assert lateral.blood == ""


def test_a_needle_through_the_back_wall_bleeds_again_when_pulled_back() -> None:
    puncture = ready()
    advance(puncture, "bright")
    advance(puncture, "", 20.0)
    puncture.move((Hand("needle", 10.0),), DT)
    assert puncture.do("wire") == "No blood comes: the needle is not in the artery."
    advance(puncture, "bright", -6.0)
    assert puncture.do("wire") is None
    assert "access.through_wall" in codes(puncture)


def test_a_wire_against_resistance_is_refused_once_and_then_goes_into_the_wall() -> None:
    puncture = ready()
    advance(puncture, "weak", 3.0)
    assert "bevel" in (puncture.do("wire") or "")
    assert codes(puncture) == []
    assert puncture.do("wire") is None
    assert not puncture.wire
    assert "access.subintimal" in codes(puncture)
    assert puncture.do("press") == "Take the needle out first."
    assert puncture.do("needle_out") is None
    assert puncture.do("press") is None
    assert puncture.pressing_s == puncture.rules.press_s


def test_a_needle_taken_out_without_a_wire_bleeds_until_pressed_on() -> None:
    puncture = ready()
    advance(puncture, "bright")
    assert puncture.do("needle_out") is None
    assert "access.bleeding" in codes(puncture)
    puncture.move((Hand("needle", 10.0),), DT)
    assert puncture.depth_mm == 0.0  # first it is pressed on
    assert puncture.do("press") is None
    puncture.move((Hand("needle", 10.0),), DT)
    assert puncture.depth_mm > 0.0
    assert puncture.attempts == 2


def test_steps_out_of_order_are_refused_with_words() -> None:
    puncture = ready()
    assert puncture.do("sheath") == "A sheath goes over a wire: puncture, and pass the wire through the needle."
    assert puncture.do("wire") == "The wire goes through the needle: puncture first."
    assert puncture.do("press") == "Nothing bleeds."
    assert puncture.do("dilator_out") == "There is no sheath yet."
    assert "wire, needle_out" in (puncture.do("dance") or "")
    advance(puncture, "bright")
    assert puncture.do("wire") is None
    assert puncture.do("sheath") == "Take the needle out over the wire first."
    before = puncture.depth_mm
    puncture.move((Hand("needle", 10.0),), DT)
    assert puncture.depth_mm == before  # the wire holds it


def test_the_finger_moves_only_while_the_needle_is_out() -> None:
    puncture = ready()
    start = puncture.along_mm, puncture.across_mm
    puncture.move((Hand("skin_along", 12.0), Hand("skin_across", -6.0)), DT)
    assert (puncture.along_mm - start[0], puncture.across_mm - start[1]) == pytest.approx((0.2, -0.1))
    puncture.move((Hand("needle", 10.0),), DT)
    held = puncture.along_mm
    puncture.move((Hand("skin_along", 12.0),), DT)
    assert puncture.along_mm == held


def test_the_pulse_is_clearest_over_the_artery() -> None:
    felt = [ready(across_mm=x).pulse for x in (-12.0, -6.0, 0.0, 6.0, 12.0)]
    assert felt[2] > 0.9
    assert felt[0] < felt[1] < felt[2] > felt[3] > felt[4]


def simulation() -> Simulation:
    return Simulation(Setup(PatientSpec(puncture="trainee")))


def go(sim: Simulation, commands: Commands, steps: int = 1):  # type: ignore[no-untyped-def]
    frames = [sim.step(commands if k == 0 or not commands.actions else Commands()) for k in range(steps)]
    return frames[-1], [e for f in frames for e in f.events]


def test_from_skin_to_catheter_in_a_whole_patient() -> None:
    """No device goes in before the sheath; then it does, and starts where the sheath was put. Same bits again."""

    def played() -> tuple[list[str], np.ndarray, float]:
        sim = simulation()
        frame = sim.reset(3)
        assert frame.access is not None
        placed = sim.patient.access.mouth
        insert = Action("insert", {"slot": "catheter", "device": "cobra_2_5f"})
        frame, events = go(sim, Commands(actions=(insert,)))
        assert "There is no sheath yet" in events[0].text
        codes = []
        known = Puncture(sim.patient)
        along, across = known.ideal_along_mm + 8.0 - known.start[0], -known.start[1]
        while frame.access.across_mm > across + 1e-6:
            left = (frame.access.across_mm - across) / DT
            frame, _ = go(sim, Commands(hands=(Hand("skin_across", -min(40.0, left)),)))
        while frame.access.along_mm > along + 1e-6:
            left = (frame.access.along_mm - along) / DT
            frame, _ = go(sim, Commands(hands=(Hand("skin_along", -min(40.0, left)),)))
        while frame.access.blood != "bright":
            frame, events = go(sim, Commands(hands=(Hand("needle", 20.0),)))
            codes += [e.code for e in events]
        for step in ("wire", "needle_out", "sheath", "dilator_out"):
            frame, events = go(sim, Commands(actions=(Action("puncture", {"step": step}),)))
            codes += [e.code for e in events]
        assert frame.access is None
        moved = float(np.linalg.norm(sim.patient.access.mouth - placed))
        frame, _ = go(sim, Commands(actions=(insert,)))
        for _ in range(60):
            frame, _ = go(sim, Commands(hands=(Hand("catheter", 60.0),)))
        return codes, frame.truth.centerline_mm, moved

    codes, line, moved = played()
    assert codes == ["access.blood", "access.blind", "access.done"]
    assert 2.0 < moved < 12.0
    again = played()
    assert np.array_equal(line, again[1])
    _, events = go(simulation_with_sheath(), Commands(actions=(Action("puncture", {"step": "wire"}),)))
    assert events[0].text == "The sheath is in place."


def simulation_with_sheath() -> Simulation:
    sim = Simulation(Setup(PatientSpec()))
    sim.reset(3)
    return sim
