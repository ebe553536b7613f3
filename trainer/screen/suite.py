"""The angiography suite: live and reference monitor, hemodynamics, devices, injector, table side, dose."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import pygame

from trainer.frame import Event, Frame
from trainer.screen import panels
from trainer.screen.bezel import draw_live_foot, draw_live_head, draw_messages, draw_reference_head
from trainer.screen.layout import SuiteLayout, suite_layout
from trainer.screen.monitor import Monitor
from trainer.screen.page import Desk, Page
from trainer.screen.paint import panel
from trainer.screen.ports import Case, Room
from trainer.screen.side import draw_hints, draw_keymap, draw_menu
from trainer.screen.theme import DIM, ORANGE, ROOM, TEXT
from trainer.screen.vitals import Vitals
from trainer.screen.worker import Runner, Task

STRIP_EVERY_S = 1.0 / 30.0
"""The traces are drawn anew this often."""


@dataclass(frozen=True, slots=True)
class _Row:
    text: str
    value: str = ""
    note: str = ""
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class _PauseMenu:
    cursor: int
    title: str = "Paused"
    rows: tuple[_Row, ...] = (
        _Row("Go on"),
        _Row("Leave without a debrief", note="nothing is scored or stored"),
    )
    footer: str = "Enter chooses, Esc goes on"


class Suite:
    """The page on which the procedure is played. Draws from Frames and from the view of the hand alone."""

    name = "suite"

    def __init__(self, desk: Desk, case: Case, room: Room) -> None:
        self._desk, self._case, self._room = desk, case, room
        self._runner = Runner(room.session)
        self._live, self._reference, self._vitals = Monitor(), Monitor(), Vitals()
        self._messages: deque[Event] = deque(maxlen=50)
        self._drawn: dict[str, Hashable] = {}
        self._since_strip = 0.0
        self._side = ""
        self._pause: int | None = None
        self._leaving = False
        self._ending: Task[Mapping[str, Any]] | None = None
        self._layout: SuiteLayout = suite_layout(desk.surface.get_size(), desk.settings.scale)
        self._started = False

    def enter(self) -> None:
        self._layout = suite_layout(self._desk.surface.get_size(), self._desk.settings.scale)
        self._drawn.clear()
        self._desk.surface.fill(ROOM)
        if not self._started:
            self._started = True
            self._runner.start()

    def leave(self) -> None:
        self._room.hand.close()
        self._runner.stop()
        if self._ending is None:
            self._room.session.close()

    # -- events ---------------------------------------------------------------------------------------------
    def event(self, event: pygame.event.Event) -> None:
        hand = self._room.hand
        if event.type == pygame.WINDOWFOCUSLOST:
            hand.release_all()
        elif event.type == pygame.KEYUP:
            hand.key(event.scancode, False)
        elif event.type == pygame.KEYDOWN and not self._own_key(event.key):
            hand.key(event.scancode, True)
        elif event.type in (pygame.JOYAXISMOTION, pygame.JOYBUTTONDOWN, pygame.JOYBUTTONUP):
            _feed_stick(hand, event)

    def _own_key(self, key: int) -> bool:
        """Keys of the window itself; True when the hand must not see them."""
        if self._pause is not None:
            self._pause_key(key)
            return True
        if key in (pygame.K_F1, pygame.K_F2):
            which = "hints" if key == pygame.K_F1 else "keys"
            self._side = "" if self._side == which else which
            return True
        if key == pygame.K_ESCAPE and self._room.hand.view.menu is None:
            if self._side:
                self._side = ""
            else:
                self._pause, self._runner.paused = 0, True
                self._room.hand.release_all()
            return True
        return False

    def _pause_key(self, key: int) -> None:
        if key in (pygame.K_UP, pygame.K_DOWN):
            self._pause = 1 - (self._pause or 0)
        elif key == pygame.K_RETURN and self._pause == 1:
            self._leaving = True
        elif key in (pygame.K_ESCAPE, pygame.K_RETURN):
            self._pause, self._runner.paused = None, False

    # -- drawing --------------------------------------------------------------------------------------------
    def draw(self, elapsed_s: float) -> Page | None:
        frame = self._runner.frame
        events = self._take_events()
        self._desk.sounds.feel(frame, events)
        self._vitals.feel(frame)
        if self._leaving:
            return _case_list(self._desk)
        if self._runner.finished:
            following = self._end()
            if following is not None:
                return following
        self._since_strip += elapsed_s
        self._draw_monitors(frame)
        self._draw_panels(frame)
        self._draw_side(frame)
        return None

    def _take_events(self) -> list[Event]:
        out: list[Event] = []
        while self._runner.events:
            out.append(self._runner.events.popleft())
        self._messages.extend(out)
        return out

    def _end(self) -> Page | None:
        """The debrief is worked out in the background; its page follows when it is there."""
        from trainer.screen.debrief import Debrief

        if self._ending is None:
            session = self._room.session
            self._ending = Task(lambda report: session.debrief())
        if not self._ending.done:
            return None
        if self._ending.error is not None or self._ending.result is None:
            raise self._ending.error or RuntimeError("the debrief is empty")
        return Debrief(self._desk, self._case, self._ending.result)

    def _panel(self, name: str, key: Hashable, draw: Callable[[], None]) -> None:
        """Draws a panel when what it shows has changed."""
        if self._drawn.get(name) != key:
            draw()
            self._drawn[name] = key

    def _draw_monitors(self, frame: Frame) -> None:
        surface, brush, lay, xray = self._desk.surface, self._desk.brush, self._layout, frame.xray
        speed = self._runner.speed if not self._runner.paused else 0.0
        title = self._case.title
        self._panel(
            "live",
            (xray.live_id, xray.live is None),
            lambda: self._live.draw(
                surface,
                lay.live,
                xray.live,
                xray.live_id,
                brush,
                "No image yet: step on the fluoroscopy pedal",
            ),
        )
        head = (xray.beam_on, xray.live_kind, int(frame.t_s), round(speed, 1), self._desk.settings.muted)
        self._panel(
            "live_head",
            head,
            lambda: draw_live_head(
                surface, lay.live_head, frame, title, speed, self._desk.settings.muted, brush
            ),
        )
        foot = (
            xray.primary_deg,
            xray.secondary_deg,
            xray.fov_mm,
            xray.sid_mm,
            xray.kVp,
            xray.mA,
            xray.pulse_ms,
            xray.pulse_rate_hz,
            xray.roadmap,
        )
        self._panel("live_foot", foot, lambda: draw_live_foot(surface, lay.live_foot, frame, brush))
        self._panel(
            "reference",
            (xray.reference_id, xray.reference is None),
            lambda: self._reference.draw(
                surface, lay.reference, xray.reference, xray.reference_id, brush, "No stored run"
            ),
        )
        self._panel(
            "reference_head",
            (xray.reference_label, xray.runs),
            lambda: draw_reference_head(surface, lay.reference_head, frame, brush),
        )
        latest = tuple(self._messages)[-2:]
        self._panel("messages", latest, lambda: draw_messages(surface, lay.messages, latest, brush))

    def _draw_panels(self, frame: Frame) -> None:
        surface, brush, lay, xray = self._desk.surface, self._desk.brush, self._layout, frame.xray
        hand = self._room.hand.view
        if self._since_strip >= STRIP_EVERY_S:
            self._since_strip = 0.0
            self._vitals.draw(surface, lay.vitals, frame, brush)
        table = (
            xray.primary_deg,
            xray.secondary_deg,
            xray.collimation,
            xray.beam_on,
            xray.fov_mm,
            xray.sid_mm,
            xray.pulse_rate_hz,
            xray.dsa_rate_hz,
            xray.isocenter_mm,
            xray.runs,
        )
        self._panel("table", table, lambda: panels.draw_table(surface, lay.table, frame, brush))
        if self._side == "keys":
            return
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
        self._panel(
            "tray",
            (devices, hand.selected, hand.gang, hand.cruise, hand.speed),
            lambda: panels.draw_tray(surface, lay.tray, frame, hand, brush),
        )
        if self._covering(hand.menu is not None):
            return
        self._panel(
            "injector",
            (frame.injection, hand.armed),
            lambda: panels.draw_injector(surface, lay.injector, frame, hand, brush),
        )
        self._panel(
            "dose",
            (
                frame.dose,
                int(frame.t_s),
                frame.injection.contrast_mL,
                frame.injection.drug_mg,
                frame.injection.embolic_mL,
            ),
            lambda: panels.draw_dose(surface, lay.dose, frame, brush),
        )

    def _covering(self, menu_open: bool) -> bool:
        """Whether something stands over injector, dose and hints."""
        return menu_open or bool(self._side) or self._pause is not None or self._runner.error is not None

    def _draw_side(self, frame: Frame) -> None:
        surface, brush, lay, hand = self._desk.surface, self._desk.brush, self._layout, self._room.hand.view
        lower = lay.injector.unionall([lay.dose, lay.hints])
        column = lay.tray.union(lower)
        kind = (
            "error"
            if self._runner.error
            else "pause"
            if self._pause is not None
            else "menu"
            if hand.menu
            else "ending"
            if self._ending
            else self._side or "hints below"
        )
        if self._drawn.get("kind") != kind:
            for name in ("tray", "injector", "dose", "side"):
                self._drawn.pop(name, None)
            surface.fill(ROOM, column)
            self._drawn["kind"] = kind
            self._draw_panels(frame)
        if kind == "error":
            self._panel("side", str(self._runner.error), lambda: self._draw_error(lower))
        elif kind == "pause":
            menu = _PauseMenu(self._pause or 0)
            self._panel("side", menu, lambda: draw_menu(surface, lower, menu, brush))
        elif hand.menu is not None:
            open_menu = hand.menu
            self._panel(
                "side",
                (open_menu.title, open_menu.rows, open_menu.cursor),
                lambda: draw_menu(surface, lower, open_menu, brush),
            )
        elif kind == "ending":
            self._panel("side", "ending", lambda: self._draw_ending(lay.hints))
        elif kind == "keys":
            self._panel("side", hand.layout, lambda: draw_keymap(surface, column, hand, brush))
        else:
            place = lower if kind == "hints" else lay.hints
            self._panel(
                "side", tuple(hand.hints), lambda: draw_hints(surface, place, hand, brush, kind == "hints")
            )

    def _draw_error(self, rect: pygame.Rect) -> None:
        brush = self._desk.brush
        inner = panel(self._desk.surface, rect, brush, "The simulation stopped")
        text = f"{type(self._runner.error).__name__}: {self._runner.error}"
        for i, line in enumerate([*brush.wrap(text, 13, inner.width), "", "Esc leaves the procedure."]):
            brush.text(
                self._desk.surface,
                (inner.x, inner.y + i * brush.px(18)),
                line,
                13,
                ORANGE if i == 0 else TEXT,
            )

    def _draw_ending(self, rect: pygame.Rect) -> None:
        inner = panel(self._desk.surface, rect, self._desk.brush, "Finished")
        self._desk.brush.text(
            self._desk.surface, inner.topleft, "Working out where everything went …", 13, DIM
        )


def _case_list(desk: Desk) -> Page:
    from trainer.screen.case_list import CaseList

    return CaseList(desk)


def _feed_stick(hand: object, event: pygame.event.Event) -> None:
    """Sticks and buttons go to hands that have them."""
    if event.type == pygame.JOYAXISMOTION and hasattr(hand, "axis"):
        hand.axis(event.axis, event.value)
    elif event.type != pygame.JOYAXISMOTION and hasattr(hand, "button"):
        hand.button(event.button, event.type == pygame.JOYBUTTONDOWN)
