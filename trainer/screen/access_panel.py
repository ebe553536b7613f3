"""The puncture as a panel: pulse under the finger, the needle's depth, blood, what comes next."""

from __future__ import annotations

import pygame

from trainer.frame import AccessView, Frame
from trainer.screen.paint import bar, key_cap, lamp, panel
from trainer.screen.ports import HandView
from trainer.screen.theme import DIM, GREEN, ORANGE, RAISED, RED, SKY, SLOT_COLORS, TEXT, YELLOW, Brush

NEEDLE_MM = 70.0
"""Depth at the end of the bar."""
BLOOD = {
    "": ("none", DIM),
    "weak": ("◔ a trickle: bevel in the wall", ORANGE),
    "dark": ("◐ dark, no pulse: vein", SKY),
    "bright": ("● bright, in pulses: artery", RED),
}


def draw_access(surface: pygame.Surface, rect: pygame.Rect, frame: Frame, hand: HandView, brush: Brush) -> None:
    """In place of the devices while the artery is punctured."""
    access = frame.access
    assert access is not None
    menu = hand.keys.get("tray", "")
    inner = panel(surface, rect, brush, "Puncture", f"{menu}: wire, sheath, press" if menu else "")
    row = inner.height / 6
    needle = hand.selected == "wire"
    y = [round(inner.y + k * row) for k in range(7)]
    height = round(row) - brush.px(4)
    left = inner.x - brush.px(4)
    wide = inner.width + brush.px(8)
    _choice(surface, pygame.Rect(left, y[0], wide, height), "select_catheter", "Finger on the skin", _place(access),
            not needle, hand, brush)
    _meter(surface, inner, y[1], "Pulse", access.pulse, f"{100 * access.pulse:.0f} %", GREEN, brush)
    _choice(surface, pygame.Rect(left, y[2], wide, height), "select_wire", "Needle",
            f"{access.depth_mm:.0f} mm deep" if access.needle else "out", needle, hand, brush)
    _meter(surface, inner, y[3], "Depth", access.depth_mm / NEEDLE_MM, f"{access.depth_mm:.0f} mm", SKY, brush)
    words, color = BLOOD[access.blood]
    if access.bleeds:
        words, color = "▲ it bleeds: press", RED
    elif access.pressing_s > 0.0:
        words, color = f"pressing, {access.pressing_s:.0f} s", YELLOW
    lamp(surface, (inner.x + brush.px(5), y[4] + brush.px(9)), brush.px(5), color, bool(access.blood) or access.bleeds)
    brush.text(surface, (inner.x + brush.px(16), y[4]), f"Blood: {words}", 12.5, color, bold=bool(access.blood),
               width=inner.width - brush.px(16))
    brush.text(surface, (inner.x, y[5]), f"Next: {access.next}", 12, TEXT, width=inner.width)


def _place(access: AccessView) -> str:
    """How far the finger has gone from where it began."""
    ways = ((access.along_mm, "to the head", "to the feet"), (access.across_mm, "left", "right"))
    return ", ".join(f"{abs(mm):.0f} mm {ahead if mm >= 0.0 else back}" for mm, ahead, back in ways)


def _choice(surface: pygame.Surface, row: pygame.Rect, act: str, name: str, value: str, selected: bool, hand: HandView,
            brush: Brush) -> None:
    """A line that a key takes in hand."""
    color = SLOT_COLORS[act.removeprefix("select_")]
    pygame.draw.rect(surface, RAISED if selected else (20, 25, 31), row, border_radius=brush.px(4))
    if selected:
        pygame.draw.rect(surface, color, row, max(1, brush.px(1.5)), border_radius=brush.px(4))
    cap = key_cap(surface, (row.x + brush.px(6), row.y + brush.px(3)), hand.keys.get(act, ""), brush, 11,
                  color if selected else DIM)
    x = cap.right + brush.px(6)
    covered = brush.text(surface, (x, row.y + brush.px(3)), name, 12.5, TEXT if selected else DIM, bold=selected)
    brush.text(surface, (row.right - brush.px(6), row.y + brush.px(4)), value, 11, TEXT if selected else DIM,
               align="right", width=row.right - covered.right - brush.px(14))


def _meter(surface: pygame.Surface, inner: pygame.Rect, y: int, name: str, share: float, value: str,
           color: tuple[int, int, int], brush: Brush) -> None:
    brush.text(surface, (inner.x, y), name, 11, DIM)
    track = pygame.Rect(inner.x + brush.px(44), y + brush.px(4), inner.width - brush.px(100), brush.px(10))
    bar(surface, track, share, color, brush, (0.5,))
    brush.text(surface, (inner.right, y), value, 11.5, TEXT, align="right")
