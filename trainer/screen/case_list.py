"""The first page: which patient. Behind it the X-ray room is already being prepared."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pygame

from trainer.screen.paint import bar, key_cap, panel
from trainer.screen.theme import (
    DIM,
    FAINT,
    GREEN,
    LINE,
    ORANGE,
    RAISED,
    RED,
    ROOM,
    SKY,
    TEXT,
    YELLOW,
    Brush,
    Color,
)

if TYPE_CHECKING:
    from trainer.screen.page import Desk, Page
    from trainer.screen.ports import Case

LEVELS: dict[str, tuple[str, Color]] = {"easy": ("●", GREEN), "medium": ("■", YELLOW), "hard": ("▲", RED)}
"""Difficulty by shape and color."""


class CaseList:
    """Cards with one line of summary; the chosen one opens its briefing."""

    name = "cases"
    frames_per_s = 20

    def __init__(self, desk: Desk, *, single: bool = False) -> None:
        """single: the only case opens its briefing at once."""
        self._desk = desk
        self._cursor = 0
        self._cards: list[pygame.Rect] = []
        self._open, self._single = False, single

    def enter(self) -> None:
        self._desk.surface.fill(ROOM)

    def leave(self) -> None:
        pass

    @property
    def _cases(self) -> list[Case]:
        return list(self._desk.cases.result or [])

    def event(self, event: pygame.event.Event) -> None:
        count = len(self._cases)
        if event.type == pygame.KEYDOWN and count:
            if event.key in (pygame.K_UP, pygame.K_DOWN):
                self._cursor = (self._cursor + (1 if event.key == pygame.K_DOWN else -1)) % count
            elif event.key in (pygame.K_RETURN, pygame.K_KP_ENTER, pygame.K_SPACE):
                self._open = not self._cases[self._cursor].fault
            elif event.key in (pygame.K_LEFT, pygame.K_RIGHT) and not self._desk.exam:
                self._desk.seed = max(0, self._desk.seed + (1 if event.key == pygame.K_RIGHT else -1))
        elif event.type == pygame.MOUSEBUTTONDOWN and event.button == 1:
            for i, card in enumerate(self._cards):
                if card.collidepoint(event.pos):
                    self._open = i == self._cursor and not self._cases[i].fault
                    self._cursor = i
        if event.type == pygame.KEYDOWN and event.key == pygame.K_ESCAPE:
            pygame.event.post(pygame.event.Event(pygame.QUIT))

    def draw(self, elapsed_s: float) -> Page | None:
        from trainer.screen.briefing import Briefing

        if self._single and self._desk.cases.done and self._cases:
            self._open, self._single = not self._cases[0].fault, False
        if self._open and self._cases:
            return Briefing(self._desk, self._cases[self._cursor])
        surface, brush = self._desk.surface, self._desk.brush
        surface.fill(ROOM)
        width, height = surface.get_size()
        content = min(width - brush.px(80), brush.px(1120))
        area = pygame.Rect((width - content) // 2, brush.px(40), content, height - brush.px(80))
        brush.text(surface, area.topleft, "Catheter trainer", 30, TEXT, bold=True)
        brush.text(
            surface,
            (area.x, area.y + brush.px(44)),
            "Transarterial tumor therapy. For training, not for treatment.",
            14,
            DIM,
        )
        self._draw_cards(pygame.Rect(area.x, area.y + brush.px(84), area.width, area.height - brush.px(150)))
        self._draw_foot(pygame.Rect(area.x, area.bottom - brush.px(46), area.width, brush.px(46)))
        return None

    def _draw_cards(self, area: pygame.Rect) -> None:
        surface, brush, cases = self._desk.surface, self._desk.brush, self._cases
        task = self._desk.cases
        if not cases:
            text = "Reading the cases …" if not task.done else f"No case can be shown. {task.error or ''}"
            brush.text(surface, area.topleft, text, 15, DIM if not task.error else ORANGE, width=area.width)
            self._cards = []
            return
        gap, height = brush.px(12), brush.px(108)
        fits = max(1, (area.height + gap) // (height + gap))
        first = max(0, min(self._cursor - fits // 2, len(cases) - fits))
        self._cards = [pygame.Rect(0, 0, 0, 0)] * len(cases)
        for i in range(first, min(len(cases), first + fits)):
            card = pygame.Rect(area.x, area.y + (i - first) * (height + gap), area.width, height)
            self._cards[i] = card
            draw_card(surface, card, cases[i], i == self._cursor, brush)

    def _draw_foot(self, area: pygame.Rect) -> None:
        surface, brush = self._desk.surface, self._desk.brush
        x = area.x
        pairs = [("↑ ↓", "choose"), ("Enter", "open"), ("Esc", "quit")]
        if not self._desk.exam:
            pairs.insert(2, ("← →", f"seed {self._desk.seed}"))
        for key, words in pairs:
            x = key_cap(surface, (x, area.y + brush.px(18)), key, brush).right + brush.px(6)
            x = brush.text(surface, (x, area.y + brush.px(17)), words, 13, DIM).right + brush.px(20)
        if self._desk.exam:
            brush.text(surface, (x, area.y + brush.px(17)), f"◆ exam, seed {self._desk.seed}", 13, ORANGE)
        warm = self._desk.warm
        right = pygame.Rect(area.right - brush.px(320), area.y + brush.px(34), brush.px(320), brush.px(8))
        if warm.error is not None:
            brush.text(
                surface,
                (right.right, area.y + brush.px(12)),
                f"▲ {warm.error}",
                12,
                RED,
                align="right",
                width=brush.px(560),
            )
        elif not warm.done:
            words = warm.words or "preparing the X-ray room …"
            brush.text(surface, (right.x, area.y + brush.px(12)), words, 12, DIM, width=right.width)
            bar(surface, right, warm.share, SKY, brush)
        else:
            brush.text(
                surface, (right.right, area.y + brush.px(17)), "√ X-ray room ready", 13, GREEN, align="right"
            )


def draw_card(surface: pygame.Surface, rect: pygame.Rect, case: Case, chosen: bool, brush: Brush) -> None:
    """One case: difficulty, title, summary; a faulty file shows its message instead."""
    inner = panel(surface, rect, brush)
    if chosen:
        pygame.draw.rect(surface, RAISED, rect, border_radius=brush.px(4))
        pygame.draw.rect(surface, SKY, rect, brush.px(2), border_radius=brush.px(4))
    else:
        pygame.draw.rect(surface, LINE, rect, 1, border_radius=brush.px(4))
    mark, color = LEVELS.get(case.difficulty, ("◆", DIM))
    x = inner.x + brush.px(6)
    brush.text(
        surface,
        (x, inner.y + brush.px(4)),
        case.title,
        19,
        TEXT if not case.fault else FAINT,
        bold=True,
        width=inner.width - brush.px(130),
    )
    brush.text(
        surface, (inner.right, inner.y + brush.px(8)), f"{mark} {case.difficulty}", 13, color, align="right"
    )
    words, tone = (case.fault, ORANGE) if case.fault else (case.summary, DIM)
    if case.meta:
        brush.text(
            surface,
            (x, inner.bottom - brush.px(20)),
            case.meta,
            12.5,
            FAINT,
            width=inner.width - brush.px(12),
        )
    lines = brush.wrap(words, 13.5, inner.width - brush.px(12))[: 2 if case.meta else 3]
    for i, line in enumerate(lines):
        brush.text(surface, (x, inner.y + brush.px(33) + i * brush.px(19)), line, 13.5, tone)
