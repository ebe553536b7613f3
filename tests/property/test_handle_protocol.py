"""Properties of the handle's protocol: nothing damaged is believed, and reading goes on at once."""

import itertools
import random
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.controls.handle.messages import (
    BUTTONS,
    LENGTHS,
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
)
from trainer.controls.handle.session import Session
from trainer.controls.handle.wire import MAX_ENCODED, FrameDecoder, cobs_decode, cobs_encode

u8, u16, u32 = (st.integers(0, 2**bits - 1) for bits in (8, 16, 32))
i8, i32 = st.integers(-128, 127), st.integers(-(2**31), 2**31 - 1)
name = st.binary(min_size=16, max_size=16)
edges = st.lists(st.builds(Edge, u16, st.integers(0, BUTTONS - 1), st.booleans()), min_size=1, max_size=4).map(tuple)
messages = st.one_of(
    st.builds(Hello, u8, u8, u8, u8, u16, u8, u8, u32, u16, u16, u16, u16, u8, name),
    st.builds(State, u16, st.tuples(*[i32] * 6), u16, st.tuples(i8, i8), u16, u16, u16, u8, u8, u8),
    st.builds(Events, u16, edges),
    st.builds(Pong, u16, u16),
    st.builds(Reply, u8, u8, u8),
    st.builds(Identify, u8, u8),
    st.builds(Acknowledge, u16, u16),
    st.builds(Zero, u8, u8),
    st.builds(Force, st.tuples(u8, u8, u8)),
    st.builds(Lights, u8),
    st.builds(Name, u8, u32, name),
)
traffic = st.lists(messages, min_size=4, max_size=8)


def in_portions(data: bytes, cuts: list[int]) -> list[bytes]:
    at = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[a:b] for a, b in itertools.pairwise(at)]


@given(st.binary(max_size=600))
def test_unstuffing_undoes_stuffing(data):
    stuffed = cobs_encode(data)
    assert 0 not in stuffed
    assert cobs_decode(stuffed) == data


@given(traffic, st.lists(st.integers(0, 10_000), max_size=8))
def test_decoding_undoes_encoding_in_any_portions(sent, cuts):
    decoder = MessageDecoder()
    stream = b"".join(encode(message, at) for at, message in enumerate(sent))
    got = [pair for part in in_portions(stream, cuts) for pair in decoder.feed(part)]
    assert got == list(enumerate(sent))
    assert decoder.refused.total == 0


@settings(max_examples=400, derandomize=True)
@given(traffic, st.integers(0, 10_000), st.sampled_from(("changed", "dropped", "doubled", "swapped")), u8)
def test_damage_is_refused_and_reading_goes_on_within_two_frames(sent, at, how, value):
    frames = [encode(message, n) for n, message in enumerate(sent)]
    stream = b"".join(frames)
    at %= len(stream)
    if how == "changed":
        damaged = stream[:at] + bytes((value,)) + stream[at + 1 :]
    elif how == "dropped":
        damaged = stream[:at] + stream[at + 1 :]
    elif how == "doubled":
        damaged = stream[: at + 1] + stream[at:]
    else:
        damaged = stream[:at] + stream[at : at + 2][::-1] + stream[at + 2 :]
    decoder = MessageDecoder()
    got = [*decoder.feed(damaged), *decoder.feed(b"\0")]
    whole = list(enumerate(sent))
    hit = next(n for n in range(len(frames)) if at < sum(map(len, frames[: n + 1])))
    assert all(pair in whole for pair in got), "something was read that nobody sent"
    assert got[:hit] == whole[:hit]
    assert got[len(got) - len(whole[hit + 2 :]) :] == whole[hit + 2 :], "more than two frames were lost"
    if len(got) < len(whole):
        assert decoder.refused.total >= 1


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_noise_never_raises_and_a_frame_after_it_is_read(noise):
    decoder = FrameDecoder(LENGTHS)
    for part in noise:
        list(decoder.feed(part))
        assert len(decoder._held) <= MAX_ENCODED
    (frame,) = list(decoder.feed(b"\0" + encode(Pong(1, 2), 3)))[-1:]
    assert frame.payload == b"\x01\0\x02\0"


@pytest.mark.parametrize("zeros", [False, True], ids=["any bytes", "no zero at all"])
def test_ten_million_random_bytes(zeros):
    """Neither raise nor keep anything; what little passes the checksum by chance is a sound frame's shape."""
    noise = random.Random(6).randbytes(10_000_000)
    if zeros:
        noise = noise.replace(b"\0", b"\1")
    decoder = MessageDecoder()
    tracemalloc.start()
    try:
        found = sum(1 for at in range(0, len(noise), 4096) for _ in decoder.feed(noise[at : at + 4096]))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 200_000
    assert found <= 2
    assert decoder.refused.total > (0 if zeros else 30_000)


@given(st.lists(st.tuples(messages, u8, st.floats(0.0, 1.0)), max_size=30))
def test_no_order_of_sound_messages_confuses_a_session(said):
    session, now = Session(), 0.0
    session.start(now)
    for message, sequence, later in said:
        now += later
        session.feed(encode(message, sequence), now)
        session.tick(now)
    reading = session.newest
    assert reading is None or len(reading.counts) == 6
