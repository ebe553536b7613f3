"""Builds the firmware for tests: its core for this computer, and the boards' programs for the simulator."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

FIRMWARE = Path(__file__).parents[2] / "hardware" / "firmware"


def make(target: str, out: Path, *variables: str) -> str:
    """What `make` said. The test fails when it fails or warns; skipped where there is no compiler."""
    needed = ["make", "cc"] if target == "host" else ["make", "avr-gcc"]
    missing = [tool for tool in needed if shutil.which(tool) is None]
    if missing:
        if os.environ.get("CI"):
            pytest.fail(f"{missing} must be installed in CI; see .ci/run")
        pytest.skip(f"no {', '.join(missing)} on this machine")
    done = subprocess.run(["make", "-s", "-C", str(FIRMWARE), target, f"OUT={out}", *variables], capture_output=True,
                          text=True, check=False)  # fmt: skip
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
