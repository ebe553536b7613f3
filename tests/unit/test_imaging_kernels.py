"""Fast kernels against plain numpy, noise statistics, blur, and the same bits on any number of threads."""

import cv2
import numpy as np
import pytest

from trainer.imaging import bands
from trainer.imaging.attenuation import Beam4, Body, attenuate, attenuate_devices, occupied
from trainer.imaging.blur import focus_sigma_px, mtf_kernel, sinc, transfer
from trainer.imaging.chain import shutter_shares
from trainer.imaging.coarse import block_means, widened
from trainer.imaging.detector import Quanta, detect
from trainer.imaging.display import COMPRESS, Window, auto_window, look
from trainer.imaging.geometry import Geometry
from trainer.imaging.readout import REACH, blend, difference_to_gray, read_out, to_gray, to_log

RNG = np.random.default_rng(11)
N = 192
MU = np.array(
    [[0.038, 0.027, 0.022, 0.02], [0.256, 0.126, 0.077, 0.056], [0.0086, 0.0217, 0.0112, 0.0066]], dtype=np.float32
)
WEIGHT = np.array([0.04, 0.3, 0.46, 0.2], dtype=np.float32)


def field(low: float, high: float, n: int = N) -> np.ndarray:
    return RNG.uniform(low, high, (n, n)).astype(np.float32)


def plain_beer_lambert(soft: np.ndarray, bone: np.ndarray, iodine: np.ndarray, gain: np.ndarray) -> np.ndarray:
    total = np.zeros(soft.shape)
    for k in range(4):
        total += WEIGHT[k] * np.exp(
            -(MU[0, k].astype(float) * soft + MU[1, k].astype(float) * bone + MU[2, k].astype(float) * iodine)
        )
    return gain * total


BEAM = Beam4(MU, WEIGHT)
UNBLURRED = np.array([1.0, 0.0, 0.0, 0.0], dtype=np.float32)
SHIFTS = [(0.0, 0.0), (3.25, -7.5), (-4.6, 2.1)]


def still(soft: np.ndarray, bone: np.ndarray, iodine: np.ndarray) -> Body:
    """A body without moving layers."""
    none = np.zeros((0, 0), dtype=np.float32)
    return Body(soft, none, none, occupied(none), 0, np.zeros(4, dtype=np.float32), bone, iodine)


def moved_body(shift: tuple[float, float], pad: int = 12) -> tuple[Body, np.ndarray]:
    """Smooth layers shifted against each other, gas in some places, and their water path (N, N) mm by plain numpy."""
    static, bone, iodine = field(50, 60), field(0, 5), field(0, 9)
    moving = cv2.GaussianBlur(field(0, 40, N + 2 * pad), (0, 0), 2.0)
    gas = np.zeros_like(moving)
    gas[60:110, 30:170] = -cv2.GaussianBlur(field(0, 30, N + 2 * pad), (0, 0), 2.0)[60:110, 30:170]
    gas[80, 10], gas[90, -3] = -5.0, -6.0
    total = static.astype(float)
    for layer, (dx, dy) in ((moving, shift), (gas, (-0.4 * shift[0], 0.7 * shift[1]))):
        at = np.arange(N, dtype=np.float32) + pad
        x, y = np.meshgrid(at - np.float32(dx), at - np.float32(dy))
        i, j = np.floor(x).astype(int), np.floor(y).astype(int)
        f, g = x - i, y - j
        total += (1 - g) * ((1 - f) * layer[j, i] + f * layer[j, i + 1]) + g * (
            (1 - f) * layer[j + 1, i] + f * layer[j + 1, i + 1]
        )
    shifts = np.array([*shift, -0.4 * shift[0], 0.7 * shift[1]], dtype=np.float32)
    return Body(static, moving, gas, occupied(gas), pad, shifts, bone, iodine), np.maximum(total, 0.0)


def test_attenuation_is_beer_lambert() -> None:
    soft, bone, iodine, gain = field(0, 350), field(0, 40), field(0, 200), field(0.5, 1)
    out = np.empty_like(soft)
    attenuate(0, N, still(soft, bone, iodine), BEAM, gain, out)
    assert out == pytest.approx(plain_beer_lambert(soft, bone, iodine, gain), rel=2e-5)


def test_nothing_is_left_behind_a_great_thickness() -> None:
    """Powers below the smallest float give no bright pixel, and a weight of 0 none either."""
    soft, bone, gain = np.full((N, N), 2e4, dtype=np.float32), field(0, 900), np.ones((N, N), dtype=np.float32)
    out = np.empty_like(soft)
    attenuate(0, N, still(soft, bone, bone), Beam4(MU, np.array([0.0, 0.3, 0.5, 0.2], dtype=np.float32)), gain, out)
    assert (out >= 0.0).all()
    assert out.max() < 1e-20


@pytest.mark.parametrize("shift", SHIFTS)
def test_layers_move_bilinearly(shift: tuple[float, float]) -> None:
    body, water = moved_body(shift)
    out, gain = np.empty((N, N), dtype=np.float32), np.ones((N, N), dtype=np.float32)
    soft_only = Beam4(np.array([[0.5] * 4, [0.0] * 4, [0.0] * 4], dtype=np.float32), np.full(4, 0.25, dtype=np.float32))
    attenuate(0, N, body, soft_only, gain, out)
    assert -2.0 * np.log(out) == pytest.approx(water, abs=2e-4)
    attenuate(0, N, body, BEAM, gain, out)
    assert out == pytest.approx(plain_beer_lambert(water, body.bone, body.iodine, gain), rel=2e-5)


def test_occupied_columns() -> None:
    image = np.zeros((4, 9), dtype=np.float32)
    image[1, 3], image[2, 0], image[2, 8] = 1.0, -2.0, 0.1
    assert occupied(image).tolist() == [[9, 0], [3, 4], [0, 9], [9, 0]]


@pytest.mark.parametrize("shift", SHIFTS)
def test_devices_multiply_at_every_energy(shift: tuple[float, float]) -> None:
    body, soft = moved_body(shift)
    bone, iodine, gain = body.bone, body.iodine, field(0.5, 1)
    out, device = np.zeros((N, N), dtype=np.float32), np.zeros((N * N, 4), dtype=np.float32)
    touched = np.array([5, 777, 20000, 92 * N + 61], dtype=np.int32)
    device[touched] = RNG.uniform(0, 2, (4, 4))
    keep = device[touched].copy()
    attenuate_devices(touched, 4, device, body, BEAM, gain, out)
    for n, k in enumerate(touched):
        y = MU[0] * soft.flat[k] + MU[1] * bone.flat[k] + MU[2] * iodine.flat[k] + keep[n]
        assert out.flat[k] == pytest.approx(gain.flat[k] * float(WEIGHT @ np.exp(-y)), rel=3e-5)
    assert not device.any()


def flat_noise(quanta: float, electronic: float, frame: int, n: int = 256) -> np.ndarray:
    out = np.zeros((n, n), dtype=np.float32)
    none = np.zeros((8, n), dtype=np.float32)
    key = Quanta(quanta, electronic, 1.0, (77, frame))
    detect(0, n, np.ones((n, n), dtype=np.float32), none, key, UNBLURRED, 0.0, out)
    return out


def test_noise_is_quantum_limited() -> None:
    """log variance of the relative signal against log quanta has slope -1; variance equals the mean."""
    doses = np.geomspace(20.0, 12000.0, 8)
    variance = []
    for k, quanta in enumerate(doses):
        frames = np.stack([flat_noise(float(quanta), 0.0, 20 * k + f) for f in range(6)])
        assert frames.var() / frames.mean() == pytest.approx(1.0, abs=0.02)
        variance.append(frames.var() / frames.mean() ** 2)
    slope = np.polyfit(np.log(doses), np.log(variance), 1)[0]
    assert -1.02 < slope < -0.98


def test_noise_is_white_and_new_in_every_frame() -> None:
    a, b = flat_noise(100.0, 0.0, 1, 512), flat_noise(100.0, 0.0, 2, 512)
    for x, y in ((a, b), (a[:, 1:], a[:, :-1]), (a[1:], a[:-1]), (a[1:], b[:-1])):
        assert abs(np.corrcoef(x.ravel(), y.ravel())[0, 1]) < 0.01
    z = (a - a.mean()) / a.std()
    assert abs((z**3).mean()) < 0.03
    assert (z**4).mean() == pytest.approx(2.85, abs=0.08)


def test_electronic_noise_adds() -> None:
    assert flat_noise(50.0, 10.0, 3, 512).var() == pytest.approx(150.0, rel=0.02)


def test_scatter_field_is_enlarged_bilinearly() -> None:
    scatter = RNG.uniform(0, 1, (16, 16)).astype(np.float32)
    out, none = np.zeros((256, 256), dtype=np.float32), np.zeros((256, 256), dtype=np.float32)
    detect(0, 256, none, widened(scatter, 256), Quanta(1e12, 0.0, 1e12, (1, 1)), UNBLURRED, 0.0, out)
    assert out == pytest.approx(cv2.resize(scatter, (256, 256), interpolation=cv2.INTER_LINEAR), abs=1e-4)


@pytest.mark.parametrize("side", [3, 4, 5])
def test_panel_blurs_its_own_noise(side: int) -> None:
    """Blurred signal = the raw noisy one filtered along rows and columns, edges repeated, and a share of the last."""
    taps = RNG.uniform(-0.2, 0.4, side + 1).astype(np.float32)
    primary, scatter, last = field(0.5, 1), widened(field(0, 0.2, 8), N), field(10, 20)
    quanta = Quanta(400.0, 3.0, 20.0, (5, 6))
    raw, blurred = np.zeros((N, N), dtype=np.float32), last.copy()
    detect(0, N, primary, scatter, quanta, UNBLURRED, 0.0, raw)
    detect(0, N, primary, scatter, quanta, taps, 0.25, blurred)
    kernel = np.concatenate([taps[:0:-1], taps])
    wanted = cv2.sepFilter2D(raw, -1, kernel, kernel, borderType=cv2.BORDER_REPLICATE)
    assert blurred == pytest.approx(0.75 * wanted + 0.25 * last, abs=2e-4)


def test_block_means() -> None:
    image, out = field(0, 3), np.empty((64, 64), dtype=np.float32)
    block_means(0, 64, image, out)
    assert out == pytest.approx(image.reshape(64, 3, 64, 3).mean(axis=(1, 3)), rel=1e-6)


def test_logarithm() -> None:
    signal = np.geomspace(1e-3, 500, 4096).astype(np.float32).reshape(64, 64)
    out = np.empty_like(signal)
    to_log(0, 64, signal, 0.002, 200.0, out)
    assert out == pytest.approx(np.log(np.clip(signal.astype(float), 0.002, 200.0)), abs=3e-5)


def test_temporal_filter_noise_gain_and_step() -> None:
    """A recursive filter of weight a: variance gain a / (2 - a), step response 1 - (1 - a)^n."""
    a = 0.4
    filtered, log = np.zeros((256, 256), dtype=np.float32), np.zeros((256, 256), dtype=np.float32)
    for n in range(1, 5):
        blend(0, 256, np.ones_like(filtered), a, filtered, 0.002, 200.0, log)
        assert filtered.mean() == pytest.approx(1 - (1 - a) ** n, rel=1e-5)
    for frame in range(40):
        blend(0, 256, flat_noise(100.0, 0.0, frame), a, filtered, 0.002, 200.0, log)
    assert filtered.var() == pytest.approx(100.0 * a / (2 - a), rel=0.02)


def plain_gray(log: np.ndarray, window: Window, low: np.ndarray, edge: float, shutter: np.ndarray) -> np.ndarray:
    """Gray values (N, N), not yet cut to bytes."""
    blurred = cv2.blur(log.astype(float), (5, 5), borderType=cv2.BORDER_REPLICATE)
    coarse = cv2.resize(low, log.shape, interpolation=cv2.INTER_LINEAR)
    value = log + edge * (log - blurred) - window.mid - COMPRESS * (coarse - window.mid)
    return (window.gray + window.gain * value) * shutter


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_picture_is_filtered_logged_windowed_and_its_edges_enhanced(threads: int) -> None:
    signal, before, low = field(0.3, 3), field(0.3, 3), field(-0.3, 0.3, 64)
    window, shares = Window(0.1, 110.0, 120.0), shutter_shares(N, (0.1, 0.0, 0.05, 0.2))
    seen = look(window, low, 0.45, *shares)
    filtered, log, out = before.copy(), np.zeros((N, N), dtype=np.float32), np.empty((N, N), dtype=np.uint8)
    bands.run(read_out, N, threads, signal, 0.4, filtered, 0.002, 200.0, seen, log, out)
    for seam in bands.cuts(N, threads)[1:-1]:
        to_gray(seam - REACH, seam + REACH, log, seen, out)
    assert filtered == pytest.approx(before + 0.4 * (signal - before), rel=1e-6)
    wanted = plain_gray(np.log(filtered.astype(float)), window, low, 0.45, np.outer(*shares))
    assert np.abs(np.clip(wanted, 0, 255) - out - 0.5).max() < 0.51
    again = np.empty_like(out)
    blend(0, N, signal, 0.4, before, 0.002, 200.0, log)
    to_gray(0, N, log, seen, again)
    assert np.array_equal(again, out)


def test_subtracted_picture_and_its_peak() -> None:
    log, mask, before, shutter = field(-1, 1), field(-1, 1), field(-0.5, 0), field(0, 1)
    peak, out, alone = before.copy(), np.empty((N, N), dtype=np.uint8), np.empty((N, N), dtype=np.uint8)
    bands.run(difference_to_gray, N, 2, log, mask, 178.0, 250.0, shutter, peak, out)
    difference_to_gray(0, N, log, mask, 178.0, 250.0, shutter, np.zeros((0, 0), dtype=np.float32), alone)
    wanted = np.clip((178.0 + 250.0 * (log.astype(float) - mask)) * shutter, 0, 255)
    assert np.abs(wanted - out - 0.5).max() < 0.51
    assert np.array_equal(alone, out)
    assert np.array_equal(peak, np.minimum(before, log - mask))


def test_window_follows_percentiles() -> None:
    low = field(-2.0, 3.0, 64)
    inside = np.ones(low.shape, dtype=bool)
    inside[:20] = False
    a, m, b = np.percentile(low[inside], (4, 45, 96))
    found = auto_window(low, inside, None)
    assert found.mid == pytest.approx(m, abs=1e-5)
    assert found.gain == pytest.approx(min(max(150.0 / max((b - a) * (1 - COMPRESS), 0.4), 90.0), 190.0), rel=1e-5)
    assert auto_window(low[:1, :1], np.zeros((1, 1), dtype=bool), None).mid == pytest.approx(float(low[0, 0]))


def test_same_bits_on_any_number_of_threads() -> None:
    body, _ = moved_body((1.5, -2.25))
    gain, scatter, last, taps = field(0.8, 1), widened(field(0, 0.5, 8), N), field(0, 1), field(-0.1, 0.3)[0, :5].copy()
    seen = look(Window(0.2, 120.0), field(-1, 1, 8), 0.4, *shutter_shares(N, (0.1, 0.1, 0.0, 0.1)))
    results = []
    for threads in (1, 2, 3):
        primary, log = np.empty((N, N), dtype=np.float32), np.empty((N, N), dtype=np.float32)
        signal, filtered, gray = last.copy(), last.copy(), np.zeros((N, N), dtype=np.uint8)
        bands.run(attenuate, N, threads, body, BEAM, gain, primary)
        bands.run(detect, N, threads, primary, scatter, Quanta(5e4, 3.0, 400.0, (9, 4)), taps, 0.02, signal)
        bands.run(read_out, N, threads, signal, 0.4, filtered, 0.002, 200.0, seen, log, gray)
        for seam in bands.cuts(N, threads)[1:-1]:
            to_gray(seam - REACH, seam + REACH, log, seen, gray)
        bands.run(blend, N, threads, signal, 0.4, filtered, 0.002, 200.0, log)
        results.append((primary.tobytes(), signal.tobytes(), filtered.tobytes(), log.tobytes(), gray.tobytes()))
    assert results[0] == results[1] == results[2]


@pytest.mark.parametrize("field_mm", [480.0, 320.0, 220.0, 160.0])
def test_detector_blur_has_the_wanted_mtf(field_mm: float) -> None:
    """Slanted edge of 2.5 deg, area-sampled by the pixels, then blurred: MTF at 1 lp/mm within 3 % of 0.60."""
    pixel = Geometry(field_mm=field_mm).pixel_mm
    kernel = mtf_kernel(pixel, 0.60)
    assert transfer(kernel, pixel, 1.0) * sinc(pixel) == pytest.approx(0.60, abs=1e-4)
    n = 400
    slope = np.tan(np.radians(2.5))
    sub = (np.arange(16) + 0.5) / 16 - 0.5
    x = np.arange(n)[None, :, None, None] + sub[None, None, None, :] - n / 2
    y = np.arange(n)[:, None, None, None] + sub[None, None, :, None] - n / 2
    edge = np.concatenate([(x > slope * y[k : k + 40]).mean(axis=(2, 3)) for k in range(0, n, 40)]).astype(np.float32)
    edge = cv2.sepFilter2D(edge, -1, kernel, kernel, borderType=cv2.BORDER_REPLICATE)[20:-20]
    rows, cols = np.mgrid[20 : n - 20, 0:n]
    distance = ((cols - n / 2) - slope * (rows - n / 2)) * np.cos(np.radians(2.5))
    keep = np.abs(distance) < 60
    bins = np.floor(distance[keep] * 8).astype(int)
    low = bins.min()
    esf = np.bincount(bins - low, edge[keep]) / np.bincount(bins - low)
    lsf = np.diff(esf)
    f = 1.0 * pixel / 8.0  # 1 lp/mm in cycles a bin
    k = np.arange(len(lsf))
    mtf = abs((lsf * np.exp(-2j * np.pi * f * k)).sum()) / lsf.sum()
    assert mtf / (sinc(f) ** 2) == pytest.approx(0.60, rel=0.03)


def test_focal_spot_shadow() -> None:
    """0.6 mm at M = 1.5: a box of 0.3 mm, so 0.3 / sqrt 12 mm."""
    assert focus_sigma_px(0.6, 1.5, 0.1) == pytest.approx(0.3 / np.sqrt(12.0) / 0.1)
