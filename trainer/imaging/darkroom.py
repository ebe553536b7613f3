"""Work that runs beside the rest of a step: pictures are made while the next step's mechanics are solved.

What is ordered runs in its order, on one thread, and is waited for before anything looks at its results. So the
pictures are the same whatever the machine does.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import Any


@cache
def _thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="darkroom")


class Darkroom:
    """Orders of one suite."""

    def __init__(self) -> None:
        self._orders: list[tuple[Callable[..., Any], tuple[Any, ...]]] = []
        self._running: Future[None] | None = None

    def later(self, work: Callable[..., Any], *args: Any) -> None:
        """Orders a call; it must not touch what the caller changes before `wait`."""
        self._orders.append((work, args))

    def start(self) -> None:
        """Begins with the orders given since the last start."""
        self.wait()
        if self._orders:
            orders, self._orders = self._orders, []
            self._running = _thread().submit(_fill, orders)

    def wait(self) -> None:
        """Returns when all started work is done; raises what it raised."""
        if self._running is not None:
            running, self._running = self._running, None
            running.result()


def _fill(orders: list[tuple[Callable[..., Any], tuple[Any, ...]]]) -> None:
    for work, args in orders:
        work(*args)
