"""Key layouts: which key does what. Read from `assets/controls/keys_*.yaml` or a user's own file.

A chord is `key` or `held+key`; while several fit, the one with the most held keys is meant. Shift and Ctrl
make hands fast and fine, and count as held keys only where a chord names them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import platformdirs
from pydantic import Field

from trainer.controls.scancodes import SCANCODES, chord_label
from trainer.errors import ScenarioError, at_line, nearest
from trainer.resources import resource
from trainer.textfile import StrictModel, line_of, read_model

HOLD_ACTS = (
    "advance", "retract", "torque_cw", "torque_ccw", "fast", "fine", "fluoro", "dsa", "hand_inject",
    "carm_lao", "carm_rao", "carm_cra", "carm_cau",
    "table_head", "table_feet", "table_left", "table_right", "table_up", "table_down",
    "shutter_narrower", "shutter_wider", "shutter_shorter", "shutter_taller",
)  # fmt: skip
"""Acts that last as long as their key is held."""
PRESS_ACTS = (
    "select_catheter", "select_wire", "select_microcatheter", "select_microwire", "select_next", "gang",
    "cruise", "roadmap", "console", "view_ap", "view_rao30", "view_lao30_cra20", "view_lateral", "zoom_in",
    "zoom_out", "shutters_open", "pulse_rate", "dsa_rate", "breath_hold", "tray", "injector", "inject",
    "stop_injection", "syringe", "flush", "review_back", "review_on", "review_run_back", "review_run_on",
    "review_peak", "finish", "menu_up", "menu_down", "menu_left", "menu_right", "menu_enter",
    "menu_close",
)  # fmt: skip
"""Acts that happen once per press."""
WORDS: Mapping[str, str] = {
    "advance": "advance the device", "retract": "pull it back", "torque_cw": "turn clockwise",
    "torque_ccw": "turn counterclockwise", "fast": "fast (held)", "fine": "fine (held)",
    "fluoro": "fluoroscopy pedal (held)", "dsa": "run pedal, DSA (held)",
    "hand_inject": "push the syringe (held)", "carm_lao": "C-arm to LAO", "carm_rao": "C-arm to RAO",
    "carm_cra": "C-arm cranial", "carm_cau": "C-arm caudal", "table_head": "view toward head",
    "table_feet": "view toward feet", "table_left": "view to the left",
    "table_right": "view to the right", "table_up": "isocenter forward", "table_down": "isocenter back",
    "shutter_narrower": "shutters narrower", "shutter_wider": "shutters wider",
    "shutter_shorter": "shutters shorter", "shutter_taller": "shutters taller",
    "shutters_open": "open shutters", "select_catheter": "take the catheter",
    "select_wire": "take the wire", "select_microcatheter": "take the microcatheter",
    "select_microwire": "take the microwire", "select_next": "take the next device",
    "gang": "move with what is inside / alone", "cruise": "keep moving / stop",
    "roadmap": "roadmap on / off", "console": "X-ray console", "view_ap": "view AP", "view_rao30": "view RAO 30",
    "view_lao30_cra20": "view LAO 30 / CRA 20", "view_lateral": "view lateral", "zoom_in": "magnify",
    "zoom_out": "larger field", "pulse_rate": "pulse rate", "dsa_rate": "run frame rate",
    "breath_hold": "breath hold on / off", "tray": "devices: insert, remove",
    "injector": "set the injector", "inject": "power injection", "stop_injection": "stop injection",
    "syringe": "load the hand syringe", "flush": "flush a lumen by hand", "review_back": "stored image back",
    "review_on": "stored image on", "review_run_back": "run before", "review_run_on": "run after",
    "review_peak": "fullest image of the run", "finish": "finish the procedure", "menu_up": "menu: up",
    "menu_down": "menu: down", "menu_left": "menu: less", "menu_right": "menu: more",
    "menu_enter": "menu: choose", "menu_close": "menu: close",
}  # fmt: skip
"""Every act in the words of the key map."""


KEYMAP: tuple[tuple[str, str], ...] = (
    ("select_catheter select_wire select_microcatheter select_microwire", "take catheter, wire, micro-"),
    ("select_next", "take the next device"),
    ("advance retract", "advance, pull back"),
    ("torque_ccw torque_cw", "turn at the hub"),
    ("fast fine", "hold for fast, fine"),
    ("gang", "move with all inside it / alone"),
    ("cruise", "keep this motion going / stop"),
    ("tray", "devices: insert, remove"),
    ("fluoro", "fluoroscopy pedal (hold)"),
    ("dsa", "DSA run pedal (hold)"),
    ("roadmap", "roadmap on / off"),
    ("console", "X-ray console: dose, window, mask"),
    ("review_back review_on", "stored images back, on"),
    ("review_run_back review_run_on", "stored runs back, on"),
    ("review_peak", "fullest image of the run"),
    ("carm_rao carm_lao carm_cra carm_cau", "C-arm RAO LAO CRA CAU"),
    ("view_ap view_rao30 view_lao30_cra20 view_lateral", "AP, RAO 30, LAO 30 CRA 20, lateral"),
    ("table_left table_right table_head table_feet", "view left, right, head, feet"),
    ("table_up table_down", "isocenter forward, back"),
    ("zoom_in zoom_out", "magnify, larger field"),
    ("shutter_narrower shutter_wider shutter_shorter shutter_taller", "shutters"),
    ("shutters_open", "open all shutters"),
    ("pulse_rate dsa_rate", "pulse rate, run frame rate"),
    ("breath_hold", "breath hold on / off"),
    ("injector", "set the power injector"),
    ("inject stop_injection", "inject as set, stop"),
    ("syringe hand_inject", "load, push (hold) the syringe"),
    ("flush", "flush the lumen: draw back, saline"),
    ("finish", "finish the procedure"),
)
"""Rows of the key map: acts and their words."""


class LayoutFile(StrictModel):
    """A key layout as it stands in its file."""

    format: Literal[1]
    title: str
    latch: list[str] = Field(default_factory=list)
    """Acts that one press starts and the next stops, for hands that cannot hold two keys."""
    keys: dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class KeyLayout:
    """A checked layout. chords: main scancode -> ((scancodes that must be held), act), longest first."""

    title: str
    keys: Mapping[str, tuple[str, ...]]
    chords: Mapping[int, tuple[tuple[frozenset[int], str], ...]]
    latch: frozenset[str]

    def act(self, scancode: int, held: frozenset[int] | set[int], *, menu: bool = False) -> str:
        """The act of a key pressed while others are held; '' when there is none."""
        for needed, act in self.chords.get(scancode, ()):
            if needed <= held and act.startswith("menu_") == menu:
                return act
        return ""

    def label(self, act: str) -> str:
        """The first key of an act, as printed on it; '' when the layout has none."""
        chords = self.keys.get(act, ())
        return chord_label(chords[0]) if chords else ""

    def rows(self) -> Iterator[tuple[str, str]]:
        """(keys, words) for the key map; acts that belong together share a row."""
        for acts, words in KEYMAP:
            keys = [self.label(act) for act in acts.split() if self.label(act)]
            if keys:
                yield " ".join(shortened(keys)), words


def shortened(keys: list[str]) -> list[str]:
    """`Alt+← Alt+→` as `Alt+ ← →`: a key that all chords of a row hold is named once."""
    held = {key.rsplit("+", 1)[0] for key in keys if "+" in key[1:-1]}
    if len(keys) > 1 and len(held) == 1 and all(key.startswith(f"{min(held)}+") for key in keys):
        prefix = min(held)
        return [f"{prefix}+", *(key.removeprefix(f"{prefix}+") for key in keys)]
    return keys


def load_layout(name: str = "standard") -> KeyLayout:
    """A layout by name (standard, left_hand), by file, or the user's own `keys.yaml` in front of `standard`.

    Raises FileError or ScenarioError with file and line when the layout is faulty.
    """
    if name.endswith((".yaml", ".yml")):
        return read_layout(Path(name))
    own = Path(platformdirs.user_config_dir("catheter-trainer")) / "keys.yaml"
    if name == "standard" and own.is_file():
        return read_layout(own)
    return read_layout(resource("assets", "controls", f"keys_{name}.yaml"))


def read_layout(path: Path) -> KeyLayout:
    """A layout of a file. Raises FileError or ScenarioError with file and line."""
    model, node = read_model(LayoutFile, path)
    chords: dict[int, dict[tuple[frozenset[int], bool], str]] = {}
    for act, written in model.keys.items():
        if act not in WORDS:
            raise ScenarioError(
                f"unknown act '{act}'",
                where=at_line(path, line_of(node, ("keys", act))),
                mend=nearest(act, WORDS),
            )
        for chord in written:
            where = at_line(path, line_of(node, ("keys", act)))
            *held, main = _codes(chord, where)
            taken = chords.setdefault(main, {})
            key = (frozenset(held), act.startswith("menu_"))
            if key in taken:
                raise ScenarioError(
                    f"'{chord}' is already used for {taken[key]}",
                    where=where,
                    mend="Give each act its own key.",
                )
            taken[key] = act
    latch = set(model.latch) - set(HOLD_ACTS)
    if latch:
        raise ScenarioError(
            f"'{min(latch)}' cannot be latched",
            where=at_line(path, line_of(node, ("latch",))),
            mend=nearest(min(latch), HOLD_ACTS),
        )
    ordered = {
        main: tuple(
            sorted(((held, act) for (held, _), act in acts.items()), key=lambda c: (-len(c[0]), c[1]))
        )
        for main, acts in chords.items()
    }
    return KeyLayout(
        model.title, {a: tuple(c) for a, c in model.keys.items()}, ordered, frozenset(model.latch)
    )


def _codes(chord: str, where: str) -> list[int]:
    out = []
    for part in chord.lower().split("+"):
        if part not in SCANCODES:
            raise ScenarioError(f"unknown key '{part}'", where=where, mend=nearest(part, SCANCODES))
        out.append(SCANCODES[part])
    return out
