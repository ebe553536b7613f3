"""The menu of the X-ray machine's console: dose mode, detector, wedges, window, kept positions, mask of a run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from trainer.commands import Action
from trainer.controls.view import MenuRow, MenuView
from trainer.frame import Frame, XrayView

MODES = ("low", "normal", "high")
SID_STEP_MM, WEDGE_STEP, BRIGHT_STEP, CONTRAST_STEP, SHIFT_STEP_PX = 50.0, 0.15, 10.0, 1.15, 0.5
SIDS_MM = (900.0, 1200.0)
PLACES = 4


@dataclass(frozen=True, slots=True)
class _Row:
    text: str
    value: Callable[[XrayView], str]
    change: Callable[[XrayView, int], Action | None] | None = None
    """What left (-1) and right (+1) do."""
    enter: Callable[[XrayView], Action | None] | None = None
    note: Callable[[XrayView], str] = lambda x: ""


def _mode(x: XrayView, by: int) -> Action:
    at = MODES.index(x.dose_mode) if x.dose_mode in MODES else 1
    return Action("dose_mode", {"mode": MODES[min(max(at + by, 0), len(MODES) - 1)]})


def _sid(x: XrayView, by: int) -> Action:
    return Action("sid", {"mm": min(max(x.sid_mm + by * SID_STEP_MM, SIDS_MM[0]), SIDS_MM[1])})


def _wedge(side: int) -> Callable[[XrayView, int], Action]:
    def change(x: XrayView, by: int) -> Action:
        shares = list(x.wedges)
        shares[side] = min(max(shares[side] + by * WEDGE_STEP, 0.0), 0.45)
        return Action("wedge", {"left": shares[0], "right": shares[1]})

    return change


def _window(brighter: bool) -> Callable[[XrayView, int], Action]:
    def change(x: XrayView, by: int) -> Action:
        bright, contrast = x.window
        if brighter:
            return Action("window", {"brightness": bright + by * BRIGHT_STEP, "contrast": contrast})
        return Action("window", {"brightness": bright, "contrast": contrast * CONTRAST_STEP**by})

    return change


def _shift(across: bool) -> Callable[[XrayView, int], Action]:
    def change(x: XrayView, by: int) -> Action:
        dx, dy = x.mask_shift_px
        step = by * SHIFT_STEP_PX
        return Action("pixel_shift", {"dx_px": dx + step * across, "dy_px": dy + step * (not across)})

    return change


def _percent(share: float) -> str:
    return "out" if share == 0.0 else f"{100.0 * share:.0f} % of the field"


def _place(x: XrayView, place: int) -> str:
    views = x.stored_views
    return views[place - 1] if place <= len(views) else ""


class ConsoleMenu:
    """Stays open, so that its effect can be seen."""

    def __init__(self) -> None:
        self.done, self._cursor, self._at = False, 0, 1
        """_at: the kept position that the two rows about it mean."""

    def _rows(self) -> tuple[_Row, ...]:
        def turn(x: XrayView, by: int) -> Action | None:
            self._at = (self._at - 1 + by) % PLACES + 1
            return None

        def at(x: XrayView) -> str:
            return f"{self._at}: {_place(x, self._at) or 'empty'}"

        def chosen(kind: str) -> Callable[[XrayView], Action]:
            return lambda x: Action(kind, {"place": self._at})

        return (
            _Row("Fluoroscopy dose", lambda x: x.dose_mode, _mode, note=lambda x: "less dose, more noise"),
            _Row("Lead shield", lambda x: "in front of you" if x.shield else "pushed aside",
                 lambda x, by: Action("shield", {"on": by > 0}), lambda x: Action("shield", {"on": not x.shield})),
            _Row("Detector distance", lambda x: f"{x.sid_mm / 10:.0f} cm", _sid,
                 note=lambda x: "near: less magnification and dose"),
            _Row("Wedge, left", lambda x: _percent(x.wedges[0]), _wedge(0), note=lambda x: "evens out the lung"),
            _Row("Wedge, right", lambda x: _percent(x.wedges[1]), _wedge(1)),
            _Row("Brightness", lambda x: f"{x.window[0]:+.0f}", _window(True)),
            _Row("Contrast", lambda x: f"x {x.window[1]:.2f}", _window(False)),
            _Row("Window automatic", lambda x: "", None,
                 lambda x: Action("window", {"brightness": 0.0, "contrast": 1.0})),
            _Row("Position", at, turn, chosen("recall_view"), lambda x: "Enter drives arm and table there"),
            _Row("Keep this position", at, turn, chosen("store_view")),
            _Row("Keep the last fluoroscopy", lambda x: "", None, lambda x: Action("store_fluoro")),
            _Row("Mask: this image", self._shown, None, lambda x: Action("remask"),
                 lambda x: "of the run on the reference monitor"),
            _Row("Mask shift, across", lambda x: f"{x.mask_shift_px[0]:+.1f} px", _shift(True)),
            _Row("Mask shift, along", lambda x: f"{x.mask_shift_px[1]:+.1f} px", _shift(False)),
        )

    @staticmethod
    def _shown(x: XrayView) -> str:
        run, image, count = x.reviewed
        if not run:
            return "no run shown"
        return f"run {run}, {'peak' if image < 0 else f'image {image + 1} of {count}'}"

    def press(self, act: str, frame: Frame) -> list[Action]:
        rows, x = self._rows(), frame.xray
        row, made = rows[self._cursor], None
        if act in ("menu_up", "menu_down"):
            self._cursor = (self._cursor + (1 if act == "menu_down" else -1)) % len(rows)
        elif act in ("menu_left", "menu_right") and row.change is not None:
            made = row.change(x, 1 if act == "menu_right" else -1)
        elif act == "menu_enter" and row.enter is not None:
            made = row.enter(x)
        return [made] if made is not None else []

    def view(self, frame: Frame) -> MenuView:
        x = frame.xray
        rows = tuple(MenuRow(r.text, r.value(x), r.note(x)) for r in self._rows())
        return MenuView("X-ray console", rows, self._cursor, "Left and right change, Enter does, Esc closes")
