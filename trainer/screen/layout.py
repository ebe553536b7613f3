"""Where everything stands in the suite, from the window's size and the chosen scale. Pure arithmetic."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pygame

BASE = (1280, 720)
"""At this size and 100 % one unit is one pixel."""
SCALES = (0.75, 0.85, 1.0, 1.15, 1.3, 1.5, 1.75, 2.0)
"""Sizes that the operator can choose."""


PAGED_ABOVE = 1.0
"""Above this scale the panels no longer fit side by side; they share one column, page by page."""
_NEEDED: dict[str, int] = {
    "tray": 262,
    "injector": 126,
    "dose": 112,
    "vitals": 130,
    "table": 186,
    "hints": 120,
}
"""Least height of each panel in units, in the order in which pages are filled."""
_NOWHERE = pygame.Rect(0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class SuiteLayout:
    """Rectangles of the suite in pixels. None covers another; those of panels on other pages are empty.

    side is where menus and help stand, column where the key map stands; both cover panels, never an image
    (in pages, the reference monitor makes room like any panel).
    """

    unit: float
    live_head: pygame.Rect
    live: pygame.Rect
    live_foot: pygame.Rect
    messages: pygame.Rect
    reference_head: pygame.Rect
    reference: pygame.Rect
    vitals: pygame.Rect
    table: pygame.Rect
    tray: pygame.Rect
    injector: pygame.Rect
    dose: pygame.Rect
    hints: pygame.Rect
    side: pygame.Rect
    column: pygame.Rect
    pager: pygame.Rect = field(default_factory=lambda: _NOWHERE)
    page: int = 0
    pages: int = 1

    def shown(self) -> tuple[pygame.Rect, ...]:
        """Rectangles of everything that stands in the window at once."""
        every = (
            self.live_head, self.live, self.live_foot, self.messages, self.reference_head, self.reference,
            self.vitals, self.table, self.tray, self.injector, self.dose, self.hints, self.pager,
        )  # fmt: skip
        return tuple(rect for rect in every if rect.width)


def unit_of(size: tuple[int, int], scale: float) -> float:
    """Pixels per unit of a window."""
    return max(0.4, min(size[0] / BASE[0], size[1] / BASE[1]) * scale)


def suite_layout(size: tuple[int, int], scale: float = 1.0, page: int = 0) -> SuiteLayout:
    """Live monitor at the left as large as fits; beside it two columns of panels, or pages of one column
    when letters are large. page counts from 0 and goes around."""
    unit, paged = unit_of(size, scale), scale > PAGED_ABOVE
    left = _live_column(size, unit, 0.46 if paged else 0.52)
    gap = round(6 * unit)
    x = left["live"].right + gap
    area = pygame.Rect(x, gap, size[0] - x - gap, size[1] - 2 * gap)
    return _paged(left, area, unit, page) if paged else _two_columns(left, area, unit)


def _live_column(size: tuple[int, int], unit: float, share: float) -> dict[str, pygame.Rect]:
    width, height = size
    gap, bezel, messages = round(6 * unit), round(24 * unit), round(40 * unit)
    side = min(height - 2 * bezel - messages - 3 * gap, round(width * share))
    head = pygame.Rect(gap, gap, side, bezel)
    live = pygame.Rect(gap, head.bottom, side, side)
    foot = pygame.Rect(gap, live.bottom, side, bezel)
    rest = pygame.Rect(gap, foot.bottom + gap, side, height - foot.bottom - 2 * gap)
    return {"live_head": head, "live": live, "live_foot": foot, "messages": rest}


def _two_columns(left: dict[str, Any], area: pygame.Rect, unit: float) -> SuiteLayout:
    """Machine (reference, hemodynamics, C-arm) and devices (tray, injector, dose, hints)."""
    gap, head = round(6 * unit), round(24 * unit)
    machine = round((area.width - gap) * 0.5)
    side = min(machine, round(area.height * 0.5))
    reference_head = pygame.Rect(area.x, area.y, machine, head)
    reference = pygame.Rect(area.x + (machine - side) // 2, reference_head.bottom, side, side)
    below = pygame.Rect(area.x, reference.bottom + gap, machine, area.bottom - reference.bottom - gap)
    vitals, table = _stack(below, gap, (42, 58))
    column = pygame.Rect(area.x + machine + gap, area.y, area.width - machine - gap, area.height)
    tray, injector, dose, hints = _stack(column, gap, (278, 132, 128, 152))
    return SuiteLayout(
        unit=unit, **left, reference_head=reference_head, reference=reference, vitals=vitals, table=table,
        tray=tray, injector=injector, dose=dose, hints=hints, side=injector.unionall([dose, hints]),
        column=column,
    )  # fmt: skip


def _paged(left: dict[str, Any], area: pygame.Rect, unit: float, page: int) -> SuiteLayout:
    """One column; each page takes as many panels as fit, the last one is the reference monitor."""
    gap, strip = round(6 * unit), round(22 * unit)
    pager = pygame.Rect(area.x, area.y, area.width, strip)
    column = pygame.Rect(area.x, pager.bottom + gap, area.width, area.bottom - pager.bottom - gap)
    pages: list[list[str]] = [[]]
    for name, needed in _NEEDED.items():
        used = sum(_NEEDED[other] * unit + gap for other in pages[-1])
        if pages[-1] and used + needed * unit > column.height:
            pages.append([])
        pages[-1].append(name)
    page %= len(pages) + 1
    places: dict[str, Any] = dict.fromkeys((*_NEEDED, "reference_head", "reference"), _NOWHERE)
    if page < len(pages):
        rects = _stack(column, gap, tuple(_NEEDED[name] for name in pages[page]))
        places.update(zip(pages[page], rects, strict=True))
    else:
        places["reference_head"] = pygame.Rect(column.x, column.y, column.width, round(24 * unit))
        top = places["reference_head"].bottom
        side = min(column.width, column.bottom - top)
        places["reference"] = pygame.Rect(column.x + (column.width - side) // 2, top, side, side)
    return SuiteLayout(
        unit=unit, **left, **places, side=column, column=column, pager=pager, page=page, pages=len(pages) + 1
    )


def _stack(area: pygame.Rect, gap: int, shares: tuple[int, ...]) -> list[pygame.Rect]:
    """Rectangles below each other with heights in the ratio of `shares`, filling the area."""
    room = area.height - gap * (len(shares) - 1)
    heights = [room * share // sum(shares) for share in shares]
    heights[-1] += room - sum(heights)
    tops = [area.y + sum(heights[:i]) + i * gap for i in range(len(shares))]
    return [pygame.Rect(area.x, top, area.width, height) for top, height in zip(tops, heights, strict=True)]
