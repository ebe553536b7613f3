"""The real thread on a real line (a pseudo-terminal): hot plug, unplug, two programs, latency, leaks."""

import errno
import os
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "unit"))
from frames import device, frame

from trainer.controls.handle.controller import HandleController
from trainer.controls.handle.discovery import ask, discover
from trainer.controls.handle.emulator import EmulatedHandle
from trainer.controls.handle.link import SerialLink
from trainer.controls.handle.ports import PortFault, explain, open_port, ports
from trainer.controls.handle.settings import default_settings
from trainer.controls.handle.terminal import RunningHandle
from trainer.controls.layout import load_layout
from trainer.controls.options import ControlOptions

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
DEVICES = (device("catheter"), device("microcatheter"), device("microwire"))
SHOWN = frame(*DEVICES)


def until(condition, seconds=10.0, pause=0.0005):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(pause)


@pytest.fixture
def running(tmp_path):
    made = RunningHandle(EmulatedHandle(), tmp_path / "handle")
    made.plug()
    yield made
    made.unplug()


@pytest.fixture
def link(running, tmp_path):
    made = SerialLink(str(tmp_path / "handle"), back_off_s=(0.002,))
    assert made.wait_live(10.0), made.trouble
    yield made
    made.close()


def controller(link):
    return HandleController(ControlOptions(), load_layout(), link, default_settings)


def descriptors():
    return len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0


def test_a_hundred_times_unplugged_in_a_procedure(tmp_path):
    """The rod moves 20 mm and a button is pressed each time while the cable is out; 1 mm while it is in."""
    threads, files = threading.active_count(), descriptors()
    running = RunningHandle(EmulatedHandle(), tmp_path / "handle")
    running.plug()
    link = SerialLink(str(tmp_path / "handle"), back_off_s=(0.002,))
    hand = controller(link)
    moved = largest = 0.0
    presses = 0

    def poll():
        nonlocal moved, largest, presses
        commands = hand.poll(SHOWN)
        step = sum(h.advance_mm_s for h in commands.hands) / 60.0
        moved, largest = moved + step, max(largest, abs(step))
        presses += sum(action.kind == "roadmap" for action in commands.actions)

    def press(handle):
        handle.button(4, True)
        handle.button(4, False)

    for cycle in range(100):
        assert link.wait_live(10.0), link.trouble
        until(lambda n=cycle: link.connections == n + 1)
        poll()
        running.act(lambda handle: (handle.slide(1, 1.0), press(handle)))
        until(lambda n=cycle: poll() or (moved > n + 0.9 and link.meter.edges == 4 * n + 2))
        running.unplug()
        running.act(lambda handle: (handle.slide(1, 20.0), press(handle)))
        until(lambda: poll() or not link.newest().live)
        running.plug()
        until(lambda n=cycle: poll() or link.meter.edges == 4 * n + 4)
    quality = link.quality()
    hand.close()
    running.unplug()
    assert moved == pytest.approx(100.0, abs=0.1)
    assert largest <= 1.1
    assert (quality.edges, quality.missed_edges, presses) == (400, 0, 200)
    assert link.connections == 101
    assert threading.active_count() == threads
    assert descriptors() == files


def test_from_an_edge_to_commands(running, link):
    """At most 12 ms at the median with a poll 60 times a second; presses spread evenly over the polls' period."""
    hand, period, medians, every = controller(link), 1.0 / 60.0, [], []
    until(lambda: link.quality().round_trip_ms > 0.0)
    for _ in range(3):
        before, start, ages = link.meter.edges, time.monotonic(), []
        pressed_at, down = 0.0, False
        for n in range(120):
            if n % 2 == 0:  # press within this period, each time a little later in it
                time.sleep(max(0.0, start + (n + (n * 0.618) % 1.0) * period - time.monotonic()))
                down = not down
                running.act(lambda handle, down=down: handle.button(4, down))
                pressed_at = time.monotonic()
            time.sleep(max(0.0, start + (n + 1) * period - time.monotonic()))
            seen = link.meter.edges
            hand.poll(SHOWN)
            if link.meter.edges > seen:
                ages.append(time.monotonic() - pressed_at)
        until(lambda n=before: hand.poll(SHOWN) and link.meter.edges == n + 60)
        medians.append(1e3 * sorted(ages)[len(ages) // 2])
        every += ages
        if medians[-1] <= 12.0:
            break
    quality = link.quality()
    print(f"\nedge to Commands {medians} ms, meter {quality.edge_ms:.1f} ms, round trip {quality.round_trip_ms:.2f} ms")
    assert min(medians) <= 12.0
    assert quality.edge_ms == pytest.approx(1e3 * sorted(every)[len(every) // 2], abs=4.0)


def test_hot_plug(tmp_path):
    name = tmp_path / "handle"
    link = SerialLink(str(name), back_off_s=(0.005,))
    running = RunningHandle(EmulatedHandle(), name)
    try:
        until(lambda: "there is no port" in link.trouble)
        running.plug()
        assert link.wait_live(10.0), link.trouble
        assert (link.trouble, link.port) == ("", str(name))
    finally:
        link.close()
        running.unplug()


def test_every_port_is_asked_and_the_one_that_answers_is_kept(running, monkeypatch):
    master, slave = os.openpty()  # a port at which nobody answers
    silent = os.ttyname(slave)
    asked = []

    def open_one(name):
        asked.append(name)
        return open_port(name)

    monkeypatch.setattr("trainer.controls.handle.link.ANSWER_S", 0.1)
    link = SerialLink(find=lambda: [silent, running.path], open_port=open_one, back_off_s=(0.005,))
    try:
        assert link.wait_live(10.0), link.trouble
        assert asked == [silent, running.path]
    finally:
        link.close()
        os.close(master)
        os.close(slave)


def test_a_port_that_fails_in_unknown_ways_is_tried_again(running):
    class Broken:
        in_waiting = 0

        def read(self, size):
            return b""

        def write(self, data):
            raise RuntimeError("the driver is confused")

        def close(self):
            pass

    tries = []

    def open_one(name):
        tries.append(name)
        return Broken() if len(tries) < 3 else open_port(name)

    link = SerialLink(running.path, open_port=open_one, back_off_s=(0.05,))
    try:
        until(lambda: "the driver is confused" in link.trouble)
        assert link.wait_live(10.0), link.trouble
        assert len(tries) == 3
    finally:
        link.close()


def test_two_programs_on_one_port(running, link):
    with pytest.raises(PortFault, match="another program uses") as raised:
        ask(running.path)
    assert raised.value.kind == "busy"
    second = SerialLink(running.path, back_off_s=(0.005,))
    try:
        until(lambda: "Close the serial monitor" in second.trouble)
    finally:
        second.close()
    assert link.newest().live, "the first one is not disturbed"


def test_handles_are_told_from_other_ports(running):
    master, slave = os.openpty()
    try:
        found = {one.port.name: one for one in discover([running.path, os.ttyname(slave)], seconds=0.4)}
        assert found[running.path].hello.title == "emulated handle"
        assert found[os.ttyname(slave)].fault == "no handle answers here"
    finally:
        os.close(master)
        os.close(slave)


def test_a_handle_renamed(running, link):
    link.order(lambda session: session.rename(0x1234ABCD, "left table"))
    until(lambda: running.handle.hello.id == 0x1234ABCD and not link.renaming)
    assert running.handle.hello.title == "left table"


def test_likely_ports_come_first_and_dangerous_ones_never():
    def port(name, vid=None, about="n/a"):
        return SimpleNamespace(device=name, description=about, vid=vid, pid=1)

    listed = ports([port("/dev/ttyS0"), port("/dev/ttyACM9", 0x9999), port("/dev/ttyACM1", 0x2341),
                    port("/dev/cu.Bluetooth-Incoming-Port"), port("COM3")])  # fmt: skip
    assert [(one.name, one.hint) for one in listed] == [
        ("/dev/ttyACM1", "Arduino"), ("/dev/ttyACM9", ""), ("COM3", "")]  # fmt: skip


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (OSError(errno.EACCES, "Permission denied"), "denied", "dialout"),
        (OSError(errno.EBUSY, "Device or resource busy"), "busy", "another program"),
        (OSError("could not open port 'COM3': PermissionError(13, 'Access is denied.', None, 5)"), "busy", "COM3"),
        (OSError(errno.ENOENT, "No such file"), "missing", "Ports here: A, B."),
        (OSError("device reports readiness to read but returned no data (device disconnected?)"), "gone",
         "second program"),
        (OSError(errno.EIO, "Input/output error"), "gone", "cable"),
        (ValueError("weird"), "other", "weird"),
    ],
)  # fmt: skip
def test_errors_say_what_to_do(error, kind, words):
    fault = explain(error, "COM3", here=("A", "B"))
    assert (fault.kind, words in fault.text) == (kind, True), fault.text
