"""What stands at the right side on demand: menus, hints, help and the key map. Never over an X-ray image."""

from __future__ import annotations

import pygame

from trainer.screen.paint import key_caps, panel
from trainer.screen.ports import HandView, MenuPort
from trainer.screen.theme import DIM, FAINT, LINE, ORANGE, SKY, TEXT, Brush

WINDOW_KEYS = (
    ("F1 F2", "what can be done now, all keys"), ("F3", "other panels (large letters)"),
    ("F11", "full screen"), ("M", "sound on / off"),
    ("Ctrl++ Ctrl+-", "larger, smaller letters"), ("Esc", "close, pause, leave"),
)  # fmt: skip


def draw_menu(surface: pygame.Surface, rect: pygame.Rect, menu: MenuPort, brush: Brush) -> None:
    """An open menu with its cursor; scrolls when it has more rows than fit."""
    inner = panel(surface, rect, brush)
    pygame.draw.rect(surface, SKY, rect, brush.px(1.5), border_radius=brush.px(4))
    brush.text(surface, inner.topleft, menu.title, 15, TEXT, bold=True)
    brush.text(surface, (inner.x, inner.bottom - brush.px(13)), menu.footer, 10.5, DIM, width=inner.width)
    height = brush.px(34) if any(row.note for row in menu.rows) else brush.px(25)
    top, bottom = inner.y + brush.px(26), inner.bottom - brush.px(18)
    fits = max(1, (bottom - top) // height)
    first = max(0, min(menu.cursor - fits // 2, len(menu.rows) - fits))
    for i, row in enumerate(menu.rows[first : first + fits], first):
        box = pygame.Rect(
            inner.x - brush.px(4), top + (i - first) * height, inner.width + brush.px(8), height - brush.px(2)
        )
        chosen = i == menu.cursor
        if chosen:
            pygame.draw.rect(surface, (18, 62, 92), box, border_radius=brush.px(3))
            pygame.draw.rect(surface, SKY, box, 1, border_radius=brush.px(3))
        color = TEXT if row.enabled else FAINT
        x, y = box.x + brush.px(8), box.y + brush.px(2)
        half = box.width * (0.42 if row.value else 0.96)
        brush.text(surface, (x, y), row.text, 13, color, bold=chosen, width=half)
        if row.value:
            value = f"◀ {row.value} ▶" if chosen else row.value
            brush.text(
                surface, (box.right - brush.px(8), y), value, 13, color, align="right", width=box.width * 0.55
            )
        if row.note:
            brush.text(
                surface,
                (x, y + brush.px(16)),
                row.note,
                10.5,
                DIM if row.enabled else ORANGE,
                width=box.width - brush.px(16),
            )
    if first + fits < len(menu.rows):
        brush.text(surface, (inner.right, inner.bottom - brush.px(14)), "▼ more", 10.5, SKY, align="right")


def draw_hints(
    surface: pygame.Surface, rect: pygame.Rect, hand: HandView, brush: Brush, full: bool = False
) -> None:
    """Keys that do something now: as many as fit; F1 shows them all in a tall panel."""
    inner = panel(surface, rect, brush, "What you can do now", "" if full else "F1: all  F2: keys")
    line = brush.px(19)
    fits = max(1, inner.height // line)
    column = round(inner.width * (0.3 if not full else 0.34))
    for i, hint in enumerate(list(hand.hints)[:fits]):
        y = inner.y + i * line
        x = key_caps(surface, (inner.x, y), hint.key, brush, 10)
        x = max(x + brush.px(4), inner.x + column)
        brush.text(
            surface,
            (x, y),
            ("▲ " if hint.urgent else "") + hint.text,
            11.5,
            ORANGE if hint.urgent else TEXT,
            width=inner.right - x,
        )


def draw_keymap(surface: pygame.Surface, rect: pygame.Rect, hand: HandView, brush: Brush) -> None:
    """Every key of the layout and of the window, in as many columns as the panel's height asks for."""
    inner = panel(surface, rect, brush, f"Keys: {hand.layout}", "F2 closes")
    rows = [*hand.keymap, *WINDOW_KEYS]
    size = 12.0
    while size > 7.0 and len(rows) * brush.line_height(size) > inner.height:
        size -= 0.5
    line = inner.height / len(rows)
    for i, (key, words) in enumerate(rows):
        y = inner.y + i * line
        if i % 2:
            surface.fill((20, 25, 31), (inner.x, round(y), inner.width, round(line)))
        middle = y + (line - brush.line_height(size)) / 2
        brush.text(surface, (inner.x + brush.px(2), middle), key, size, SKY, width=inner.width * 0.36)
        brush.text(
            surface, (inner.x + inner.width * 0.38, middle), words, size, TEXT, width=inner.width * 0.62
        )
    pygame.draw.line(surface, LINE, (inner.x, inner.y - 2), (inner.right, inner.y - 2))
