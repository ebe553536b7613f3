"""The handle as a controller: it conforms, moves what it should exactly as far as it should, and never jumps."""

import math
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent.parent / "unit"))
from frames import device, frame
from handle_fakes import ScriptedLink, readings

from trainer.commands import Action, Commands, Hand
from trainer.controls.handle.controller import HandleController
from trainer.controls.handle.emulator import TABLE
from trainer.controls.handle.session import ButtonEdge, Reading
from trainer.controls.handle.settings import AxisSettings, default_settings
from trainer.controls.layout import load_layout
from trainer.controls.make import check_kind
from trainer.controls.options import ControlOptions
from trainer.controls.protocol import check_controller
from trainer.errors import CallError, ScenarioError
from trainer.frame import AccessView

LAYOUT = load_layout()
COAXIAL = (device("catheter"), device("microcatheter"), device("microwire"))
ACCESS = AccessView(0.0, 0.0, 0.0, 0.5, "", True, False, False, False, 0.0, 0, "puncture")
PER_MM, PER_TURN = TABLE.counts_per_100mm / 100.0, TABLE.counts_per_turn


def controller(script, hello=TABLE, change=lambda kept: kept):
    link = ScriptedLink(script, hello)
    return HandleController(ControlOptions(), LAYOUT, link, lambda h: change(default_settings(h))), link


def play(hand, shown, steps):
    out = []
    for _ in range(steps):
        out.append(hand.poll(shown))
        hand.feedback(shown)
    return out


def travel(commands, slot):
    """(mm, rad) that the commands move a device."""
    hands = [hand for command in commands for hand in command.hands if hand.slot == slot]
    return sum(h.advance_mm_s for h in hands) / 60.0, sum(h.torque_rad_s for h in hands) / 60.0


def edge(number, button, down, at_s=1.0):
    return ButtonEdge(number, button, down, at_s)


counts = st.tuples(*[st.integers(-(2**40), 2**40)] * 6)
scripts = st.lists(
    st.tuples(
        st.builds(Reading, st.floats(0.0, 100.0), counts, st.integers(0, 1023),
                  st.tuples(st.integers(-127, 127), st.integers(-127, 127)), st.integers(0, 65535), st.booleans()),
        st.lists(st.builds(ButtonEdge, st.integers(0, 65535), st.integers(0, 15), st.booleans(),
                           st.floats(0.0, 100.0)), max_size=4),
    ),
    max_size=20,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(scripts)
def test_no_handle_breaks_the_protocol(script):
    shown = [frame(), frame(*COAXIAL, step=1, runs=1), frame(device("wire"), step=2)] * 8
    check_controller(lambda: controller(script)[0], shown)


def test_without_a_handle_the_keyboard_lives():
    hand, link = controller([], hello=None)
    link.trouble = "no serial port on this computer; plug the handle in"
    hand.key(44, True)
    assert hand.poll(frame(*COAXIAL)) == Commands(fluoro_pedal=True)
    assert (hand.view.hints[0].key, hand.view.hints[0].text) == ("handle", link.trouble)


def test_channels_move_their_devices_exactly():
    script = readings(*[(n * 60, n * 24, n * -32, 0, n * 6, n * -12) for n in range(61)])
    hand, _ = controller(script)
    commands = play(hand, frame(*COAXIAL), 61)
    assert travel(commands, "catheter") == pytest.approx((60 * 60 / PER_MM, 60 * 24 / PER_TURN * 2 * math.pi))
    assert travel(commands, "microcatheter") == pytest.approx((60 * -32 / PER_MM, 0.0))
    assert travel(commands, "microwire") == pytest.approx((60 * 6 / PER_MM, 60 * -12 / PER_TURN * 2 * math.pi))


def test_a_fast_hand_is_followed_later_not_lost():
    """No faster than the mechanics follow: 60 mm/s in a vessel, 200 mm/s within another device."""
    far = round(25 * PER_MM)
    hand, _ = controller(readings((0,), (far, 0, 0, 0, far)))
    shown = frame(device("catheter"), device("microcatheter"), device("microwire", 100.0, -200.0))
    commands = play(hand, shown, 40)
    for slot, most in (("catheter", 60.0), ("microwire", 200.0)):
        speeds = [hand.advance_mm_s for command in commands for hand in command.hands if hand.slot == slot]
        assert max(speeds) == pytest.approx(most)
    assert travel(commands, "catheter")[0] == pytest.approx(25.0, abs=0.01)
    assert travel(commands, "microwire")[0] == pytest.approx(25.0, abs=0.01)


def test_what_is_far_too_fast_slips_through_the_fingers():
    hand, _ = controller(readings((0,), (round(500 * PER_MM),)))
    assert travel(play(hand, frame(*COAXIAL), 90), "catheter")[0] == pytest.approx(30.0, abs=0.01)


def test_a_frozen_handle_moves_nothing_and_comes_back_without_a_jump():
    still = readings(*[(n * 10,) for n in range(10)])
    gone = [(replace(still[-1][0], live=False, held=0), []) for _ in range(30)]
    again = readings(*[(90 + n * 10,) for n in range(10)], start_s=3.0)
    hand, _ = controller(still + gone + again)
    shown = frame(*COAXIAL)
    before, frozen, after = play(hand, shown, 10), play(hand, shown, 30), play(hand, shown, 10)
    assert travel(before, "catheter")[0] == pytest.approx(90 / PER_MM)
    assert frozen == [Commands()] * 30
    assert after[0] == Commands()
    assert travel(after, "catheter")[0] == pytest.approx(90 / PER_MM)


def test_a_held_pedal_ends_with_the_cable():
    pressed = readings((0,), held=1)
    pressed = [(pressed[0][0], [edge(0, 0, True)])]
    hand, _ = controller(pressed + readings(*[(0,)] * 20, held=1) + [(Reading(1.4, live=False), [])])
    shown = frame(*COAXIAL)
    on = play(hand, shown, 21)
    assert all(command.fluoro_pedal for command in on)
    assert not hand.poll(shown).fluoro_pedal


def test_a_press_between_two_polls_counts_and_an_old_one_starts_no_beam():
    tap = [edge(0, 0, True), edge(1, 0, False)]
    hand, _ = controller([(Reading(1.0), tap), *readings(*[(0,)] * 30)])
    seen = play(hand, frame(*COAXIAL), 30)
    assert sum(command.fluoro_pedal for command in seen) == 6
    hand, _ = controller([(Reading(9.0), tap), *readings(*[(0,)] * 10, start_s=9.0)])
    assert not any(command.fluoro_pedal for command in play(hand, frame(*COAXIAL), 10))


def test_buttons_do_what_the_settings_say():
    hand, _ = controller([(Reading(1.0), [edge(0, 4, True), edge(1, 4, False)])])
    assert hand.poll(frame(*COAXIAL)).actions == (Action("roadmap", {"on": True}),)
    hand, _ = controller([(Reading(1.0), [edge(0, 3, True)])])
    hand.poll(frame(*COAXIAL))
    assert hand.view.selected == "microcatheter"


def test_the_clutch_lets_the_rod_go_back():
    script = readings((0,), (640,), (640,), (0,), (0,), (640,))
    script[2] = (script[2][0], [edge(0, 2, True)])
    script[4] = (script[4][0], [edge(1, 2, False)])
    hand, _ = controller(script)
    commands = play(hand, frame(*COAXIAL), 40)
    assert travel(commands, "catheter")[0] == pytest.approx(2 * 640 / PER_MM)


def test_a_pause_of_the_procedure_is_no_motion():
    script = [*readings((0,)), *readings((9000,), (9010,), start_s=30.0)]
    hand, _ = controller(script)
    commands = play(hand, frame(*COAXIAL), 10)
    assert travel(commands, "catheter")[0] == pytest.approx(10 / PER_MM)


def test_the_syringe_gives_the_volume_that_was_pushed_and_nothing_back():
    steps = [min(1023, 8 * n) for n in range(70)] + [500, 300]
    hand, _ = controller([(Reading(1.0 + n / 60.0, syringe=s), []) for n, s in enumerate(steps)])
    shown = frame(*COAXIAL)
    commands = play(hand, shown, 80)
    assert {command.syringe_slot for command in commands if command.syringe_mL_s} == {"catheter"}
    assert sum(command.syringe_mL_s for command in commands) / 60.0 == pytest.approx(552 / 1023 * 10.0)


def test_the_stick_turns_the_c_arm():
    hand, _ = controller([(Reading(1.0, joystick=(127, -127)), [])])
    assert hand.poll(frame(*COAXIAL)).carm_rad_s == pytest.approx((math.radians(15), -math.radians(15)))


def test_the_needle_is_channel_one():
    hand, _ = controller(readings((0,), (64, 24)))
    hand.key(31, True)  # 2: the wire's place, which is the needle
    hand.key(31, False)
    shown = replace(frame(), access=ACCESS)
    commands = play(hand, shown, 2)
    assert [(h.slot, round(h.advance_mm_s / 60.0 * PER_MM)) for h in commands[1].hands] == [("needle", 64)]


def test_forces_and_lamps_go_back_to_the_hand():
    hand, link = controller(readings(*[(0,)] * 10))
    hand.poll(frame())
    shown = frame(device("catheter", force_N=1.5), device("wire", force_N=-6.0), beam_on=True)
    hand.feedback(shown)
    assert link.force == [(128, 0, 255)]
    assert link.lamps == 1
    hand.feedback(shown)
    assert len(link.force) == 1
    hand.feedback(frame(device("catheter"), device("wire")))
    assert (link.force[-1], link.lamps) == ((0, 0, 0), 0)


def test_dead_band_and_backlash():
    def change(kept):
        axis = AxisSettings(counts_per_unit=10.0, direction=-1, dead_band_counts=2, backlash=0.4)
        return kept.model_copy(update={"slides": [axis] * 3})

    script = readings((0,), (1,), (-2,), (2,), (-7,), (-6,), (-13,), (-11,))
    script += readings((-9,), start_s=1.2)
    hand, _ = controller(script, change=change)
    moved = [travel([command], "catheter")[0] for command in play(hand, frame(*COAXIAL), 9)]
    assert moved == pytest.approx([0.0, 0.0, 0.0, 0.0, 0.7, 0.0, 0.6, 0.0, -0.8])


def test_faulty_settings_are_told_and_defaults_used():
    def broken(hello):
        raise ScenarioError("unknown key 'slidez'", where="x.yaml:3")

    link = ScriptedLink(readings((0,), (32,)))
    hand = HandleController(ControlOptions(), LAYOUT, link, broken)
    commands = play(hand, frame(*COAXIAL), 2)
    assert travel(commands, "catheter")[0] == pytest.approx(32 / PER_MM)
    assert "x.yaml:3" in hand.view.hints[0].text


def test_keys_and_handle_move_one_device_together():
    hand, _ = controller(readings((0,), (32,)))
    hand.key(82, True)
    commands = play(hand, frame(*COAXIAL), 2)
    assert commands[1].hands == (Hand("catheter", pytest.approx(20.0 + 32 / PER_MM * 60.0), 0.0),)


def test_closing_frees_the_port():
    hand, link = controller(readings((0,)))
    hand.close()
    assert link.closed == 1
    assert hand.poll(frame(*COAXIAL)) == Commands()


def test_controls_are_checked_before_a_window_opens():
    with pytest.raises(CallError, match=r"there is no port /dev/nowhere\. Ports here"):
        check_kind("serial:/dev/nowhere")
    with pytest.raises(CallError, match="Did you mean 'serial'"):
        check_kind("serail")
    assert check_kind("serial") == "serial"
