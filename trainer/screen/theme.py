"""Colors, fonts and the unit of size. Colors of meaning are Okabe-Ito's, which all eyes can tell apart
(Okabe and Ito 2008, jfly.uni-koeln.de/color); a letter or a shape always says the same as the color."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import pygame
import pygame_gui

Color = tuple[int, int, int]

ROOM: Color = (8, 10, 13)
PANEL: Color = (17, 21, 26)
RAISED: Color = (25, 31, 38)
LINE: Color = (42, 51, 60)
TEXT: Color = (221, 228, 233)
DIM: Color = (138, 150, 160)
FAINT: Color = (84, 95, 105)
BLACK: Color = (0, 0, 0)
ORANGE: Color = (230, 159, 0)
SKY: Color = (86, 180, 233)
GREEN: Color = (0, 158, 115)
YELLOW: Color = (240, 228, 66)
BLUE: Color = (0, 114, 178)
RED: Color = (213, 94, 0)
PINK: Color = (204, 121, 167)

SLOT_COLORS: dict[str, Color] = {
    "catheter": SKY,
    "wire": ORANGE,
    "microcatheter": (64, 196, 150),
    "microwire": PINK,
}
SEVERITY_COLORS: dict[str, Color] = {"info": DIM, "minor": YELLOW, "major": ORANGE, "critical": RED}
SEVERITY_MARKS: dict[str, str] = {"info": "i", "minor": "!", "major": "!!", "critical": "!!!"}

_FONTS = Path(pygame_gui.__file__).parent / "data"
"""Noto Sans and Fira Code under the SIL Open Font License, as pygame_gui ships them."""
_SYMBOLS = frozenset("●▲◆■→←↑↓▶◀√♥▼")


@lru_cache(maxsize=64)
def _font(name: str, size: int) -> pygame.font.Font:
    return pygame.font.Font(str(_FONTS / f"{name}.ttf"), size)


@lru_cache(maxsize=4096)
def _image(text: str, size: int, color: Color, bold: bool) -> pygame.Surface:
    plain = _font("NotoSans-Bold" if bold else "NotoSans-Regular", size)
    if not any(c in _SYMBOLS for c in text):
        return plain.render(text, True, color)
    symbols = _font("FiraCode-Regular", size)
    parts: list[pygame.Surface] = []
    run, special = "", False
    for c in text:
        if run and (c in _SYMBOLS) != special:
            parts.append((symbols if special else plain).render(run, True, color))
            run = ""
        run, special = run + c, c in _SYMBOLS
    parts.append((symbols if special else plain).render(run, True, color))
    height = max(p.get_height() for p in parts)
    out = pygame.Surface((sum(p.get_width() for p in parts), height), pygame.SRCALPHA)
    x = 0
    for part in parts:
        out.blit(part, (x, (height - part.get_height()) // 2))
        x += part.get_width()
    return out


class Brush:
    """Draws text and simple shapes in units: one unit is one pixel of a 1280x720 window at 100 %."""

    def __init__(self, unit: float) -> None:
        self.unit = unit

    def px(self, units: float) -> int:
        """Whole pixels of a length in units, at least 1 for anything above 0."""
        return max(1, round(units * self.unit)) if units > 0 else round(units * self.unit)

    def render(self, text: str, size: float, color: Color = TEXT, bold: bool = False) -> pygame.Surface:
        """Text as a surface; size in units."""
        return _image(text, max(6, round(size * self.unit)), color, bold)

    def text(
        self,
        surface: pygame.Surface,
        at: tuple[float, float],
        text: str,
        size: float = 13,
        color: Color = TEXT,
        *,
        bold: bool = False,
        align: str = "left",
        width: float | None = None,
    ) -> pygame.Rect:
        """Text at a pixel position; align left, center or right of it. Text wider than `width` pixels is set
        smaller down to 80 %, then cut with dots. Gives the rectangle it covers."""
        image = self.render(text, size, color, bold)
        if width is not None and image.get_width() > width:
            image = self._fitted(text, size, color, bold, width)
        x, y = at
        if align == "center":
            x -= image.get_width() / 2
        elif align == "right":
            x -= image.get_width()
        return surface.blit(image, (round(x), round(y)))

    def _fitted(self, text: str, size: float, color: Color, bold: bool, width: float) -> pygame.Surface:
        for share in (0.93, 0.86, 0.8):
            image = self.render(text, size * share, color, bold)
            if image.get_width() <= width:
                return image
        low, high = 0, len(text)
        while low < high:
            middle = (low + high + 1) // 2
            cut = self.render(text[:middle].rstrip() + "…", size * 0.8, color, bold)
            low, high = (middle, high) if cut.get_width() <= width else (low, middle - 1)
        return self.render(text[:low].rstrip() + "…", size * 0.8, color, bold)

    def wrap(self, text: str, size: float, width: float, bold: bool = False) -> list[str]:
        """Lines of a text that are at most `width` pixels wide."""
        font = _font("NotoSans-Bold" if bold else "NotoSans-Regular", max(6, round(size * self.unit)))
        out: list[str] = []
        for paragraph in text.splitlines() or [""]:
            line = ""
            for word in paragraph.split():
                longer = f"{line} {word}" if line else word
                if line and font.size(longer)[0] > width:
                    out.append(line)
                    line = word
                else:
                    line = longer
            out.append(line)
        return out

    def line_height(self, size: float) -> int:
        return _font("NotoSans-Regular", max(6, round(size * self.unit))).get_linesize()


def gui_text_size(unit: float) -> int:
    """Point size of pygame_gui's text."""
    return max(8, round(14 * unit))


def gui_theme(unit: float) -> dict[str, object]:
    """The theme of pygame_gui's widgets at a size."""

    def rgb(color: Color) -> str:
        return "#{:02x}{:02x}{:02x}".format(*color)

    size = str(gui_text_size(unit))
    return {
        "defaults": {
            "colours": {
                "normal_bg": rgb(RAISED), "hovered_bg": rgb((36, 46, 56)), "disabled_bg": rgb(PANEL),
                "selected_bg": rgb((18, 62, 92)), "active_bg": rgb((18, 62, 92)), "dark_bg": rgb(PANEL),
                "normal_text": rgb(TEXT), "hovered_text": rgb(TEXT), "disabled_text": rgb(FAINT),
                "selected_text": rgb(TEXT), "active_text": rgb(TEXT), "normal_border": rgb(LINE),
                "hovered_border": rgb(SKY), "disabled_border": rgb(LINE), "selected_border": rgb(SKY),
                "active_border": rgb(SKY), "filled_bar": rgb(SKY), "unfilled_bar": rgb(RAISED),
                "link_text": rgb(SKY), "link_hover": rgb(SKY),
            },
            "font": {"name": "noto_sans", "size": size, "bold": "0", "italic": "0"},
            "misc": {"shadow_width": "0", "border_width": "1", "shape": "rounded_rectangle",
                     "shape_corner_radius": "4"},
        },
        "text_box": {"misc": {"border_width": "0", "line_spacing": "1.0",
                              "padding": f"{round(6 * unit)},{round(4 * unit)}"}},
        "button": {"misc": {"border_width": "1", "shadow_width": "0"}},
    }  # fmt: skip
