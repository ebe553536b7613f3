"""The briefing: who the patient is and what is to be done, while the room is prepared for the case."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

import pygame
import pygame_gui

from trainer.screen.paint import bar, key_cap, panel
from trainer.screen.rich_text import heading, scroll, sized
from trainer.screen.theme import DIM, GREEN, ORANGE, RED, ROOM, SKY, TEXT
from trainer.screen.worker import Task

if TYPE_CHECKING:
    from trainer.screen.page import Desk, Page
    from trainer.screen.ports import Case, Report, Room


class Briefing:
    """History, labs, plan and task at the left and right; below them the progress of the room."""

    name = "briefing"
    frames_per_s = 20

    def __init__(self, desk: Desk, case: Case) -> None:
        self._desk, self._case = desk, case
        self._room: Task[Room] = Task(self._prepare)
        self._texts: list[pygame_gui.elements.UITextBox] = []
        self._back = self._go = False

    def _prepare(self, report: Report) -> Room:
        """Waits for the common preparation, then builds the case; runs in the background."""
        warm = self._desk.warm
        while not warm.wait(0.1):
            report(0.5 * warm.share, warm.words or "preparing the X-ray room …")
        if warm.error is not None:
            raise warm.error
        return self._desk.backstage.open_room(
            self._case, self._desk.seed, lambda share, words: report(0.5 + 0.5 * share, words)
        )

    def enter(self) -> None:
        desk = self._desk
        desk.surface.fill(ROOM)
        for text in self._texts:
            text.kill()
        left, right, _ = self._places()
        self._texts = [self._text(left, self._patient_html()), self._text(right, self._task_html())]

    def leave(self) -> None:
        for text in self._texts:
            text.kill()
        if not self._go:
            self._room.cancel()

    def event(self, event: pygame.event.Event) -> None:
        self._desk.gui.process_events(event)
        if event.type != pygame.KEYDOWN:
            return
        if event.key == pygame.K_ESCAPE:
            self._back = True
        elif event.key in (pygame.K_RETURN, pygame.K_KP_ENTER, pygame.K_SPACE):
            self._go = self._room.done and self._room.error is None
        elif event.key in (pygame.K_UP, pygame.K_DOWN, pygame.K_PAGEUP, pygame.K_PAGEDOWN):
            for text in self._texts:
                scroll(text, 0.3 if event.key in (pygame.K_DOWN, pygame.K_PAGEDOWN) else -0.3)

    def draw(self, elapsed_s: float) -> Page | None:
        from trainer.screen.case_list import CaseList
        from trainer.screen.suite import Suite

        if self._back:
            return CaseList(self._desk)
        if self._go and self._room.result is not None:
            return Suite(self._desk, self._case, self._room.result)
        surface, brush = self._desk.surface, self._desk.brush
        surface.fill(ROOM)
        left, right, foot = self._places()
        brush.text(surface, (left.x, brush.px(34)), self._case.title, 26, TEXT, bold=True, width=foot.width)
        brush.text(surface, (left.x, brush.px(72)), self._case.summary, 13.5, DIM, width=foot.width)
        panel(surface, left, brush)
        panel(surface, right, brush)
        self._desk.gui.update(elapsed_s)
        self._desk.gui.draw_ui(surface)
        self._draw_foot(foot)
        return None

    def _draw_foot(self, rect: pygame.Rect) -> None:
        surface, brush, task = self._desk.surface, self._desk.brush, self._room
        y = rect.y + brush.px(8)
        x = key_cap(surface, (rect.x, y), "Esc", brush, 12).right + brush.px(6)
        x = brush.text(surface, (x, y), "other case", 13, DIM).right + brush.px(24)
        if task.error is not None:
            for i, line in enumerate(brush.wrap(f"▲ {task.error}", 13, rect.right - x)[:3]):
                brush.text(surface, (x, y + i * brush.px(18)), line, 13, RED)
        elif task.done:
            x = key_cap(surface, (x, y), "Enter", brush, 12).right + brush.px(6)
            brush.text(surface, (x, y), "into the X-ray room", 14, GREEN, bold=True)
        else:
            track = pygame.Rect(rect.right - brush.px(420), y + brush.px(18), brush.px(420), brush.px(8))
            brush.text(
                surface,
                (track.x, y - brush.px(4)),
                task.words or "preparing the X-ray room …",
                12.5,
                DIM,
                width=track.width,
            )
            bar(surface, track, task.share, SKY, brush)
        if self._desk.exam:
            brush.text(
                surface,
                (rect.right, y + brush.px(28)),
                "◆ exam: no teaching notes",
                12,
                ORANGE,
                align="right",
            )

    def _places(self) -> tuple[pygame.Rect, pygame.Rect, pygame.Rect]:
        brush, (width, height) = self._desk.brush, self._desk.surface.get_size()
        content = min(width - brush.px(60), brush.px(1160))
        x, top, bottom = (width - content) // 2, brush.px(104), height - brush.px(76)
        gap = brush.px(12)
        half = (content - gap) // 2
        return (
            pygame.Rect(x, top, half, bottom - top),
            pygame.Rect(x + half + gap, top, content - half - gap, bottom - top),
            pygame.Rect(x, bottom + brush.px(12), content, brush.px(52)),
        )

    def _text(self, rect: pygame.Rect, body: str) -> pygame_gui.elements.UITextBox:
        return pygame_gui.elements.UITextBox(
            sized(body, self._desk.brush.unit),
            rect.inflate(-self._desk.brush.px(12), -self._desk.brush.px(8)),
            self._desk.gui,
        )

    def _patient_html(self) -> str:
        return heading("Patient") + _rows(self._case.facts) + heading("Plan") + _rows(self._case.plan)

    def _task_html(self) -> str:
        out = heading("Your task") + "".join(
            f"{i}. {html.escape(t)}<br>" for i, t in enumerate(self._case.task, 1)
        )
        if not self._desk.exam:
            for title, notes in (("Beware", self._case.hazards), ("Hints", self._case.hints)):
                if notes:
                    out += "<br>" + heading(title) + "".join(f"- {html.escape(n)}<br>" for n in notes)
        return out


def _rows(rows: tuple[tuple[str, str], ...]) -> str:
    return (
        "".join(f'<font color="#8a96a0">{html.escape(n)}:</font> {html.escape(v)}<br>' for n, v in rows)
        + "<br>"
    )
