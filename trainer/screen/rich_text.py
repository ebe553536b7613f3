"""Long texts that scroll: pygame_gui's text box at the window's size, moved by keys."""

from __future__ import annotations

import html

import pygame_gui

from trainer.screen.theme import gui_text_size


def sized(body: str, unit: float) -> str:
    """The text at the size that belongs to a unit."""
    return f'<font pixel_size="{gui_text_size(unit)}">{body}</font>'


def heading(text: str) -> str:
    """A heading on a line of its own."""
    return f'<font color="#56b4e9"><b>{html.escape(text)}</b></font><br>'


def scroll(text: pygame_gui.elements.UITextBox, pages: float) -> None:
    """Moves a text box by so many of its heights; down is positive."""
    track = text.scroll_bar
    if track is not None:
        start = track.start_percentage + pages * track.visible_percentage
        track.set_scroll_from_start_percentage(max(0.0, min(1.0 - track.visible_percentage, start)))
        track.redraw_scrollbar()  # type: ignore[no-untyped-call]
        text.redraw_from_text_block()
