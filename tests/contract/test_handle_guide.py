"""The build guide's pictures and tables are what their sources say, and agree with the firmware and the trainer."""

import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from firmware import BUTTON_PINS, ENCODER_PINS

sys.path.insert(0, str(Path(__file__).parents[2] / "hardware"))
import make_guide

from trainer.cli.main import parser
from trainer.controls.handle.emulator import TABLE
from trainer.controls.handle.settings import HandleSettings, default_settings

HARDWARE = Path(make_guide.__file__).parent
WIRINGS = sorted((HARDWARE / "wiring").glob("*.yaml"))
ENCODERS = {1: ("slide", "roll"), 2: ("slide1", "roll1", "slide2", "roll2"), 3: ("slide1", "slide2", "slide3")}


def avr_pin(arduino):
    """An Uno's pin as port and bit of its ATmega328P."""
    number = int(arduino[1:])
    return f"C{number}" if arduino[0] == "A" else f"D{number}" if number < 8 else f"B{number - 8}"


def test_pictures_and_tables_are_fresh():
    done = subprocess.run([sys.executable, "make_guide.py", "--check"], cwd=HARDWARE, capture_output=True, text=True,
                          check=False, env={"PYTHONPATH": str(HARDWARE.parent)})  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", WIRINGS, ids=lambda p: p.stem)
def test_a_picture_shows_every_wire_once(path):
    wiring = make_guide.read_wiring(path)
    drawing = ET.fromstring(path.with_suffix(".svg").read_text())
    wires = [title.text for title in drawing.iterfind(".//{*}path/{*}title")]
    assert wires == [f"{w.board} to {w.part} {w.pin}" for w in wiring.wires]
    lines = [re.fullmatch(r"M180 (\d+)H(\d+)V(\d+)H\d+", p.get("d")).groups() for p in drawing.iterfind(".//{*}path")]
    assert len({x for _, x, _ in lines}) == len(lines), "no two wires share a lane"
    assert not {start for start, _, _ in lines} & {end for _, _, end in lines}, "nor a level"


@pytest.mark.parametrize("path", WIRINGS, ids=lambda p: p.stem)
def test_the_picture_is_what_the_firmware_reads(path):
    wiring = make_guide.read_wiring(path)
    pins = {(w.part, w.pin): avr_pin(w.board) for w in wiring.wires if w.board[0] in "DA"}
    encoders = [pins[part, pin] for part in ENCODERS[wiring.build] for pin in "AB"]
    assert encoders == list(ENCODER_PINS[: len(encoders)])
    buttons = [pins[part, "1"] for part, name, _ in wiring.parts if "utton" in name or "Pedal" in name]
    assert buttons == list(BUTTON_PINS[wiring.build])
    if wiring.build == 3:
        others = ("syringe", "middle"), ("stick", "VRx"), ("stick", "VRy"), ("mux", "SDA"), ("mux", "SCL")
        assert [pins[end] for end in others] == ["C0", "C1", "C2", "C4", "C5"]
        assert pins["brake", "signal"] == "B1"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("[D2, slide.A, orange]", "[D2, slide.Z, orange]", "leads nowhere"),
        ("[D3, slide.B, blue]", "[D2, slide.B, blue]", "used twice"),
        ("  - [D3, slide.B, blue]\n", "", "nothing is connected to"),
        ("blue]", "mauve]", "none of black"),
    ],
)
def test_a_wrong_wire_is_refused(tmp_path, old, new, words):
    path = tmp_path / "wrong.yaml"
    path.write_text((HARDWARE / "wiring" / "ten_minutes.yaml").read_text().replace(old, new))
    with pytest.raises(ValueError, match=words):
        make_guide.read_wiring(path)


def test_the_guide_names_what_there_is():
    text = (HARDWARE / "README.md").read_text()
    for key in set(HandleSettings.model_fields) - {"format", "id", "name"}:
        assert f"`{key}`" in text, key
    assert set(default_settings(TABLE).buttons) <= set(re.findall(r"`(\w+)`", text))
    for call in re.findall(r"^catheter-trainer (handle .*?)(?:  |$)", text, re.MULTILINE):
        words = call.replace('"left table"', "left").replace("--channel N", "--channel 1")
        parser().parse_args(re.sub(r"[][]", "", words).replace("PORT", "x").split())


def test_prices_that_are_upside_down_are_refused():
    row = {"build": "x", "part": "p", "quantity": "1", "look for": "", "low_usd": "3", "high_usd": "2", "remark": ""}
    with pytest.raises(ValueError, match="upside down"):
        make_guide.parts_table([row], "x")


@pytest.mark.parametrize(
    ("part", "size_mm"),
    [
        ("wheel", (11.25, 11.25, 8.0)),
        ("bearing_block", (35.2, 19.0, 33.0)),
        ("encoder_bracket", (42.0, 78.0, 3.0)),
        ("magnet_cap", (12.0, 12.0, 11.5)),
    ],
)
def test_printed_parts_are_closed_and_of_their_size(part, size_mm):
    text = (HARDWARE / "printed" / f"{part}.stl").read_text()
    corners = np.array(re.findall(r"vertex (\S+) (\S+) (\S+)", text), dtype=float).reshape(-1, 3, 3)
    assert np.ptp(corners.reshape(-1, 3), axis=0) == pytest.approx(size_mm, abs=0.05)
    _, names = np.unique(corners.reshape(-1, 3), axis=0, return_inverse=True)
    triangles = names.reshape(-1, 3)
    edges = np.sort(np.vstack([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), axis=1)
    _, times = np.unique(edges, axis=0, return_counts=True)
    assert (times == 2).all(), "every edge belongs to two triangles"
