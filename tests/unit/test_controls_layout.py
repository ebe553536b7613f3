"""Key layouts: both shipped ones are whole, and faulty files say what is wrong and where."""

from __future__ import annotations

from pathlib import Path

import pygame
import pytest

from trainer.controls.layout import HOLD_ACTS, KEYMAP, PRESS_ACTS, WORDS, load_layout, read_layout
from trainer.controls.make import fluid_kind, make_hand
from trainer.controls.scancodes import NAMES, SCANCODES
from trainer.errors import CallError, ScenarioError

SHIPPED = ("standard", "left_hand")
LEFT_HAND = set("qwertasdfgzxcvb123456") | {
    "tab", "space", "shift", "ctrl", "alt", "escape", "grave", "enter",
    "f1", "f2", "f3", "f4", "f5", "f6", "f7", "f8",
}  # fmt: skip


def test_every_act_has_words_and_stands_in_the_key_map():
    assert set(HOLD_ACTS) | set(PRESS_ACTS) == set(WORDS)
    mapped = [act for acts, _ in KEYMAP for act in acts.split()]
    assert len(mapped) == len(set(mapped))
    assert {a for a in WORDS if not a.startswith("menu_")} == set(mapped)


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_layouts_have_a_key_for_every_act(name):
    assert set(load_layout(name).keys) == set(WORDS)


def test_the_one_handed_layout_stays_on_one_side():
    for act, chords in load_layout("left_hand").keys.items():
        for chord in chords[:1]:
            assert set(chord.split("+")) <= LEFT_HAND, act


def test_scancodes_are_the_hid_usages_that_sdl_uses():
    assert SCANCODES["a"] == pygame.KSCAN_A
    assert SCANCODES["0"] == pygame.KSCAN_0
    assert SCANCODES["f10"] == pygame.KSCAN_F10
    assert SCANCODES["left"] == pygame.KSCAN_LEFT
    assert SCANCODES["kp_0"] == pygame.KSCAN_KP0
    assert SCANCODES["right_alt"] == pygame.KSCAN_RALT
    assert len(NAMES) == len(SCANCODES), "no scancode has two names"


def test_the_longest_chord_wins():
    layout = load_layout("standard")
    left, alt, shift = SCANCODES["left"], SCANCODES["alt"], SCANCODES["shift"]
    assert layout.act(left, set()) == "torque_ccw"
    assert layout.act(left, {shift}) == "torque_ccw"
    assert layout.act(left, {alt, shift}) == "carm_rao"
    assert layout.act(left, set(), menu=True) == "menu_left"
    assert layout.act(SCANCODES["f9"], set()) == ""


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("format: 1\ntitle: t\nkeys:\n  advanse: [up]\n", 4, "Did you mean 'advance'"),
        ("format: 1\ntitle: t\nkeys:\n  advance: [uo]\n", 4, "unknown key 'uo'"),
        ("format: 1\ntitle: t\nkeys:\n  advance: [up]\n  retract: [up]\n", 5, "already used for advance"),
        ("format: 1\ntitle: t\nlatch: [tray]\nkeys:\n  tray: [t]\n", 3, "cannot be latched"),
        ("format: 1\ntitle: t\nlatches: []\nkeys:\n  tray: [t]\n", 3, "Did you mean 'latch'"),
    ],
)
def test_faulty_layouts_name_file_and_line(tmp_path: Path, text, line, message):
    path = tmp_path / "keys.yaml"
    path.write_text(text)
    with pytest.raises(ScenarioError, match=message) as caught:
        read_layout(path)
    assert f"keys.yaml:{line}" in str(caught.value)


def test_unknown_controls_are_refused():
    with pytest.raises(CallError, match="Did you mean 'keyboard'"):
        make_hand("keybord", (), ())


def test_unknown_fluids_are_pushed_like_a_drug():
    assert (fluid_kind("embolic"), fluid_kind("glue")) == ("embolic", "drug")
