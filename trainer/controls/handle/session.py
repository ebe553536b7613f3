"""The host's side of the protocol without a port: bytes and time in, bytes and readings out.

seeking -> zeroing -> running, and back to seeking when the handle falls silent. Counts that it gives go on where they
stood, whatever the handle or the line did meanwhile, so a hand never jumps.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum

from trainer.controls.handle.messages import (
    PROTOCOL,
    Acknowledge,
    Events,
    Force,
    Hello,
    Identify,
    Lights,
    Message,
    MessageDecoder,
    Name,
    Pong,
    Reply,
    State,
    Zero,
    encode,
    fixed_name,
)
from trainer.controls.handle.meter import DeviceClock, Meter

ASK_EVERY_S = 0.25
REPEAT_EVERY_S = 0.1
HEARTBEAT_S = 0.05
SILENT_S = 0.5
"""Without a State for so long the handle counts as gone."""
GAP_S = 0.15
"""A missing edge that was not repeated for so long is given up and counted."""
FORCE_EVERY_S = 0.2
"""Brake levels are repeated, for the handle lets go by itself."""
EDGES_KEPT = 4096
_NO_COUNTS = (0, 0, 0, 0, 0, 0)


class Phase(Enum):
    SEEKING = "seeking"
    ZEROING = "zeroing"
    RUNNING = "running"
    REFUSED = "refused"
    """Of another protocol version; see `fault`."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The newest of everything absolute. counts never wrap and never jump."""

    at_s: float
    counts: tuple[int, ...] = _NO_COUNTS
    syringe: int = 0
    joystick: tuple[int, int] = (0, 0)
    held: int = 0
    live: bool = True
    """False while the handle is gone: the last reading, frozen."""


@dataclass(frozen=True, slots=True)
class ButtonEdge:
    """An edge in the host's time."""

    number: int
    button: int
    down: bool
    at_s: float


class Session:
    """One conversation at a time with one handle. Not thread-safe; `edges` may be read from another thread."""

    def __init__(self, meter: Meter | None = None) -> None:
        self.meter = meter or Meter()
        self.phase = Phase.SEEKING
        self.hello: Hello | None = None
        self.fault = ""
        self.newest: Reading | None = None
        self.edges: deque[ButtonEdge] = deque(maxlen=EDGES_KEPT)
        self.connections = 0
        self._out = bytearray()
        self._sequence = 0
        self._who: tuple[int, bytes, int] | None = None
        self._next_event = 0
        self._force, self._force_due, self._forced_at = (0, 0, 0), True, 0.0
        self._lamps = 0
        self._naming: Name | None = None
        self._totals = list(_NO_COUNTS)
        self._token = self._ping = self._zero_token = 0
        self._heard_at = self._gap_at = self._acknowledged_at = self._named_at = 0.0
        self._refused_before = 0
        self._decoder = MessageDecoder()
        self.start(0.0)

    # -- life -----------------------------------------------------------------------------------------------
    def start(self, now: float) -> None:
        """A port was opened: begins to ask who is there."""
        self._refused_before += self._decoder.refused.total
        self._decoder = MessageDecoder()
        self._clock = DeviceClock()
        self._out.clear()
        self._pings: dict[int, float] = {}
        self._raw: tuple[int, ...] | None = None
        self._overspeed: int | None = None
        self._faults: tuple[int, int] | None = None
        self.meter.restart()
        self.fault = ""
        self._seek(now)

    def stop(self) -> None:
        """The port is gone: the last reading stays, frozen."""
        self.phase = Phase.SEEKING
        self._freeze()

    def _seek(self, now: float) -> None:
        self.phase = Phase.SEEKING
        self._asked_at = now - ASK_EVERY_S
        self._freeze()

    def _freeze(self) -> None:
        last = self.newest
        if last is not None and last.live:
            self.newest = Reading(last.at_s, last.counts, last.syringe, (0, 0), 0, live=False)

    # -- what the program asks --------------------------------------------------------------------------------
    def set_force(self, levels: tuple[int, int, int]) -> None:
        """Brake levels 0..255; sent at the next tick, and repeated."""
        if levels != self._force:
            self._force, self._force_due = levels, True

    def set_lamps(self, lamps: int) -> None:
        if lamps != self._lamps:
            self._lamps = lamps
            if self.phase is Phase.RUNNING:
                self._send(Lights(lamps))

    def blink(self) -> None:
        """The handle shows a person which one it is."""
        self._send(Identify(PROTOCOL, 1))

    def rename(self, id: int, name: str) -> None:
        """Has the handle keep an id and a name. Raises ValueError for a name that it cannot keep."""
        self._naming = Name(self._next_token(), id, fixed_name(name))
        self._named_at = -1e9

    @property
    def renaming(self) -> bool:
        """Whether `rename` still waits for the handle."""
        return self._naming is not None

    # -- time and bytes ---------------------------------------------------------------------------------------
    def tick(self, now: float) -> bytes:
        """What is to be written to the port now. Call at least every 20 ms."""
        if self.phase is Phase.SEEKING and now - self._asked_at >= ASK_EVERY_S:
            self._asked_at = now
            self._out += b"\0"
            self._send(Identify())
        elif self.phase is Phase.ZEROING and now - self._asked_at >= REPEAT_EVERY_S:
            self._asked_at = now
            self._send(Zero(0x3F, self._zero_token))
        elif self.phase is Phase.RUNNING:
            self._keep_up(now)
        out = bytes(self._out)
        self._out.clear()
        return out

    def _keep_up(self, now: float) -> None:
        if now - self._heard_at > SILENT_S:
            self._seek(now)
            return
        if now - self._acknowledged_at >= HEARTBEAT_S:
            self._acknowledge(now)
        if self._force_due or (any(self._force) and now - self._forced_at >= FORCE_EVERY_S):
            self._forced_at, self._force_due = now, False
            self._send(Force(self._force))
        if self._naming is not None and now - self._named_at >= 5 * REPEAT_EVERY_S:
            self._named_at = now
            self._send(self._naming)

    def feed(self, data: bytes, now: float) -> None:
        """Bytes that came from the port at host time `now`, s. Never raises."""
        for sequence, message in self._decoder.feed(data):
            if isinstance(message, Hello):
                self.meter.restart(sequence)
                self._greeted(message, now)
            elif self.meter.frame(sequence):
                self._take(message, now)
        self.meter.refused = self._refused_before + self._decoder.refused.total

    def _send(self, message: Message) -> None:
        self._out += encode(message, self._sequence)
        self._sequence = (self._sequence + 1) & 0xFF

    def _next_token(self) -> int:
        self._token = (self._token + 1) & 0xFF
        return self._token

    # -- messages -----------------------------------------------------------------------------------------------
    def _take(self, message: Message, now: float) -> None:
        if isinstance(message, Reply):
            self._replied(message, now)
        elif self.phase is not Phase.RUNNING:
            return
        elif isinstance(message, State):
            self._measured(message, now)
        elif isinstance(message, Events):
            self._happened(message, now)
        elif isinstance(message, Pong):
            sent = self._pings.pop(message.token, None)
            if sent is not None:
                self.meter.round_trip(now - sent)
                self._clock.ping(sent, now, message.time)

    def _greeted(self, hello: Hello, now: float) -> None:
        if hello.protocol != PROTOCOL:
            older = "handle's firmware" if hello.protocol < PROTOCOL else "trainer"
            self.fault = (f"the handle '{hello.title}' speaks protocol {hello.protocol}, this trainer {PROTOCOL}; "
                          f"update the {older}")  # fmt: skip
            self.phase = Phase.REFUSED
            return
        self.hello = hello
        if self.phase is Phase.RUNNING:  # it blinked, or another program asked
            return
        who = (hello.id, hello.name, hello.boot)
        behind = (self._next_event - hello.oldest_event) & 0xFFFF
        if who == self._who and behind >= 0x8000:
            self.meter.missed_edges += 0x1_0000 - behind
        if who != self._who or behind >= 0x8000:
            self._next_event = hello.oldest_event
        self._who = who
        self.phase = Phase.ZEROING
        self._zero_token = self._next_token()
        self._asked_at = now - REPEAT_EVERY_S

    def _replied(self, reply: Reply, now: float) -> None:
        if self._naming is not None and (reply.command, reply.token) == (Name.TYPE, self._naming.token):
            self._naming = None
            if reply.result:
                self.fault = "this handle cannot keep a name"
        if self.phase is Phase.ZEROING and reply == Reply(Zero.TYPE, self._zero_token, 0):
            self.phase = Phase.RUNNING
            self.connections += 1
            self._raw = None
            self._heard_at = self._gap_at = now
            self._acknowledged_at, self._force_due = now - HEARTBEAT_S, True
            self._send(Lights(self._lamps))

    def _measured(self, state: State, now: float) -> None:
        self._heard_at = now
        if self._raw is not None:
            for axis, (was, is_now) in enumerate(zip(self._raw, state.counts, strict=True)):
                self._totals[axis] += ((is_now - was + 0x8000_0000) & 0xFFFF_FFFF) - 0x8000_0000
        self._raw = state.counts
        self._count_troubles(state)
        self._clock.seconds(state.time)
        self.newest = Reading(now, tuple(self._totals), state.syringe, state.joystick, state.held)

    def _count_troubles(self, state: State) -> None:
        """Counters of the handle wrap and start anew with it; they are read as differences."""
        if self._overspeed is not None:
            self.meter.overspeed += (state.overspeed - self._overspeed) & 0xFFFF
        if self._faults is not None:
            self.meter.faults += (state.faults - self._faults[0]) & 0xFF
            self.meter.device_refused += (state.refused - self._faults[1]) & 0xFF
        self._overspeed, self._faults = state.overspeed, (state.faults, state.refused)

    def _happened(self, events: Events, now: float) -> None:
        self._heard_at = now
        for n, edge in enumerate(events.edges):
            ahead = ((events.first + n - self._next_event + 0x8000) & 0xFFFF) - 0x8000
            if ahead > 0 and now - self._gap_at >= GAP_S:  # the handle had to drop edges
                self.meter.missed_edges += ahead
                self._next_event = (self._next_event + ahead) & 0xFFFF
                ahead = 0
            if ahead == 0:
                self.edges.append(
                    ButtonEdge(self._next_event, edge.button, edge.down, self._clock.host(edge.time, now))
                )
                self._next_event = (self._next_event + 1) & 0xFFFF
            if ahead <= 0:
                self._gap_at = now
        self._acknowledge(now)

    def _acknowledge(self, now: float) -> None:
        self._acknowledged_at = now
        token = self._ping = (self._ping + 1) & 0xFFFF
        while len(self._pings) >= 64:
            del self._pings[next(iter(self._pings))]
        self._pings[token] = now
        self._send(Acknowledge(self._next_event, token))
