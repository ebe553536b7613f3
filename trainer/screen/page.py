"""What every page of the window is: it takes events, draws itself, and says which page follows."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pygame
import pygame_gui

from trainer.screen.layout import unit_of
from trainer.screen.settings import Settings
from trainer.screen.sound import Sounds
from trainer.screen.theme import Brush, gui_text_size, gui_theme

if TYPE_CHECKING:
    from trainer.screen.ports import Backstage, Case
    from trainer.screen.worker import Task


@dataclass
class Desk:
    """What the pages share: the window, its size, settings, sound, and the backstage."""

    surface: pygame.Surface
    settings: Settings
    sounds: Sounds
    backstage: Backstage
    seed: int
    exam: bool
    cases: Task[list[Case]]
    warm: Task[None]
    out_dir: Path | None = None
    sticks: list[pygame.joystick.JoystickType] = field(default_factory=list)
    """Open joysticks; they must be kept, or their events end."""
    brush: Brush = field(init=False)
    gui: pygame_gui.UIManager = field(init=False)

    def __post_init__(self) -> None:
        self.resize()

    def resize(self) -> None:
        """Fits brush and widgets to the present window."""
        self.surface = pygame.display.get_surface() or self.surface
        unit = unit_of(self.surface.get_size(), self.settings.scale)
        self.brush = Brush(unit)
        self.gui = pygame_gui.UIManager(
            self.surface.get_size(), gui_theme(unit), enable_live_theme_updates=False
        )
        size = gui_text_size(unit)
        self.gui.preload_fonts(
            [
                {"name": "noto_sans", "point_size": size, "style": style, "antialiased": "1"}
                for style in ("bold",)
            ]
        )


class Page(Protocol):
    """One of: case list, briefing, suite, debrief."""

    name: str
    frames_per_s: int
    """How often it is drawn: a page on which nothing moves by itself leaves the processor alone."""

    def enter(self) -> None:
        """Called when the page appears, and again after every change of the window's size or scale."""
        ...

    def event(self, event: pygame.event.Event) -> None: ...

    def draw(self, elapsed_s: float) -> Page | None:
        """Draws what changed; gives the page that follows, or None to stay."""
        ...

    def leave(self) -> None:
        """Called when the page goes; ends its threads."""
        ...
