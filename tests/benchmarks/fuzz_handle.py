"""The trainer's side of the handle's protocol under a coverage-guided fuzzer. Not part of the tests.

    pip install atheris
    python tests/benchmarks/fuzz_handle.py -max_total_time=60 [FOLDER WITH INPUTS]

The firmware has its own: make -C hardware/firmware fuzz. `fuzz_handle.py --inputs FOLDER` writes inputs
to begin with.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["trainer.controls.handle"]):
    from trainer.controls.handle.messages import encode
    from trainer.controls.handle.session import EDGES_KEPT, Session
    from trainer.controls.handle.wire import MAX_ENCODED


def one_input(data: bytes) -> None:
    """Bytes in uneven portions, time between them. Whatever comes, nothing raises and nothing grows."""
    session, now, at = Session(), 0.0, 0
    session.start(now)
    while at < len(data):
        size = 1 + data[at] % 40
        session.feed(data[at : at + size], now)
        at += size
        now += 0.01 * (size % 7)
        out = session.tick(now)
        assert len(out) < 4096
        assert len(session._decoder._frames._held) <= MAX_ENCODED
        assert len(session.edges) <= EDGES_KEPT
        assert len(session._pings) <= 64
    decoder = session._decoder
    for sequence, message in decoder.feed(b"\0" + data + b"\0"):
        assert message.TYPE in encode(message, sequence), "what was read can be said again"


def write_inputs(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    vectors = json.loads((Path(__file__).parents[2] / "hardware" / "vectors.json").read_text())
    for number, vector in enumerate(vectors["messages"]):
        (folder / f"message{number}").write_bytes(b"\0" + bytes.fromhex(vector["bytes"]))
    for number, vector in enumerate(vectors["text"]):
        (folder / f"line{number}").write_bytes(vector["line"].encode() + b"\n")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--inputs"]:
        write_inputs(Path(sys.argv[2]))
    else:
        atheris.Setup(sys.argv, one_input)
        atheris.Fuzz()
