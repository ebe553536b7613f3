"""The handle's verbs, against an emulated handle on a pseudo-terminal."""

import io
import json
import sys
import threading
import time
from collections import deque
from dataclasses import replace

import pytest
from procedure_fakes import FakeSimulation

from trainer.cli import main
from trainer.cli.emulate import Hands
from trainer.cli.handle_view import spark
from trainer.commands import Action, Commands
from trainer.controls.handle.emulator import TABLE, EmulatedHandle
from trainer.controls.handle.messages import Can
from trainer.controls.handle.terminal import RunningHandle
from trainer.controls.make import make_hand
from trainer.procedure.session import Session
from trainer.scenario.loading import find

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")


@pytest.fixture
def running(tmp_path):
    made = RunningHandle(EmulatedHandle(), tmp_path / "handle")
    made.plug()
    yield made
    made.unplug()


def test_list_tells_who_is_there(running, capsys):
    assert main(["handle", "list", running.path, "--json"]) == 0
    (one,) = [one for one in json.loads(capsys.readouterr().out) if one["port"] == running.path]
    assert one["handle"]["name"] == "emulated handle"
    assert one["handle"]["channels"] == 3
    assert "brake" in one["handle"]["can"]


def test_selftest_of_a_good_and_of_a_bad_handle(running, capsys):
    assert main(["handle", "selftest", running.path, "--seconds", "0.6", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["passed"]
    stop = threading.Event()

    def turn_too_fast():
        while not stop.wait(0.02):
            running.act(lambda handle: setattr(handle, "overspeed", handle.overspeed + 1))

    thread = threading.Thread(target=turn_too_fast)
    thread.start()
    try:
        assert main(["handle", "selftest", running.path, "--seconds", "0.6"]) == 1
    finally:
        stop.set()
        thread.join()
    said = capsys.readouterr().out
    assert "FAILED" in said
    assert "Turn slower" in said


def test_monitor_shows_and_ends(running, capsys):
    running.act(lambda handle: (handle.slide(2, 5.0), handle.button(2, True)))
    assert main(["handle", "monitor", running.path, "--seconds", "0.3"]) == 0
    assert "slide 2" in capsys.readouterr().out
    assert main(["handle", "monitor", running.path, "--json", "--seconds", "0.1"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["live"]
    assert shown["held"] == [2]
    assert set(shown["axes"]) == {"slide 1", "roll 1", "slide 2", "roll 2", "slide 3", "roll 3"}
    assert shown["line"]["lost"] == 0


class Person(io.StringIO):
    """Standard input of a person who does what was asked before pressing Enter."""

    def __init__(self, moves):
        super().__init__()
        self._moves = deque(moves)

    def readline(self, *_):
        if not self._moves:
            return ""
        self._moves.popleft()()
        time.sleep(0.05)
        return "\n"


def test_calibrate_keeps_the_settings_and_names_the_handle(tmp_path, capsys, monkeypatch):
    kind = replace(TABLE, channels=1, capabilities=int(Can.SLIDE | Can.ROLL | Can.STORE))
    running = RunningHandle(EmulatedHandle(kind))
    running.plug()
    monkeypatch.setattr("trainer.controls.handle.settings.settings_folder", lambda: tmp_path / "kept")
    monkeypatch.setattr("trainer.cli.handle.TREMBLING_S", 0.1)

    def move(change):
        return lambda: running.act(change)

    def nothing():
        pass

    monkeypatch.setattr("sys.stdin", Person([
        nothing, nothing, move(lambda h: h.slide(1, -50.0)), move(lambda h: h.slide(1, 50.0)),
        nothing, move(lambda h: h.roll(1, 1.0)), move(lambda h: h.roll(1, -1.0)),
    ]))  # fmt: skip
    try:
        call = ["handle", "calibrate", running.path, "--mm", "50", "--name", "left table", "--json"]
        assert main(call) == 0
        kept = json.loads(capsys.readouterr().out)
        assert kept["slides"][0]["direction"] == -1
        assert kept["slides"][0]["counts_per_unit"] == pytest.approx(63.66, abs=0.05)
        assert kept["name"] == running.handle.hello.title == "left table"
        assert running.handle.hello.id == int(kept["id"], 16) != 0
        assert (tmp_path / "kept" / f"{kept['id']}.yaml").is_file()
        monkeypatch.setattr("sys.stdin", Person([nothing] * 4))
        assert main(["handle", "calibrate", running.path]) == 1
        assert "changed by only 0 counts" in capsys.readouterr().err
        monkeypatch.setattr("sys.stdin", Person([nothing]))
        assert main(["handle", "calibrate", running.path]) == 2
    finally:
        running.unplug()


def test_wrong_calls_are_told(running, capsys):
    assert main(["handle"]) == 2
    assert main(["handle", "monitor", "/dev/nowhere"]) == 2
    assert "there is no port /dev/nowhere" in capsys.readouterr().err
    assert main(["handle", "calibrate", running.path, "--name", "ü"]) == 2
    assert "1 to 16 plain letters" in capsys.readouterr().err
    assert main(["handle", "emulate", "--script", "/nowhere.txt"]) == 2
    assert main(["play", "x", "--controls", "serail"]) == 2
    assert "Did you mean 'serial'" in capsys.readouterr().err


def test_emulate_plays_a_script_and_its_port_comes_and_goes(tmp_path, capsys):
    script = tmp_path / "script.txt"
    script.write_text("0 slide 1 10 0.1\n0.15 unplug 0.1\n0.3 tap 0\n")
    assert main(["handle", "emulate", "--script", str(script), "--link", str(tmp_path / "port")]) == 0
    assert capsys.readouterr().out.splitlines() == [str(tmp_path / "port")] * 2
    assert not (tmp_path / "port").exists()
    assert main(["handle", "emulate", "--seconds", "0.05", "--channels", "1"]) == 0


def test_keys_move_an_emulated_handle():
    handle, hands = EmulatedHandle(), Hands()
    for key in "w2sdfe3af":
        hands.key(key, handle)
    assert [round(count) for count in handle.counts] == [127, 0, -127, 67, 0, -67]
    assert (handle.syringe, handle.held) == (20, 0)
    hands.key("q", handle)
    assert hands.left


def test_bars_show_sizes():
    assert spark(deque([0.0, -4.0, 8.0])) == " ▄█"
    assert spark(deque([0.0, 0.0])) == "  "


class Resisting(FakeSimulation):
    """Half the force of a full brake at each hub."""

    def step(self, commands):
        shown = super().step(commands)
        return replace(shown, devices=tuple(replace(d, hub_force_N=1.5) for d in shown.devices))


def test_play_takes_a_handle_and_its_brakes_feel_the_hub(running):
    """Through make_hand, a session and the link: a push reaches the simulation, a force comes back."""
    case = find("segment_8_first_case")
    target = case.scenario.target.model_copy(update={"feeder": "feeder"})
    case = replace(case, scenario=case.scenario.model_copy(update={"target": target}))
    hand = make_hand(f"serial:{running.path}", (), ())
    session = Session(case, 1, hand, simulation=Resisting())
    session.play(Commands(actions=(Action("insert", {"slot": "catheter", "device": "cobra_2_5f"}),)))
    running.act(lambda handle: handle.button(0, True))
    try:
        end = time.monotonic() + 10.0
        while session.frame.devices[0].inserted_mm < 20.0 or running.handle.outputs.brake[0] == 0:
            assert time.monotonic() < end, hand.view.hints
            running.act(lambda handle: handle.slide(1, 0.2))
            session.step()
            time.sleep(0.005)
        until = time.monotonic() + 2.0
        while running.handle.outputs.lamps != 1 and time.monotonic() < until:
            time.sleep(0.005)
        assert running.handle.outputs.brake == (128, 0, 0)
        assert running.handle.outputs.lamps == 1, "the pedal is down, the beam is on"
    finally:
        hand.close()
        session.close()
