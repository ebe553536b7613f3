"""The firmware's core on this computer: the firmware's side of hardware/vectors.json, and its manners."""

import ctypes
import itertools
import json
import random
import subprocess

import pytest
from firmware import FIRMWARE, Core, make

from trainer.controls.handle.messages import (
    Acknowledge,
    Edge,
    Events,
    Force,
    Hello,
    Identify,
    Lights,
    MessageDecoder,
    Name,
    Pong,
    Reply,
    State,
    Zero,
    encode,
    fixed_name,
)

VECTORS = json.loads((FIRMWARE.parent / "vectors.json").read_text())
BY_NAME = {vector["name"]: vector for vector in VECTORS["messages"]}


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    return Core(tmp_path_factory.mktemp("core"))


@pytest.fixture
def core(library):
    library.start()
    return library


def read(data):
    decoder = MessageDecoder()
    messages = [message for _, message in decoder.feed(data)]
    assert decoder.refused.total == 0
    return messages


def identified(core):
    (hello,) = read(core.send(b"\0" + encode(Identify(), 0)))
    assert isinstance(hello, Hello)
    return hello


@pytest.mark.parametrize("vector", VECTORS["stuffing"], ids=lambda v: v["plain"][:12] or "empty")
def test_stuffing(core, vector):
    plain, out = bytes.fromhex(vector["plain"]), ctypes.create_string_buffer(100)
    length = core.stuff(plain, len(plain), out)
    assert out.raw[:length].hex() == vector["stuffed"]
    assert core.crc(plain, len(plain)) == vector["checksum"]


def test_the_handle_writes_the_vectors_bytes(core):
    """Hello, State, Events and Pong with the fields of the vectors give their bytes."""
    at = BY_NAME["state with every field"]
    fields, counts = at["fields"], (ctypes.c_int32 * 6)(*at["fields"]["counts"])
    core.send(encode(Identify(), 0))
    core.tick(65535 - 50)
    core.said()
    core.send(encode(Identify(), 1))
    core.overspeed(fields["overspeed"])
    core.analog(fields["syringe"], *fields["joystick"])
    core.force_state(counts, fields["held"], fields["events"], fields["lost_edges"], fields["refused"],
                     fields["faults"], at["sequence"])  # fmt: skip
    core.said()
    core.tick(65535)
    assert core.said().hex() == at["bytes"]
    at = BY_NAME["four edges over the counter's wrap"]
    times = (ctypes.c_uint16 * 4)(*(e[0] for e in at["fields"]["edges"]))
    codes = (ctypes.c_uint8 * 4)(*(e[1] | 0x80 * e[2] for e in at["fields"]["edges"]))
    core.push_edges(at["fields"]["first"], 4, times, codes, at["sequence"])
    core.tick(1)
    assert core.said().hex() == at["bytes"]


def test_the_handle_writes_the_hello_of_the_vectors(library):
    hello = BY_NAME["hello without an id"]["fields"]
    library.start(0x1FF, 3, 16, 1, 65535, 255, 0, 0, b"x" * 16)
    (said,) = read(library.send(b"\0" + encode(Identify(), 0)))
    assert said.payload()[4:15] == bytes.fromhex("ff01031000000000" + "000000")
    assert (said.title, said.counts_per_turn, said.period) == (hello["name"], 65535, 255)


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("identify", lambda core: core.mode() == 1 and not core.blinking()),
        ("identify and blink", lambda core: core.blinking()),
        ("force", lambda core: [core.brake(k) for k in range(3)] == [0, 128, 255]),
        ("lights", lambda core: core.lamps() == 5),
        ("a frame that begins like a line's end", lambda core: core.id() == 0xDEADBEEF and core.keep()),
        ("name", lambda core: core.id() == 0xDEADBEEF and core.keep()),
    ],
)
def test_the_handle_reads_the_vectors_bytes(core, name, seen):
    core.send(bytes.fromhex(BY_NAME[name]["bytes"]))
    assert seen(core)
    assert core.refused() == 0


def test_zero_and_acknowledge_are_answered_with_their_tokens(core):
    identified(core)
    core.edges(0, 1234)
    assert read(core.send(bytes.fromhex(BY_NAME["zero all"]["bytes"]))) == [Reply(0xC3, 200, 0)]
    core.tick(77)
    core.said()
    assert read(core.send(bytes.fromhex(BY_NAME["acknowledge"]["bytes"]))) == [Pong(0x1234, 77)]
    assert read(core.send(encode(Zero(1, 3), 9))) == [Reply(0xC3, 3, 0)]
    core.tick(127)
    (state,) = read(core.said())
    assert state.counts == (0,) * 6


def test_no_changed_byte_is_obeyed(core):
    sound = encode(Name(1, 77, fixed_name("impostor")), 3)
    for at in range(len(sound) - 1):
        for value in range(0, 256, 3):
            if value != sound[at]:
                core.send(sound[:at] + bytes((value,)) + sound[at + 1 :] + b"\0")
                assert core.id() == 0, (at, value)
    core.send(sound)
    assert core.id() == 77


def test_damage_is_counted_and_the_next_frame_is_read(core):
    identified(core)
    good = encode(Lights(7), 1)
    for damaged in (good[:3] + good[4:], b"\x85" * 200 + b"\0", good[:2] + b"\x99" + good[3:]):
        core.send(encode(Lights(0), 0))
        before = core.refused()
        core.send(damaged + good)
        assert core.refused() == before + 1
        assert core.lamps() == 7


def test_noise_never_makes_the_core_stumble(core):
    noise = random.Random(4)
    for _ in range(400):
        core.send(noise.randbytes(256))
    core.send(b"\0")
    assert identified(core).title


def test_table_of_the_quadrature(core):
    forward = [0b00, 0b01, 0b11, 0b10, 0b00]
    for was, now in itertools.pairwise(forward):
        assert core.quadrature(was, now) == 1
        assert core.quadrature(now, was) == -1
        assert core.quadrature(was, was ^ 3) == 2
        assert core.quadrature(was, was) == 0


def test_counts_go_on_over_every_wrap(core):
    """Encoders of 16 bits, angles of 12 bits, mouse bytes, and the 32 bits that are sent."""
    identified(core)
    total, counted, angle = 0, 0, 0
    core.angle(1, 0)
    for step in (30000, 30000, 30000, -20000, -32768, 5):
        total, counted = total + step, counted + step
        core.edges(0, ctypes.c_int16(counted).value)
    for _ in range(100):
        angle += 1000
        core.angle(1, angle % 4096)
        core.motion(2, -100)
    core.tick(50)
    (state,) = read(core.said())
    assert state.counts[:3] == (total, 100_000, -10_000)
    assert state.overspeed == 0
    core.force_state((ctypes.c_int32 * 6)(2**31 - 1, *[0] * 5), 0, 0, 0, 0, 0, 0)
    core.edges(0, ctypes.c_int16(counted + 1).value)
    core.tick(100)
    assert read(core.said())[0].counts[0] == -(2**31)


def test_too_fast_is_never_silent(core):
    identified(core)
    core.angle(1, 0)
    core.angle(1, 1500)
    core.motion(0, 127)
    core.overspeed(5)
    core.overspeed(5)
    core.fault()
    core.tick(50)
    (state,) = read(core.said())
    assert (state.overspeed, state.faults) == (7, 1)


def test_bounce_is_one_edge_and_a_short_press_is_two(core):
    identified(core)
    now, got = 0, []
    for raw in [0, 1, 0, 1, 1, 0, 1, 0, 1, 1, 1, 1, 1, 1, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0]:
        now += 10
        core.tick(now)
        core.buttons(raw)
        got += [m for m in read(core.said()) if isinstance(m, Events)]
    core.tick(now + 10)
    got += [m for m in read(core.said()) if isinstance(m, Events)]
    assert [(e.button, e.down) for m in got for e in m.edges] == [(0, True), (0, False)]


def test_edges_are_repeated_until_acknowledged_and_overflow_is_told(core):
    identified(core)
    now, heard = 0, []
    for k in range(20):
        for _ in range(8):
            now += 10
            core.tick(now)
            core.buttons(1 if k % 2 == 0 else 0)
            heard += [m for m in read(core.said()) if isinstance(m, Events)]
    numbers = [m.first + n for m in heard for n in range(len(m.edges))]
    assert set(numbers) == set(range(20))
    assert len(numbers) > 50, "nobody acknowledged, so they come again"
    core.send(encode(Acknowledge(20, 0), 1))
    for _ in range(100):
        now += 10
        core.tick(now)
    assert not [m for m in read(core.said()) if isinstance(m, Events)]
    for k in range(40):
        for _ in range(8):
            now += 10
            core.tick(now)
            core.buttons(1 if k % 2 == 0 else 0)
        core.said()
        core.send(encode(Force((0, 0, 0)), 1))
    core.tick(now + 60)
    states = [m for m in read(core.said()) if isinstance(m, State)]
    assert states[-1].lost_edges == 8
    assert states[-1].events == 60


def test_a_lost_host_frees_the_brake_and_ends_the_stream(core):
    identified(core)
    core.send(encode(Force((200, 0, 0)), 1) + encode(Lights(1), 2))
    core.tick(4000)
    assert core.brake(0) == 200
    core.tick(5001)
    assert core.brake(0) == 0
    core.tick(20001)
    core.said()
    core.tick(30000)
    assert (core.mode(), core.lamps(), core.said()) == (0, 0, b"")


def test_what_a_newer_host_or_an_unknown_command_gets(core):
    hello, reply = read(core.send(b"\0" + encode(Identify(protocol=2), 0)))
    assert (hello.protocol, reply) == (1, Reply(0xC1, 0, 3))
    assert core.mode() == 0
    (reply,) = read(core.send(encode(Reply(1, 1, 1), 0)))
    assert reply == Reply(0x85, 0, 1)


def test_people_can_type(core):
    assert core.greeting == b"catheter handle, type ? for help\r\n"
    answers = {"?": b"i who", "i": b"catheter handle, firmware 1.0.0, protocol 1, channels 3", "t": b"", "q": b"ok",
               "z": b"ok", "b 2 128": b"ok", "l 5": b"ok", "n left table": b"ok"}  # fmt: skip
    for row in VECTORS["text"]:
        assert core.send(row["line"].encode() + b"\n").startswith(answers[row["line"]]), row
    assert (core.brake(1), core.lamps(), core.keep()) == (128, 5, 1)
    for wrong in ("x", "zz", "b 9 1", "b 2", "b 1 256", "l", "n", "n " + "y" * 17):
        assert core.send(wrong.encode() + b"\r\n") == b"no such command; type ? for help\r\n", wrong
    core.send(b"t\n")
    core.edges(0, 400)
    core.edges(1, -12)
    core.tick(1000)
    assert core.said() == b"T 1000 S1 400 R1 -12 S2 0 R2 0 S3 0 R3 0 SY 0 J 0 0 B 0000 E 0 O 0 L 0 F 0\r\n"
    assert isinstance(identified(core), Hello), "an Identify ends the text mode"


def test_ends_of_lines_of_every_kind(core):
    for end in (b"\n", b"\r", b"\r\n", b"\n\n", b"\n\r\n"):
        assert core.send(b"z" + end) == b"ok\r\n", end
        assert core.send(b"\0" + bytes.fromhex(BY_NAME["lights"]["bytes"])) == b""
        assert core.lamps() == 5
    assert core.refused() == 0


def test_arbitrary_bytes_under_the_sanitizers(tmp_path):
    """Noise, and sound frames with damage in them, with addresses and undefined behavior watched."""
    make("replay", tmp_path)
    chance = random.Random(8)
    sound = [bytes.fromhex(vector["bytes"]) for vector in VECTORS["messages"]]
    mixed = bytearray()
    while len(mixed) < 400_000:
        part = bytearray(chance.choice([*sound, chance.randbytes(20), b"t\n", b"\xa5\x06\x64\0", b"\xa5\x03\xff\0"]))
        if chance.random() < 0.3:
            part[chance.randrange(len(part))] = chance.randrange(256)
        mixed += part
    (tmp_path / "mixed").write_bytes(mixed)
    (tmp_path / "noise").write_bytes(chance.randbytes(400_000))
    done = subprocess.run([tmp_path / "replay", tmp_path / "mixed", tmp_path / "noise"], capture_output=True, text=True,
                          check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_four_presses_at_once_are_one_frame(core):
    identified(core)
    core.buttons(0x000F)
    core.buttons(0x000F)
    core.tick(3)
    (events,) = read(core.said())
    assert events == Events(0, tuple(Edge(0, n, True) for n in range(4)))
