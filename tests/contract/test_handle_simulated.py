"""The boards' own programs, compiled by avr-gcc and run in simavr, against the trainer's side of the protocol."""

import re

import pytest
from firmware import BUTTON_PINS, ENCODER_PINS, FIRMWARE, Bench, Rig, make

from trainer.controls.handle.messages import Can, Zero
from trainer.controls.handle.session import Phase

GUIDE = FIRMWARE.parent / "README.md"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("firmware")


def bench(folder, build, mcu="atmega328p", buttons=(), encoders=(), kind="handle"):
    rig = Rig(folder, mcu, build, kind)
    made = Bench(rig)
    made.connect()
    # the simulator raises pulled-up pins when the program starts; from here on the test drives them
    rig.ask(*(f"pin {pin[0]} {pin[1]} 1" for pin in buttons or BUTTON_PINS[build]))
    rig.ask(*(f"pin {pin[0]} {pin[1]} 0" for pin in encoders))
    made.run(20.0)
    made.session.edges.clear()
    return made


@pytest.fixture(scope="module")
def box(folder):
    made = bench(folder, 2, encoders=ENCODER_PINS)
    yield made
    made.close()


def test_every_build_compiles_without_a_warning_and_says_its_size(folder, capsys):
    said = make("all", folder)
    with capsys.disabled():
        print("\n" + said)
    sizes = {(line.split()[0].rsplit("/")[-1], line.split()[1]): int(line.split()[2]) for line in said.splitlines()}
    assert len(sizes) == 16
    assert max(size for (_, what), size in sizes.items() if what == "Program:") < 16_000
    assert max(size for (_, what), size in sizes.items() if what == "Data:") < 1400, "2048 bytes, stack included"
    for build, told in re.findall(r"^\| ([1-4]) \| (\d+, \d+ \| \d+, \d+) \|$", GUIDE.read_text(), re.MULTILINE):
        for chip, pair in zip(("328p", "32u4"), told.split(" | ")):
            for what, size in zip(("Program:", "Data:"), pair.split(", ")):
                assert sizes[f"handle-{chip}-{build}.elf", what] == pytest.approx(int(size), rel=0.03), (build, chip)


def test_the_sketch_compiles_for_both_boards_and_counts(folder):
    """As the Arduino program builds it; run on the 328P, for simavr has no USB."""
    make("sketch", folder, "BUILD=2")
    uno = bench(folder, 2, encoders=ENCODER_PINS, kind="sketch")
    before, overspeed = uno.session.newest.counts, uno.session.meter.overspeed
    try:
        uno.rig.ask("encoder D 2 3000 50000", "encoder B 0 -200 5000", "pin C 1 0")
        uno.run(100.0)
        moved = [now - was for now, was in zip(uno.session.newest.counts, before)]
        assert moved == [3000, 0, 0, -200, 0, 0]
        assert [(edge.button, edge.down) for edge in uno.session.edges] == [(1, True)]
        assert uno.session.meter.overspeed == overspeed
    finally:
        uno.close()


def test_the_board_says_who_it_is(box):
    hello = box.session.hello
    assert (hello.title, hello.channels, hello.buttons, hello.version) == ("catheter handle", 2, 4, "1.0.0")
    assert Can(hello.capabilities) == Can.SLIDE | Can.ROLL | Can.LIGHTS | Can.STORE


@pytest.mark.parametrize("rate", [100, 5_000, 50_000])
def test_counts_are_exact(box, rate):
    """Each encoder alone, at the highest rate promised; forward further than back."""
    before, overspeed, lost = box.session.newest.counts, box.session.meter.overspeed, box.session.meter.lost
    edges = min(rate // 4, 5000)
    for pin in ("D 2", "D 4", "D 6", "B 0"):
        for count in (edges, -(edges // 4)):
            box.rig.ask(f"encoder {pin} {count} {rate}")
            box.run(1e3 * abs(count) / rate + 20.0)
    box.run(20.0)
    moved = tuple(now - was for now, was in zip(box.session.newest.counts, before))
    assert moved == (edges - edges // 4,) * 4 + (0, 0)
    assert box.session.meter.overspeed == overspeed
    assert box.session.meter.lost == lost


def test_counts_are_exact_when_everything_turns_at_once(box):
    before = box.session.newest.counts
    rates = {"D 2": (4000, 20_000), "D 4": (-3000, 15_000), "D 6": (2000, 10_000), "B 0": (-1000, 5_000)}
    box.rig.ask(*(f"encoder {pin} {count} {rate}" for pin, (count, rate) in rates.items()))
    box.run(230.0)
    moved = [now - was for now, was in zip(box.session.newest.counts, before)]
    assert moved == [4000, -3000, 2000, -1000, 0, 0]


@pytest.mark.parametrize("rate", [70_000, 90_000, 120_000, 160_000, 200_000, 300_000, 400_000, 600_000, 800_000])
def test_too_fast_is_never_silent(box, rate):
    """Faster than promised: either the count is still exact, or the handle says that it is not."""
    before, overspeed = box.session.newest.counts[0], box.session.meter.overspeed
    box.rig.ask(f"encoder D 2 6000 {rate}")
    box.run(120.0)
    exact = box.session.newest.counts[0] - before == 6000
    assert exact or box.session.meter.overspeed > overspeed
    # bring the phase of the shaft and the count back in step
    box.run(20.0)


def test_ten_thousand_button_edges_arrive_in_order(box):
    """Four buttons toggled every 6.8 to 7.1 ms, about as fast as they are debounced; every edge once and in order."""
    box.session.edges.clear()
    first, missed = box.session._next_event, box.session.meter.missed_edges
    for n, pin in enumerate(BUTTON_PINS[2]):
        box.rig.ask(f"toggle {pin[0]} {pin[1]} 2500 {6800 + 100 * n}")
    edges, end = [], box.now + 19.0
    while box.now < end and len(edges) < 10_000:
        box.run(100.0, 20.0)
        while box.session.edges:
            edges.append(box.session.edges.popleft())
    assert len(edges) == 10_000
    assert all(edge.number == (first + n) % 65536 for n, edge in enumerate(edges))
    for n in range(4):
        downs = [edge.down for edge in edges if edge.button == n]
        assert downs[::2] == [True] * 1250
        assert downs[1::2] == [False] * 1250
    assert box.session.meter.missed_edges == missed
    assert edges[-1].at_s - edges[0].at_s == pytest.approx(2500 * 7.1e-3 - 6.8e-3, abs=0.15)


def test_bounce_is_one_edge(box):
    box.session.edges.clear()
    for level in (0, 1):
        for bounce in range(9):
            box.rig.ask(f"pin C 1 {level if bounce % 2 == 0 else 1 - level}", "run 0.3")
        box.run(30.0)
    assert [(edge.button, edge.down) for edge in box.session.edges] == [(1, True), (1, False)]


def test_zero_is_answered_and_obeyed(box):
    box.rig.ask("encoder D 2 100 5000")
    box.run(40.0)
    session = box.session
    session.phase = Phase.ZEROING
    session._zero_token, session._asked_at = 99, box.now - 1.0
    box.run(40.0)
    assert session.phase is Phase.RUNNING
    assert session._raw == (0,) * 6
    assert Zero.TYPE == 0xC3


def test_lamp_follows_the_host_and_goes_out_without_one_and_a_name_is_kept(folder):
    """On a board of its own: in simavr, switching the lamp lifts the other pulled-up pins of its port."""
    named = bench(folder, 1)
    try:
        named.session.set_lamps(1)
        named.run(20.0)
        assert named.rig.ask("watch B 5") == ["1"]
        silent = named.rig.ask("run 2100")
        assert named.rig.ask("watch B 5") == ["0"]
        named._read_up_to(int(silent[0].split()[1]))
        named.session.start(named.now)
        named.connect()
        named.session.rename(0xABCDEF01, "left table")
        named.run(300.0)
        assert not named.session.renaming
        named.session.start(named.now)
        named.connect()
        assert (named.session.hello.id, named.session.hello.title) == (0xABCDEF01, "left table")
    finally:
        named.close()


def test_syringe_stick_magnets_and_a_missing_sensor(folder):
    table = bench(folder, 3)
    try:
        assert Can(table.session.hello.capabilities) & Can.SYRINGE
        table.rig.ask("adc 0 3750", "adc 1 4500", "adc 2 0")
        table.run(50.0)
        # without anything at A1 and A2 at the start, the sticks' middle is at 0 V
        assert table.session.newest.syringe == pytest.approx(767, abs=2)
        assert table.session.newest.joystick == (127, 0)
        faults = table.session.meter.faults
        assert faults > 0, "no angle sensor answers yet, and the handle says so"
        turned = [4000, 100, 2048]
        table.rig.ask(*(f"angle {n} {angle}" for n, angle in enumerate(turned)))
        table.run(100.0)
        before, faults = table.session.newest.counts, table.session.meter.faults
        for _ in range(20):  # through zero, each at its own speed, one backward
            turned = [(angle + step) % 4096 for angle, step in zip(turned, (150, -70, 301))]
            table.rig.ask(*(f"angle {n} {angle}" for n, angle in enumerate(turned)))
            table.run(10.0)
        table.run(20.0)
        moved = [now - was for now, was in zip(table.session.newest.counts, before)]
        assert moved == [0, 20 * 150, 0, 20 * -70, 0, 20 * 301]
        assert (table.session.meter.faults, table.session.meter.overspeed) == (faults, 0)
        table.rig.ask("angle 1 -1")
        table.run(50.0)
        assert table.session.meter.faults > faults
        table.rig.ask(f"angle 2 {(turned[2] + 1500) % 4096}")
        table.run(20.0)
        assert table.session.meter.overspeed == 1, "more than a quarter turn between two readings"
    finally:
        table.close()


def test_the_32u4_counts_too(folder):
    pins = ("D4", "D7", "E6", "C6")
    encoders = ("B1", "B2", "B3", "B4", "B5", "B6", "D0", "D1")
    leonardo = bench(folder, 2, "atmega32u4", pins, encoders)
    before, overspeed = leonardo.session.newest.counts, leonardo.session.meter.overspeed
    try:
        leonardo.rig.ask("encoder B 1 3000 50000", "pin D 4 0")
        leonardo.run(100.0)
        leonardo.rig.ask("encoder B 5 -500 20000", "encoder D 0 700 20000")
        leonardo.run(100.0)
        moved = [now - was for now, was in zip(leonardo.session.newest.counts, before)]
        assert moved == [3000, 0, -500, 700, 0, 0]
        assert [(e.button, e.down) for e in leonardo.session.edges] == [(0, True)]
        assert leonardo.session.meter.overspeed == overspeed
    finally:
        leonardo.close()
