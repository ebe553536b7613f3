"""Builds the firmware for tests: its core for this computer, and the boards' programs for the simulator."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import serial

from trainer.controls.handle.session import Session

ENCODER_PINS = ("D2", "D3", "D4", "D5", "D6", "D7", "B0", "B1")
"""Port and bit of the 328P's encoder inputs, A and B of each in order."""
BUTTON_PINS = {1: ("B0",), 2: ("C0", "C1", "C2", "C3"), 3: ("B0", "B2", "B3", "B4", "C3")}
"""Of each build's buttons in order."""
SIMAVR, ARDUINO = "/usr/include/simavr/sim_avr.h", "/usr/share/arduino/hardware/arduino/avr"
BAUD = 250_000
FIRMWARE = Path(__file__).parents[2] / "hardware" / "firmware"


def make(target: str, out: Path, *variables: str) -> str:
    """What `make` said. The test fails when it fails or warns; skipped where there is no compiler."""
    needed: tuple[str, ...] = ("make", "cc") if target in ("host", "rig", "replay") else ("make", "avr-gcc")
    needed += {"rig": (SIMAVR,), "sketch": (ARDUINO,)}.get(target, ())
    missing = [one for one in needed if shutil.which(one) is None and not Path(one).exists()]
    if missing:
        if os.environ.get("CI"):
            pytest.fail(f"{missing} must be installed in CI; see .ci/run")
        pytest.skip(f"no {', '.join(missing)} on this machine; .ci/run names the packages")
    done = subprocess.run(["make", "-s", "-j2", "-C", str(FIRMWARE), target, f"OUT={out}", *variables],
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "warning" not in done.stderr, done.stderr
    return done.stdout


class Core:
    """The firmware's core behind plain calls."""

    def __init__(self, folder: Path) -> None:
        make("host", folder)
        self._lib: Any = ctypes.CDLL(str(folder / "libhandle.so"))
        self._lib.shim_id.restype = ctypes.c_uint32

    def __getattr__(self, name: str) -> Any:
        return getattr(self._lib, f"shim_{name}")

    def start(self, can: int = 0x1FF, channels: int = 3, buttons: int = 16, per_100mm: int = 6366, per_turn: int = 2400,
              period: int = 50, id: int = 0, boot: int = 1, name: bytes = b"catheter handle") -> None:  # fmt: skip
        """A fresh handle, its greeting taken."""
        self.init(can, channels, buttons, per_100mm, per_turn, period, id, boot, name.ljust(16, b"\0"))
        self.greeting = self.said()

    def send(self, data: bytes) -> bytes:
        """Bytes from the host, and what is answered at once."""
        self.receive(data, len(data))
        return self.said()

    def said(self) -> bytes:
        out = ctypes.create_string_buffer(512)
        length = self.take(out, 512)
        return out.raw[:length]


class Rig:
    """A board in the simulator. Its time stands still between `run`s, so tests do not depend on the machine."""

    def __init__(self, folder: Path, mcu: str, build: int, kind: str = "handle") -> None:
        """kind: handle (the plain build) or sketch (Arduino's)."""
        make("rig", folder)
        name = f"{kind}-{mcu.removeprefix('atmega')}-{build}.elf"
        make(f"{folder / name}", folder)
        self._process = subprocess.Popen([str(folder / "rig"), mcu, str(folder / name)], stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, text=True, bufsize=1)  # fmt: skip
        self.port = next(line.strip() for line in self._process.stdout or () if line.startswith("/dev/"))

    def ask(self, *commands: str) -> list[str]:
        """The answers to commands, each without its 'ok'. Raises AssertionError when one is refused."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("".join(f"{command}\n" for command in commands))
        self._process.stdin.flush()
        answers = [self._process.stdout.readline().strip() for _ in commands]
        assert all(answer.startswith("ok") for answer in answers), dict(zip(commands, answers, strict=True))
        return [answer[2:].strip() for answer in answers]

    def close(self) -> None:
        self._process.stdin.close()  # type: ignore[union-attr]
        self._process.wait(10)
        self._process.stdout.close()  # type: ignore[union-attr]


class Bench:
    """A rig, its port opened as the trainer opens it, and a session, in lockstep on the simulated clock."""

    def __init__(self, rig: Rig) -> None:
        self.rig, self.now = rig, 0.0
        self.written = self.read = 0
        self.serial = serial.Serial(rig.port, BAUD, timeout=0)
        self.session = Session()
        self.session.start(0.0)

    def run(self, ms: float, step_ms: float = 10.0) -> None:
        """Lets simulated time pass; the host answers every `step_ms`."""
        for _ in range(round(ms / step_ms)):
            out = self.session.tick(self.now)
            if out:
                self.written += self.serial.write(out) or 0
            sent = int(self.rig.ask(f"run {step_ms} {self.written}")[0].split()[1])
            self.now += step_ms / 1e3
            data = self._read_up_to(sent)
            self.session.feed(data, self.now)

    def _read_up_to(self, sent: int) -> bytes:
        """Everything sent so far; a pseudo-terminal hands bytes over a little later."""
        data, end = b"", time.monotonic() + 2.0
        while self.read + len(data) < sent and time.monotonic() < end:
            data += self.serial.read(65536)
        self.read = max(sent, self.read + len(data))
        return data

    def connect(self) -> None:
        for _ in range(60):
            self.run(20.0)
            if self.session.newest is not None and self.session.newest.live:
                return
        raise AssertionError("the simulated handle does not answer")

    def close(self) -> None:
        self.serial.close()
        self.rig.close()
