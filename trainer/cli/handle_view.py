"""What `handle monitor` shows: positions, speeds over time, buttons and the quality of the line."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import asdict
from typing import Any

from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from trainer.cli import console
from trainer.controls.handle.link import SerialLink
from trainer.controls.handle.messages import AXES
from trainer.controls.handle.session import ButtonEdge, Reading
from trainer.controls.handle.settings import HandleSettings

BARS = " ▁▂▃▄▅▆▇█"
PLOT_COLUMNS = 40
FRAMES_PER_S = 10
EDGES_SHOWN = 6


def positions(reading: Reading, settings: HandleSettings) -> list[float]:
    """Slides in mm and rolls in turns, in the order of AXES; 0 for channels that the handle has not."""
    out = []
    for axis, count in enumerate(reading.counts):
        kept = settings.rolls if axis % 2 else settings.slides
        one = kept[axis // 2] if axis // 2 < len(kept) else None
        out.append(one.direction * count / one.counts_per_unit if one else 0.0)
    return out


def snapshot(link: SerialLink, settings: HandleSettings) -> dict[str, Any]:
    """One reading and the quality of the line as plain data."""
    reading = link.newest() or Reading(0.0, live=False)
    moved = positions(reading, settings)
    return {
        "live": reading.live,
        "axes": {name: {"counts": reading.counts[n], "mm" if n % 2 == 0 else "turns": moved[n]}
                 for n, name in enumerate(AXES[: 2 * len(settings.slides)])},
        "syringe": reading.syringe, "joystick": list(reading.joystick),
        "held": [n for n in range(16) if reading.held >> n & 1], "line": asdict(link.quality()),
    }  # fmt: skip


def spark(values: deque[float]) -> str:
    """Sizes of values as a row of bars, the largest full."""
    most = max((abs(v) for v in values), default=0.0)
    if most == 0.0:
        return BARS[0] * len(values)
    return "".join(BARS[round(abs(v) / most * (len(BARS) - 1))] for v in values)


class Picture:
    """Everything that is drawn, renewed some times a second."""

    def __init__(self, settings: HandleSettings) -> None:
        self._settings = settings
        self._speeds = [deque([0.0] * PLOT_COLUMNS, PLOT_COLUMNS) for _ in AXES]
        self._before: list[float] | None = None
        self._edges: deque[ButtonEdge] = deque(maxlen=EDGES_SHOWN)

    def draw(self, link: SerialLink) -> Group:
        """The newest picture."""
        reading = link.newest() or Reading(0.0, live=False)
        self._edges.extend(link.edges())
        hello = link.hello
        state = f"at {link.port}" if reading.live else link.trouble
        title = f"{hello.title if hello else 'handle'} {state}"
        return Group(Text(title, style="bold"), self._axes(reading), self._rest(reading), self._quality(link))

    def _axes(self, reading: Reading) -> Table:
        moved = positions(reading, self._settings)
        before, self._before = self._before or moved, moved
        table = Table("axis", "counts", "position", "speed", f"last {PLOT_COLUMNS // FRAMES_PER_S} s")
        for n, name in enumerate(AXES[: 2 * len(self._settings.slides)]):
            unit = "turns" if n % 2 else "mm"
            speed = (moved[n] - before[n]) * FRAMES_PER_S
            self._speeds[n].append(speed)
            table.add_row(name, str(reading.counts[n]), f"{moved[n]:.2f} {unit}", f"{speed:+.1f} {unit}/s",
                          spark(self._speeds[n]))  # fmt: skip
        return table

    def _rest(self, reading: Reading) -> Text:
        acts = self._settings.buttons
        held = [f"{n} {acts[n] if n < len(acts) else ''}".strip() for n in range(16) if reading.held >> n & 1]
        edges = " ".join(f"{edge.button}{'↓' if edge.down else '↑'}" for edge in self._edges)
        primary, secondary = reading.joystick
        return Text(f"held: {', '.join(held) or 'nothing'}   edges: {edges or 'none'}   syringe {reading.syringe}   "
                    f"stick {primary:+d} {secondary:+d}")  # fmt: skip

    @staticmethod
    def _quality(link: SerialLink) -> Text:
        q = link.quality()
        return Text(f"frames {q.frames}, lost {q.lost}, damaged {q.refused}, late {q.late}; edges {q.edges}, missed "
                    f"{q.missed_edges}; round trip {q.round_trip_ms:.1f} ms, edge to program {q.edge_ms:.1f} ms; "
                    f"steps too fast {q.overspeed}, sensor faults {q.faults}")  # fmt: skip


def watch(link: SerialLink, settings: HandleSettings, seconds: float | None) -> None:
    """Draws until `seconds` have passed, or for ever. Raises KeyboardInterrupt on Ctrl+C."""
    picture, end = Picture(settings), time.monotonic() + (seconds or float("inf"))
    with Live(picture.draw(link), console=console.out, auto_refresh=False) as live:
        while time.monotonic() < end:
            time.sleep(1.0 / FRAMES_PER_S)
            live.update(picture.draw(link), refresh=True)
