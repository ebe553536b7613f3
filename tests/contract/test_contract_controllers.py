"""Every controller passes the conformance checker, and the checker refuses bad ones."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent.parent / "unit"))
from frames import device, frame

from trainer.commands import Action, Commands, Hand
from trainer.controls.gamepad import GamepadController
from trainer.controls.keyboard import KeyboardController
from trainer.controls.layout import load_layout
from trainer.controls.make import make_hand
from trainer.controls.options import ControlOptions
from trainer.controls.pads import PadsFile
from trainer.controls.protocol import ControllerFault, check_commands, check_controller
from trainer.controls.scancodes import SCANCODES
from trainer.errors import TrainerError
from trainer.textfile import read_model

DEVICES = (("c2", "catheter", "Cobra", ""), ("w", "wire", "Wire", ""), ("m", "microcatheter", "Micro", ""))
FLUIDS = (("contrast_300", "contrast", "contrast"), ("beads", "beads", "embolic"))
FRAMES = [
    frame(),
    frame(device("catheter"), step=1),
    frame(device("catheter"), device("microcatheter"), step=2, runs=2),
] * 8  # fmt: skip


@pytest.mark.parametrize("kind", ["keyboard", "left_hand", "gamepad", "auto"])
def test_idle_controllers_conform(kind):
    check_controller(lambda: make_hand(kind, DEVICES, FLUIDS), FRAMES)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(sorted(SCANCODES.values())), st.booleans()), max_size=60))
def test_no_key_sequence_breaks_the_keyboard(events):
    def make() -> KeyboardController:
        made = make_hand("keyboard", DEVICES, FLUIDS)
        for scancode, down in events:
            made.key(scancode, down)
        return made

    check_controller(make, FRAMES)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.floats(-1.0, 1.0)), max_size=12))
def test_no_stick_breaks_the_gamepad(moves):
    def make() -> GamepadController:
        made = GamepadController(ControlOptions(), load_layout())
        for number, value in moves:
            made.axis(number, value)
        return made

    check_controller(make, FRAMES)


def test_sticks_move_and_rest_in_the_middle():
    pad = GamepadController(ControlOptions(), load_layout())
    shown = frame(device("catheter"))
    pad.axis(1, -1.0)
    pad.axis(5, 1.0)
    commands = pad.poll(shown)
    assert commands.hands == (Hand("catheter", 60.0, 0.0),)
    assert commands.fluoro_pedal
    pad.axis(1, 0.1)
    pad.axis(5, -1.0)
    assert pad.poll(shown) == Commands()


def test_each_device_has_the_profile_of_its_name():
    pad = GamepadController(ControlOptions(), load_layout())
    shown = frame(device("catheter"))
    pad.plug(3, "3Dconnexion SpaceMouse Compact")
    pad.plug(7, "Xbox Wireless Controller")
    pad.axis(5, -1.0, 3)  # a twist of the 3D mouse; of the other one this would be a trigger
    assert pad.poll(shown).hands == (Hand("catheter", 0.0, -6.3),)
    assert not pad.poll(shown).fluoro_pedal
    pad.axis(5, 1.0, 7)
    assert pad.poll(shown).fluoro_pedal
    pad.plug(3, "3Dconnexion SpaceMouse Compact")  # all are told again when another one comes
    assert pad.poll(shown).hands == (Hand("catheter", 0.0, -6.3),)
    pad.unplug(3)
    assert pad.poll(shown).hands == ()
    pad.unplug(7)
    assert pad.poll(shown) == Commands()


def test_buttons_of_a_pad_act_once_and_hold():
    pad = GamepadController(ControlOptions(), load_layout())
    shown = frame(device("catheter"))
    pad.button(5, True)
    assert pad.poll(shown).actions == (Action("breath_hold", {"on": True}),)
    pad.button(5, False)
    assert pad.poll(shown).actions == ()
    pad.plug(2, "Catheter Handle 32U4")
    pad.button(0, True, 2)
    assert pad.poll(shown).fluoro_pedal
    assert pad.poll(shown).fluoro_pedal
    pad.unplug(2)
    for _ in range(10):
        last = pad.poll(shown)
    assert not last.fluoro_pedal


def test_a_faulty_profile_says_where(tmp_path):
    path = tmp_path / "pads.yaml"
    rows = ["format: 1", "pads:", "  - title: mine", "    match: [x]", "    axes: {push: {axis: 1}}",
            "    buttons: {0: dance}"]
    path.write_text("\n".join(rows) + "\n")
    with pytest.raises(TrainerError, match=r"pads\.yaml:6.*no act 'dance'"):
        read_model(PadsFile, path)


@pytest.mark.parametrize(
    ("commands", "message"),
    [
        (Commands(hands=(Hand("wire", 1.0), Hand("wire", 2.0))), "one device twice"),
        (Commands(hands=(Hand("wires", 1.0),)), "unknown slot"),
        (Commands(hands=(Hand("wire", float("nan")),)), "advance_mm_s"),
        (Commands(hands=(Hand("wire", 5000.0),)), "advance_mm_s"),
        (Commands(syringe_slot="wire", syringe_mL_s=-1.0), "syringe_mL_s"),
        (Commands(actions=(Action("explode"),)), "unknown action"),
        (Commands(actions=(Action("insert", {"place": 1}),)), "knows no"),
    ],
)
def test_the_checker_refuses_impossible_commands(commands, message):
    with pytest.raises(ControllerFault, match=message):
        check_commands(commands)


class _Restless:
    """Answers differently each time and never lets go."""

    made = 0

    def __init__(self) -> None:
        _Restless.made += 1
        self._n = _Restless.made

    def poll(self, shown):
        return Commands(hands=(Hand("wire", float(self._n % 7)),))

    def feedback(self, shown):
        pass

    def close(self):
        pass


class _Stuck(_Restless):
    def __init__(self) -> None:
        self._n = 3


def test_the_checker_finds_chance_and_hands_that_never_let_go():
    with pytest.raises(ControllerFault, match="in two ways"):
        check_controller(_Restless, FRAMES)
    with pytest.raises(ControllerFault, match="after close"):
        check_controller(_Stuck, FRAMES)
    with pytest.raises(ControllerFault, match="no poll"):
        check_controller(lambda: object(), FRAMES)
