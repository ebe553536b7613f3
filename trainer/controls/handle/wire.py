"""Frames on the wire: COBS between zero bytes, a CRC-16 inside. Knows nothing of what frames mean.

A frame is `COBS(type, sequence, payload, crc low, crc high)` and a zero byte. See hardware/PROTOCOL.md.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

MAX_PAYLOAD = 64
"""Bytes; every message is shorter."""
MAX_ENCODED = 1 + 2 + MAX_PAYLOAD + 2
"""Bytes of the longest frame on the wire, its closing zero not counted."""
REFUSALS = ("too long", "stuffing", "too short", "checksum", "length")
"""Why bytes between two zeros were no frame."""
_TEXT = frozenset(b"\t\r\n") | frozenset(range(0x20, 0x7F))


@dataclass(frozen=True, slots=True)
class RawFrame:
    """A frame whose checksum holds. type: 0x80..0xFF; sequence: 0..255, counted by its sender."""

    type: int
    sequence: int
    payload: bytes


def checksum(data: bytes) -> int:
    """CRC-16/CCITT-FALSE (polynomial 0x1021, start 0xFFFF, not reflected), 0..65535."""
    return binascii.crc_hqx(data, 0xFFFF)


def cobs_encode(data: bytes) -> bytes:
    """`data` without zero bytes (consistent overhead byte stuffing, Cheshire and Baker 1999)."""
    out = bytearray()
    parts = data.split(b"\0")
    for at, part in enumerate(parts):
        while len(part) >= 254:
            out += b"\xff" + part[:254]
            part = part[254:]
            if not part and at == len(parts) - 1:
                return bytes(out)
        out += bytes((len(part) + 1,)) + part
    return bytes(out)


def cobs_decode(data: bytes) -> bytes | None:
    """Inverse of `cobs_encode`; None when `data` is not stuffed as it should be."""
    out = bytearray()
    at, end = 0, len(data)
    while at < end:
        code = data[at]
        stop = at + code
        if code == 0 or stop > end:
            return None
        out += data[at + 1 : stop]
        if code < 0xFF and stop < end:
            out.append(0)
        at = stop
    return None if 0 in data else bytes(out)


def encode_frame(kind: int, sequence: int, payload: bytes) -> bytes:
    """A frame as it goes on the wire, its closing zero included. Raises ValueError for what cannot be sent."""
    if not 0x80 <= kind <= 0xFF:
        raise ValueError(f"a frame's type lies in 0x80..0xFF, not {kind:#x}")
    if len(payload) > MAX_PAYLOAD:
        raise ValueError(f"a payload has at most {MAX_PAYLOAD} bytes, not {len(payload)}")
    body = bytes((kind, sequence & 0xFF)) + payload
    return cobs_encode(body + checksum(body).to_bytes(2, "little")) + b"\0"


def decode_frame(data: bytes, lengths: Mapping[int, int]) -> RawFrame | str:
    """The frame in the bytes between two zeros, or which of REFUSALS holds.

    lengths: payload length of every known type; a known type of another length is refused.
    """
    if len(data) > MAX_ENCODED:
        return "too long"
    body = cobs_decode(data)
    if body is None:
        return "stuffing"
    if len(body) < 4 or body[0] < 0x80:
        return "too short"
    if checksum(body[:-2]) != body[-2] | body[-1] << 8:
        return "checksum"
    if lengths.get(body[0], len(body) - 4) != len(body) - 4:
        return "length"
    return RawFrame(body[0], body[1], body[2:-2])


@dataclass
class Refused:
    """What a decoder did not take, counted. text: bytes of human-readable lines, which are no fault."""

    frames: dict[str, int] = field(default_factory=lambda: dict.fromkeys(REFUSALS, 0))
    text: int = 0

    @property
    def total(self) -> int:
        return sum(self.frames.values())


class FrameDecoder:
    """Takes bytes in any portions and gives the frames in them. Holds at most MAX_ENCODED bytes.

    Whatever comes in, the first frame after the next zero byte is read again.
    """

    def __init__(self, lengths: Mapping[int, int]) -> None:
        self._lengths = lengths
        self._held = bytearray()
        self._skipping = False
        self.refused = Refused()

    def feed(self, data: bytes) -> Iterator[RawFrame]:
        """Frames completed by `data`, in order. Never raises."""
        *closed, rest = data.split(b"\0")
        for chunk in closed:
            whole = bytes(self._held) + chunk if self._held else chunk
            self._held.clear()
            if self._skipping:
                self._skipping = False
                continue
            if whole:
                yield from self._take(whole)
        if not self._skipping and rest:
            room = MAX_ENCODED - len(self._held)
            if len(rest) <= room:
                self._held += rest
            else:
                self._give_up(bytes(self._held) + rest[:room])

    def reset(self) -> None:
        """Forgets a frame begun, e.g. when the port was opened anew."""
        self._held.clear()
        self._skipping = False

    def _take(self, chunk: bytes) -> Iterator[RawFrame]:
        frame = decode_frame(chunk, self._lengths)
        if isinstance(frame, RawFrame):
            yield frame
        elif _is_text(chunk):
            self.refused.text += len(chunk)
        else:
            self.refused.frames[frame] += 1

    def _give_up(self, start: bytes) -> None:
        self._held.clear()
        self._skipping = True
        if _is_text(start):
            self.refused.text += len(start)
        else:
            self.refused.frames["too long"] += 1


def _is_text(chunk: bytes) -> bool:
    return _TEXT.issuperset(chunk)
