"""The hemodynamics strip: arterial pressure and breath as sweeping traces, and their numbers."""

from __future__ import annotations

import pygame

from trainer.frame import Frame
from trainer.screen.paint import panel
from trainer.screen.theme import DIM, RAISED, RED, SKY, TEXT, YELLOW, Brush

SWEEP_S = 6.0
"""Time across the strip."""
_GAP_S = 0.35
_LOW_MMHG, _HIGH_MMHG = 40.0, 160.0


class Vitals:
    """Collects one sample a frame and draws the last sweep; a gap runs ahead of the newest one."""

    def __init__(self) -> None:
        self._samples: list[tuple[float, float, float]] = []

    def feel(self, frame: Frame) -> None:
        """Takes a frame's sample; frames may come more than once."""
        if self._samples and frame.t_s <= self._samples[-1][0]:
            return
        self._samples.append((frame.t_s, frame.vitals.pressure_mmHg, frame.vitals.breath))
        if len(self._samples) > 2048:
            del self._samples[:1024]

    def draw(self, surface: pygame.Surface, rect: pygame.Rect, frame: Frame, brush: Brush) -> None:
        inner = panel(surface, rect, brush, "Hemodynamics", f"{SWEEP_S:.0f} s")
        numbers = pygame.Rect(inner.right - brush.px(92), inner.y, brush.px(92), inner.height)
        plot = pygame.Rect(inner.x, inner.y, inner.width - numbers.width - brush.px(8), inner.height)
        pressure = pygame.Rect(plot.x, plot.y, plot.width, round(plot.height * 0.68))
        breath = pygame.Rect(
            plot.x, pressure.bottom + brush.px(4), plot.width, plot.bottom - pressure.bottom - brush.px(4)
        )
        for level in (60, 90, 120, 150):
            y = _height(pressure, level, _LOW_MMHG, _HIGH_MMHG)
            pygame.draw.line(surface, RAISED, (pressure.x, y), (pressure.right, y))
            if level in (60, 120):
                brush.text(surface, (pressure.x, y - brush.px(7)), str(level), 9, DIM)
        self._trace(surface, pressure, 1, _LOW_MMHG, _HIGH_MMHG, RED, brush)
        self._trace(surface, breath, 2, -0.1, 1.1, SKY, brush)
        self._numbers(surface, numbers, frame, brush)

    def _trace(
        self,
        surface: pygame.Surface,
        rect: pygame.Rect,
        column: int,
        low: float,
        high: float,
        color: tuple[int, int, int],
        brush: Brush,
    ) -> None:
        if len(self._samples) < 2:
            return
        now = self._samples[-1][0]
        line: list[tuple[float, float]] = []
        width = max(1, brush.px(1.4))
        for sample in self._samples:
            if now - sample[0] > SWEEP_S - _GAP_S:
                continue
            x = rect.x + rect.width * ((sample[0] % SWEEP_S) / SWEEP_S)
            if line and x < line[-1][0]:
                _draw(surface, color, line, width)
                line = []
            line.append((x, _height(rect, sample[column], low, high)))
        _draw(surface, color, line, width)
        if line:
            pygame.draw.circle(surface, color, line[-1], brush.px(2))

    def _numbers(self, surface: pygame.Surface, rect: pygame.Rect, frame: Frame, brush: Brush) -> None:
        vitals, x, y = frame.vitals, rect.x, rect.y
        brush.text(surface, (x, y), "HR ♥ /min", 9.5, DIM)
        brush.text(
            surface,
            (rect.right, y - brush.px(6)),
            f"{vitals.heart_rate_bpm:.0f}",
            19,
            TEXT,
            bold=True,
            align="right",
        )
        y += round(rect.height * 0.27)
        brush.text(surface, (x, y), "ART mmHg", 9.5, DIM)
        mean = vitals.diastolic_mmHg + (vitals.systolic_mmHg - vitals.diastolic_mmHg) / 3.0
        text = f"{vitals.systolic_mmHg:.0f}/{vitals.diastolic_mmHg:.0f}"
        brush.text(
            surface, (rect.right, y + brush.px(10)), text, 16, RED, bold=True, align="right", width=rect.width
        )
        brush.text(surface, (rect.right, y), f"({mean:.0f})", 9.5, DIM, align="right")
        y = rect.y + round(rect.height * 0.72)
        held = vitals.holding_breath
        brush.text(surface, (x, y), "BREATH", 9.5, DIM)
        if vitals.pain >= 0.05:
            words = f"pain {10.0 * vitals.pain:.0f}/10"
            brush.text(surface, (x, y + brush.px(11)), words, 9.5, YELLOW if vitals.pain > 0.3 else DIM)
        brush.text(
            surface,
            (rect.right, y + brush.px(9)),
            "■ held" if held else "free",
            12.5,
            YELLOW if held else SKY,
            bold=True,
            align="right",
        )


def _height(rect: pygame.Rect, value: float, low: float, high: float) -> float:
    share = max(0.0, min(1.0, (value - low) / (high - low)))
    return rect.bottom - 1 - share * (rect.height - 2)


def _draw(
    surface: pygame.Surface, color: tuple[int, int, int], line: list[tuple[float, float]], width: int
) -> None:
    if len(line) > 1:
        pygame.draw.lines(surface, color, False, line, width)
        if width == 1:
            pygame.draw.aalines(surface, color, False, line)
