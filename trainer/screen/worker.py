"""Background threads: one that prepares, one that runs the simulation. The window's thread never waits.

Numba kernels release the interpreter, so the simulation runs beside the window on a second core. Frames reach
the window through a mailbox of one; events through a queue, so that none is lost.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from trainer.frame import Event, Frame
from trainer.screen.ports import Report, SessionPort
from trainer.units import STEP_S

T = TypeVar("T")
MOST_BEHIND_S = 0.1
"""Lateness that is still made up for; beyond it the simulation runs slower than the wall clock."""
sys.setswitchinterval(0.001)


class Cancelled(Exception):
    """Raised inside a background task that was cancelled."""


class Task(Generic[T]):
    """Something that takes a while. `share` and `words` say how far it is; `result` or `error` end it."""

    def __init__(self, work: Callable[[Report], T]) -> None:
        self.share, self.words = 0.0, ""
        self.result: T | None = None
        self.error: BaseException | None = None
        self.done = False
        self._cancelled = False
        self._work = work
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def wait(self, timeout_s: float) -> bool:
        """Waits at most so long; True when the task has ended. Not for the window's thread."""
        self._thread.join(timeout_s)
        return self.done

    def cancel(self) -> None:
        """The task ends at its next report; its result is dropped."""
        self._cancelled = True

    def _report(self, share: float, words: str) -> None:
        if self._cancelled:
            raise Cancelled
        self.share, self.words = share, words

    def _run(self) -> None:
        try:
            self.result = self._work(self._report)
            self.share = 1.0
        except BaseException as error:
            self.error = error
        self.done = True


class Runner:
    """Runs a session at 60 steps a second of wall time, or as fast as the machine can.

    `frame` is the newest frame, `speed` simulated time over wall time in the last second.
    """

    def __init__(self, session: SessionPort) -> None:
        self._session = session
        self.frame: Frame = session.frame
        self.speed = 1.0
        self.error: BaseException | None = None
        self.events: deque[Event] = deque()
        self.paused = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_s: float = 2.0) -> None:
        """Ends after the present step; waits for it at most `timeout_s`."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    @property
    def finished(self) -> bool:
        return self.frame.finished

    def _run(self) -> None:
        try:
            self._loop()
        except BaseException as error:
            self.error = error

    def _loop(self) -> None:
        due = mark = time.perf_counter()
        steps = 0
        while not self._stop.is_set() and not self.frame.finished:
            now = time.perf_counter()
            if self.paused:
                due = mark = now
                steps = 0
                self._stop.wait(0.02)
                continue
            if now < due:
                self._stop.wait(due - now)
                continue
            due = max(due, now - MOST_BEHIND_S) + STEP_S
            frame = self._session.step()
            self.events.extend(frame.events)
            self.frame = frame
            steps += 1
            if now - mark >= 1.0:
                self.speed = min(1.0, steps * STEP_S / (now - mark))
                mark, steps = now, 0
