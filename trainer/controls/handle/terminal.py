"""An emulated handle on a pseudo-terminal, which programs open like a serial port (Linux and macOS)."""

from __future__ import annotations

import os
import select
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from trainer.controls.handle.emulator import EmulatedHandle
from trainer.errors import MissingPartError

TICK_S = 0.001


class Terminal:
    """A pseudo-terminal; `path` is what a program opens. link: a symbolic link kept to it, for a name that stays.

    Raises MissingPartError where there are no pseudo-terminals.
    """

    def __init__(self, link: Path | None = None) -> None:
        if sys.platform == "win32":
            raise MissingPartError("Windows has no pseudo-terminals, so no handle can be emulated there.",
                                   mend="Use Linux, macOS, or a real handle.")  # fmt: skip
        import tty

        self._master, self._slave = os.openpty()
        tty.setraw(self._master)
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.path = os.ttyname(self._slave)
        self._link = link
        if link is not None:
            fresh = link.with_name(link.name + ".new")
            fresh.unlink(missing_ok=True)
            fresh.symlink_to(self.path)
            fresh.replace(link)

    def exchange(self, handle: EmulatedHandle, now: float, wait_s: float = TICK_S) -> None:
        """Passes bytes both ways, waiting at most `wait_s` for the host."""
        ready, _, _ = select.select([self._master], [], [], wait_s)
        if ready:
            try:
                handle.receive(os.read(self._master, 4096), now)
            except OSError:
                return
        out = handle.tick(now)
        if out:
            try:
                os.write(self._master, out)
            except BlockingIOError:
                return  # nobody reads; a serial line would lose it too

    def close(self) -> None:
        """Pulls the plug."""
        for end in (self._master, self._slave):
            os.close(end)
        if self._link is not None and self._link.is_symlink() and os.readlink(self._link) == self.path:
            self._link.unlink(missing_ok=True)


class RunningHandle:
    """An emulated handle in a thread of its own. `act` runs a change between two exchanges."""

    def __init__(self, handle: EmulatedHandle, link: Path | None = None) -> None:
        self.handle, self._link = handle, link
        self._terminal: Terminal | None = None
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._lock = threading.Lock()

    @property
    def path(self) -> str:
        """What a program opens; '' while unplugged."""
        return self._terminal.path if self._terminal else ""

    def plug(self) -> None:
        """Appears as a port and runs."""
        self._terminal = Terminal(self._link)
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, args=(self._terminal,), name="emulated handle", daemon=True)
        self._thread.start()

    def unplug(self) -> None:
        """The port vanishes; power and memory stay (a handle with its own supply)."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        if self._terminal is not None:
            self._terminal.close()
        self._terminal = self._thread = None

    def act(self, change: Callable[[EmulatedHandle], None]) -> None:
        """A person does something."""
        with self._lock:
            change(self.handle)

    def _run(self, terminal: Terminal) -> None:
        while not self._stop.is_set():
            with self._lock:
                terminal.exchange(self.handle, time.monotonic(), 0.0)
            self._stop.wait(TICK_S)
