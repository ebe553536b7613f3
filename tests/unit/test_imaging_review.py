"""What can be done to a run after it was made, and what the store keeps."""

import cv2
import numpy as np
import pytest

from trainer.imaging.display import DSA_GRAY
from trainer.imaging.geometry import Geometry
from trainer.imaging.review import Review
from trainer.imaging.runs import Recent, Run, RunStore

SIZE = 256
GEOMETRY = Geometry(pixels=SIZE)
OPEN = np.ones((SIZE // 2, SIZE // 2), np.float32)


def anatomy(shift: tuple[float, float] = (0.0, 0.0)) -> np.ndarray:
    """Edges and blobs, (SIZE, SIZE) log, moved by pixels (columns, rows)."""
    rng = np.random.default_rng(4)
    image = cv2.GaussianBlur(rng.normal(0.0, 1.0, (SIZE, SIZE)).astype(np.float32), (0, 0), 5.0)
    image += (np.arange(SIZE)[None] > 130) * np.float32(0.4)
    move = np.array([[1.0, 0.0, shift[0]], [0.0, 1.0, shift[1]]])
    return cv2.warpAffine(image, move, (SIZE, SIZE), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def noisy(image: np.ndarray, seed: int) -> np.ndarray:
    return (image + np.random.default_rng(seed).normal(0.0, 0.02, image.shape)).astype(np.float32)


def run_of(*images: np.ndarray, masks: int = 2) -> Run:
    run = Run(1, GEOMETRY, OPEN)
    for k, image in enumerate(images):
        run.add(noisy(image, k), k < masks)
    return run


def rest(run: Run, image: int) -> float:
    """Standard deviation of a subtracted picture, edges of the picture left out."""
    return float(run.difference(image)[16:-16, 16:-16].std())


def test_shifting_the_mask_takes_away_what_a_shift_of_the_patient_left() -> None:
    moved = run_of(anatomy(), anatomy(), anatomy((2.0, -1.0)))
    still = rest(run_of(anatomy(), anatomy(), anatomy()), 2)
    assert rest(moved, 2) > 2.0 * still
    moved.shift_px = (2.0, -1.0)
    assert rest(moved, 2) < 1.2 * still
    moved.shift_px = (-2.0, 1.0)
    assert rest(moved, 2) > 3.0 * still
    assert "shift -2.0 +1.0 px" in moved.label(2)


def test_another_mask_takes_away_what_moved_before_it() -> None:
    run = run_of(anatomy(), anatomy(), anatomy((3.0, 0.0)), anatomy((3.0, 0.0)))
    before = rest(run, 3)
    run.remask(2)
    assert rest(run, 3) < 0.4 * before
    assert "mask 3" in run.label(3)
    assert "mask" not in run_of(anatomy(), anatomy()).label(0)


def test_the_peak_is_the_darkest_of_all_but_the_mask() -> None:
    spots = []
    for k in range(3):
        image = np.zeros((SIZE, SIZE), np.float32)
        image[40 + 60 * k : 60 + 60 * k, 100:120] = -0.3
        spots.append(image)
    run = run_of(np.zeros((SIZE, SIZE), np.float32), np.zeros((SIZE, SIZE), np.float32), *spots)
    peak = run.picture(-1)
    for k in range(3):
        assert peak[22 + 30 * k : 28 + 30 * k, 52:58].mean() < DSA_GRAY - 60
    assert run.picture(2)[22:28, 52:58].mean() < DSA_GRAY - 60
    assert run.picture(2)[82:88, 52:58].mean() == pytest.approx(DSA_GRAY, abs=4)


def test_stored_logarithms_cost_less_than_a_quarter_of_a_gray_level() -> None:
    image = noisy(anatomy(), 1)
    run = Run(1, GEOMETRY, OPEN)
    run.add(image, True)
    small = cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    assert 250.0 * np.abs(run.mask - small).max() < 0.25


def test_the_monitor_says_what_it_cannot_do() -> None:
    review = Review()
    assert "no fluoroscopy" in (review.act("store_fluoro", {}) or "")
    assert "Show a run first" in (review.act("remask", {}) or "")
    review.add(run_of(anatomy(), anatomy(), anatomy((2.0, 0.0))))
    assert "not the peak" in (review.act("remask", {}) or "")
    assert review.act("review", {"run": 1, "image": 2}) is None
    shown = review.picture
    assert review.act("pixel_shift", {"dx_px": 99.0, "dy_px": 0.0}) is None
    assert review.shift_px == (12.0, 0.0)
    assert shown is not None
    assert review.picture is not None
    assert not np.array_equal(review.picture, shown)
    assert review.act("remask", {}) is None
    assert "image 3 of 3  mask 3" in review.label


def test_fluoroscopy_of_the_last_seconds_can_be_kept() -> None:
    review, recent = Review(), Recent()
    for k in range(100):
        recent.add(0.2 * k, GEOMETRY, np.full((SIZE, SIZE), k, np.uint8))
    review.recent = recent
    assert "50 fluoroscopic images stored" in (review.act("store_fluoro", {}) or "")
    assert review.label.startswith("Fluoro 1")
    assert review.label.endswith("image 50 of 50")
    assert review.act("review", {"run": 1, "image": 0}) is None
    assert review.picture is not None
    assert int(review.picture[0, 0]) == 50
    recent.add(20.0, Geometry(primary=0.5, pixels=SIZE), np.zeros((SIZE, SIZE), np.uint8))
    assert len(recent.images) == 1  # another view begins anew


def test_memory_is_bounded_and_masks_are_kept() -> None:
    store = RunStore(limit_bytes=40 * SIZE * SIZE // 2)
    for number in (1, 2):
        run = Run(number, GEOMETRY, OPEN)
        for k in range(30):
            run.add(noisy(anatomy(), k), k < 2)
        store.add(run)
    assert store.bytes_used <= store.limit_bytes
    first = store.find(1)
    assert isinstance(first, Run)
    assert first.count < 30
    assert first.masks == (0, 1)
    assert store.find(3) is None
