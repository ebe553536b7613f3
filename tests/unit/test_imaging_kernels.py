"""Fast kernels against plain numpy, noise statistics, blur, and the same bits on any number of threads."""

import cv2
import numpy as np
import pytest

from trainer.imaging import bands
from trainer.imaging.blur import focus_sigma_px, mtf_kernel, sinc, transfer
from trainer.imaging.detector import attenuate, attenuate_devices, blend, detect, shadows, to_gray, to_log
from trainer.imaging.geometry import Geometry

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


def test_attenuation_is_beer_lambert() -> None:
    soft, bone, iodine, gain = field(0, 350), field(0, 40), field(0, 200), field(0.5, 1)
    out = np.empty_like(soft)
    attenuate(0, N, soft, bone, iodine, MU, WEIGHT, gain, out)
    assert out == pytest.approx(plain_beer_lambert(soft, bone, iodine, gain), rel=2e-4)


@pytest.mark.parametrize("shift", [(0.0, 0.0), (3.25, -7.5), (-4.6, 2.1)])
def test_layers_move_bilinearly(shift: tuple[float, float]) -> None:
    pad = 12
    static, bone, iodine, gain = field(50, 60), field(0, 5), field(0, 9), np.ones((N, N), dtype=np.float32)
    moving = cv2.GaussianBlur(field(0, 40, N + 2 * pad), (0, 0), 2.0)
    gas = np.zeros_like(moving)
    soft, out = np.empty_like(static), np.empty_like(static)
    shadows(
        0,
        N,
        static,
        moving,
        gas,
        pad,
        np.array([*shift, 0, 0], dtype=np.float32),
        bone,
        iodine,
        MU,
        WEIGHT,
        gain,
        soft,
        out,
    )
    at = np.arange(N, dtype=np.float32) + pad
    x, y = np.meshgrid(at - np.float32(shift[0]), at - np.float32(shift[1]))
    i, j = np.floor(x).astype(int), np.floor(y).astype(int)
    f, g = x - i, y - j
    moved = (1 - g) * ((1 - f) * moving[j, i] + f * moving[j, i + 1]) + g * (
        (1 - f) * moving[j + 1, i] + f * moving[j + 1, i + 1]
    )
    assert soft == pytest.approx(static + moved, abs=2e-3)
    assert out == pytest.approx(plain_beer_lambert(soft, bone, iodine, gain), rel=2e-4)


def test_devices_multiply_at_every_energy() -> None:
    soft, bone, iodine, gain = field(100, 250), field(0, 10), field(0, 50), np.ones((N, N), dtype=np.float32)
    out, device = np.zeros_like(soft), np.zeros((N * N, 4), dtype=np.float32)
    touched = np.array([5, 777, 20000], dtype=np.int32)
    device[touched] = RNG.uniform(0, 2, (3, 4))
    keep = device[touched].copy()
    attenuate_devices(touched, 3, device, soft, bone, iodine, MU, WEIGHT, gain, out)
    for n, k in enumerate(touched):
        y = MU[0] * soft.flat[k] + MU[1] * bone.flat[k] + MU[2] * iodine.flat[k] + keep[n]
        assert out.flat[k] == pytest.approx(float(WEIGHT @ np.exp(-y)), rel=3e-4)
    assert not device.any()


def flat_noise(quanta: float, electronic: float, frame: int, n: int = 256) -> np.ndarray:
    out = np.empty((n, n), dtype=np.float32)
    none = np.zeros((8, 8), dtype=np.float32)
    detect(0, n, np.ones((n, n), dtype=np.float32), none, quanta, electronic, 1.0, 77, frame, out)
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
    out = np.empty((256, 256), dtype=np.float32)
    detect(0, 256, np.zeros((256, 256), dtype=np.float32), scatter, 1e12, 0.0, 1e12, 1, 1, out)
    assert out == pytest.approx(cv2.resize(scatter, (256, 256), interpolation=cv2.INTER_LINEAR), abs=1e-4)


def test_logarithm() -> None:
    signal = np.geomspace(1e-3, 500, 4096).astype(np.float32).reshape(64, 64)
    out = np.empty_like(signal)
    to_log(0, 64, signal, 0.002, 200.0, out)
    assert out == pytest.approx(np.log(np.clip(signal.astype(float), 0.002, 200.0)), abs=3e-5)


def test_temporal_filter_noise_gain_and_step() -> None:
    """A recursive filter of weight a: variance gain a / (2 - a), step response 1 - (1 - a)^n."""
    a = 0.4
    state, log = np.zeros((256, 256), dtype=np.float32), np.zeros((256, 256), dtype=np.float32)
    filtered = np.zeros_like(state)
    for n in range(1, 5):
        blend(0, 256, np.ones_like(state), 0.0, state, a, filtered, 0.002, 200.0, log)
        assert filtered.mean() == pytest.approx(1 - (1 - a) ** n, rel=1e-5)
    for frame in range(40):
        blend(0, 256, flat_noise(100.0, 0.0, frame), 0.0, state, a, filtered, 0.002, 200.0, log)
    assert filtered.var() == pytest.approx(100.0 * a / (2 - a), rel=0.02)


def test_same_bits_on_any_number_of_threads() -> None:
    pad = 8
    static, bone, iodine, gain = field(100, 200), field(0, 9), field(0, 30), field(0.8, 1)
    moving, gas = field(0, 20, N + 2 * pad), field(0, 5, N + 2 * pad)
    scatter = field(0, 0.5, 8)
    results = []
    for threads in (1, 2, 3):
        soft, primary, signal, log = (np.empty_like(static) for _ in range(4))
        panel, filtered = np.zeros_like(static), np.zeros_like(static)
        gray = np.empty((N, N), dtype=np.uint8)
        shifts = np.array([1.5, -2.25, 0.3, 0.4], dtype=np.float32)
        bands.run(shadows, N, threads, static, moving, gas, pad, shifts, bone, iodine, MU, WEIGHT, gain, soft, primary)
        bands.run(detect, N, threads, primary, scatter, 5e4, 3.0, 400.0, 9, 4, signal)
        bands.run(blend, N, threads, signal, 0.02, panel, 0.4, filtered, 0.002, 200.0, log)
        bands.run(to_gray, N, threads, log, panel, 0.4, scatter, 0.2, 120.0, 0.5, 128.0, gain, gray)
        results.append((primary.tobytes(), signal.tobytes(), log.tobytes(), gray.tobytes()))
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
