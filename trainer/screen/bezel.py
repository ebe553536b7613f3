"""The frames of the monitors: what the beam does, geometry and exposure, the newest messages."""

from __future__ import annotations

from collections.abc import Sequence

import pygame

from trainer.frame import Event, Frame
from trainer.screen.paint import lamp, warning
from trainer.screen.theme import (
    DIM,
    ORANGE,
    PANEL,
    ROOM,
    SEVERITY_COLORS,
    SKY,
    TEXT,
    YELLOW,
    Brush,
)
from trainer.screen.words import KINDS, angles, exposure, minutes

SLOW_BELOW = 0.95
"""Speed under which the slowed simulation is announced."""


def draw_live_head(
    surface: pygame.Surface,
    rect: pygame.Rect,
    frame: Frame,
    title: str,
    speed: float,
    muted: bool,
    brush: Brush,
) -> None:
    """Beam lamp and kind of picture at the left, case and clock at the right."""
    _strip(surface, rect, brush, top=True)
    beam, y = frame.xray.beam_on, rect.y + brush.px(3)
    lamp(surface, (rect.x + brush.px(14), rect.centery), brush.px(6), YELLOW, beam)
    text = "X-RAY ON" if beam else "LIVE"
    covered = brush.text(surface, (rect.x + brush.px(26), y), text, 13, YELLOW if beam else DIM, bold=True)
    kind = KINDS.get(frame.xray.live_kind, frame.xray.live_kind.upper())
    covered = brush.text(surface, (covered.right + brush.px(12), y), kind, 13, TEXT, bold=True)
    right = brush.text(
        surface, (rect.right - brush.px(8), y), minutes(frame.t_s), 13, TEXT, bold=True, align="right"
    ).x
    if speed <= 0.0:
        right = brush.text(
            surface, (right - brush.px(12), y), "■ PAUSED", 12, ORANGE, bold=True, align="right"
        ).x
    elif speed < SLOW_BELOW:
        right = brush.text(
            surface, (right - brush.px(12), y), f"▼ simulation at {speed:.1f}x", 12, ORANGE, align="right"
        ).x
    if muted:
        right = brush.text(surface, (right - brush.px(12), y), "sound off", 12, DIM, align="right").x
    brush.text(
        surface,
        (right - brush.px(12), y),
        title,
        12,
        DIM,
        align="right",
        width=right - covered.right - brush.px(24),
    )


def draw_live_foot(surface: pygame.Surface, rect: pygame.Rect, frame: Frame, brush: Brush) -> None:
    """Geometry and exposure as they stand on every angiographic image."""
    _strip(surface, rect, brush, top=False)
    xray, y = frame.xray, rect.y + brush.px(2)
    left = brush.text(
        surface, (rect.x + brush.px(10), y), angles(xray.primary_deg, xray.secondary_deg), 14, TEXT, bold=True
    ).right
    parts = [
        f"FD {xray.fov_mm / 10:.0f} cm",
        f"SID {xray.sid_mm / 10:.0f} cm",
        exposure(xray),
        f"{xray.pulse_rate_hz:g} p/s",
    ]
    if xray.roadmap:
        parts.append("◆ roadmap")
    brush.text(
        surface,
        (rect.right - brush.px(10), y + brush.px(1)),
        "    ".join(parts),
        12,
        TEXT,
        align="right",
        width=rect.right - left - brush.px(30),
    )


def draw_reference_head(surface: pygame.Surface, rect: pygame.Rect, frame: Frame, brush: Brush) -> None:
    """What the reference monitor shows."""
    _strip(surface, rect, brush, top=True)
    y = rect.y + brush.px(4)
    covered = brush.text(surface, (rect.x + brush.px(10), y), "REFERENCE", 12, DIM, bold=True)
    brush.text(
        surface,
        (rect.right - brush.px(8), y),
        frame.xray.reference_label or f"{frame.xray.runs} runs",
        12,
        SKY,
        align="right",
        width=rect.right - covered.right - brush.px(20),
    )


def draw_messages(surface: pygame.Surface, rect: pygame.Rect, events: Sequence[Event], brush: Brush) -> None:
    """The newest events, the latest lowest; severity by mark and color. As many as fit, two at least."""
    _strip(surface, rect, brush, top=True)
    fits = max(2, rect.height // brush.px(20))
    line = rect.height / fits
    shown = events[-fits:]
    for i, event in enumerate(shown):
        y = rect.y + i * line + (line - brush.px(18)) / 2
        color = SEVERITY_COLORS.get(event.severity, DIM)
        center = (rect.x + brush.px(16), round(y + brush.px(9)))
        if event.severity in ("info", ""):
            lamp(surface, center, brush.px(4), color, False)
        else:
            warning(surface, center, brush.px(7), color, brush)
        time = brush.text(surface, (rect.x + brush.px(32), y), minutes(event.t_s), 12, DIM)
        newest = i == len(shown) - 1
        brush.text(
            surface,
            (time.right + brush.px(8), y),
            event.text,
            12.5,
            TEXT if newest else DIM,
            width=rect.right - time.right - brush.px(16),
        )


def _strip(surface: pygame.Surface, rect: pygame.Rect, brush: Brush, *, top: bool) -> None:
    surface.fill(ROOM, rect)
    r = brush.px(4)
    corners = {"border_top_left_radius": r, "border_top_right_radius": r} if top else {
        "border_bottom_left_radius": r, "border_bottom_right_radius": r}  # fmt: skip
    pygame.draw.rect(surface, PANEL, rect, **corners)
