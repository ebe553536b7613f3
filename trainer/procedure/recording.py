"""A procedure on disk: JSON Lines in gzip, readable without this program.

    {"kind": "header", "format": 1, "program": ..., "catalog": ..., "scenario": {"id", "sha256", "text"},
     "seed": ..., "operator": ...}
    {"n": 12, "c": {"h": [["wire", 20.0, 0.0]], "f": 1}}       twelve steps with the same commands
    {"kind": "check", "step": 60, "steps": "8 hex digits each", "picture": "...", "chain": "..."}
    ...
    {"kind": "end", "step": 5400, "result": {...}, "chain": "..."}

A check closes every second: fingerprints of the frames of its steps, of the live image, and the chain over
all lines before it. The file is flushed then, so that a crash loses at most one second.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn

from trainer import __version__
from trainer.commands import Commands, from_json, to_json
from trainer.errors import FileError, RecordingError
from trainer.frame import Frame
from trainer.procedure.digest import (
    STEP_BYTES,
    Chain,
    catalog_version,
    frame_digest,
    picture_digest,
    text_digest,
)
from trainer.units import STEP_HZ

FORMAT = 1
SUFFIX = ".jsonl.gz"
MOST_BYTES = 1_000_000_000
_DIGITS = 2 * STEP_BYTES


def _line(data: Mapping[str, Any]) -> str:
    return json.dumps(data, separators=(",", ":"), sort_keys=False, allow_nan=False)


class Recorder:
    """Writes one procedure. Use as a context manager or call `finish` or `close`."""

    def __init__(self, path: Path, scenario_id: str, scenario_text: str, seed: int, operator: str) -> None:
        """Creates the file. Raises FileError when it cannot be written."""
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._raw = path.open("wb")
        except OSError as error:
            raise FileError(f"cannot be written ({error.strerror})", where=str(path)) from None
        # no name and no time inside, so that the same procedure gives the same bytes
        self._file = gzip.GzipFile(filename="", mode="wb", fileobj=self._raw, mtime=0)
        self._chain = Chain()
        self._count, self._commands = 0, ""
        self._steps: list[str] = []
        self._step, self._last = 0, None
        self._write({"kind": "header", "format": FORMAT, "program": __version__, "catalog": catalog_version(),
                     "scenario": {"id": scenario_id, "sha256": text_digest(scenario_text),
                                  "text": scenario_text},
                     "seed": seed, "operator": operator})  # fmt: skip
        self._flush()

    _last: Frame | None

    def note(self, commands: Commands, frame: Frame) -> None:
        """One step: the commands and the frame that they led to."""
        text = _line(to_json(commands))
        if text != self._commands and self._count:
            self._write_run()
        self._commands, self._count = text, self._count + 1
        self._step, self._last = self._step + 1, frame
        self._steps.append(frame_digest(frame)[:STEP_BYTES].hex())
        if self._step % STEP_HZ == 0:
            self._write_check()

    def finish(self, result: Mapping[str, Any]) -> None:
        """Writes the last check and the footer with the final result, and closes the file."""
        self._write_check()
        self._write({"kind": "end", "step": self._step, "result": dict(result), "chain": self._chain.value})
        self.close()

    def close(self) -> None:
        """Closes the file; without `finish` it stays without a footer, as after a crash."""
        if not self._raw.closed:
            self._file.close()
            self._raw.close()

    def __enter__(self) -> Recorder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _write(self, data: Mapping[str, Any]) -> None:
        line = _line(data)
        self._file.write(line.encode() + b"\n")
        self._chain.add(line)

    def _write_run(self) -> None:
        line = f'{{"n":{self._count},"c":{self._commands}}}'
        self._file.write(line.encode() + b"\n")
        self._chain.add(line)
        self._count = 0

    def _write_check(self) -> None:
        if self._count:
            self._write_run()
        if not self._steps or self._last is None:
            return
        self._write({"kind": "check", "step": self._step, "steps": "".join(self._steps),
                     "picture": picture_digest(self._last), "chain": self._chain.value})  # fmt: skip
        self._steps = []
        self._flush()

    def _flush(self) -> None:
        self._file.flush(zlib.Z_SYNC_FLUSH)
        self._raw.flush()


@dataclass(frozen=True, slots=True)
class Check:
    """End of a second in a recording."""

    step: int
    steps: tuple[str, ...]
    """Fingerprints of the frames since the check before."""
    picture: str


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording whose lines are intact."""

    path: Path
    program: str
    catalog: str
    scenario_id: str
    scenario_text: str
    seed: int
    operator: str
    runs: tuple[tuple[int, Commands], ...]
    """(number of steps, commands), in order."""
    checks: tuple[Check, ...]
    steps: int
    result: Mapping[str, Any] | None
    """None when it was broken off and read with `partial`."""

    def commands(self) -> Iterator[Commands]:
        """The commands of each step, in order."""
        for count, commands in self.runs:
            for _ in range(count):
                yield commands


def read_recording(path: Path, *, partial: bool = False) -> Recording:
    """A recording. Raises RecordingError when it is damaged, cut off or altered, naming the line.

    partial: accept a recording without its footer (after a crash), up to its last whole second.
    """
    lines, cut = _lines(path)
    if cut and not partial:
        raise RecordingError(f"is cut off after line {len(lines)}", where=str(path),
                             mend="The recording was not finished or the file is incomplete.")  # fmt: skip
    return _Reader(path, partial).read(lines)


def _lines(path: Path) -> tuple[list[str], bool]:
    """Text lines, and whether the file ends too early. Never keeps a half line."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise RecordingError("no such file", where=str(path), mend="Check the name and the folder.") from None
    except OSError as error:
        raise RecordingError(f"cannot be read ({error.strerror})", where=str(path)) from None
    if raw[:2] != b"\x1f\x8b":
        raise RecordingError("is no recording (not a gzip file)", where=str(path),
                             mend=f"Recordings end in {SUFFIX}.")  # fmt: skip
    unpack = zlib.decompressobj(wbits=31)
    try:
        data = unpack.decompress(raw, MOST_BYTES)
    except zlib.error:
        raise RecordingError("is damaged (its compressed data do not add up)", where=str(path),
                             mend="Take another copy of the file.") from None  # fmt: skip
    cut = not unpack.eof or not data.endswith(b"\n")
    try:
        text = data[: data.rfind(b"\n") + 1].decode("utf-8")
    except UnicodeDecodeError:
        raise RecordingError("is no recording (not text inside)", where=str(path)) from None
    return text.splitlines(), cut


class _Reader:
    """Reads the lines in order and keeps the chain."""

    def __init__(self, path: Path, partial: bool) -> None:
        self.path, self.partial = path, partial
        self.chain = Chain()
        self.runs: list[tuple[int, Commands]] = []
        self.checks: list[Check] = []
        self.steps, self.line = 0, 0
        self.end: Mapping[str, Any] | None = None

    def fail(self, what: str) -> NoReturn:
        raise RecordingError(what, where=f"{self.path}:{self.line}",
                             mend="The file was altered or damaged; take another copy.")  # fmt: skip

    def read(self, lines: list[str]) -> Recording:
        if not lines:
            raise RecordingError("is empty", where=str(self.path))
        header: Mapping[str, Any] = {}
        for self.line, text in enumerate(lines, start=1):
            try:
                data = json.loads(text)
                if self.line == 1:
                    header = self._header(data)
                else:
                    self._take(data)
            except (json.JSONDecodeError, KeyError, TypeError, ValueError, IndexError):
                self.fail("holds a line that is no line of a recording")
            self.chain.add(text)
        if self.end is None:
            if not self.partial:
                self.fail("is cut off: the last line is missing")
            self._drop_half_second()
        story = header["scenario"]
        return Recording(self.path, header["program"], header["catalog"], story["id"], story["text"],
                         int(header["seed"]), header["operator"], tuple(self.runs), tuple(self.checks),
                         self.steps, self.end["result"] if self.end else None)  # fmt: skip

    def _header(self, data: Mapping[str, Any]) -> Mapping[str, Any]:
        if data.get("kind") != "header":
            self.fail("does not begin as a recording")
        if data["format"] != FORMAT:
            raise RecordingError(f"has format {data['format']}; this program reads format {FORMAT}",
                                 where=str(self.path), mend="Use the program that wrote it.")  # fmt: skip
        if text_digest(data["scenario"]["text"]) != data["scenario"]["sha256"]:
            self.fail("the scenario in it was altered")
        return data

    def _take(self, data: Mapping[str, Any]) -> None:
        if self.end is not None:
            self.fail("goes on after its last line")
        kind = data.get("kind")
        if kind is None:
            count = int(data["n"])
            if count < 1:
                self.fail("repeats commands less than once")
            self.runs.append((count, from_json(data["c"])))
            self.steps += count
            return
        if data["chain"] != self.chain.value:
            self.fail("was altered: the lines before this one are not those that were recorded")
        if data["step"] != self.steps:
            self.fail(f"counts {data['step']} steps where {self.steps} are recorded")
        if kind == "end":
            self.end = {"result": data["result"]}
            return
        steps = data["steps"]
        marks = tuple(steps[k : k + _DIGITS] for k in range(0, len(steps), _DIGITS))
        self.checks.append(Check(self.steps, marks, data["picture"]))

    def _drop_half_second(self) -> None:
        over = self.steps - (self.checks[-1].step if self.checks else 0)
        while over:
            count, commands = self.runs.pop()
            kept = max(count - over, 0)
            if kept:
                self.runs.append((kept, commands))
            self.steps -= count - kept
            over -= count - kept
