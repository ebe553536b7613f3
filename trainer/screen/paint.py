"""Small drawings that several panels share: frames, key caps, bars, clocks, angle dials."""

from __future__ import annotations

import math

import pygame

from trainer.screen.theme import DIM, FAINT, LINE, PANEL, RAISED, ROOM, TEXT, Brush, Color


def panel(
    surface: pygame.Surface, rect: pygame.Rect, brush: Brush, title: str = "", note: str = ""
) -> pygame.Rect:
    """A panel with its title; gives the rectangle left for its content."""
    surface.fill(ROOM, rect)
    pygame.draw.rect(surface, PANEL, rect, border_radius=brush.px(4))
    inner = rect.inflate(-brush.px(16), -brush.px(10))
    if not title:
        return inner
    brush.text(surface, (inner.x, inner.y - brush.px(1)), title.upper(), 10.5, DIM, bold=True)
    if note:
        brush.text(surface, (inner.right, inner.y - brush.px(1)), note, 10.5, DIM, align="right")
    top = inner.y + brush.px(16)
    return pygame.Rect(inner.x, top, inner.width, inner.bottom - top)


def key_cap(
    surface: pygame.Surface,
    at: tuple[int, int],
    text: str,
    brush: Brush,
    size: float = 11,
    color: Color = TEXT,
) -> pygame.Rect:
    """A key as printed on a keyboard, its top left at `at`; gives its rectangle."""
    image = brush.render(text, size, color)
    box = pygame.Rect(
        at[0], at[1], max(image.get_width() + brush.px(8), brush.px(size + 6)), brush.px(size + 6)
    )
    pygame.draw.rect(surface, RAISED, box, border_radius=brush.px(3))
    pygame.draw.rect(surface, LINE, box, 1, border_radius=brush.px(3))
    surface.blit(image, image.get_rect(center=box.center))
    return box


def key_caps(surface: pygame.Surface, at: tuple[int, int], keys: str, brush: Brush, size: float = 11) -> int:
    """Several keys separated by blanks; gives the x after the last one."""
    x = at[0]
    for key in keys.split():
        x = key_cap(surface, (x, at[1]), key, brush, size).right + brush.px(2)
    return x


def bar(
    surface: pygame.Surface,
    rect: pygame.Rect,
    share: float,
    color: Color,
    brush: Brush,
    marks: tuple[float, ...] = (),
) -> None:
    """A horizontal bar filled to `share` (0..1), with ticks at `marks`."""
    pygame.draw.rect(surface, RAISED, rect, border_radius=brush.px(2))
    filled = rect.copy()
    filled.width = round(rect.width * max(0.0, min(1.0, share)))
    if filled.width:
        pygame.draw.rect(surface, color, filled, border_radius=brush.px(2))
    for mark in marks:
        x = rect.x + round(rect.width * mark)
        pygame.draw.line(surface, DIM, (x, rect.y), (x, rect.bottom - 1))


def clock(
    surface: pygame.Surface, center: tuple[int, int], radius: int, angle_rad: float, color: Color
) -> None:
    """Rotation at the hub as a clock hand; 0 points up, positive turns clockwise."""
    pygame.draw.circle(surface, RAISED, center, radius)
    pygame.draw.circle(surface, FAINT, center, radius, 1)
    pygame.draw.line(surface, FAINT, (center[0], center[1] - radius), (center[0], center[1] - radius + 3))
    tip = (center[0] + math.sin(angle_rad) * (radius - 2), center[1] - math.cos(angle_rad) * (radius - 2))
    pygame.draw.line(surface, color, center, tip, max(2, radius // 6))


def dial(
    surface: pygame.Surface,
    center: tuple[int, int],
    radius: int,
    angle_deg: float,
    limit_deg: float,
    ends: tuple[str, str],
    brush: Brush,
    color: Color,
) -> None:
    """A half-circle dial from -limit at the left to +limit at the right, with its ends named."""
    box = pygame.Rect(0, 0, 2 * radius, 2 * radius)
    box.center = center
    pygame.draw.arc(surface, FAINT, box, 0, math.pi, max(1, brush.px(1.5)))
    for tick in (-1.0, -0.5, 0.0, 0.5, 1.0):
        a = tick * math.pi / 2
        x, y = math.sin(a), -math.cos(a)
        pygame.draw.line(
            surface,
            FAINT,
            (center[0] + x * radius, center[1] + y * radius),
            (center[0] + x * radius * 0.88, center[1] + y * radius * 0.88),
        )
    a = max(-1.0, min(1.0, angle_deg / limit_deg)) * math.pi / 2
    tip = (center[0] + math.sin(a) * radius * 0.86, center[1] - math.cos(a) * radius * 0.86)
    pygame.draw.line(surface, color, center, tip, brush.px(2.5))
    pygame.draw.circle(surface, color, center, brush.px(3))
    brush.text(surface, (center[0] - radius, center[1] + brush.px(2)), ends[0], 9.5, DIM, align="center")
    brush.text(surface, (center[0] + radius, center[1] + brush.px(2)), ends[1], 9.5, DIM, align="center")


def lamp(surface: pygame.Surface, center: tuple[int, int], radius: int, color: Color, on: bool) -> None:
    """A lamp; a filled one is on, a ring is off."""
    if on:
        pygame.draw.circle(surface, color, center, radius)
    else:
        pygame.draw.circle(surface, FAINT, center, radius, max(1, radius // 4))


def warning(
    surface: pygame.Surface, center: tuple[int, int], radius: int, color: Color, brush: Brush
) -> None:
    """A triangle with an exclamation mark."""
    x, y = center
    pygame.draw.polygon(
        surface, color, [(x, y - radius), (x - radius, y + radius * 0.8), (x + radius, y + radius * 0.8)]
    )
    mark = brush.render("!", radius * 1.25 / brush.unit, (10, 10, 10), True)
    surface.blit(mark, mark.get_rect(center=(x, y + radius * 0.15)))
