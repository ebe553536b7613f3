"""The protocol's bytes, the trainer's side of hardware/vectors.json."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from trainer.controls.handle.messages import LENGTHS, MessageDecoder, Reply, as_document, encode, fixed_name
from trainer.controls.handle.wire import (
    MAX_ENCODED,
    FrameDecoder,
    RawFrame,
    checksum,
    cobs_decode,
    cobs_encode,
    encode_frame,
)

ROOT = Path(__file__).parents[2]
VECTORS = json.loads((ROOT / "hardware" / "vectors.json").read_text())


def test_vectors_are_what_their_script_writes():
    done = subprocess.run([sys.executable, "hardware/make_vectors.py", "--check"], cwd=ROOT, check=False,
                          env={"PYTHONPATH": str(ROOT)})  # fmt: skip
    assert done.returncode == 0, "run hardware/make_vectors.py and look at what changed"


@pytest.mark.parametrize("vector", VECTORS["stuffing"], ids=lambda v: v["plain"][:12] or "empty")
def test_stuffing(vector):
    plain, stuffed = bytes.fromhex(vector["plain"]), bytes.fromhex(vector["stuffed"])
    assert cobs_encode(plain) == stuffed
    assert cobs_decode(stuffed) == plain
    assert checksum(plain) == vector["checksum"]


def test_checksum_is_the_published_one():
    assert checksum(b"123456789") == 0x29B1


@pytest.mark.parametrize("vector", VECTORS["messages"], ids=lambda v: v["name"])
def test_messages(vector):
    decoder = MessageDecoder()
    ((sequence, message),) = decoder.feed(bytes.fromhex(vector["bytes"]))
    assert as_document(message) == vector["fields"]
    assert encode(message, sequence).hex() == vector["bytes"]
    assert sequence == vector["sequence"]
    assert decoder.refused.total == 0


@pytest.mark.parametrize("vector", VECTORS["messages"], ids=lambda v: v["name"])
def test_no_changed_byte_gets_through(vector):
    """Every value at every place; exhaustive, so that no chance decides."""
    sound = bytes.fromhex(vector["bytes"])
    for at in range(len(sound) - 1):
        for value in range(256):
            if value != sound[at]:
                damaged = sound[:at] + bytes((value,)) + sound[at + 1 :]
                assert not list(FrameDecoder(LENGTHS).feed(damaged)), (at, value)


def test_text_is_no_fault_and_noise_is_counted_by_its_kind():
    decoder = FrameDecoder(LENGTHS)
    good = encode(Reply(0xC3, 1, 0), 9)
    body = b"\x85\x09\xc3\x01\x00"
    stream = (
        b"handle 1.0, type ? for help\r\n\0" + good + b"\xff\x01\0" + b"\x02\x85\0" + b"\x81" * (MAX_ENCODED + 9)
        + b"\0" + cobs_encode(body + b"\x00\x00") + b"\0" + encode_frame(0x85, 1, b"abcd") + good
    )  # fmt: skip
    frames = list(decoder.feed(stream))
    assert frames == [RawFrame(0x85, 9, b"\xc3\x01\x00")] * 2
    assert decoder.refused.frames == dict.fromkeys(decoder.refused.frames, 1)
    assert decoder.refused.text == 29


def test_a_new_version_may_add_types():
    decoder = MessageDecoder()
    assert list(decoder.feed(encode_frame(0x9A, 0, b"future"))) == []
    assert (decoder.unknown, decoder.refused.total) == (1, 0)


def test_what_cannot_be_sent_is_refused_with_the_reason():
    with pytest.raises(ValueError, match="at most 64"):
        encode_frame(0x81, 0, bytes(65))
    with pytest.raises(ValueError, match="type lies in"):
        encode_frame(0x41, 0, b"")
    with pytest.raises(ValueError, match="1 to 16 plain letters"):
        fixed_name("größer als sechzehn")
