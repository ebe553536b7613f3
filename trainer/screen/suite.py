"""The page on which the procedure is played: runs the session, feeds the hand, shows the suite."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pygame

from trainer.frame import Event
from trainer.screen.page import Desk, Page
from trainer.screen.ports import Case, Room
from trainer.screen.suite_view import Status, SuiteView
from trainer.screen.worker import Runner, Task

KEPT_MESSAGES = 12


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
    """Draws from Frames and from the view of the hand alone; Esc pauses, F1 and F2 help, F3 turns pages."""

    name = "suite"
    frames_per_s = 60

    def __init__(self, desk: Desk, case: Case, room: Room) -> None:
        self._desk, self._case, self._room = desk, case, room
        self._runner, self._view = Runner(room.session), SuiteView()
        self._messages: deque[Event] = deque(maxlen=KEPT_MESSAGES)
        self._side = ""
        self._page = 0
        self._pause: int | None = None
        self._leaving = self._started = False
        self._ending: Task[Mapping[str, Any]] | None = None

    def enter(self) -> None:
        self._view.fit(self._desk.surface, self._desk.settings.scale, self._page)
        if not self._started:
            self._started = True
            _introduce_sticks(self._room.hand, self._desk)
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
        elif event.type == pygame.JOYDEVICEADDED:
            _introduce_sticks(hand, self._desk)
        elif event.type in (pygame.JOYAXISMOTION, pygame.JOYBUTTONDOWN, pygame.JOYBUTTONUP, pygame.JOYDEVICEREMOVED):
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
        if key == pygame.K_F3:
            self._page = (self._page + 1) % self._view.layout.pages
            self.enter()
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
        frame, hand = self._runner.frame, self._room.hand.view
        events = self._take_events()
        self._desk.sounds.feel(frame, events)
        self._view.feel(frame)
        if self._leaving:
            return _case_list(self._desk)
        if self._runner.finished:
            following = self._end()
            if following is not None:
                return following
        self._view.draw(frame, hand, tuple(self._messages), self._status(), elapsed_s)
        return None

    def _status(self) -> Status:
        menu, error = self._room.hand.view.menu, self._runner.error
        speed = 0.0 if self._runner.paused else self._runner.speed
        title, muted = self._case.title, self._desk.settings.muted
        if error is not None:
            return Status(title, speed, muted, "error", text=f"{type(error).__name__}: {error}")
        if self._pause is not None:
            return Status(title, speed, muted, "pause", _PauseMenu(self._pause))
        if menu is not None:
            return Status(title, speed, muted, "menu", menu)
        return Status(title, speed, muted, "ending" if self._ending else self._side)

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


def _case_list(desk: Desk) -> Page:
    from trainer.screen.case_list import CaseList

    return CaseList(desk)


def _feed_stick(hand: object, event: pygame.event.Event) -> None:
    """Sticks and buttons go to hands that have them."""
    device = int(getattr(event, "instance_id", 0))
    if event.type == pygame.JOYDEVICEREMOVED and hasattr(hand, "unplug"):
        hand.unplug(device)
    elif event.type == pygame.JOYAXISMOTION and hasattr(hand, "axis"):
        hand.axis(event.axis, event.value, device)
    elif event.type in (pygame.JOYBUTTONDOWN, pygame.JOYBUTTONUP) and hasattr(hand, "button"):
        hand.button(event.button, event.type == pygame.JOYBUTTONDOWN, device)


def _introduce_sticks(hand: object, desk: Desk) -> None:
    """Tells hands that read sticks which ones are there."""
    if hasattr(hand, "plug"):
        for stick in desk.sticks:
            hand.plug(stick.get_instance_id(), stick.get_name())
