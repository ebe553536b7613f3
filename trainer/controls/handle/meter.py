"""How well the line works: frames lost, round trip, and how old edges are when they become Commands."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from statistics import median

from trainer.controls.handle.messages import TICK_S

KEPT = 512
"""Newest values of which a median is taken."""


@dataclass(frozen=True, slots=True)
class Quality:
    """Figures since the link was opened. Times in ms; 0 while nothing was measured."""

    frames: int = 0
    lost: int = 0
    late: int = 0
    refused: int = 0
    missed_edges: int = 0
    round_trip_ms: float = 0.0
    edge_ms: float = 0.0
    """Median from an edge on the board to the Commands that hold it."""
    edge_worst_ms: float = 0.0
    edges: int = 0
    overspeed: int = 0
    faults: int = 0
    device_refused: int = 0


class Meter:
    """Counts. Written by the reader thread, `edge` by the controller's; each field has one writer."""

    def __init__(self) -> None:
        self.frames = self.lost = self.late = self.refused = self.missed_edges = self.edges = 0
        self.overspeed = self.faults = self.device_refused = 0
        self._sequence: int | None = None
        self._round_trips: deque[float] = deque(maxlen=KEPT)
        self._edge_ages: deque[float] = deque(maxlen=KEPT)

    def restart(self, sequence: int | None = None) -> None:
        """The sender's count begins anew."""
        self._sequence = sequence

    def frame(self, sequence: int) -> bool:
        """Whether a frame is new; a repeated or late one is to be dropped."""
        if self._sequence is not None:
            step = (sequence - self._sequence) & 0xFF
            if step == 0 or step >= 128:
                self.late += 1
                return False
            self.lost += step - 1
        self._sequence = sequence
        self.frames += 1
        return True

    def round_trip(self, seconds: float) -> None:
        self._round_trips.append(seconds)

    def edge(self, age_s: float) -> None:
        """An edge became Commands `age_s` after it happened."""
        self.edges += 1
        self._edge_ages.append(age_s)

    def quality(self) -> Quality:
        """A frozen copy."""
        trips, ages = list(self._round_trips), list(self._edge_ages)
        return Quality(
            self.frames, self.lost, self.late, self.refused, self.missed_edges,
            1e3 * median(trips) if trips else 0.0, 1e3 * median(ages) if ages else 0.0,
            1e3 * max(ages, default=0.0), self.edges, self.overspeed, self.faults, self.device_refused,
        )  # fmt: skip


class DeviceClock:
    """The board's clock in the host's time, from pings. Ticks wrap every 6.5 s; seconds do not."""

    def __init__(self) -> None:
        self._ticks = 0
        self._last: int | None = None
        self._best: deque[tuple[float, float]] = deque(maxlen=64)
        self._offset = 0.0

    def seconds(self, ticks: int) -> float:
        """Device seconds of a time up to 3.2 s before or after the last one seen."""
        if self._last is None:
            self._last = ticks
        step = ((ticks - self._last + 0x8000) & 0xFFFF) - 0x8000
        if step > 0:
            self._ticks += step
            self._last = ticks
            return self._ticks * TICK_S
        return (self._ticks + step) * TICK_S

    def ping(self, sent_s: float, received_s: float, ticks: int) -> None:
        """An answer to a ping; the shortest round trips tell the offset best."""
        middle = 0.5 * (sent_s + received_s)
        self._best.append((received_s - sent_s, middle - self.seconds(ticks)))
        self._offset = min(self._best)[1]

    def host(self, ticks: int, otherwise: float) -> float:
        """Host time of a device time; `otherwise` while the offset is unknown."""
        return self.seconds(ticks) + self._offset if self._best else otherwise
