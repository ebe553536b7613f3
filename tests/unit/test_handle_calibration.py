"""Scripts, calibration and settings of the handle."""

import pytest

from trainer.controls.handle.calibration import CalibrationError, Stroke, calibrate, fit_axis, fit_syringe
from trainer.controls.handle.emulator import TABLE, EmulatedHandle
from trainer.controls.handle.messages import Can
from trainer.controls.handle.script import Player, read_script
from trainer.controls.handle.settings import (
    AxisSettings,
    default_settings,
    load_settings,
    save_settings,
    settings_file,
)
from trainer.errors import ScenarioError

REST = (0, 0)


def test_scale_direction_trembling_and_play():
    axis = fit_axis(Stroke((4, 6), 100, -900, 60), 100.0, "the slide", roll=False)
    assert axis == AxisSettings(counts_per_unit=10.0, direction=-1, dead_band_counts=2, backlash=4.0)
    axis = fit_axis(Stroke(REST, 0, 4800, 24), 2.0, "the roll", roll=True)
    assert axis == AxisSettings(counts_per_unit=2400.0, backlash=3.6)
    assert fit_axis(Stroke(REST, 0, 1000, 1), 100.0, "the slide", roll=False).backlash == 0.0


@pytest.mark.parametrize(
    ("stroke", "words"),
    [
        (Stroke(REST, 0, 3, 0), "changed by only 3 counts"),
        (Stroke(REST, 0, 500, 900), "did not come back"),
        (Stroke(REST, 0, 500, 200), "500 counts there and 300 back"),
    ],
)
def test_what_cannot_be_right_is_refused(stroke, words):
    with pytest.raises(CalibrationError, match=words):
        fit_axis(stroke, 100.0, "the slide of channel 1", roll=False)
    with pytest.raises(CalibrationError, match="changed by only 2 counts"):
        fit_syringe(5, 7, 10.0)


def test_the_whole_walk_with_an_emulated_handle():
    """A rod with 0.8 mm of play, mounted the wrong way round, measured by a person who follows every sentence."""
    handle, asked = EmulatedHandle(), []

    def person(sentence):
        asked.append(sentence)
        channel = int(sentence[8]) if sentence.startswith("Channel") else 0
        if "forward" in sentence:
            handle.slide(channel, -100.0)
        elif "pull it back" in sentence:
            handle.slide(channel, 99.2)
        elif "clockwise" in sentence:
            handle.roll(channel, 1.0)
        elif "turn it back" in sentence:
            handle.roll(channel, -1.0)
        elif "home" in sentence:
            handle.syringe = 1000

    def counts():
        return handle.state().counts

    kept = calibrate(default_settings(TABLE), TABLE, person, counts, lambda: [(0, 1)] * 6, lambda: handle.syringe,
                     channels=(1, 3), mm=100.0, turns=1.0, volume_mL=20.0)  # fmt: skip
    assert len(asked) == 1 + 2 * 6 + 2
    slide = kept.slides[0]
    assert (slide.direction, slide.dead_band_counts) == (-1, 1)
    assert slide.counts_per_unit == pytest.approx(63.66, abs=0.02)
    assert slide.backlash == pytest.approx(0.8, abs=0.03)
    assert kept.rolls[2].counts_per_unit == 2400.0
    assert kept.slides[1] == default_settings(TABLE).slides[1], "channel 2 was not asked for"
    assert kept.syringe.mL_per_count == pytest.approx(0.02)


def test_settings_are_kept_per_handle(tmp_path):
    from dataclasses import replace

    hello = replace(TABLE, id=0xAB12)
    kept = default_settings(hello).model_copy(update={"channels": ["wire", "selected", "inner"], "full_force_N": 2.5})
    path = save_settings(kept, hello, tmp_path / "deep")
    assert path.name == "0000ab12.yaml"
    assert load_settings(hello, tmp_path / "deep") == kept
    assert load_settings(TABLE, tmp_path / "deep") == default_settings(TABLE)
    assert settings_file(TABLE, tmp_path).name == "unnamed_emulated_handle.yaml"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("channels: [outer, inner]", "channels: [outer, iner]", ),
        ("buttons: [fluoro]", "buttons: [flouro]"),
    ],
)
def test_a_misspelt_settings_file_says_where_and_what(tmp_path, line, words):
    path = settings_file(TABLE, tmp_path)
    text = ("format: 1\nid: '00000000'\nname: x\nslides: []\nrolls: []\n" + line + "\n")
    text += "channels: []\n" if "buttons" in line else ""
    path.write_text(text)
    load_settings(TABLE, tmp_path)
    path.write_text(text.replace(line, words))
    with pytest.raises(ScenarioError, match=r"\.yaml:6: .*Did you mean '(inner|fluoro)'"):
        load_settings(TABLE, tmp_path)


def test_defaults_follow_what_a_handle_can_do():
    from dataclasses import replace

    plain = replace(TABLE, capabilities=int(Can.SLIDE), channels=1, buttons=1, counts_per_100mm=0)
    kept = default_settings(plain)
    assert (kept.channels, kept.buttons) == (["selected"], ["fluoro"])
    assert kept.slides[0].counts_per_unit == 0.01
    assert default_settings(TABLE).buttons[:3] == ["fluoro", "dsa", "clutch"]


def test_a_script_plays(tmp_path):
    path = tmp_path / "script.txt"
    path.write_text("0 slide 1 100 2 # push\n0.5 roll 2 90 0\n\n1 tap 0\n1 syringe 0.5 1\n1.5 stick 2 -0.5\n"
                    "2 overspeed 3\n2.5 unplug 0.5\n0.7 press 3\n")  # fmt: skip
    handle, player = EmulatedHandle(), Player(read_script(path))
    seen = {}
    for ms in range(0, 3200, 10):
        player.play(handle, ms / 1000.0)
        seen[ms] = (handle.counts[0] / 63.66, handle.counts[3], handle.held, handle.syringe)
        if ms == 2700:
            assert player.unplugged_until == 3.0
            assert not player.done
    assert seen[1000][0] == pytest.approx(50.0)
    assert seen[3000][0] == pytest.approx(100.0)
    assert seen[500][1] == 600.0
    assert [seen[ms][2] for ms in (990, 1000, 1080, 1100)] == [8, 9, 8, 8]
    assert seen[2000][3] == 512
    assert handle.joystick == (127, -64)
    assert handle.overspeed == 3
    assert player.done


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0 slide 1 100 1\n1 slid 1 2 3", r"s\.txt:2: '1 slid 1 2 3' is no act.*Did you mean 'slide'"),
        ("0 slide 1 100", "takes 3 number"),
        ("x tap 0", "no number"),
        ("0 tap 99", "Buttons are 0 to 15"),
        ("0 slide 4 1 1", "Channels are 1, 2 and 3"),
        ("-1 tap 0", "not negative"),
        ("nan tap 0", "not negative"),
    ],
)
def test_a_faulty_script_says_where(tmp_path, text, words):
    path = tmp_path / "s.txt"
    path.write_text(text)
    with pytest.raises(ScenarioError, match=words):
        read_script(path)
