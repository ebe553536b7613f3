"""Opens the window and turns its pages: case list, briefing, suite, debrief. One loop, no blocking work."""

from __future__ import annotations

import os
import sys
import time
import traceback
from pathlib import Path

os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
os.environ.setdefault("SDL_WINDOWS_DPI_AWARENESS", "permonitorv2")
os.environ.setdefault("SDL_JOYSTICK_ALLOW_BACKGROUND_EVENTS", "1")

import pygame

from trainer.errors import MissingPartError
from trainer.screen.backstage import MakeHand, real_backstage
from trainer.screen.layout import BASE, SCALES
from trainer.screen.page import Desk, Page
from trainer.screen.ports import Backstage, Case
from trainer.screen.settings import load_settings, save_settings
from trainer.screen.sound import Sounds
from trainer.screen.worker import Task

TITLE = "Catheter trainer"


def run(
    scenario_path: Path | None,
    seed: int,
    controls: str,
    fullscreen: bool,
    out_dir: Path | None,
    exam: bool = False,
    *,
    make_hand: MakeHand | None = None,
    backstage: Backstage | None = None,
    size: tuple[int, int] | None = None,
) -> int:
    """Runs the window until it is closed; gives the exit code.

    make_hand makes the operator's controller (`controls.make.make_hand`); backstage replaces cases and
    simulation as a whole. One of the two is needed. Raises MissingPartError when the wrong pygame is
    installed or when there is no screen to open a window on.
    """
    check_pygame()
    if backstage is None:
        if make_hand is None:
            raise TypeError("run() needs make_hand or backstage")
        backstage = real_backstage(make_hand, controls, out_dir, scenario_path)
    desk = _open(seed, fullscreen, exam, backstage, size, out_dir)
    try:
        return _loop(desk, scenario_path is not None)
    finally:
        save_settings(desk.settings)
        pygame.quit()


def check_pygame() -> None:
    """Raises MissingPartError when plain pygame lies over pygame-ce."""
    if not getattr(pygame, "IS_CE", 0):
        raise MissingPartError(
            "the installed pygame is not pygame-ce",
            mend="Run: pip uninstall -y pygame pygame-ce && pip install pygame-ce",
        )


def _open(
    seed: int,
    fullscreen: bool,
    exam: bool,
    backstage: Backstage,
    size: tuple[int, int] | None,
    out_dir: Path | None,
) -> Desk:
    settings = load_settings()
    settings.fullscreen = settings.fullscreen or fullscreen
    try:
        pygame.display.init()
        pygame.font.init()
        pygame.joystick.init()
        surface = _window(size or _first_size(), settings.fullscreen)
    except pygame.error as error:
        raise MissingPartError(
            f"no window can be opened ({error})", mend="A desktop is needed; `autoplay` runs without one."
        ) from None
    pygame.display.set_caption(TITLE)
    pygame.key.set_repeat()
    cases: Task[list[Case]] = Task(lambda report: list(backstage.list_cases()))
    warm: Task[None] = Task(backstage.warm)
    desk = Desk(surface, settings, Sounds(settings.muted), backstage, seed, exam, cases, warm, out_dir)
    desk.sticks = [pygame.joystick.Joystick(i) for i in range(pygame.joystick.get_count())]
    return desk


def _first_size() -> tuple[int, int]:
    """Nine tenths of the desktop, not below 1280x720 unless the desktop is smaller."""
    desktop = pygame.display.get_desktop_sizes()[0]
    return tuple(min(d, max(b, round(0.9 * d))) for d, b in zip(desktop, BASE, strict=True))  # type: ignore[return-value]


def _window(size: tuple[int, int], fullscreen: bool) -> pygame.Surface:
    if fullscreen:
        return pygame.display.set_mode((0, 0), pygame.FULLSCREEN)
    return pygame.display.set_mode(size, pygame.RESIZABLE)


def _loop(desk: Desk, single: bool) -> int:
    from trainer.screen.case_list import CaseList

    page: Page = CaseList(desk, single=single)
    page.enter()
    windowed = desk.surface.get_size()
    clock = pygame.time.Clock()
    last = time.perf_counter()
    try:
        while True:
            for event in pygame.event.get():
                if event.type == pygame.QUIT:
                    return 0
                if event.type == pygame.VIDEORESIZE and not desk.settings.fullscreen:
                    windowed = (event.w, event.h)
                _keep_sticks(desk, event)
                if event.type in (pygame.VIDEORESIZE, pygame.WINDOWSIZECHANGED):
                    _refit(desk, page)
                elif not _common_key(desk, page, event, windowed):
                    page.event(event)
            now = time.perf_counter()
            following = page.draw(now - last)
            last = now
            if following is not None:
                page.leave()
                page = following
                page.enter()
            pygame.display.flip()
            clock.tick(page.frames_per_s)
    except Exception:
        traceback.print_exc(file=sys.stderr)
        return 1
    finally:
        page.leave()


def _keep_sticks(desk: Desk, event: pygame.event.Event) -> None:
    """Joysticks that are plugged in later are opened, those that went are let go."""
    if event.type == pygame.JOYDEVICEADDED:
        stick = pygame.joystick.Joystick(event.device_index)
        if all(k.get_instance_id() != stick.get_instance_id() for k in desk.sticks):
            desk.sticks.append(stick)
    elif event.type == pygame.JOYDEVICEREMOVED:
        desk.sticks = [k for k in desk.sticks if k.get_instance_id() != event.instance_id]


def _refit(desk: Desk, page: Page) -> None:
    desk.resize()
    page.enter()


def _common_key(desk: Desk, page: Page, event: pygame.event.Event, windowed: tuple[int, int]) -> bool:
    """Keys that work on every page; True when the event is used up."""
    if event.type != pygame.KEYDOWN:
        return False
    if event.key == pygame.K_F11:
        desk.settings.fullscreen = not desk.settings.fullscreen
        desk.surface = _window(windowed, desk.settings.fullscreen)
        _refit(desk, page)
        return True
    if event.key == pygame.K_m:
        desk.settings.muted = desk.sounds.muted = not desk.sounds.muted
        return True
    if event.mod & pygame.KMOD_CTRL and event.scancode in (pygame.KSCAN_EQUALS, pygame.KSCAN_MINUS):
        by = 1 if event.scancode == pygame.KSCAN_EQUALS else -1
        at = min(range(len(SCALES)), key=lambda i: abs(SCALES[i] - desk.settings.scale)) + by
        desk.settings.scale = SCALES[max(0, min(len(SCALES) - 1, at))]
        _refit(desk, page)
        return True
    return False
