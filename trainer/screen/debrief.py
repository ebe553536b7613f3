"""The debrief: where the embolic went, what it took, and why points were lost. Data of scoring/debrief.py."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pygame
import pygame_gui

from trainer.scoring.harm import in_words
from trainer.screen.paint import bar, key_cap, panel
from trainer.screen.rich_text import heading, scroll, sized
from trainer.screen.theme import DIM, GREEN, LINE, ORANGE, RED, ROOM, SKY, TEXT, Brush
from trainer.screen.tree_picture import GROUPS, TreePicture, draw_mark
from trainer.screen.words import minutes

if TYPE_CHECKING:
    from trainer.screen.page import Desk, Page
    from trainer.screen.ports import Case


class Debrief:
    """Picture of the tree at the left, score and shares in the middle, reasons and errors at the right."""

    name = "debrief"
    frames_per_s = 20

    def __init__(self, desk: Desk, case: Case, data: Mapping[str, Any]) -> None:
        self._desk, self._case, self._data = desk, case, data
        self._text: pygame_gui.elements.UITextBox | None = None
        self._picture: pygame.Surface | None = None
        self._back = False

    def enter(self) -> None:
        desk = self._desk
        left, _, right, _ = self._places()
        if self._text is not None:
            self._text.kill()
        self._text = pygame_gui.elements.UITextBox(
            sized(self._reasons_html(), desk.brush.unit),
            right.inflate(-desk.brush.px(8), -desk.brush.px(8)),
            desk.gui,
        )
        box = pygame.Rect((0, 0), left.size)
        self._picture = pygame.Surface(left.size)
        TreePicture(self._data, box).draw(self._picture, desk.brush)

    def leave(self) -> None:
        if self._text is not None:
            self._text.kill()

    def event(self, event: pygame.event.Event) -> None:
        self._desk.gui.process_events(event)
        if event.type != pygame.KEYDOWN:
            return
        if event.key in (pygame.K_ESCAPE, pygame.K_RETURN):
            self._back = True
        elif self._text is not None and event.key in (
            pygame.K_UP,
            pygame.K_DOWN,
            pygame.K_PAGEUP,
            pygame.K_PAGEDOWN,
        ):
            pages = 1.0 if event.key in (pygame.K_PAGEUP, pygame.K_PAGEDOWN) else 0.3
            scroll(self._text, pages if event.key in (pygame.K_DOWN, pygame.K_PAGEDOWN) else -pages)

    def draw(self, elapsed_s: float) -> Page | None:
        from trainer.screen.case_list import CaseList

        if self._back:
            return CaseList(self._desk)
        surface, brush = self._desk.surface, self._desk.brush
        surface.fill(ROOM)
        left, middle, right, foot = self._places()
        brush.text(
            surface,
            (left.x, brush.px(14)),
            f"Debrief: {self._case.title}",
            20,
            TEXT,
            bold=True,
            width=foot.width * 0.75,
        )
        result = self._data["result"]
        whole = "finished" if result.get("completed") else "broken off"
        brush.text(
            surface,
            (foot.right, brush.px(20)),
            f"{whole} at {minutes(result['procedure_time_s'])}",
            13,
            DIM,
            align="right",
        )
        if self._picture is not None:
            surface.blit(self._picture, left)
        pygame.draw.rect(surface, LINE, left, 1)
        self._draw_middle(middle)
        panel(surface, right, brush)
        self._desk.gui.update(elapsed_s)
        self._desk.gui.draw_ui(surface)
        self._draw_foot(foot)
        return None

    def _draw_middle(self, rect: pygame.Rect) -> None:
        """Score with its parts, shares by place, tables."""
        brush = self._fitted(rect)
        gap = brush.px(8)
        places, parts = self._data["places"], self._data["result"].get("score", {}).get("parts", [])
        rows = [
            name
            for name, share in places.items()
            if share > 0.0005 or name in ("tumor", "target_segment", "other_liver")
        ]
        score_height = brush.px(64 + 19 * len(parts))
        where_height = brush.px(28 + 19 * len(rows))
        score = pygame.Rect(rect.x, rect.y, rect.width, score_height)
        where = pygame.Rect(rect.x, score.bottom + gap, rect.width, where_height)
        tables = pygame.Rect(rect.x, where.bottom + gap, rect.width, rect.bottom - where.bottom - gap)
        self._draw_score(score)
        self._draw_shares(where, rows)
        self._draw_tables(tables)

    def _fitted(self, rect: pygame.Rect) -> Brush:
        """Letters that leave room for names, bars and numbers side by side."""
        return Brush(min(self._desk.brush.unit, rect.width / 320))

    def _draw_score(self, rect: pygame.Rect) -> None:
        surface, brush = self._desk.surface, self._fitted(rect)
        inner = panel(surface, rect, brush, "Score", "of 100")
        score = self._data["result"].get("score", {})
        total = float(score.get("total", 0.0))
        color = GREEN if total >= 80 else ORANGE if total >= 50 else RED
        covered = brush.text(surface, (inner.x, inner.y - brush.px(6)), f"{total:.0f}", 30, color, bold=True)
        level = self._data["result"].get("level") or "nothing given"
        brush.text(
            surface,
            (inner.right, inner.y + brush.px(2)),
            level,
            16,
            TEXT,
            bold=True,
            align="right",
            width=inner.right - covered.right - brush.px(12),
        )
        brush.text(surface, (inner.right, inner.y + brush.px(22)), "level reached", 10.5, DIM, align="right")
        y = inner.y + brush.px(38)
        for part in score.get("parts", []):
            brush.text(
                surface,
                (inner.x, y),
                str(part.get("title", part.get("name", ""))),
                12,
                TEXT,
                width=inner.width * 0.5,
            )
            of = float(part.get("of", 1.0)) or 1.0
            track = pygame.Rect(
                inner.x + round(inner.width * 0.53), y + brush.px(5), round(inner.width * 0.27), brush.px(8)
            )
            bar(surface, track, float(part["points"]) / of, SKY, brush)
            brush.text(surface, (inner.right, y), f"{part['points']:.1f} / {of:.0f}", 12, TEXT, align="right")
            y += brush.px(19)

    def _draw_shares(self, rect: pygame.Rect, rows: list[str]) -> None:
        surface, brush, places = self._desk.surface, self._fitted(rect), self._data["places"]
        inner = panel(surface, rect, brush, "Where the embolic went", "share of all given")
        for i, name in enumerate(rows):
            y = inner.y + i * brush.px(19)
            mark, words, color = GROUPS.get(
                name, ("◆", name.replace("_", " ").capitalize(), GROUPS["extrahepatic"][2])
            )
            draw_mark(surface, (inner.x + brush.px(7), y + brush.px(9)), brush.px(4.5), mark, color)
            brush.text(surface, (inner.x + brush.px(18), y), words, 12, TEXT, width=inner.width * 0.5)
            track = pygame.Rect(
                inner.x + round(inner.width * 0.56), y + brush.px(5), round(inner.width * 0.24), brush.px(8)
            )
            bar(surface, track, places[name], color, brush)
            brush.text(
                surface, (inner.right, y), f"{100 * places[name]:.1f} %", 12, TEXT, bold=True, align="right"
            )

    def _draw_tables(self, rect: pygame.Rect) -> None:
        """As many rows as fit; the rest stands in the text at the right."""
        surface, brush = self._desk.surface, self._fitted(rect)
        inner = panel(surface, rect, brush)
        y, line = inner.y, brush.px(17.5)
        for title, rows in self._data["tables"].items():
            if y + 2 * line > inner.bottom:
                return
            brush.text(surface, (inner.x, y), title.upper(), 10.5, DIM, bold=True)
            y += line
            for name, value in rows:
                if y + line > inner.bottom:
                    return
                brush.text(surface, (inner.x, y), name, 12, DIM, width=inner.width * 0.45)
                brush.text(
                    surface, (inner.right, y), value, 12, TEXT, align="right", width=inner.width * 0.54
                )
                y += line
            y += brush.px(4)

    def _draw_foot(self, rect: pygame.Rect) -> None:
        surface, brush = self._desk.surface, self._desk.brush
        x = rect.x
        for key, words in (("↑ ↓", "scroll"), ("Esc", "back to the cases")):
            x = key_cap(surface, (x, rect.y + brush.px(4)), key, brush).right + brush.px(6)
            x = brush.text(surface, (x, rect.y + brush.px(3)), words, 12.5, DIM).right + brush.px(18)
        saved = self._data.get("saved", "")
        if saved:
            brush.text(
                surface,
                (rect.right, rect.y + brush.px(4)),
                f"saved: {saved}",
                11.5,
                DIM,
                align="right",
                width=rect.right - x,
            )

    def _places(self) -> tuple[pygame.Rect, pygame.Rect, pygame.Rect, pygame.Rect]:
        brush, (width, height) = self._desk.brush, self._desk.surface.get_size()
        gap, top, bottom = brush.px(10), brush.px(50), height - brush.px(40)
        side = min(bottom - top, round(width * 0.42))
        left = pygame.Rect(gap, top, side, bottom - top)
        rest = width - left.right - 3 * gap
        middle = pygame.Rect(left.right + gap, top, rest // 2, bottom - top)
        right = pygame.Rect(middle.right + gap, top, width - middle.right - 2 * gap, bottom - top)
        return left, middle, right, pygame.Rect(gap, bottom + brush.px(6), width - 2 * gap, brush.px(30))

    def _reasons_html(self) -> str:
        data = self._data
        out = heading("Why points were lost")
        out += "".join(f"{html.escape(r)}<br>" for r in data["reasons"]) or "No point was lost.<br>"
        out += "<br>" + heading("Handling errors")
        for i, error in enumerate(data["errors"], 1):
            where = f", {error['vessel'].replace('_', ' ')}" if error.get("vessel") else ""
            title = html.escape(f"{i}. {minutes(error['t_s'])}{where}: {error['title']}")
            out += f"<b>{title}</b> "
            out += f'<font color="#e69f00">{html.escape(str(error["severity"]))}</font><br>'
            out += f"{html.escape(str(error['detail']))}<br>"
            out += f'<font color="#8a96a0">{html.escape(str(error["advice"]))}</font><br><br>'
        if not data["errors"]:
            out += "None was seen.<br><br>"
        out += heading("What it did to the patient")
        for harm in data["result"]["harm"]:
            out += f"<b>{html.escape(harm['title'])}</b> "
            out += f'<font color="#e69f00">{html.escape(harm["severity"])}</font><br>'
            out += f"{html.escape(harm['text'])} ({html.escape(in_words(harm['measure'], harm['amount']))})<br>"
        if not data["result"]["harm"]:
            out += "Nothing beside its aim.<br>"
        out += "<br>" + heading("Course")
        out += "".join(f"{minutes(r['t_s'])}  {html.escape(str(r['text']))}<br>" for r in data["timeline"])
        for title, rows in data["tables"].items():
            out += "<br>" + heading(title)
            out += "".join(f"{html.escape(n)}: <b>{html.escape(v)}</b><br>" for n, v in rows)
        if self._case.bands:
            out += "<br>" + heading("What practiced operators need")
            out += "".join(f"{html.escape(n)}: {html.escape(v)}<br>" for n, v in self._case.bands)
        if self._case.lesson:
            out += "<br>" + heading("To take along") + html.escape(self._case.lesson) + "<br>"
        return out
