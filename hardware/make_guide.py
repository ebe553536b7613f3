"""Makes the pictures and tables of the build guide from their sources.

    wiring/*.yaml -> wiring/*.svg        parts.csv -> the tables in README.md

    python hardware/make_guide.py            writes them
    python hardware/make_guide.py --check    exit code 1 when one is not what would be written
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

HERE = Path(__file__).parent
COLORS = {
    "black": "#000000", "red": "#D55E00", "orange": "#E69F00", "green": "#009E73", "blue": "#0072B2",
    "sky": "#56B4E9", "purple": "#CC79A7",
}  # fmt: skip
"""Okabe and Ito's palette; every wire also has its pin's name at both ends."""
BOARD_X, BOARD_WIDTH = 30, 150
LANES_X, LANE = 210, 9
PART_WIDTH, PIN_STEP, PART_GAP, HEAD = 330, 20, 14, 26
TOP, CLEAR = 70, 7


@dataclass(frozen=True)
class Wire:
    """A wire from a pin of the board to a pin of a part."""

    board: str
    part: str
    pin: str
    color: str


@dataclass(frozen=True)
class Wiring:
    """One diagram's content."""

    title: str
    build: int
    board: str
    parts: tuple[tuple[str, str, tuple[str, ...]], ...]
    """(id, name, pins)"""
    wires: tuple[Wire, ...]


def read_wiring(path: Path) -> Wiring:
    """The content of a wiring file. Raises ValueError naming the wire that leads nowhere, or a pin used twice."""
    data: dict[str, Any] = YAML(typ="safe").load(path.read_text())
    parts = tuple((p["id"], p["name"], tuple(p["pins"])) for p in data["parts"])
    pins = {(name, pin) for name, _, all_pins in parts for pin in all_pins}
    wires, used = [], set()
    for board, end, color in data["wires"]:
        part, _, pin = end.partition(".")
        if (part, pin) not in pins:
            raise ValueError(f"{path.name}: the wire to '{end}' leads nowhere")
        if color not in COLORS:
            raise ValueError(f"{path.name}: '{color}' is none of {', '.join(COLORS)}")
        if board not in ("GND", "5V") and board in used:
            raise ValueError(f"{path.name}: pin {board} is used twice")
        used.add(board)
        wires.append(Wire(board, part, pin, color))
    missing = pins - {(wire.part, wire.pin) for wire in wires}
    if missing:
        raise ValueError(f"{path.name}: nothing is connected to {sorted(missing)}")
    return Wiring(data["title"], data["build"], data["board"], parts, tuple(wires))


def _board_pins(wiring: Wiring, places: dict[tuple[str, str], int], bottom: int) -> dict[str, int]:
    """Height of every used pin of the board: in the order of the wires, supply last, never level with a part's pin,
    for two wires must not lie on one line."""
    used = list(dict.fromkeys(wire.board for wire in wiring.wires))
    used.sort(key=lambda pin: pin in ("5V", "GND"))
    step = max(PIN_STEP, (bottom - TOP - HEAD) // max(1, len(used)))
    out = {}
    for n, pin in enumerate(used):
        y = TOP + HEAD + step * n + step // 2
        while any(abs(y - other) < CLEAR for other in places.values()):
            y += 1
        out[pin] = y
    return out


def draw(wiring: Wiring) -> str:
    """The diagram as SVG text."""
    part_x = LANES_X + LANE * len(wiring.wires) + 40
    width = part_x + PART_WIDTH + 30
    places, y = {}, TOP
    boxes = []
    for name, title, pins in wiring.parts:
        height = HEAD + PIN_STEP * len(pins)
        boxes.append((title, pins, y, height))
        for n, pin in enumerate(pins):
            places[name, pin] = y + HEAD + PIN_STEP * n + PIN_STEP // 2
        y += height + PART_GAP
    bottom = y
    board_y = _board_pins(wiring, places, bottom)
    lines = [*_head(wiring, width, bottom), *_board(wiring, board_y, bottom)]
    for title, pins, top, height in boxes:
        lines += _part(title, pins, part_x, top, height)
    lines += _wires(wiring, places, board_y, part_x)
    return "\n".join([*lines, "</svg>", ""])


def _text(x: int, y: int, text: str, *, size: int = 13, anchor: str = "start", weight: str = "normal") -> str:
    style = f'font-size="{size}" text-anchor="{anchor}" font-weight="{weight}"'
    return f'<text x="{x}" y="{y}" {style}>{escape(text)}</text>'


def _head(wiring: Wiring, width: int, bottom: int) -> Iterator[str]:
    yield (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{bottom + 20}" '
           f'viewBox="0 0 {width} {bottom + 20}" font-family="DejaVu Sans, Arial, sans-serif">')  # fmt: skip
    yield f"<title>Wiring: {escape(wiring.title)}</title>"
    yield f'<rect width="{width}" height="{bottom + 20}" fill="#ffffff"/>'
    yield _text(BOARD_X, 32, wiring.title, size=20, weight="bold")
    yield _text(BOARD_X, 54, f"Firmware: HANDLE_BUILD {wiring.build}. A dot joins wires of one pin; wires that only "
                "cross are not joined.")  # fmt: skip


def _board(wiring: Wiring, board_y: dict[str, int], bottom: int) -> Iterator[str]:
    yield (f'<rect x="{BOARD_X}" y="{TOP}" width="{BOARD_WIDTH}" height="{bottom - TOP - PART_GAP}" fill="#eef4f8" '
           'stroke="#333333" stroke-width="2" rx="6"/>')  # fmt: skip
    first, _, second = wiring.board.partition(" (")
    yield _text(BOARD_X + 10, TOP + 18, first, size=11, weight="bold")
    if second:
        yield _text(BOARD_X + 10, TOP + 33, f"({second}", size=11)
    for pin, y in board_y.items():
        yield _text(BOARD_X + BOARD_WIDTH - 10, y + 4, pin, anchor="end", weight="bold")


def _part(title: str, pins: tuple[str, ...], x: int, top: int, height: int) -> Iterator[str]:
    yield (f'<rect x="{x}" y="{top}" width="{PART_WIDTH}" height="{height}" fill="#fbf7ee" stroke="#333333" '
           'stroke-width="1.5" rx="6"/>')  # fmt: skip
    yield _text(x + 10, top + 17, title, size=11, weight="bold")
    for n, pin in enumerate(pins):
        yield _text(x + 10, top + HEAD + PIN_STEP * n + PIN_STEP // 2 + 4, pin)


def _wires(
    wiring: Wiring, places: dict[tuple[str, str], int], board_y: dict[str, int], part_x: int
) -> Iterator[str]:
    """Each wire has an upright lane of its own, so that none lie on each other."""
    left = BOARD_X + BOARD_WIDTH
    for n, wire in enumerate(wiring.wires):
        x, start, end = LANES_X + LANE * n, board_y[wire.board], places[wire.part, wire.pin]
        color = COLORS[wire.color]
        yield (f'<path d="M{left} {start}H{x}V{end}H{part_x}" fill="none" stroke="{color}" stroke-width="2">'
               f"<title>{escape(wire.board)} to {escape(wire.part)} {escape(wire.pin)}</title></path>")  # fmt: skip
        if sum(other.board == wire.board for other in wiring.wires) > 1:
            yield f'<circle cx="{x}" cy="{start}" r="3" fill="{color}"/>'
        yield _text(part_x - 4, end - 3, wire.board, size=9, anchor="end")


def parts_table(rows: list[dict[str, str]], build: str) -> str:
    """The parts of a build as a Markdown table with the sum of the price ranges."""
    lines = ["| part | number | look for | US$ each | remark |", "| --- | --: | --- | --: | --- |"]
    low = high = 0.0
    for row in rows:
        if row["build"] != build:
            continue
        number, cheap, dear = int(row["quantity"]), float(row["low_usd"]), float(row["high_usd"])
        if not 0.0 <= cheap <= dear:
            raise ValueError(f"parts.csv: the price range of '{row['part']}' is upside down")
        low, high = low + number * cheap, high + number * dear
        lines.append(f"| {row['part']} | {number} | {row['look for']} | {cheap:g}-{dear:g} | {row['remark']} |")
    lines.append(f"| **together** | | | **{low:.0f}-{high:.0f}** | |")
    return "\n".join(lines)


def guide(text: str) -> str:
    """README's text with every table between its marks renewed."""
    with (HERE / "parts.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for build in dict.fromkeys(row["build"] for row in rows):
        begin, end = f"<!-- parts {build}: made by make_guide.py -->\n", "\n<!-- end of parts -->"
        before, found, rest = text.partition(begin)
        _, closed, after = rest.partition(end)
        if not (found and closed):
            raise ValueError(f"README.md has no place for the parts of '{build}'")
        text = before + begin + parts_table(rows, build) + end + after
    return text


def made() -> dict[Path, str]:
    """Every file and what should be in it."""
    out = {path.with_suffix(".svg"): draw(read_wiring(path)) for path in sorted((HERE / "wiring").glob("*.yaml"))}
    out[HERE / "README.md"] = guide((HERE / "README.md").read_text(encoding="utf-8"))
    return out


def main() -> int:
    stale = [path for path, text in made().items()
             if not path.exists() or path.read_text(encoding="utf-8") != text]  # fmt: skip
    if "--check" in sys.argv[1:]:
        for path in stale:
            print(f"{path.name} is not what its source says; run hardware/make_guide.py", file=sys.stderr)
        return 1 if stale else 0
    for path, text in made().items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
