"""The thread that talks to a handle: finds it, keeps the newest reading in a mailbox, queues edges, comes back.

Nothing here ever blocks the caller: `newest` and `edges` read what is there.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from trainer.controls.handle.messages import Hello
from trainer.controls.handle.meter import Meter, Quality
from trainer.controls.handle.ports import PortFault, explain, open_port, port_names
from trainer.controls.handle.session import ButtonEdge, Phase, Reading, Session

BACK_OFF_S = (0.25, 0.5, 1.0, 2.0)
"""Waits between attempts to open; the last one is repeated."""
ANSWER_S = 3.0
"""A board that resets when its port is opened needs about 2 s to answer (unverified)."""


class Port(Protocol):
    """The part of `serial.Serial` that is used."""

    @property
    def in_waiting(self) -> int: ...
    def read(self, size: int = 1, /) -> bytes: ...
    def write(self, data: bytes, /) -> int | None: ...
    def close(self) -> None: ...


class Link(Protocol):
    """What a controller needs of a handle."""

    @property
    def hello(self) -> Hello | None: ...
    @property
    def trouble(self) -> str:
        """What keeps the handle from working now, '' when it works."""
        ...

    def newest(self) -> Reading | None: ...
    def edges(self) -> list[ButtonEdge]:
        """Edges since the last call, in order; taking them is measured as latency."""
        ...

    def set_force(self, levels: tuple[int, int, int]) -> None: ...
    def set_lamps(self, lamps: int) -> None: ...
    def close(self) -> None: ...


class SerialLink:
    """A Link over a real port, in a daemon thread until `close`."""

    def __init__(
        self,
        port: str = "",
        *,
        find: Callable[[], Sequence[str]] = port_names,
        open_port: Callable[[str], Port] = open_port,
        clock: Callable[[], float] = time.monotonic,
        back_off_s: Sequence[float] = BACK_OFF_S,
    ) -> None:
        """port: its name, or '' to ask every port that `find` gives until a handle answers."""
        self._port, self._find, self._open, self._clock = port, find, open_port, clock
        self._back_off = back_off_s
        self._stop = threading.Event()
        self._changed = threading.Lock()
        self._force: tuple[int, int, int] | None = None
        self._lamps: int | None = None
        self._orders: list[Callable[[Session], None]] = []
        self._trouble = "looking for the handle"
        self._known: str | None = None
        self.port = ""
        self.meter = Meter()
        self._session = Session(self.meter)
        self._thread = threading.Thread(target=self._run, name="handle", daemon=True)
        self._thread.start()

    # -- for the controller ---------------------------------------------------------------------------------
    @property
    def hello(self) -> Hello | None:
        return self._session.hello

    @property
    def trouble(self) -> str:
        return self._trouble

    @property
    def connections(self) -> int:
        """How often the handle was identified and zeroed."""
        return self._session.connections

    def newest(self) -> Reading | None:
        return self._session.newest

    def edges(self) -> list[ButtonEdge]:
        out: list[ButtonEdge] = []
        queue = self._session.edges
        while queue:
            out.append(queue.popleft())
        if out:
            now = self._clock()
            for edge in out:
                self.meter.edge(max(0.0, now - edge.at_s))
        return out

    def quality(self) -> Quality:
        """Figures of the line."""
        return self.meter.quality()

    def set_force(self, levels: tuple[int, int, int]) -> None:
        self._force = levels

    def set_lamps(self, lamps: int) -> None:
        self._lamps = lamps

    def order(self, do: Callable[[Session], None]) -> None:
        """Has the thread do something with the session, e.g. rename the handle."""
        with self._changed:
            self._orders.append(do)

    @property
    def renaming(self) -> bool:
        return bool(self._orders) or self._session.renaming

    def wait_live(self, seconds: float) -> bool:
        """Whether readings come within `seconds`."""
        end = self._clock() + seconds
        while self._clock() < end:
            reading = self.newest()
            if reading is not None and reading.live:
                return True
            if self._stop.wait(0.005):
                return False
        return False

    def close(self) -> None:
        """Ends the thread and frees the port; may be called twice."""
        self._stop.set()
        if self._thread is not threading.current_thread():
            self._thread.join(5.0)

    # -- the thread -----------------------------------------------------------------------------------------
    def _run(self) -> None:
        failures = 0
        while not self._stop.is_set():
            before = self._session.connections
            try:
                self._attempt()
            except Exception as error:
                # a thread that dies silently would freeze the hands for good; say so and begin again
                self._trouble = f"reading the handle failed ({error!r}); beginning again"
            self._session.stop()
            failures = 0 if self._session.connections > before else failures + 1
            wait = self._back_off[min(failures, len(self._back_off) - 1)]
            self._stop.wait(wait)

    def _attempt(self) -> None:
        """Asks each candidate until one answers, and talks to it until it is lost."""
        names = [self._port] if self._port else list(self._find())
        if self._known in names:  # where it was before
            names.sort(key=lambda name: name != self._known)
        if not names:
            self._trouble = "no serial port on this computer; plug the handle in"
        for name in names:
            if self._stop.is_set():
                return
            before = self._session.connections
            try:
                self._talk(name)
            except (OSError, TypeError) as error:  # pyserial raises TypeError when closed in mid-read
                fault = explain(error if isinstance(error, OSError) else OSError(str(error)), name)
                self._trouble = fault.text
            if self._session.connections > before:
                return

    def _talk(self, name: str) -> None:
        port = self._open(name)
        session = self._session
        try:
            session.start(self._clock())
            answered, quiet_since = False, self._clock()
            while not self._stop.is_set():
                # read before time is judged: bytes may have waited while this thread could not run
                data = port.read(max(1, port.in_waiting))
                now = self._clock()
                if data:
                    session.feed(data, now)
                self._pass_orders(session)
                out = session.tick(now)
                if out:
                    port.write(out)
                if session.phase is Phase.RUNNING:
                    answered, quiet_since = True, now
                    self._trouble, self.port, self._known = "", name, name
                elif session.phase is Phase.REFUSED:
                    raise PortFault("other", session.fault)
                elif now - quiet_since > ANSWER_S:
                    what = "has fallen silent" if answered else "does not answer as a handle"
                    raise PortFault("other", f"what is at {name} {what}. Is it powered, and its firmware loaded?")
                elif answered:
                    self._trouble = f"the handle at {name} is silent; asking again"
        finally:
            self.port = ""
            port.close()

    def _pass_orders(self, session: Session) -> None:
        if self._force is not None:
            session.set_force(self._force)
        if self._lamps is not None:
            session.set_lamps(self._lamps)
        if self._orders:
            with self._changed:
                orders, self._orders = self._orders, []
            for order in orders:
                order(session)
