"""Drives a real window: an X server without a screen, the program, key presses, screenshots."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

TOOLS = ("Xvfb", "xdotool", "xwininfo", "import")
TITLE = "Catheter trainer"


def missing_tools() -> str:
    """Names of absent programs; '' when a window can be driven."""
    return ", ".join(tool for tool in TOOLS if shutil.which(tool) is None)


class Window:
    """A running program in its own X server. Use as a context manager."""

    def __init__(self, command: Sequence[str], size: tuple[int, int], home: Path, cwd: Path) -> None:
        self.size, self._home = size, home
        self._server = self._start_server(size)
        self.log = home / "program.log"
        config = home / "config"
        config.mkdir(parents=True, exist_ok=True)
        self.environment = {
            **os.environ, "DISPLAY": self.display, "SDL_AUDIODRIVER": "dummy", "SDL_VIDEODRIVER": "x11",
            "XDG_CONFIG_HOME": str(config), "XDG_DATA_HOME": str(home / "data"), "PYTHONPATH": str(cwd),
        }  # fmt: skip
        self._log_file = self.log.open("wb")
        self.program = subprocess.Popen(
            command, cwd=cwd, env=self.environment, stdout=self._log_file, stderr=subprocess.STDOUT
        )
        self.id = ""

    def _start_server(self, size: tuple[int, int]) -> subprocess.Popen[bytes]:
        read, write = os.pipe()
        server = subprocess.Popen(
            ["Xvfb", "-displayfd", str(write), "-screen", "0", f"{size[0]}x{size[1]}x24", "-nolisten", "tcp"],
            pass_fds=(write,),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(write)
        with os.fdopen(read) as pipe:
            number = pipe.readline().strip()
        if not number:
            raise RuntimeError("Xvfb did not start")
        self.display = f":{number}"
        return server

    def __enter__(self) -> Window:
        self.id = self.until(self._find, 20.0, "the window to open")
        self._run("xdotool", "windowfocus", self.id)
        return self

    def __exit__(self, *_: object) -> None:
        for process in (self.program, self._server):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(5.0)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait(5.0)
        self._log_file.close()

    def _run(self, *command: str) -> str:
        done = subprocess.run(command, env=self.environment, capture_output=True, timeout=30, check=False)
        return done.stdout.decode(errors="replace")

    def _find(self) -> str:
        found = re.search(rf'(0x[0-9a-f]+) "{TITLE}"', self._run("xwininfo", "-root", "-tree"))
        return found.group(1) if found else ""

    def until(self, ready: Callable[[], str], timeout_s: float, what: str) -> str:
        """Asks `ready` until it gives something; fails when the program ends or time is up."""
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            found = ready()
            if found:
                return found
            try:
                code = self.program.wait(0.1)
            except subprocess.TimeoutExpired:
                continue
            raise AssertionError(f"the program ended with {code} while waiting for {what}:\n{self.said()}")
        self.shot("timeout")
        raise AssertionError(f"no sign of {what} after {timeout_s:g} s:\n{self.said()}")

    def said(self) -> str:
        """What the program printed."""
        return self.log.read_text(errors="replace")[-4000:]

    def press(self, *keys: str) -> None:
        """Taps keys one after the other, by their X names, e.g. Return, Up, shift+Up."""
        self._run("xdotool", "key", "--delay", "60", *keys)

    def hold(self, *keys: str) -> None:
        self._run("xdotool", "keydown", *keys)

    def release(self, *keys: str) -> None:
        self._run("xdotool", "keyup", *keys)

    def shot(self, name: str) -> np.ndarray:
        """A screenshot, (height, width, 3) BGR; kept under its name in the test's folder."""
        path = self._home / f"{name}.png"
        self._run("import", "-window", "root", str(path))
        image = cv2.imread(str(path))
        assert image is not None, f"no screenshot {path}"
        return image

    def until_seen(
        self, name: str, look: Callable[[np.ndarray], bool], timeout_s: float = 20.0
    ) -> np.ndarray:
        """Takes screenshots until `look` is content with one; gives it."""
        last: list[np.ndarray] = []

        def ready() -> str:
            last[:] = [self.shot(name)]
            return "seen" if look(last[0]) else ""

        self.until(ready, timeout_s, f"'{name}' on the screen")
        return last[0]


def scratch() -> Path:
    return Path(tempfile.mkdtemp(prefix="window-"))
