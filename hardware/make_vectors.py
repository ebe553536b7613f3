"""Writes hardware/vectors.json: bytes on which the trainer and the firmware must agree.

    python hardware/make_vectors.py            writes the file
    python hardware/make_vectors.py --check    exit code 1 when the file is not what would be written
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from trainer.controls.handle.messages import (
    PROTOCOL,
    Acknowledge,
    Can,
    Edge,
    Events,
    Force,
    Hello,
    Identify,
    Lights,
    Message,
    Name,
    Pong,
    Reply,
    State,
    Zero,
    as_document,
    encode,
    fixed_name,
)
from trainer.controls.handle.wire import checksum, cobs_encode

FILE = Path(__file__).with_name("vectors.json")

MESSAGES: tuple[tuple[str, int, Message], ...] = (
    ("hello of a coaxial box", 0, Hello(PROTOCOL, 1, 2, 3, int(Can.SLIDE | Can.ROLL | Can.STORE), 2, 4, 0x12345678, 7,
                                        9, 6366, 2400, 50, fixed_name("coaxial box"))),
    ("hello without an id", 1, Hello(PROTOCOL, 0, 0, 1, 0x1FF, 3, 16, 0, 0, 65535, 1, 65535, 255,
                                       fixed_name("x" * 16))),
    ("state at rest", 2, State(0, (0,) * 6, 0, (0, 0), 0, 0, 0, 0, 0, 0)),
    ("state with every field", 255, State(65535, (1, -1, 2**31 - 1, -(2**31), 256, -65536), 1023, (127, -127), 0x8001,
                                          513, 258, 3, 4, 5)),
    ("state full of zeros and ones", 17, State(257, (-256, 65536, 16777216, 255, 0, 1), 512, (-1, 1), 0xFFFF, 65535,
                                               65535, 255, 255, 255)),
    ("one edge", 3, Events(0, (Edge(100, 0, True),))),
    ("four edges over the counter's wrap", 4, Events(65534, (Edge(65535, 15, True), Edge(0, 15, False),
                                                             Edge(1, 3, True), Edge(2, 3, False)))),
    ("pong", 5, Pong(0xBEEF, 0x0A0D)),
    ("zero done", 6, Reply(0xC3, 200, 0)),
    ("unknown command", 7, Reply(0xEE, 0, 1)),
    ("identify", 0, Identify()),
    ("identify and blink", 1, Identify(PROTOCOL, 1)),
    ("acknowledge", 2, Acknowledge(513, 0x1234)),
    ("zero all", 3, Zero(0x3F, 200)),
    ("force", 4, Force((0, 128, 255))),
    ("lights", 5, Lights(5)),
    ("a frame that begins like a line's end", 6, Name(201, 0xDEADBEEF, fixed_name("xy"))),
    ("name", 6, Name(201, 0xDEADBEEF, fixed_name("left table"))),
)  # fmt: skip

PLAIN = (b"", b"\0", b"\0\0", b"123456789", b"\x01\0\x02", b"\xff" * 68, bytes(range(1, 65)), b"\x11\0\0\0")

TEXT = (
    {"line": "i", "means": "identify"}, {"line": "z", "means": "zero"}, {"line": "t", "means": "text stream on"},
    {"line": "q", "means": "quiet"}, {"line": "?", "means": "help"}, {"line": "b 2 128", "means": "brake"},
    {"line": "l 5", "means": "lights"}, {"line": "n left table", "means": "name"},
)  # fmt: skip


def document() -> dict[str, object]:
    """The whole content of the file."""
    return {
        "protocol": PROTOCOL,
        "written by": "hardware/make_vectors.py",
        "stuffing": [{"plain": plain.hex(), "stuffed": cobs_encode(plain).hex(), "checksum": checksum(plain)}
                     for plain in PLAIN],
        "messages": [{"name": name, "sequence": sequence, "fields": as_document(message),
                      "bytes": encode(message, sequence).hex()} for name, sequence, message in MESSAGES],
        "text": list(TEXT),
    }  # fmt: skip


def written() -> str:
    """The file's text."""
    return json.dumps(document(), indent=1) + "\n"


def main() -> int:
    if "--check" in sys.argv[1:]:
        return 0 if FILE.read_text() == written() else 1
    FILE.write_text(written())
    return 0


if __name__ == "__main__":
    sys.exit(main())
