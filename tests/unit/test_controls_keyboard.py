"""The keyboard as hands: what a key does, how long a tap lasts, and what menus ask for."""

from __future__ import annotations

from dataclasses import replace

import pytest
from frames import device, frame

from trainer.commands import IDLE, Action, Commands
from trainer.controls.hints import hints
from trainer.controls.keyboard import PEDAL_TAP_STEPS, TAP_STEPS, KeyboardController
from trainer.controls.layout import load_layout
from trainer.controls.options import ControlOptions, DeviceChoice, FluidChoice
from trainer.controls.scancodes import SCANCODES

OPTIONS = ControlOptions(
    devices=(
        DeviceChoice("c2", "catheter", "Cobra"), DeviceChoice("w35", "wire", "Wire"),
        DeviceChoice("m24", "microcatheter", "Micro"), DeviceChoice("mw", "microwire", "Microwire"),
    ),
    fluids=(FluidChoice("contrast_300", "contrast"), FluidChoice("beads", "beads", "embolic")),
)  # fmt: skip


@pytest.fixture
def keyboard() -> KeyboardController:
    return KeyboardController(OPTIONS, load_layout("standard"))


def down(keyboard: KeyboardController, *names: str) -> None:
    for name in names:
        keyboard.key(SCANCODES[name], True)


def up(keyboard: KeyboardController, *names: str) -> None:
    for name in names:
        keyboard.key(SCANCODES[name], False)


def tap(keyboard: KeyboardController, shown, *names: str) -> list[Action]:
    """Taps keys one after the other, with polls between; all actions that came."""
    out: list[Action] = []
    for name in names:
        down(keyboard, name)
        up(keyboard, name)
        for _ in range(TAP_STEPS + 1):
            out += keyboard.poll(shown).actions
    return out


def test_a_held_key_moves_the_device_in_hand(keyboard):
    shown = frame(device("catheter"))
    down(keyboard, "up", "right")
    (hand,) = keyboard.poll(shown).hands
    assert (hand.slot, hand.advance_mm_s, hand.torque_rad_s) == ("catheter", 20.0, 2.0)
    up(keyboard, "up", "right")
    for _ in range(TAP_STEPS):
        last = keyboard.poll(shown)
    assert last == IDLE


@pytest.mark.parametrize(("modifier", "speed"), [("shift", 60.0), ("right_shift", 60.0), ("ctrl", 4.0)])
def test_shift_is_fast_and_ctrl_is_fine(keyboard, modifier, speed):
    down(keyboard, modifier, "down")
    (hand,) = keyboard.poll(frame(device("catheter"))).hands
    assert hand.advance_mm_s == -speed


def test_inside_a_lumen_hands_are_faster_until_near_the_tip(keyboard):
    catheter = device("catheter", 300.0)
    down(keyboard, "3", "shift", "up")
    covered = keyboard.poll(frame(catheter, device("microcatheter", 100.0, -200.0))).hands[0]
    near = keyboard.poll(frame(catheter, device("microcatheter", 290.0, -10.0))).hands[0]
    outside = keyboard.poll(frame(catheter, device("microcatheter", 320.0, 20.0))).hands[0]
    assert (covered.advance_mm_s, near.advance_mm_s, outside.advance_mm_s) == (200.0, 60.0, 60.0)


def test_a_tap_within_one_poll_still_counts(keyboard):
    shown = frame(device("catheter"))
    down(keyboard, "up")
    up(keyboard, "up")
    moved = [bool(keyboard.poll(shown).hands) for _ in range(TAP_STEPS + 3)]
    assert moved == [True] * TAP_STEPS + [False] * 3


def test_a_tapped_pedal_stays_down_for_a_tenth_of_a_second(keyboard):
    down(keyboard, "space")
    up(keyboard, "space")
    pedal = [keyboard.poll(frame()).fluoro_pedal for _ in range(PEDAL_TAP_STEPS + 2)]
    assert pedal == [True] * PEDAL_TAP_STEPS + [False] * 2


def test_no_device_in_the_slot_means_no_motion(keyboard):
    down(keyboard, "2", "up")
    assert keyboard.poll(frame(device("catheter"))).hands == ()


def test_gang_moves_what_is_inside_without_turning_it(keyboard):
    shown = frame(device("catheter"), device("microcatheter", 400.0, 100.0), device("microwire", 450.0, 50.0))
    tap(keyboard, shown, "g")
    down(keyboard, "up", "left")
    hands = {h.slot: (h.advance_mm_s, h.torque_rad_s) for h in keyboard.poll(shown).hands}
    assert hands == {"catheter": (20.0, -2.0), "microcatheter": (20.0, 0.0), "microwire": (20.0, 0.0)}


def test_cruise_keeps_a_motion_until_a_hand_key(keyboard):
    shown = frame(device("catheter"))
    down(keyboard, "up")
    keyboard.poll(shown)
    down(keyboard, "k")
    keyboard.poll(shown)
    up(keyboard, "up", "k")
    for _ in range(30):
        last = keyboard.poll(shown)
    assert last.hands[0].advance_mm_s == 20.0
    tap(keyboard, shown, "down")
    assert keyboard.poll(shown) == IDLE


def test_losing_the_focus_lets_go_of_everything(keyboard):
    shown = frame(device("catheter"))
    down(keyboard, "up", "space", "d")
    assert keyboard.poll(shown).dsa_pedal
    keyboard.release_all()
    assert keyboard.poll(shown) == IDLE


def test_chords_go_before_single_keys(keyboard):
    down(keyboard, "alt", "right", "up")
    commands = keyboard.poll(frame(device("catheter")))
    assert commands.hands == ()
    assert commands.carm_rad_s[0] > 0
    assert commands.carm_rad_s[1] > 0


def test_table_moves_in_patient_axes(keyboard):
    down(keyboard, "w", "q")
    x, y, z = keyboard.poll(frame()).table_mm_s
    assert (x < 0, y, z > 0) == (True, 0.0, True), "left on the screen is the patient's right, -x in LPS"


@pytest.mark.parametrize(
    ("key", "action"),
    [
        ("f7", Action("view", {"primary_deg": 30.0, "secondary_deg": 20.0})),
        ("f8", Action("view", {"primary_deg": 90.0, "secondary_deg": 0.0})),
        ("r", Action("roadmap", {"on": True})),
        ("b", Action("breath_hold", {"on": True})),
        ("p", Action("pulse_rate", {"hz": 30.0})),
        ("equals", Action("fov", {"diagonal_mm": 220.0})),
        ("minus", Action("fov", {"diagonal_mm": 420.0})),
        ("x", Action("stop_injection")),
        ("[", Action("review", {"run": 2, "image": 0})),
        ("backslash", Action("review", {"run": 2, "image": -1})),
    ],
)
def test_buttons(keyboard, key, action):
    assert tap(keyboard, frame(runs=2, reviewed=(2, -1, 20)), key) == [action]


def test_stored_images_are_paged_within_the_run(keyboard):
    seen = (2, -1, 3)
    pages = []
    for key in ("]", "]", "]", "]", "["):
        (act,) = tap(keyboard, frame(runs=2, reviewed=seen), key)
        seen = (act.args["run"], act.args["image"], 3)
        pages.append(seen[:2])
    assert pages == [(2, 0), (2, 1), (2, 2), (2, 2), (2, 1)]
    down(keyboard, "shift")
    (back,) = tap(keyboard, frame(runs=2, reviewed=seen), "[")
    assert back == Action("review", {"run": 1, "image": -1})
    (first,) = tap(keyboard, frame(runs=2, reviewed=(1, -1, 3)), "[")
    assert first == Action("review", {"run": 1, "image": -1})


def test_the_console_changes_what_the_frame_shows(keyboard):
    tap(keyboard, frame(), "n")
    assert keyboard.view.menu is not None
    assert keyboard.view.menu.title == "X-ray console"
    assert tap(keyboard, frame(dose_mode="normal"), "left") == [Action("dose_mode", {"mode": "low"})]
    assert tap(keyboard, frame(dose_mode="low"), "left") == [Action("dose_mode", {"mode": "low"})]
    for _ in range(8):
        tap(keyboard, frame(), "down")
    assert tap(keyboard, frame(stored_views=("AP", "RAO 30", "", "")), "right") == []
    assert tap(keyboard, frame(), "enter") == [Action("recall_view", {"place": 2})]
    for _ in range(4):
        tap(keyboard, frame(), "down")
    shifted = tap(keyboard, frame(mask_shift_px=(1.0, -0.5)), "right")
    assert shifted == [Action("pixel_shift", {"dx_px": 1.5, "dy_px": -0.5})]
    tap(keyboard, frame(), "escape")
    assert keyboard.view.menu is None


def test_shutters_close_in_steps_while_held(keyboard):
    shown = frame()
    down(keyboard, "c", "left")
    acts = [a for _ in range(13) for a in keyboard.poll(shown).actions]
    lefts = [a.args["left"] for a in acts]
    assert lefts == pytest.approx([0.03, 0.06, 0.09])
    assert all(a.args["left"] == a.args["right"] and a.args["top"] == 0.0 for a in acts)


def test_insert_by_menu_takes_the_device_in_hand(keyboard):
    shown = frame(device("catheter"))
    tap(keyboard, shown, "t")
    menu = keyboard.view.menu
    assert menu is not None
    texts = [(r.text, r.enabled) for r in menu.rows]
    assert texts == [
        ("Insert Wire", True), ("Insert Micro", True), ("Flush the lumen", True), ("Insert Microwire", False),
        ("Remove the catheter", False),
    ]  # fmt: skip
    assert tap(keyboard, shown, "enter") == [Action("insert", {"slot": "wire", "device": "w35"})]
    keyboard.poll(shown)
    assert keyboard.view.menu is None
    assert keyboard.view.selected == "wire"


def test_a_device_can_be_removed_when_its_tip_is_at_its_hub(keyboard):
    catheter, wire = device("catheter", 300.0), device("wire", 300.0 - 800.0 + 3.0, -797.0)
    tap(keyboard, frame(catheter, wire), "t")
    assert tap(keyboard, frame(catheter, wire), "enter") == [Action("remove", {"slot": "wire"})]


def test_a_menu_takes_the_arrows_but_leaves_the_pedals(keyboard):
    shown = frame(device("catheter"))
    tap(keyboard, shown, "t")
    down(keyboard, "up", "space")
    commands = keyboard.poll(shown)
    assert commands.hands == ()
    assert commands.fluoro_pedal
    tap(keyboard, shown, "escape")
    assert keyboard.view.menu is None


def test_the_injector_is_set_and_fired(keyboard):
    shown = frame(device("catheter"), device("microcatheter"))
    tap(keyboard, shown, "j", "right", "down", "down", "down", "left", "escape")
    (action,) = tap(keyboard, shown, "i")
    assert action.kind == "inject"
    assert action.args["slot"] == "microcatheter", "the innermost lumen is proposed"
    assert action.args["fluid"] == "contrast_300"
    assert (action.args["rate_mL_s"], action.args["volume_mL"]) == (4.0, 30.0), "preset SMA, one step slower"


def test_the_syringe_is_loaded_and_pushed_at_the_fluids_pace(keyboard):
    shown = frame(device("catheter"))
    assert tap(keyboard, shown, "l", "right", "down", "left", "down", "enter") == [
        Action("load_syringe", {"fluid": "beads", "size_mL": 3.0})
    ]
    shown = replace(shown, injection=replace(shown.injection, syringe_fluid="beads", syringe_left_mL=3.0))
    down(keyboard, "h")
    commands = keyboard.poll(shown)
    assert (commands.syringe_slot, commands.syringe_mL_s) == ("catheter", 0.1)


def test_finish_asks_first(keyboard):
    assert tap(keyboard, frame(), "f10", "enter") == []
    assert tap(keyboard, frame(), "f10", "down", "enter") == [Action("finish")]


def test_a_held_menu_key_repeats(keyboard):
    shown = frame()
    tap(keyboard, shown, "j", "down", "down", "down")
    start = keyboard.view.menu.rows[3].value
    down(keyboard, "right")
    for _ in range(60):
        keyboard.poll(shown)
    assert (start, keyboard.view.menu.rows[3].value) == ("5 mL/s", "20 mL/s")


def test_hints_tell_what_to_do_without_devices_and_under_force(keyboard):
    keyboard.poll(frame())
    assert "choose a catheter" in [h.text for h in keyboard.view.hints]
    fresh = KeyboardController(OPTIONS, load_layout("standard"))
    fresh.poll(frame(device("catheter", force_N=2.4)))
    assert fresh.view.hints[0].urgent
    assert "2.4 N" in fresh.view.hints[0].text


def test_a_run_while_the_patient_breathes_asks_for_a_held_breath(keyboard):
    running = frame(device("catheter"), beam_on=True, live_kind="dsa")
    keyboard.poll(running)
    assert keyboard.view.hints[0].urgent
    assert "hold the breath" in keyboard.view.hints[0].text
    fresh = KeyboardController(OPTIONS, load_layout("standard"))
    fresh.poll(replace(running, vitals=replace(running.vitals, holding_breath=True)))
    assert not any("smears" in h.text for h in fresh.view.hints)


def test_after_close_nothing_moves(keyboard):
    down(keyboard, "up", "space")
    keyboard.close()
    assert keyboard.poll(frame(device("catheter"))) == Commands()


def test_the_left_hand_latches_its_pedals():
    keyboard = KeyboardController(OPTIONS, load_layout("left_hand"))
    tap(keyboard, frame(), "space")
    assert keyboard.poll(frame()).fluoro_pedal
    tap(keyboard, frame(), "space")
    assert not keyboard.poll(frame()).fluoro_pedal


def test_the_tray_bends_a_tip_before_it_goes_in():
    options = replace(OPTIONS, devices=(DeviceChoice("mw", "microwire", "Microwire", "0.36 mm", True),))
    keyboard = KeyboardController(options, load_layout("standard"))
    shown = frame(device("catheter"), device("microcatheter"))
    tap(keyboard, shown, "t")
    assert keyboard.view.menu.rows[0].note == "0.36 mm; tip: as it comes (left, right)"
    tap(keyboard, shown, "right", "right")
    assert "45 degrees" in keyboard.view.menu.rows[0].note
    (insert,) = tap(keyboard, shown, "enter")
    assert insert.args == {"slot": "microwire", "device": "mw", "tip_mm": 4.0, "tip_deg": 45.0}


def test_the_tray_fills_and_empties_a_balloon():
    keyboard = KeyboardController(OPTIONS, load_layout("standard"))
    for state, on in (("empty", True), ("full", False)):
        shown = frame(device("catheter"), replace(device("microcatheter"), balloon=state))
        tap(keyboard, shown, "t")
        rows = [row.text for row in keyboard.view.menu.rows]
        at = next(k for k, text in enumerate(rows) if "balloon" in text)
        (act,) = tap(keyboard, shown, *["down"] * at, "enter")
        assert act == Action("inflate", {"slot": "microcatheter", "on": on})


def test_the_flush_key_takes_the_lumen_that_needs_it_then_the_one_in_hand(keyboard):
    catheter, micro = device("catheter"), device("microcatheter")
    assert tap(keyboard, frame(catheter, micro), "1", "f") == [Action("flush", {"slot": "catheter"})]
    due = frame(catheter, replace(micro, lumen="air in hub"))
    assert tap(keyboard, due, "f") == [Action("flush", {"slot": "microcatheter"})]
    first = hints(due, load_layout("standard"), "wire", gang=False)[0]
    assert (first.key, first.urgent) == ("F", True)
    assert "air in hub" in first.text
    assert tap(keyboard, frame(), "f") == []


def test_the_tray_flushes_and_lets_go_of_a_wire_and_holds_it_again(keyboard):
    for state, on in (("held", False), ("free", True)):
        shown = frame(device("catheter"), replace(device("wire"), hold=state))
        tap(keyboard, shown, "t")
        rows = [row.text for row in keyboard.view.menu.rows]
        at = next(k for k, text in enumerate(rows) if text.endswith("the wire") and "Remove" not in text)
        assert tap(keyboard, shown, *["down"] * at, "enter") == [Action("hold", {"slot": "wire", "on": on})]


def test_a_lost_wire_cannot_be_removed_by_itself(keyboard):
    lost = replace(device("wire", 300.0 - 800.0 + 3.0, -797.0), hold="lost")
    tap(keyboard, frame(device("catheter", 300.0), lost), "t")
    (row,) = [r for r in keyboard.view.menu.rows if r.text == "Remove the wire"]
    assert not row.enabled
    assert "lost" in row.note
