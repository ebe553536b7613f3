"""The suite's panels: devices in the patient, injector, C-arm and table, dose. Each draws from a Frame."""

from __future__ import annotations

import math

import pygame

from trainer.commands import SLOTS
from trainer.frame import DeviceView, Frame
from trainer.screen.paint import bar, clock, dial, key_cap, lamp, panel, warning
from trainer.screen.ports import HandView
from trainer.screen.theme import (
    DIM,
    FAINT,
    GREEN,
    LINE,
    ORANGE,
    RAISED,
    RED,
    SKY,
    SLOT_COLORS,
    TEXT,
    YELLOW,
    Brush,
)
from trainer.screen.words import angles, minutes, number

FULL_HUB_FORCE_N = 3.0
"""Hub force at the end of the bar."""
HIGH_HUB_FORCE_N = 2.0


def draw_tray(surface: pygame.Surface, rect: pygame.Rect, frame: Frame, hand: HandView, brush: Brush) -> None:
    """What is in the patient: one row a slot, the one in hand marked."""
    speed = {"fast": "▲ fast", "fine": "▼ fine"}.get(hand.speed, "")
    mode = "  ".join(
        w for w in (speed, "ganged" if hand.gang else "", "keeps moving" if hand.cruise else "") if w
    )
    inner = panel(surface, rect, brush, "Devices", mode or _keys(hand, tray="insert, remove"))
    by_slot = {d.slot: d for d in frame.devices}
    height = inner.height / len(SLOTS)
    for i, slot in enumerate(SLOTS):
        row = pygame.Rect(
            inner.x - brush.px(4),
            round(inner.y + i * height),
            inner.width + brush.px(8),
            round(height) - brush.px(4),
        )
        key = hand.keys.get(f"select_{slot}", "")
        _draw_slot(surface, row, slot, key, by_slot.get(slot), slot == hand.selected, brush)


def _keys(hand: HandView, **words: str) -> str:
    """`T: insert, remove` with the keys of the layout in use."""
    return "  ".join(f"{hand.keys[act]}: {word}" for act, word in words.items() if hand.keys.get(act))


def _draw_slot(
    surface: pygame.Surface,
    row: pygame.Rect,
    slot: str,
    key: str,
    device: DeviceView | None,
    selected: bool,
    brush: Brush,
) -> None:
    color = SLOT_COLORS[slot]
    pygame.draw.rect(surface, RAISED if selected else (20, 25, 31), row, border_radius=brush.px(4))
    if selected:
        pygame.draw.rect(surface, color, row, max(1, brush.px(1.5)), border_radius=brush.px(4))
    cap = key_cap(
        surface, (row.x + brush.px(6), row.y + brush.px(6)), key, brush, 11, color if selected else DIM
    )
    x = cap.right + brush.px(6)
    if device is None:
        brush.text(surface, (x, row.y + brush.px(5)), slot, 12.5, FAINT)
        brush.text(surface, (x, row.y + brush.px(22)), "none", 11, FAINT)
        return
    radius = brush.px(15)
    center = (row.right - radius - brush.px(8), row.centery)
    clock(surface, center, radius, device.rotation_rad, color)
    right = center[0] - radius - brush.px(8)
    brush.text(
        surface,
        (x, row.y + brush.px(4)),
        device.label,
        12.5,
        TEXT if selected else DIM,
        bold=selected,
        width=right - x,
    )
    turns = math.degrees(device.rotation_rad)
    state = device.lumen or ("" if device.hold == "held" else device.hold)
    line = f"in {device.inserted_mm:.0f} mm   beyond {device.beyond_mm:+.0f} mm   {turns:+.0f}°"
    if state:  # in words and first, so that it is read before the numbers
        line = f"▲ {state}   in {device.inserted_mm:.0f} mm   {device.beyond_mm:+.0f} mm"
    brush.text(surface, (x, row.y + brush.px(21)), line, 11, TEXT if selected else DIM, width=right - x)
    _draw_force(surface, pygame.Rect(x, row.bottom - brush.px(14), right - x, brush.px(8)), device, brush)


def _draw_force(surface: pygame.Surface, rect: pygame.Rect, device: DeviceView, brush: Brush) -> None:
    """Hub force as a bar with its number; high force has a triangle beside the color."""
    force = device.hub_force_N
    high = force > HIGH_HUB_FORCE_N
    color = RED if high else (ORANGE if force > 0.5 * HIGH_HUB_FORCE_N else GREEN)
    track = pygame.Rect(rect.x, rect.y, rect.width - brush.px(50), rect.height)
    bar(surface, track, abs(force) / FULL_HUB_FORCE_N, color, brush, (HIGH_HUB_FORCE_N / FULL_HUB_FORCE_N,))
    brush.text(
        surface,
        (rect.right, rect.y - brush.px(4)),
        f"{force:.1f} N",
        10.5,
        color if high else DIM,
        align="right",
    )
    if high:
        warning(surface, (track.right + brush.px(9), rect.centery), brush.px(6), RED, brush)


def draw_injector(
    surface: pygame.Surface, rect: pygame.Rect, frame: Frame, hand: HandView, brush: Brush
) -> None:
    """Power injector above, hand syringe below."""
    injection = frame.injection
    inner = panel(
        surface, rect, brush, "Injector", _keys(hand, injector="set", inject="go", stop_injection="stop")
    )
    state = {
        "idle": ("ready", DIM),
        "injecting": ("▶ INJECTING", YELLOW),
        "limited": ("▲ PRESSURE LIMIT", RED),
        "done": ("■ done", GREEN),
    }.get(injection.state, (injection.state, DIM))
    rows = inner.height / 4
    y = [round(inner.y + i * rows) for i in range(5)]
    running = injection.state in ("injecting", "limited")
    lamp(surface, (inner.x + brush.px(5), y[0] + brush.px(9)), brush.px(5), state[1], running)
    brush.text(surface, (inner.x + brush.px(16), y[0]), state[0], 13, state[1], bold=True)
    flow = (
        f"{injection.rate_mL_s:.1f} mL/s   {injection.delivered_mL:.1f} mL   {injection.pressure_psi:.0f} psi"
    )
    brush.text(
        surface,
        (inner.right, y[0] + brush.px(1)),
        flow,
        11.5,
        TEXT if running else DIM,
        align="right",
        width=inner.width * 0.62,
    )
    brush.text(
        surface,
        (inner.x, y[1]),
        f"set: {hand.armed}" if hand.armed else "not set",
        12,
        TEXT,
        width=inner.width,
    )
    pygame.draw.line(surface, LINE, (inner.x, y[2]), (inner.right, y[2]))
    fluid = injection.syringe_fluid or "empty"
    brush.text(
        surface, (inner.x, y[2] + brush.px(3)), f"Hand syringe: {fluid}", 12, TEXT, width=inner.width * 0.72
    )
    brush.text(
        surface,
        (inner.right, y[2] + brush.px(3)),
        _keys(hand, syringe="load", hand_inject="push"),
        10.5,
        DIM,
        align="right",
    )
    size = next((s for s in (1.0, 3.0, 10.0, 20.0) if injection.syringe_left_mL <= s + 1e-9), 20.0)
    track = pygame.Rect(inner.x, y[3] + brush.px(7), inner.width - brush.px(56), brush.px(10))
    bar(surface, track, injection.syringe_left_mL / size, SKY, brush, (0.25, 0.5, 0.75))
    brush.text(
        surface,
        (inner.right, y[3] + brush.px(3)),
        f"{injection.syringe_left_mL:.1f} mL",
        12,
        TEXT,
        align="right",
    )


def draw_table(surface: pygame.Surface, rect: pygame.Rect, frame: Frame, brush: Brush) -> None:
    """C-arm angles as dials, field and shutters as a small drawing, table position, pulse rate."""
    xray = frame.xray
    inner = panel(surface, rect, brush, "C-arm and table")
    text = angles(xray.primary_deg, xray.secondary_deg)
    brush.text(surface, (inner.x, inner.y - brush.px(2)), text, 19, TEXT, bold=True, width=inner.width * 0.68)
    field = min(brush.px(76), round(inner.height * 0.5))
    box = pygame.Rect(inner.right - field, inner.y, field, field)
    _draw_shutters(surface, box, xray.collimation, xray.beam_on)
    radius = min(brush.px(30), round(inner.height * 0.24), (inner.width - field) // 6)
    y = inner.y + brush.px(32) + radius
    dial(
        surface,
        (inner.x + radius + brush.px(10), y),
        radius,
        xray.primary_deg,
        120.0,
        ("RAO", "LAO"),
        brush,
        SKY,
    )
    dial(
        surface,
        (inner.x + 3 * radius + brush.px(42), y),
        radius,
        xray.secondary_deg,
        60.0,
        ("CAU", "CRA"),
        brush,
        SKY,
    )
    x, height = inner.x, brush.px(16)
    top = max(y + brush.px(18), inner.bottom - 4 * height)
    place = "  ".join(f"{n} {v:+.0f}" for n, v in zip("LPH", xray.isocenter_mm, strict=True))
    lines = (
        ("Field", f"{xray.fov_mm / 10:.0f} cm"), ("SID", f"{xray.sid_mm / 10:.0f} cm"),
        ("Fluoro", f"{xray.pulse_rate_hz:g} p/s"), ("DSA", f"{xray.dsa_rate_hz:g} f/s"),
        ("Table", f"{place} mm"), ("Runs", f"{xray.runs}"),
    )  # fmt: skip
    half = inner.width // 2
    for i, (name, value) in enumerate(lines[:4]):
        at = (x + (i % 2) * half, top + (i // 2) * height)
        brush.text(surface, at, name, 11, DIM)
        brush.text(surface, (at[0] + brush.px(44), at[1]), value, 11.5, TEXT)
    for i, (name, value) in enumerate(lines[4:]):
        at = (x, top + (2 + i) * height)
        brush.text(surface, at, name, 11, DIM)
        brush.text(
            surface, (at[0] + brush.px(44), at[1]), value, 11.5, TEXT, width=inner.width - brush.px(44)
        )


def _draw_shutters(
    surface: pygame.Surface, box: pygame.Rect, collimation: tuple[float, float, float, float], beam: bool
) -> None:
    """The field with its closed shutters; left, right, top, bottom are shares of the field."""
    left, right, top, bottom = collimation
    pygame.draw.rect(surface, (10, 12, 15), box)
    opening = pygame.Rect(
        box.x + round(box.width * left),
        box.y + round(box.height * top),
        round(box.width * (1 - left - right)),
        round(box.height * (1 - top - bottom)),
    )
    pygame.draw.rect(surface, (70, 66, 24) if beam else (38, 46, 54), opening)
    pygame.draw.rect(surface, YELLOW if beam else FAINT, opening, 1)
    pygame.draw.rect(surface, LINE, box, 1)
    pygame.draw.line(surface, FAINT, (box.centerx - 4, box.centery), (box.centerx + 4, box.centery))
    pygame.draw.line(surface, FAINT, (box.centerx, box.centery - 4), (box.centerx, box.centery + 4))


def draw_dose(surface: pygame.Surface, rect: pygame.Rect, frame: Frame, brush: Brush) -> None:
    """Dose, time and contrast so far."""
    dose, injection = frame.dose, frame.injection
    inner = panel(surface, rect, brush, "Dose and time", f"{dose.rate_mGy_min:.1f} mGy/min")
    cells = (
        ("Air kerma", number(dose.air_kerma_mGy), "mGy"),
        ("DAP (KAP)", number(dose.kap_Gycm2), "Gy cm²"),
        ("Fluoro time", minutes(dose.fluoro_time_s), "min"),
        ("Contrast", number(injection.contrast_mL), "mL"),
        ("Drug", number(injection.drug_mg), "mg"),
        ("Embolic", number(injection.embolic_mL), "mL"),
    )
    width, height = inner.width / 3, inner.height / 2
    for i, (name, value, unit) in enumerate(cells):
        x, y = inner.x + (i % 3) * width, inner.y + (i // 3) * height
        brush.text(surface, (x, y), name, 10.5, DIM, width=width - brush.px(4))
        covered = brush.text(surface, (x, y + brush.px(12)), value, 17, TEXT, bold=True)
        brush.text(surface, (covered.right + brush.px(3), y + brush.px(19)), unit, 10, DIM)
