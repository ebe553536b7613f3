"""The real program in a real window, by key presses alone: a short procedure from the case list to the debrief."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from driver import Window, missing_tools
from test_window_fake import GREEN, SKY, YELLOW, gray_live, share

from trainer.screen.theme import RED, SLOT_COLORS

ROOT = Path(__file__).parents[2]
pytestmark = [
    pytest.mark.window,
    pytest.mark.slow,
    pytest.mark.skipif(bool(missing_tools()), reason=f"needs {missing_tools()}"),
]
SIZE = (1280, 720)
ROOM_S = 240.0
"""The very first start compiles the kernels."""


def live(image: np.ndarray) -> np.ndarray:
    """The middle of the live monitor."""
    height, width = image.shape[:2]
    return image[round(0.2 * height) : round(0.75 * height), round(0.08 * width) : round(0.42 * width)]


def subtracted(image: np.ndarray) -> bool:
    """The beam is on and the live monitor shows an even gray, as a run before the contrast does."""
    middle = live(image)
    on = share(image, YELLOW, (0, 0, 0.2, 0.05)) > 0.01
    return on and 100.0 < float(np.median(middle)) < 230.0 and float(middle.std()) < 30.0


def test_a_procedure_is_played_from_the_case_list_to_the_debrief(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "trainer"]
    with Window(command, SIZE, tmp_path, ROOT) as window:
        window.until_seen("cases", lambda i: share(i, SKY, (0, 0, 1, 0.5)) > 0.001, 60.0)
        window.until_seen("warm", lambda i: share(i, GREEN, (0.7, 0.8, 1, 1)) > 0.001, ROOM_S)
        window.press("Return")
        window.until_seen("briefing", lambda i: share(i, GREEN, (0, 0.85, 0.5, 1)) > 0.001, ROOM_S)
        window.press("Return")
        window.until_seen("suite", lambda i: share(i, (0, 0, 0), (0.02, 0.1, 0.45, 0.8)) > 0.9, 60.0)
        window.press("t", "Return")  # the catheter lies first on the tray
        window.hold("space")
        window.until_seen("fluoro", lambda i: gray_live(i) and share(i, YELLOW, (0, 0, 0.2, 0.05)) > 0.01)
        window.hold("Up")
        window.until_seen("advanced", lambda i: share(i, GREEN, (0.74, 0, 1, 0.15)) > 0.002, 60.0)
        window.release("Up")
        window.release("space")
        window.until_seen("hold", lambda i: gray_live(i) and share(i, YELLOW, (0, 0, 0.2, 0.05)) < 0.002)
        window.hold("d")
        window.until_seen("mask", subtracted, 60.0)
        window.press("i")  # the injector's preset through the catheter
        window.until_seen("run", lambda i: subtracted(i) and live(i).min() < 60, 60.0)
        window.release("d")
        window.press("F10", "Down", "Return")
        window.until_seen("debrief", lambda i: bool(list(tmp_path.rglob("*.result.json"))) and not subtracted(i), 60.0)
        window.press("Escape")
        window.until_seen("cases again", lambda i: share(i, SKY, (0.9, 0, 1, 0.5)) > 0.0002)
    results = list(tmp_path.rglob("*.result.json"))
    assert len(results) == 1
    result = json.loads(results[0].read_text())
    assert result["completed"]
    assert result["dose"]["fluoro_time_s"] > 0.0
    assert result["dose"]["frames"] > 0


def test_the_artery_is_punctured_by_keys(tmp_path: Path) -> None:
    """Finger to the pulse, needle until blood comes, wire, needle out, sheath, dilator out: then a catheter goes in."""
    command = [sys.executable, "-m", "trainer", "play", "scenarios/segment_8_puncture.yaml", "--seed", "1"]
    tray = (0.74, 0.05, 1, 0.42)
    with Window(command, SIZE, tmp_path, ROOT) as window:
        window.until_seen("briefing", lambda i: share(i, GREEN, (0, 0.85, 0.5, 1)) > 0.001, ROOM_S)
        window.press("Return")
        window.until_seen("suite", lambda i: share(i, (0, 0, 0), (0.02, 0.1, 0.45, 0.8)) > 0.9, 60.0)
        window.hold("s")
        window.hold("space")
        window.until_seen("groin", lambda i: gray_live(i) and share(i, YELLOW, (0, 0, 0.2, 0.05)) > 0.01, 60.0)
        window.release("s")
        window.hold("Left")
        window.until_seen("pulse", lambda i: share(i, GREEN, tray) > 0.0125, 60.0)
        window.release("Left")
        window.press("2")
        window.hold("Control_L")  # fine: on a busy machine the needle goes on for a while after the blood is seen
        window.hold("Up")
        window.until_seen("blood", lambda i: share(i, RED[::-1], tray) > 0.0006, 120.0)
        window.release("Up")
        window.release("Control_L")
        for _ in range(4):  # the menu begins at the step that comes next
            window.press("t", "Return")
        window.until_seen("sheath", lambda i: share(i, RED[::-1], tray) < 0.0002, 30.0)
        window.release("space")
        window.press("1", "t", "Return")
        window.until_seen("catheter", lambda i: share(i, SLOT_COLORS["catheter"][::-1], tray) > 0.002, 30.0)
        window.press("F10", "Down", "Return")
        window.until_seen("debrief", lambda i: bool(list(tmp_path.rglob("*.result.json"))), 60.0)
    result = json.loads(next(iter(tmp_path.rglob("*.result.json"))).read_text())
    codes = {e["code"] for e in result["handling"]["errors"]}
    assert not {"puncture_bleeding", "puncture_subintimal", "puncture_venous"} & codes
