"""The messages of protocol version 1 and their bytes. hardware/PROTOCOL.md says the same in prose."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import astuple, dataclass, fields
from enum import IntFlag
from typing import ClassVar

from trainer.controls.handle.wire import FrameDecoder, RawFrame, Refused, encode_frame

PROTOCOL = 1
TICK_S = 1e-4
"""Unit of the device's clock, s; 16 bits of it are sent."""
CHANNELS = 3
AXES = ("slide 1", "roll 1", "slide 2", "roll 2", "slide 3", "roll 3")
"""Order of the counts: slide and roll of each channel, the outermost device first."""
BUTTONS = 16
EVENTS_IN_FRAME = 4
NAME_BYTES = 16


class Can(IntFlag):
    """Capabilities in a Hello."""

    SLIDE = 1
    ROLL = 2
    SYRINGE = 4
    PEDALS = 8
    JOYSTICK = 16
    BRAKE = 32
    LIGHTS = 64
    GAMEPAD = 128
    STORE = 256


@dataclass(frozen=True, slots=True)
class Message:
    """Base of all messages: a struct layout and a type byte."""

    TYPE: ClassVar[int]
    LAYOUT: ClassVar[struct.Struct]

    def payload(self) -> bytes:
        """Little-endian bytes. Raises struct.error when a field does not fit its width."""
        return self.LAYOUT.pack(*astuple(self))


@dataclass(frozen=True, slots=True)
class Hello(Message):
    """Device: who it is. Answers an Identify."""

    TYPE = 0x81
    LAYOUT = struct.Struct("<BBBBHBBIHHHHB16s")
    protocol: int
    major: int
    minor: int
    patch: int
    capabilities: int
    channels: int
    buttons: int
    id: int
    """Given once by a host and kept by the device; 0 while it has none."""
    boot: int
    """Counts the device's starts, so that a host knows whether counters began anew."""
    oldest_event: int
    """Number of the oldest edge that no host has acknowledged."""
    counts_per_100mm: int
    counts_per_turn: int
    period: int
    """Of State messages, in ticks of 0.1 ms."""
    name: bytes

    @property
    def title(self) -> str:
        """The name as text."""
        return self.name.rstrip(b"\0").decode("ascii", "replace") or "unnamed handle"

    @property
    def version(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


@dataclass(frozen=True, slots=True)
class State(Message):
    """Device: everything it measures, absolute. A lost one does no harm."""

    TYPE = 0x82
    LAYOUT = struct.Struct("<H6iHbbHHHBBB")
    time: int
    counts: tuple[int, int, int, int, int, int]
    syringe: int
    """0 drawn back .. 1023 pushed home."""
    joystick: tuple[int, int]
    """-127..127: primary, secondary."""
    held: int
    """Bit n: button n is down."""
    events: int
    """Number that the next edge will get."""
    overspeed: int
    """Steps that an encoder made faster than they could be counted; counts are wrong when this grows."""
    lost_edges: int
    """Button edges dropped because nobody acknowledged for too long."""
    refused: int
    """Frames of the host that the device could not read."""
    faults: int
    """Sensor readings that failed."""

    def payload(self) -> bytes:
        return self.LAYOUT.pack(
            self.time, *self.counts, self.syringe, *self.joystick, self.held, self.events,
            self.overspeed, self.lost_edges, self.refused, self.faults,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Edge:
    """A button that went down or up. time: device ticks."""

    time: int
    button: int
    down: bool


@dataclass(frozen=True, slots=True)
class Events(Message):
    """Device: up to four edges in order, repeated until acknowledged. first: number of the first edge."""

    TYPE = 0x83
    LAYOUT = struct.Struct("<HB" + "HB" * EVENTS_IN_FRAME)
    first: int
    edges: tuple[Edge, ...]

    def payload(self) -> bytes:
        flat: list[int] = []
        for edge in self.edges:
            flat += (edge.time, edge.button | (0x80 if edge.down else 0))
        flat += [0] * (2 * EVENTS_IN_FRAME - len(flat))
        return self.LAYOUT.pack(self.first, len(self.edges), *flat)


@dataclass(frozen=True, slots=True)
class Pong(Message):
    """Device: answers an Acknowledge at once. time: device ticks."""

    TYPE = 0x84
    LAYOUT = struct.Struct("<HH")
    token: int
    time: int


@dataclass(frozen=True, slots=True)
class Reply(Message):
    """Device: a command was done (result 0), is unknown (1), is impossible here (2) or of another version (3)."""

    TYPE = 0x85
    LAYOUT = struct.Struct("<BBB")
    command: int
    token: int
    result: int


@dataclass(frozen=True, slots=True)
class Identify(Message):
    """Host: say who you are and begin to send. flags bit 0: blink, so that a person sees which handle it is."""

    TYPE = 0xC1
    LAYOUT = struct.Struct("<BB")
    protocol: int = PROTOCOL
    flags: int = 0


@dataclass(frozen=True, slots=True)
class Acknowledge(Message):
    """Host: all edges before `next_event` have arrived. Also the host's heartbeat and the clock's ping."""

    TYPE = 0xC2
    LAYOUT = struct.Struct("<HH")
    next_event: int
    token: int


@dataclass(frozen=True, slots=True)
class Zero(Message):
    """Host: set counts to zero. mask bit n: axis n of AXES."""

    TYPE = 0xC3
    LAYOUT = struct.Struct("<BB")
    mask: int
    token: int


@dataclass(frozen=True, slots=True)
class Force(Message):
    """Host: brake level 0..255 of each channel; let go by the device after 0.5 s without a host."""

    TYPE = 0xC4
    LAYOUT = struct.Struct("<3B")
    levels: tuple[int, int, int]

    def payload(self) -> bytes:
        return self.LAYOUT.pack(*self.levels)


@dataclass(frozen=True, slots=True)
class Lights(Message):
    """Host: bit n switches lamp n (0 beam on, 1 injecting, 2 warning)."""

    TYPE = 0xC5
    LAYOUT = struct.Struct("<B")
    lamps: int


@dataclass(frozen=True, slots=True)
class Name(Message):
    """Host: keep this id and name for good."""

    TYPE = 0xC6
    LAYOUT = struct.Struct("<BI16s")
    token: int
    id: int
    name: bytes


ANY = (Hello, State, Events, Pong, Reply, Identify, Acknowledge, Zero, Force, Lights, Name)
LENGTHS = {kind.TYPE: kind.LAYOUT.size for kind in ANY}
"""Payload length of every type."""
_KINDS: dict[int, type[Message]] = {kind.TYPE: kind for kind in ANY}


def encode(message: Message, sequence: int) -> bytes:
    """A message on the wire. Raises struct.error when a field does not fit."""
    return encode_frame(message.TYPE, sequence, message.payload())


def decode(frame: RawFrame) -> Message | None:
    """The message in a frame; None for a type this version does not know or values it cannot mean."""
    kind = _KINDS.get(frame.type)
    if kind is None:
        return None
    values = kind.LAYOUT.unpack(frame.payload)
    if kind is State:
        return State(values[0], values[1:7], values[7], values[8:10], *values[10:])
    if kind is Events:
        return _events(values)
    if kind is Force:
        return Force(values)
    return kind(*values)


def _events(values: tuple[int, ...]) -> Events | None:
    first, number, *flat = values
    if not 1 <= number <= EVENTS_IN_FRAME:
        return None
    pairs = list(zip(flat[::2], flat[1::2], strict=True))[:number]
    if any(code & 0x7F >= BUTTONS for _, code in pairs):
        return None
    return Events(first, tuple(Edge(time, code & 0x7F, bool(code & 0x80)) for time, code in pairs))


class MessageDecoder:
    """Bytes to (sequence, message). unknown: sound frames that mean nothing to this version."""

    def __init__(self) -> None:
        self._frames = FrameDecoder(LENGTHS)
        self.unknown = 0

    @property
    def refused(self) -> Refused:
        return self._frames.refused

    def feed(self, data: bytes) -> Iterator[tuple[int, Message]]:
        """Messages completed by `data`. Never raises."""
        for frame in self._frames.feed(data):
            message = decode(frame)
            if message is None:
                self.unknown += 1
            else:
                yield frame.sequence, message

    def reset(self) -> None:
        self._frames.reset()


def as_document(message: Message) -> dict[str, object]:
    """A message as plain data, for vectors and for people."""
    out: dict[str, object] = {"message": type(message).__name__}
    for part in fields(message):
        value = getattr(message, part.name)
        if part.name == "edges":
            value = [[e.time, e.button, e.down] for e in value]
        out[part.name] = value.rstrip(b"\0").decode("ascii") if isinstance(value, bytes) else (
            list(value) if isinstance(value, tuple) else value)
    return out


def fixed_name(text: str) -> bytes:
    """A name as 16 bytes. Raises ValueError unless it is 1..16 printable ASCII characters."""
    if not (1 <= len(text) <= NAME_BYTES and all(32 <= ord(c) < 127 for c in text)):
        raise ValueError(f"a handle's name has 1 to {NAME_BYTES} plain letters, digits or signs, not {text!r}")
    return text.encode("ascii").ljust(NAME_BYTES, b"\0")
