"""What the screen may show of a controller: what is in hand, the open menu, and what can be done now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class MenuRow:
    """One line of a menu. value is shown between arrows when it can be changed left and right."""

    text: str
    value: str = ""
    note: str = ""
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class MenuView:
    title: str
    rows: tuple[MenuRow, ...]
    cursor: int
    footer: str


@dataclass(frozen=True, slots=True)
class Hint:
    """A key and what it does now. urgent ones are shown first and marked."""

    key: str
    text: str
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class ControlView:
    selected: str = "catheter"
    gang: bool = False
    cruise: bool = False
    speed: str = "normal"
    """fine | normal | fast"""
    armed: str = ""
    """The power injection that is set, in words."""
    menu: MenuView | None = None
    hints: tuple[Hint, ...] = ()
    keymap: tuple[tuple[str, str], ...] = ()
    layout: str = ""
    keys: Mapping[str, str] = field(default_factory=dict)
    """The key of every act, as printed on it."""
