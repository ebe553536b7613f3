"""Where everything stands in the suite, from the window's size and the chosen scale. Pure arithmetic."""

from __future__ import annotations

from dataclasses import dataclass

import pygame

BASE = (1280, 720)
"""At this size and 100 % one unit is one pixel."""
SCALES = (0.75, 0.85, 1.0, 1.15, 1.3, 1.5, 1.75, 2.0)
"""Sizes that the operator can choose."""


@dataclass(frozen=True, slots=True)
class SuiteLayout:
    """Rectangles of the suite in pixels. None of them covers another."""

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

    def all(self) -> tuple[pygame.Rect, ...]:
        return (
            self.live_head,
            self.live,
            self.live_foot,
            self.messages,
            self.reference_head,
            self.reference,
            self.vitals,
            self.table,
            self.tray,
            self.injector,
            self.dose,
            self.hints,
        )


def unit_of(size: tuple[int, int], scale: float) -> float:
    """Pixels per unit of a window, before it is fitted."""
    return max(0.4, min(size[0] / BASE[0], size[1] / BASE[1]) * scale)


def suite_layout(size: tuple[int, int], scale: float = 1.0) -> SuiteLayout:
    """Live monitor at the left as large as fits, beside it two columns: machine and devices.

    A larger scale makes letters and panels larger and the live monitor smaller, down to 40 % of the width.
    """
    width, height = size
    unit = unit_of(size, scale)
    gap, head, foot = round(6 * unit), round(24 * unit), round(24 * unit)
    messages = round(40 * unit)
    side = min(height - head - foot - messages - 3 * gap, round(width * (0.52 if scale <= 1.0 else 0.47)))
    side = max(side, round(0.3 * width)) if scale > 1.0 else side
    side = min(side, height - head - foot - messages - 3 * gap)
    live_head = pygame.Rect(gap, gap, side, head)
    live = pygame.Rect(gap, live_head.bottom, side, side)
    live_foot = pygame.Rect(gap, live.bottom, side, foot)
    message_rect = pygame.Rect(gap, live_foot.bottom + gap, side, height - live_foot.bottom - 2 * gap)
    left = live.right + gap
    columns = width - left - gap
    machine = round((columns - gap) * 0.5)
    devices = columns - gap - machine
    reference_side = min(machine, round((height - 2 * gap) * 0.5))
    reference_head = pygame.Rect(left, gap, machine, head)
    reference = pygame.Rect(
        left + (machine - reference_side) // 2, reference_head.bottom, reference_side, reference_side
    )
    rest = height - reference.bottom - 2 * gap
    vitals = pygame.Rect(left, reference.bottom + gap, machine, round(rest * 0.42))
    table = pygame.Rect(left, vitals.bottom + gap, machine, height - vitals.bottom - 2 * gap)
    right = left + machine + gap
    parts = _split(height - 2 * gap, gap, (278, 132, 128, 152))
    tops = [gap + sum(parts[:i]) + i * gap for i in range(4)]
    tray, injector, dose, hints = (
        pygame.Rect(right, top, devices, part) for top, part in zip(tops, parts, strict=True)
    )
    return SuiteLayout(
        unit,
        live_head,
        live,
        live_foot,
        message_rect,
        reference_head,
        reference,
        vitals,
        table,
        tray,
        injector,
        dose,
        hints,
    )


def _split(total: int, gap: int, shares: tuple[int, ...]) -> list[int]:
    """Whole pixels in the ratio of `shares`, with gaps between, filling `total`."""
    room = total - gap * (len(shares) - 1)
    out = [room * share // sum(shares) for share in shares]
    out[-1] += room - sum(out)
    return out
