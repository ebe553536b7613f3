"""Draws the suite: every panel in its place, each only when what it shows has changed."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import pygame

from trainer.frame import Event, Frame
from trainer.screen import panels
from trainer.screen.access_panel import draw_access
from trainer.screen.bezel import draw_live_foot, draw_live_head, draw_messages, draw_reference_head
from trainer.screen.layout import SuiteLayout, suite_layout
from trainer.screen.monitor import Monitor
from trainer.screen.paint import panel
from trainer.screen.ports import HandView, MenuPort
from trainer.screen.side import draw_hints, draw_keymap, draw_menu
from trainer.screen.theme import DIM, ORANGE, ROOM, SKY, TEXT, Brush
from trainer.screen.vitals import Vitals

STRIP_EVERY_S = 1.0 / 30.0
"""The traces are drawn anew this often."""
_DESIGN: dict[str, tuple[int, int]] = {
    "live_head": (430, 24), "live_foot": (430, 24), "reference_head": (240, 24), "messages": (300, 40),
    "tray": (290, 236), "injector": (285, 116), "dose": (260, 102), "vitals": (270, 112), "table": (260, 164),
}  # fmt: skip
"""Least width and height of panels in units; in a smaller place letters shrink."""


@dataclass(frozen=True, slots=True)
class Status:
    """What the page knows beside the frame. over: what stands over the panels: '' or one of menu, pause,
    hints, keys, error, ending; text belongs to error."""

    title: str
    speed: float
    """Simulated time over wall time; 0 while paused."""
    muted: bool
    over: str = ""
    menu: MenuPort | None = None
    text: str = ""


class SuiteView:
    """The suite on a surface. `fit` when size, scale or page changed, then `draw` as often as wanted."""

    def __init__(self) -> None:
        self._live, self._reference, self._vitals = Monitor(), Monitor(), Vitals()
        self._drawn: dict[str, Hashable] = {}
        self._since_strip = 0.0
        self._strip = 0
        self._covered = _NOTHING
        self.layout: SuiteLayout = suite_layout((1280, 720))

    def fit(self, surface: pygame.Surface, scale: float, page: int) -> None:
        """Places everything anew."""
        self._surface, self._covered = surface, _NOTHING
        self.layout = suite_layout(surface.get_size(), scale, page)
        self._drawn.clear()
        surface.fill(ROOM)

    def feel(self, frame: Frame) -> None:
        """Takes the traces' samples of a frame."""
        self._vitals.feel(frame)

    def draw(
        self, frame: Frame, hand: HandView, events: Sequence[Event], status: Status, elapsed_s: float
    ) -> None:
        """Draws what changed since the last call."""
        self._since_strip += elapsed_s
        if self._since_strip >= STRIP_EVERY_S:
            self._since_strip, self._strip = 0.0, self._strip + 1
        cover = self._cover(status)
        if cover != self._covered:
            self._uncover(cover)
        self._draw_monitors(frame, events, status)
        self._draw_panels(frame, hand)
        self._draw_over(hand, status, cover)

    def _cover(self, status: Status) -> pygame.Rect:
        if status.over in ("", "ending"):
            return _NOTHING
        return self.layout.column if status.over == "keys" else self.layout.side

    def _uncover(self, cover: pygame.Rect) -> None:
        """Something opened or closed: whatever it touched is drawn anew."""
        touched = [rect for rect in (cover, self._covered) if rect.width]
        for rect in touched:
            self._surface.fill(ROOM, rect)
        for name in list(self._drawn):
            if name == "over" or getattr(self.layout, name, _NOTHING).collidelist(touched) >= 0:
                del self._drawn[name]
        self._covered = cover.copy()

    def _panel(self, name: str, key: Hashable, draw: Callable[[pygame.Rect, Brush], None]) -> None:
        """Draws a panel when what it shows has changed, it is on this page, and nothing stands over it."""
        rect: pygame.Rect = getattr(self.layout, name)
        if not rect.width or rect.colliderect(self._covered) or self._drawn.get(name) == key:
            return
        width, height = _DESIGN.get(name, (1, 1))
        draw(rect, Brush(min(self.layout.unit, rect.width / width, rect.height / height)))
        self._drawn[name] = key

    def _draw_monitors(self, frame: Frame, events: Sequence[Event], status: Status) -> None:
        s, x = self._surface, frame.xray
        self._panel(
            "live",
            (x.live_id, x.live is None),
            lambda r, b: self._live.draw(
                s, r, x.live, x.live_id, b, "No image yet: step on the fluoroscopy pedal"
            ),
        )
        self._panel(
            "reference",
            (x.reference_id, x.reference is None),
            lambda r, b: self._reference.draw(s, r, x.reference, x.reference_id, b, "No stored run"),
        )
        head = (x.beam_on, x.live_kind, int(frame.t_s), round(status.speed, 1), status.muted)
        self._panel(
            "live_head",
            head,
            lambda r, b: draw_live_head(s, r, frame, status.title, status.speed, status.muted, b),
        )
        foot = (
            x.primary_deg,
            x.secondary_deg,
            x.fov_mm,
            x.sid_mm,
            x.kVp,
            x.mA,
            x.pulse_ms,
            x.copper_mm,
            x.pulse_rate_hz,
            x.roadmap,
        )
        self._panel("live_foot", foot, lambda r, b: draw_live_foot(s, r, frame, b))
        self._panel(
            "reference_head", (x.reference_label, x.runs), lambda r, b: draw_reference_head(s, r, frame, b)
        )
        self._panel("messages", tuple(events), lambda r, b: draw_messages(s, r, events, b))

    def _draw_panels(self, frame: Frame, hand: HandView) -> None:
        s, x, injection = self._surface, frame.xray, frame.injection
        self._panel("vitals", self._strip, lambda r, b: self._vitals.draw(s, r, frame, b))
        table = (
            x.primary_deg,
            x.secondary_deg,
            x.collimation,
            x.beam_on,
            x.fov_mm,
            x.sid_mm,
            x.pulse_rate_hz,
            x.dsa_rate_hz,
            x.isocenter_mm,
            x.runs,
        )
        self._panel("table", table, lambda r, b: panels.draw_table(s, r, frame, b))
        devices = tuple(
            (
                d.slot,
                d.device,
                round(d.inserted_mm, 1),
                round(d.beyond_mm, 1),
                round(d.rotation_rad, 2),
                round(d.hub_force_N, 1),
            )
            for d in frame.devices
        )
        tray = (devices, hand.selected, hand.gang, hand.cruise, hand.speed)
        if frame.access is not None:
            self._panel("tray", (frame.access, hand.selected), lambda r, b: draw_access(s, r, frame, hand, b))
        else:
            self._panel("tray", tray, lambda r, b: panels.draw_tray(s, r, frame, hand, b))
        self._panel(
            "injector", (injection, hand.armed), lambda r, b: panels.draw_injector(s, r, frame, hand, b)
        )
        dose = (frame.dose, injection.contrast_mL, injection.drug_mg, injection.embolic_mL)
        self._panel("dose", dose, lambda r, b: panels.draw_dose(s, r, frame, b))
        self._panel("hints", tuple(hand.hints), lambda r, b: draw_hints(s, r, hand, b))
        pages = f"F3: other panels, page {self.layout.page + 1} of {self.layout.pages}"
        self._panel("pager", pages, lambda r, b: _draw_pager(s, r, pages, b))

    def _draw_over(self, hand: HandView, status: Status, cover: pygame.Rect) -> None:
        s, brush, menu = self._surface, Brush(self.layout.unit), status.menu
        key: Hashable = (status.over, status.text, hand.layout)
        if menu is not None:
            key = (status.over, menu.title, tuple(menu.rows), menu.cursor)
        elif status.over == "hints":
            key = (status.over, tuple(hand.hints))
        if self._drawn.get("over") == key:
            return
        if menu is not None:
            draw_menu(s, cover, menu, brush)
        elif status.over == "hints":
            draw_hints(s, cover, hand, brush, full=True)
        elif status.over == "keys":
            draw_keymap(s, cover, hand, brush)
        elif status.over == "error":
            _draw_error(s, cover, status.text, brush)
        elif status.over == "ending":
            _draw_error(s, self.layout.messages, "", brush)
        self._drawn["over"] = key


_NOTHING = pygame.Rect(0, 0, 0, 0)


def _draw_pager(surface: pygame.Surface, rect: pygame.Rect, text: str, brush: Brush) -> None:
    surface.fill(ROOM, rect)
    brush.text(surface, (rect.centerx, rect.y + brush.px(2)), text, 12, SKY, align="center", width=rect.width)


def _draw_error(surface: pygame.Surface, rect: pygame.Rect, text: str, brush: Brush) -> None:
    """Why the simulation stopped; without a text, that the debrief is on its way."""
    inner = panel(surface, rect, brush, "The simulation stopped" if text else "Finished")
    lines = [*brush.wrap(text, 13, inner.width), "", "Esc leaves the procedure."] if text else []
    for i, line in enumerate(lines or ["Working out where everything went …"]):
        color = (ORANGE if i == 0 else TEXT) if text else DIM
        brush.text(surface, (inner.x, inner.y + i * brush.px(18)), line, 13, color)
