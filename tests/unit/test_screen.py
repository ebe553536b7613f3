"""Parts of the window that need no window: layout, words, pictures, worker threads, settings."""

from __future__ import annotations

import itertools
import threading
from pathlib import Path

import numpy as np
import pygame
import pytest
from frames import device, frame

from trainer.controls.make import make_hand
from trainer.errors import MissingPartError
from trainer.screen import app, panels
from trainer.screen.layout import SCALES, suite_layout
from trainer.screen.monitor import Monitor, fit, scaled
from trainer.screen.settings import Settings, load_settings, save_settings
from trainer.screen.sound import RATE_HZ, tone
from trainer.screen.theme import Brush
from trainer.screen.tree_picture import TreePicture
from trainer.screen.words import angles, exposure, minutes, number
from trainer.screen.worker import Runner, Task

SIZES = [(1280, 720), (1280, 1024), (1920, 1080), (2560, 1080), (3840, 2160)]


@pytest.fixture(scope="module", autouse=True)
def _pygame():
    pygame.display.init()
    pygame.font.init()
    pygame.display.set_mode((1280, 720))
    yield
    pygame.quit()


PANELS = ("tray", "injector", "dose", "vitals", "table", "hints", "reference")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scale", SCALES)
def test_nothing_in_the_suite_covers_anything(size, scale):
    window = pygame.Rect((0, 0), size)
    for page in range(suite_layout(size, scale).pages):
        lay = suite_layout(size, scale, page)
        for rect in lay.shown():
            assert window.contains(rect)
            assert min(rect.size) > 0
        for a, b in itertools.combinations(lay.shown(), 2):
            assert not a.colliderect(b)
        for over in (lay.side, lay.column):
            assert not over.colliderect(lay.live)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scale", SCALES)
def test_every_panel_is_on_a_page(size, scale):
    pages = [suite_layout(size, scale, page) for page in range(suite_layout(size, scale).pages)]
    for name in PANELS:
        assert sum(getattr(lay, name).width > 0 for lay in pages) == 1
    assert suite_layout(size, scale, len(pages)) == pages[0], "pages go around"


@pytest.mark.parametrize("size", SIZES)
def test_the_live_monitor_is_the_largest_and_square(size):
    lay = suite_layout(size)
    assert lay.pages == 1
    assert lay.live.width == lay.live.height
    assert lay.live.width > 1.5 * lay.reference.width or size[0] / size[1] > 2.0
    assert lay.live.width >= 0.45 * min(size)


def test_large_letters_leave_at_least_a_third_for_the_live_monitor():
    assert suite_layout((1920, 1080), 2.0).live.width >= 0.33 * 1920


@pytest.mark.parametrize(
    ("primary", "secondary", "text"),
    [(30.0, 15.0, "LAO 30 / CRA 15"), (-30.0, 0.0, "RAO 30"), (0.0, -20.2, "CAU 20"), (0.2, -0.4, "AP"),
     (90.0, 0.0, "LAO 90")],
)  # fmt: skip
def test_angles_have_names_and_never_signs(primary, secondary, text):
    assert angles(primary, secondary) == text


def test_times_and_numbers():
    assert (minutes(0.0), minutes(59.9), minutes(744.0)) == ("0:00", "0:59", "12:24")
    assert (number(0.0), number(1.234), number(45.67), number(1234.5)) == ("0.00", "1.23", "45.7", "1234")


def test_the_exposure_is_told_with_its_filter():
    assert exposure(frame().xray) == "-- kV  -- mA  -- ms  -- mm Cu"
    shown = frame(kVp=78.0, mA=45.2, pulse_ms=6.04, copper_mm=0.2).xray
    assert exposure(shown) == "78 kV  45 mA  6.0 ms  0.2 mm Cu"


def test_a_picture_keeps_its_aspect():
    rect = pygame.Rect(10, 20, 600, 400)
    place = fit(1024, 512, rect)
    assert (place.size, place.center) == ((600, 300), rect.center)


def test_scaling_down_averages_and_the_monitor_shows_it():
    image = np.zeros((1024, 1024), np.uint8)
    image[:, ::2] = 200
    small = scaled(image, (512, 512))
    assert small.shape == (512, 512)
    assert int(small.min()) == int(small.max()) == 100
    surface, rect = pygame.Surface((600, 600)), pygame.Rect(20, 20, 512, 512)
    Monitor().draw(surface, rect, image, 1, Brush(1.0), "nothing")
    assert surface.get_at(rect.center)[2] == 100
    assert surface.get_at((5, 5))[:3] == (0, 0, 0)


def test_panels_draw_inside_their_rectangles():
    surface = pygame.Surface((1280, 720))
    lay, hand = suite_layout((1280, 720)), make_hand("keyboard", (), ()).view
    shown = frame(
        device("catheter", force_N=2.5), device("wire"), beam_on=True, collimation=(0.1, 0.2, 0.0, 0.3)
    )
    key = (255, 0, 255)
    for rect, draw in (
        (lay.tray, lambda r: panels.draw_tray(surface, r, shown, hand, Brush(1.0))),
        (lay.injector, lambda r: panels.draw_injector(surface, r, shown, hand, Brush(1.0))),
        (lay.table, lambda r: panels.draw_table(surface, r, shown, Brush(1.0))),
        (lay.dose, lambda r: panels.draw_dose(surface, r, shown, Brush(1.0))),
    ):
        surface.fill(key)
        draw(rect)
        inside = pygame.surfarray.array3d(surface.subsurface(rect))
        assert len(np.unique(inside.reshape(-1, 3), axis=0)) > 20, "something is written"
        surface.fill(key, rect)
        outside = pygame.surfarray.array3d(surface).reshape(-1, 3)
        assert np.array_equal(np.unique(outside, axis=0), [key])


def test_text_that_is_too_wide_is_cut_with_dots():
    surface = pygame.Surface((200, 40))
    covered = Brush(1.0).text(surface, (0, 0), "a very long sentence that cannot fit", 14, width=90)
    assert 40 < covered.width <= 90


def test_the_tree_is_seen_from_the_front():
    data = {"vessels": [{"name": "v", "points_mm": np.array([[-50.0, 0.0, -50.0], [50.0, 0.0, 50.0]]),
                         "radius_mm": np.array([1.0, 1.0]), "generated": True, "embolic_mL": 0.0}],
            "beds": [{"group": "tumor", "embolic_mL": 1.0,
                      "center_mm": np.array([40.0, 9.0, -40.0])}]}  # fmt: skip
    rect = pygame.Rect(0, 0, 400, 400)
    picture = TreePicture(data, rect)
    patient_left_head = picture.at((50.0, 0.0, 50.0))
    assert patient_left_head[0] > 200
    assert patient_left_head[1] < 200
    surface = pygame.Surface(rect.size)
    picture.draw(surface, Brush(1.0))
    x, y = picture.at((40.0, 0.0, -40.0))
    assert surface.get_at((round(x), round(y)))[:3] == (0, 158, 115)
    assert surface.get_at((200, 200))[0] > 50, "the vessel passes the middle"


class _Steps:
    """A session that counts; `wait` is taken once per step."""

    def __init__(self, last: int) -> None:
        self.frame, self.last = frame(), last
        self.reached = threading.Event()

    def step(self):
        self.frame = frame(step=self.frame.step + 1)
        if self.frame.step == self.last:
            self.reached.set()
        if self.frame.step == self.last + 1:
            raise ValueError("the physics broke")
        return self.frame


def test_the_runner_steps_in_the_background_and_keeps_its_error():
    session = _Steps(20)
    runner = Runner(session)
    runner.start()
    assert session.reached.wait(10.0)
    runner._thread.join(10.0)
    assert isinstance(runner.error, ValueError)
    assert runner.frame.step == 20
    runner.stop()


def test_a_task_reports_and_can_be_cancelled():
    first, go = threading.Event(), threading.Event()

    def work(report):
        report(0.25, "half of a half")
        first.set()
        assert go.wait(10.0)
        report(0.5, "never shown")
        return 1

    task = Task(work)
    assert first.wait(10.0)
    assert (task.share, task.words) == (0.25, "half of a half")
    task.cancel()
    go.set()
    assert task.wait(10.0)
    assert task.result is None
    assert task.words == "half of a half"


def test_settings_come_back_and_faulty_ones_are_named(tmp_path: Path):
    path = tmp_path / "deep" / "window.yaml"
    save_settings(Settings(1.3, True, False), path)
    assert load_settings(path) == Settings(1.3, True, False)
    path.write_text("scale: large\n")
    assert "window.yaml:1" in load_settings(path).note


def test_tones_start_and_end_in_silence():
    samples = tone(880.0, 0.1, 0.3, 660.0)
    assert samples.size == int(0.1 * RATE_HZ)
    assert samples[0] == 0
    assert abs(int(samples[-1])) < 500
    assert 0.25 * 32767 < samples.max() <= 0.3 * 32767


def test_plain_pygame_is_refused_with_the_repair(monkeypatch):
    monkeypatch.setattr(app.pygame, "IS_CE", 0)
    with pytest.raises(MissingPartError, match="pip install pygame-ce"):
        app.check_pygame()
