"""The host's side of the conversation, with time and bytes in the test's hands."""

import random
from dataclasses import replace

import pytest
from handle_fakes import Wire

from trainer.controls.handle.emulator import QUEUE, TABLE, EmulatedHandle
from trainer.controls.handle.messages import Edge, Events, Pong, Reply, State, encode
from trainer.controls.handle.session import Phase


def live():
    wire = Wire()
    wire.run(0.05)
    assert wire.session.newest.live
    return wire


def test_meets_a_handle_in_a_few_ms_and_reads_it():
    wire = live()
    wire.handle.slide(1, 100.0)
    wire.handle.roll(3, -0.5)
    wire.handle.syringe, wire.handle.joystick = 700, (12, -3)
    wire.run(0.02)
    reading = wire.session.newest
    assert reading.counts == (6366, 0, 0, 0, 0, -1200)
    assert (reading.syringe, reading.joystick) == (700, (12, -3))
    assert wire.session.hello.title == "emulated handle"
    assert wire.session.phase is Phase.RUNNING


def test_a_handle_that_boots_slowly_is_asked_again():
    wire = Wire()
    wire.plugged = False
    wire.run(1.9)
    wire.plugged = True
    wire.run(0.3)
    assert wire.session.newest.live


def test_silence_freezes_and_coming_back_does_not_jump():
    wire = live()
    wire.handle.slide(1, 50.0)
    wire.handle.button(0, True)
    wire.run(0.02)
    before = wire.session.newest
    assert before.held == 1
    wire.plugged = False
    wire.run(0.6)
    frozen = wire.session.newest
    assert (frozen.live, frozen.counts, frozen.held) == (False, before.counts, 0)
    wire.handle.slide(1, 30.0)
    wire.plugged = True
    wire.run(0.3)
    assert wire.session.newest.live
    assert wire.session.newest.counts == before.counts, "what it did while it was gone does not count"
    wire.handle.slide(1, 1.0)
    wire.run(0.02)
    assert wire.session.newest.counts[0] - before.counts[0] == pytest.approx(63.66, abs=1)


def test_a_handle_that_starts_anew_goes_on_where_it_was():
    wire = live()
    wire.handle.slide(2, 20.0)
    wire.run(0.02)
    before = wire.session.newest.counts
    wire.unplug()
    wire.run(0.2)
    wire.plug(EmulatedHandle(replace(TABLE, boot=2)))
    wire.run(0.3)
    assert wire.session.newest.counts == before


def test_edges_pressed_while_unplugged_arrive_once_and_in_order():
    wire = live()
    for k in range(4):
        wire.handle.button(1, k % 2 == 0)
    wire.run(0.002)
    wire.unplug()
    for k in range(6):
        wire.handle.button(2, k % 2 == 0)
    wire.run(0.5)
    wire.plug()
    wire.run(0.3)
    assert [edge.number for edge in wire.session.edges] == list(range(10))
    assert [(edge.button, edge.down) for edge in wire.session.edges][4:] == [(2, True), (2, False)] * 3


def test_edges_survive_a_bad_line():
    """One frame in five is damaged, both ways."""
    wire, chance = live(), random.Random(3)

    def damage(data):
        if chance.random() < 0.2:
            at = chance.randrange(len(data))
            return data[:at] + bytes((chance.randrange(256),)) + data[at + 1 :]
        return data

    wire.damage = damage
    for k in range(400):
        wire.handle.button(k % 3, k // 3 % 2 == 0)
        wire.run(0.02)
    wire.damage = lambda data: data
    wire.run(0.3)
    pressed = [(edge.button, edge.down) for edge in wire.session.edges]
    assert [edge.number for edge in wire.session.edges] == list(range(len(pressed)))
    assert pressed == [(k % 3, k // 3 % 2 == 0) for k in range(400)]
    assert wire.session.meter.missed_edges == 0
    assert wire.session.meter.quality().refused > 50
    assert wire.session.meter.quality().lost > 50


def test_edges_that_the_handle_had_to_drop_are_counted():
    wire = live()
    wire.unplug()
    for k in range(QUEUE + 10):
        wire.handle.button(0, k % 2 == 0)
    wire.plug()
    wire.run(0.8)
    assert len(wire.session.edges) == QUEUE
    assert wire.session.meter.missed_edges == wire.handle.lost_edges == 10


def test_a_gap_within_a_conversation_is_given_up_and_counted():
    wire = live()
    wire.handle.button(0, True)
    wire.run(0.03)
    wire.session.feed(encode(Events(5, (Edge(0, 1, True),)), 200), wire.now)
    assert len(wire.session.edges) == 1
    wire.session.meter.restart()
    wire.session.feed(encode(Events(5, (Edge(0, 1, True),)), 200), wire.now + 0.2)
    assert wire.session.meter.missed_edges == 4
    assert [edge.number for edge in wire.session.edges] == [0, 5]


def test_repeated_and_late_frames_are_dropped_and_counted():
    wire = live()
    state = wire.handle.state()
    wire.session.meter.restart(10)
    moved = replace(state, counts=(5, 0, 0, 0, 0, 0))
    wire.session.feed(encode(moved, 12), wire.now)
    wire.session.feed(encode(state, 11) + encode(moved, 12), wire.now)
    assert wire.session.newest.counts[0] == 5
    assert (wire.session.meter.lost, wire.session.meter.late) == (1, 2)


def test_every_counter_wraps_in_a_day():
    """24 hours at 50 000 edges/s, ten seconds at a time: 32-bit counts, 16-bit clocks and events, 8-bit sequences."""
    wire = live()
    base, total = wire.session.newest.counts[0], 0
    start = wire.handle.state()
    raw, number, clock, sequence = start.counts[0], 0, start.time, 50
    wire.session.meter.restart(sequence)
    lost = wire.session.meter.lost
    for _ in range(24 * 360):
        total, raw = total + 500_000, (raw + 500_000 + 2**31) % 2**32 - 2**31
        clock = (clock + 30_000) % 65536
        for message in (
            State(clock, (raw, 0, 0, 0, 0, 0), 0, (0, 0), 0, number, number * 3 % 65536, 0, number % 256, 7),
            Events(number, tuple(Edge(clock, n, True) for n in range(4))),
            Events((number + 4) % 65536, tuple(Edge(clock, n, False) for n in range(4))),
        ):
            sequence = (sequence + 1) % 256
            wire.session.feed(encode(message, sequence), wire.now)
        number = (number + 8) % 65536
        wire.session.edges.popleft()
    assert wire.session.newest.counts[0] - base == total == 500_000 * 8640
    assert (wire.session.meter.lost, wire.session.meter.missed_edges) == (lost, 0)
    assert wire.session._next_event == 8 * 8640 % 65536
    assert wire.session.meter.overspeed == 3 * 8 * 8639


def test_another_version_is_explained():
    for version, who in ((2, "update the trainer"), (0, "update the handle's firmware")):
        wire = Wire(EmulatedHandle(replace(TABLE, protocol=version)))
        wire.run(0.3)
        assert wire.session.phase is Phase.REFUSED
        assert who in wire.session.fault


def test_orders_reach_the_handle():
    wire = live()
    wire.session.set_force((10, 20, 30))
    wire.session.set_lamps(5)
    wire.session.rename(0xFEEDBEEF, "right table")
    wire.run(0.8)
    assert wire.handle.outputs.brake == (10, 20, 30)
    assert wire.handle.outputs.lamps == 5
    assert (wire.handle.hello.id, wire.handle.hello.title) == (0xFEEDBEEF, "right table")
    assert not wire.session.renaming
    wire.plugged = False
    wire.run(0.1)
    wire.handle.tick(wire.now + 3.0)
    assert (wire.handle.outputs.brake, wire.handle.outputs.lamps) == ((0, 0, 0), 0)


def test_clocks_agree():
    wire = live()
    wire.run(0.5)
    pressed = wire.now
    wire.handle.button(0, True)
    wire.run(0.05)
    (edge,) = wire.session.edges
    assert edge.at_s == pytest.approx(pressed, abs=0.002)
    assert 0.0 <= wire.session.meter.quality().round_trip_ms < 3.0


def test_messages_before_any_hello_are_ignored():
    wire = Wire()
    wire.plugged = False
    for n, message in enumerate((Reply(0xC3, 0, 0), Reply(0xC6, 0, 0), Pong(0, 0), EmulatedHandle().state())):
        wire.session.feed(encode(message, n), wire.now)
    wire.run(0.5)
    assert wire.session.newest is None
    assert wire.session.phase is Phase.SEEKING
