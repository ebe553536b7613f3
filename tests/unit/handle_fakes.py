"""A scripted link for tests of the handle's controller, and a session joined to an emulated handle."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from trainer.controls.handle.emulator import TABLE, EmulatedHandle
from trainer.controls.handle.messages import Hello
from trainer.controls.handle.session import ButtonEdge, Reading, Session

Step = tuple[Reading | None, list[ButtonEdge]]


class ScriptedLink:
    """Gives one step of its script at each poll; the last reading stays. Remembers what it was told."""

    trouble = ""

    def __init__(self, script: list[Step], hello: Hello | None = TABLE) -> None:
        self.hello = hello
        self._script: Iterator[Step] = iter(script)
        self._reading: Reading | None = None
        self._edges: list[ButtonEdge] = []
        self.force: list[tuple[int, int, int]] = []
        self.lamps = 0
        self.closed = 0

    def newest(self) -> Reading | None:
        step = next(self._script, None)
        if step is not None:
            self._reading, self._edges = step
        return self._reading

    def edges(self) -> list[ButtonEdge]:
        edges, self._edges = self._edges, []
        return edges

    def set_force(self, levels: tuple[int, int, int]) -> None:
        self.force.append(levels)

    def set_lamps(self, lamps: int) -> None:
        self.lamps = lamps

    def close(self) -> None:
        self.closed += 1


def readings(*counts: tuple[int, ...], start_s: float = 1.0, **more: object) -> list[Step]:
    """One reading a 60 Hz step with these counts (short ones are filled with zeros)."""
    return [
        (Reading(start_s + n / 60.0, (*c, *[0] * (6 - len(c))), **more), [])  # type: ignore[arg-type]
        for n, c in enumerate(counts)
    ]


class Wire:
    """A session and an emulated handle with simulated time between them. damage: what happens to bytes on the way."""

    def __init__(self, handle: EmulatedHandle | None = None, step_s: float = 0.001, start_s: float = 100.0) -> None:
        self.handle, self.session = handle or EmulatedHandle(), Session()
        self.now, self.step_s = start_s, step_s
        self.damage: Callable[[bytes], bytes] = lambda data: data
        self.plugged = True
        self.session.start(self.now)

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / self.step_s)):
            self.now += self.step_s
            to_handle = self.session.tick(self.now)
            if self.plugged:
                if to_handle:
                    self.handle.receive(self.damage(to_handle), self.now)
                to_host = self.handle.tick(self.now)
                if to_host:
                    self.session.feed(self.damage(to_host), self.now)

    def unplug(self) -> None:
        self.plugged = False
        self.session.stop()

    def plug(self, handle: EmulatedHandle | None = None) -> None:
        self.handle = handle or self.handle
        self.plugged = True
        self.session.start(self.now)
