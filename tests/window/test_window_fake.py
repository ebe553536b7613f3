"""The real window with a stand-in for the physics: every page, by key presses alone, on two sizes."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from driver import Window, missing_tools

ROOT = Path(__file__).parents[2]
PROGRAM = Path(__file__).with_name("fake_suite.py")
pytestmark = [
    pytest.mark.window,
    pytest.mark.skipif(bool(missing_tools()), reason=f"needs {missing_tools()}"),
]
SKY, GREEN, YELLOW = (233, 180, 86), (115, 158, 0), (66, 228, 240)


def share(image: np.ndarray, color: tuple[int, int, int], part: tuple[float, float, float, float]) -> float:
    """Share of pixels near a BGR color in a part (left, top, right, bottom as shares of the window)."""
    height, width = image.shape[:2]
    left, top, right, bottom = part
    cut = image[round(top * height) : round(bottom * height), round(left * width) : round(right * width)]
    return float(np.mean(np.all(np.abs(cut.astype(int) - color) < 24, axis=2)))


def gray_live(image: np.ndarray) -> bool:
    """The live monitor shows a picture and not black."""
    height, width = image.shape[:2]
    return (
        float(
            image[round(0.2 * height) : round(0.7 * height), round(0.1 * width) : round(0.3 * width)].mean()
        )
        > 60
    )


@pytest.mark.parametrize("size", [(1280, 720), (1920, 1080)], ids=["720p", "1080p"])
def test_every_page_is_reached_by_keys_alone(tmp_path: Path, size):
    command = [sys.executable, str(PROGRAM), f"{size[0]}x{size[1]}", str(tmp_path / "out")]
    with Window(command, size, tmp_path, ROOT) as window:
        window.until_seen("cases", lambda i: share(i, SKY, (0, 0, 1, 0.5)) > 0.001)
        window.until_seen("ready", lambda i: share(i, GREEN, (0.7, 0.8, 1, 1)) > 0.001)
        window.press("Return")
        window.until_seen("briefing", lambda i: share(i, GREEN, (0, 0.85, 0.5, 1)) > 0.001)
        window.press("Return")
        window.until_seen("suite", lambda i: share(i, (0, 0, 0), (0.02, 0.1, 0.45, 0.8)) > 0.9)
        window.press("t")
        window.until_seen("tray", lambda i: share(i, (92, 62, 18), (0.74, 0.3, 1, 1)) > 0.005)
        window.press("Return")
        window.hold("space")
        window.until_seen("fluoro", lambda i: gray_live(i) and share(i, YELLOW, (0, 0, 0.2, 0.05)) > 0.01)
        window.release("space")
        window.until_seen("hold", lambda i: gray_live(i) and share(i, YELLOW, (0, 0, 0.2, 0.05)) < 0.002)
        window.hold("Up")
        window.until_seen("force", lambda i: share(i, GREEN, (0.74, 0, 1, 0.15)) > 0.002)
        window.release("Up")
        window.press("F10", "Down", "Return")
        debrief = window.until_seen("debrief", lambda i: share(i, GREEN, (0, 0.1, 0.42, 0.9)) > 0.001)
        assert share(debrief, SKY, (0.42, 0.1, 0.72, 0.5)) > 0.005, "bars of the score"
        window.press("Escape")
        window.until_seen("cases_again", lambda i: share(i, SKY, (0, 0, 1, 0.5)) > 0.001)
        assert window.program.poll() is None
        assert window.said() == ""


def test_side_pages_never_cover_the_live_monitor(tmp_path: Path):
    command = [sys.executable, str(PROGRAM), "1280x720", str(tmp_path / "out")]
    with Window(command, (1280, 720), tmp_path, ROOT) as window:
        window.until_seen("ready", lambda i: share(i, GREEN, (0.7, 0.8, 1, 1)) > 0.001)
        window.press("Return")
        window.until_seen("briefing", lambda i: share(i, GREEN, (0, 0.85, 0.5, 1)) > 0.001)
        window.press("Return")
        window.hold("space")
        window.until_seen("fluoro", gray_live)
        window.release("space")
        held = window.until_seen(
            "hold", lambda i: gray_live(i) and share(i, YELLOW, (0, 0, 0.2, 0.05)) < 0.002
        )
        monitors = (slice(30, 640), slice(6, 620))
        for key, name in (("F1", "help"), ("F2", "keys"), ("F2", "keys_off"), ("j", "injector"),
                          ("Escape", "closed"), ("Escape", "pause"), ("Escape", "on")):  # fmt: skip
            before = window.shot("before")
            window.press(key)
            seen = window.until_seen(
                name, lambda i, b=before: bool(np.any(i[300:, 960:] != b[300:, 960:])), 10.0
            )
            assert np.array_equal(seen[monitors], held[monitors]), f"{name} covers the live monitor"
