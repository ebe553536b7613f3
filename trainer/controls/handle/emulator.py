"""A handle without hardware: the same protocol, moved by calls. For tests, for demonstrations, for trying layouts."""

from __future__ import annotations

from dataclasses import dataclass, replace

from trainer.controls.handle.messages import (
    EVENTS_IN_FRAME,
    PROTOCOL,
    TICK_S,
    Acknowledge,
    Can,
    Edge,
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

QUIET_AFTER_S = 2.0
BRAKE_OFF_S = 0.5
REPEAT_S = 0.025
QUEUE = 32

TABLE = Hello(
    PROTOCOL, 1, 0, 0,
    int(Can.SLIDE | Can.ROLL | Can.SYRINGE | Can.PEDALS | Can.JOYSTICK | Can.BRAKE | Can.LIGHTS | Can.STORE),
    3, 6, 0, 1, 0, 6366, 2400, 50, fixed_name("emulated handle"),
)  # fmt: skip
"""What the emulated handle says it is: three channels and everything else."""


@dataclass
class Outputs:
    """What the host has set."""

    brake: tuple[int, int, int] = (0, 0, 0)
    lamps: int = 0


class EmulatedHandle:
    """Bytes and time in, bytes out. Not thread-safe. Power lasts from construction to the end of the object."""

    def __init__(self, hello: Hello = TABLE) -> None:
        self.hello = hello
        self.outputs = Outputs()
        self.streaming = False
        self.counts = [0.0] * 6
        """Since power-on; fractions of a count are kept until they are whole."""
        self.syringe = 0
        self.joystick = (0, 0)
        self.held = 0
        self.overspeed = 0
        self.lost_edges = 0
        self._zero = [0] * 6
        self._decoder = MessageDecoder()
        self._out = bytearray()
        self._sequence = 0
        self._queue: list[Edge] = []
        self._oldest = hello.oldest_event
        self._sent = 0
        self._now = self._state_at = self._events_at = self._host_at = 0.0

    # -- what a person does -----------------------------------------------------------------------------------
    def slide(self, channel: int, mm: float) -> None:
        """Pushes (+) or pulls a rod, channel 1..3."""
        self.counts[2 * channel - 2] += mm * self.hello.counts_per_100mm / 100.0

    def roll(self, channel: int, turns: float) -> None:
        """Turns a rod clockwise (+), seen from behind."""
        self.counts[2 * channel - 1] += turns * self.hello.counts_per_turn

    def button(self, number: int, down: bool) -> None:
        """An edge; pressing what is down or releasing what is up does nothing."""
        bit = 1 << number
        if bool(self.held & bit) == down:
            return
        self.held ^= bit
        if len(self._queue) == QUEUE:
            del self._queue[0]
            self._oldest = (self._oldest + 1) & 0xFFFF
            self._sent = max(0, self._sent - 1)
            self.lost_edges = (self.lost_edges + 1) & 0xFF
        self._queue.append(Edge(self._ticks(), number, down))

    # -- the line -----------------------------------------------------------------------------------------------
    def receive(self, data: bytes, now: float) -> None:
        """Bytes from the host at time `now`, s."""
        self._now = now
        for _, message in self._decoder.feed(data):
            self._host_at = now
            self._obey(message)

    def tick(self, now: float) -> bytes:
        """Bytes for the host. Call at least every few ms."""
        self._now = now
        if now - self._host_at > BRAKE_OFF_S:
            self.outputs.brake = (0, 0, 0)
        if now - self._host_at > QUIET_AFTER_S:
            self.streaming = False
            self.outputs.lamps = 0
        if self.streaming:
            self._stream(now)
        out = bytes(self._out)
        self._out.clear()
        return out

    def _stream(self, now: float) -> None:
        if now - self._state_at >= self.hello.period * TICK_S - 1e-9:
            self._state_at = now
            self._say(self.state())
        if self._sent and now - self._events_at >= REPEAT_S:
            self._sent = 0
        if self._sent < len(self._queue):
            part = tuple(self._queue[self._sent : self._sent + EVENTS_IN_FRAME])
            if self._sent == 0:
                self._events_at = now
            self._say(Events((self._oldest + self._sent) & 0xFFFF, part))
            self._sent += len(part)

    def state(self) -> State:
        """The State it would send now."""
        whole = [((int(count // 1) - zero + 2**31) % 2**32) - 2**31 for count, zero in zip(self.counts, self._zero)]
        events = (self._oldest + len(self._queue)) & 0xFFFF
        a, b, c, d, e, f = whole
        return State(self._ticks(), (a, b, c, d, e, f), self.syringe, self.joystick, self.held, events,
                     self.overspeed & 0xFFFF, self.lost_edges, self._decoder.refused.total & 0xFF, 0)  # fmt: skip

    def _ticks(self) -> int:
        return int(self._now / TICK_S) & 0xFFFF

    def _say(self, message: Message) -> None:
        self._out += encode(message, self._sequence)
        self._sequence = (self._sequence + 1) & 0xFF

    def _obey(self, message: Message) -> None:
        if isinstance(message, Identify):
            self._say(replace(self.hello, oldest_event=self._oldest))
            if message.protocol == self.hello.protocol:
                self.streaming, self._sent = True, 0
            else:
                self._say(Reply(message.TYPE, 0, 3))
        elif isinstance(message, Acknowledge):
            self._acknowledged(message.next_event)
            self._say(Pong(message.token, self._ticks()))
        elif isinstance(message, Zero):
            self._zero = [int(count // 1) if message.mask >> axis & 1 else zero
                          for axis, (count, zero) in enumerate(zip(self.counts, self._zero))]  # fmt: skip
            self._say(Reply(message.TYPE, message.token, 0))
        elif isinstance(message, Force):
            self.outputs.brake = message.levels
        elif isinstance(message, Lights):
            self.outputs.lamps = message.lamps
        elif isinstance(message, Name):
            self.hello = replace(self.hello, id=message.id, name=message.name)
            self._say(Reply(message.TYPE, message.token, 0))

    def _acknowledged(self, next_event: int) -> None:
        done = (next_event - self._oldest) & 0xFFFF
        if 0 < done <= len(self._queue):
            del self._queue[:done]
            self._oldest = next_event
            self._sent = max(0, self._sent - done)
            self._events_at = self._now
