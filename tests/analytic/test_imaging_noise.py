"""Validation points 4, 5 and 11 on pictures of the whole chain: noise, detector blur, temporal filter.

The kernels alone are tested in tests/unit/test_imaging_kernels.py.
"""

import os
import subprocess
import sys
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from imaging_phantoms import Bench, Image, Slab, machine, without_scatter

from trainer.imaging.beam import beam
from trainer.imaging.blur import sinc
from trainer.imaging.geometry import Geometry
from trainer.imaging.meshes import Mesh, outward
from trainer.imaging.pose import _Shadow
from trainer.imaging.scene import Layer as BodyLayer

VIEW = Geometry(field_mm=120.0, pixels=256)
"""The pixel of a full picture in the largest field, on a quarter of its side."""
WATER = 200.0
BEAM = beam(80.0, 0.2)
DOSES_UGY = np.geomspace(0.005, 3.0, 8)
FRAMES = 20
QUIET = without_scatter(machine(electronic_quanta=0.0))


def bench(mtf: float | None = None, threads: int = 1, geometry: Geometry = VIEW) -> Bench:
    """Water without scatter and electronic noise; mtf near 1 takes the detector blur away."""
    system = QUIET if mtf is None else without_scatter(machine(electronic_quanta=0.0, mtf_at_1_lp=mtf))
    return Bench(geometry, system, BEAM, threads=threads)


@cache
def flat_series() -> list[Image]:
    """20 raw frames (20, H, W) at each of the doses, in noise-equivalent quanta."""
    b, slab = bench(0.999), Slab(VIEW, WATER)
    per_uGy = VIEW.pixel_mm**2 * BEAM.quanta_uGy_mm2
    b.primary(slab)
    out = []
    for k, dose in enumerate(DOSES_UGY):
        e = b.exposure(float(dose), WATER)
        frames = np.stack([b.panel(slab, e, 100 * k + f) for f in range(FRAMES)])
        out.append((frames * np.float32(per_uGy)).astype(np.float32))
    return out


def test_the_mean_is_the_dose() -> None:
    """Mean signal = receptor dose asked for: from 5 nGy (a handful of quanta a pixel) to 3 uGy."""
    per_uGy = VIEW.pixel_mm**2 * BEAM.quanta_uGy_mm2
    means = np.array([f.mean() for f in flat_series()])
    assert means == pytest.approx(DOSES_UGY * per_uGy, rel=2e-3)
    # imaging.md 2.2: 30 nGy on 0.308 mm are about 64 detected quanta
    assert 0.030 * 0.308**2 * BEAM.quanta_uGy_mm2 == pytest.approx(64.0, rel=0.1)


def test_variance_over_mean_is_one_and_relative_variance_falls_as_dose() -> None:
    means = np.array([f.mean() for f in flat_series()])
    variances = np.array([f.var(axis=0, ddof=1).mean() for f in flat_series()])
    assert variances / means == pytest.approx(1.0, abs=0.02)
    slope = np.polyfit(np.log(means), np.log(variances / means**2), 1)[0]
    assert -1.02 < slope < -0.98
    assert abs(slope + 1.0) > 1e-9  # noise was there


def test_raw_noise_has_no_memory_and_no_pattern() -> None:
    for frames in flat_series()[::3]:
        pairs = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in pairwise(frames)]
        assert abs(np.mean(pairs)) < 4.0 / VIEW.pixels / np.sqrt(FRAMES - 1)
        assert max(map(abs, pairs)) < 4.5 / VIEW.pixels


def test_frame_to_frame_correlation_of_large_frames() -> None:
    """The bound of 0.01 itself, on frames where chance stays far below it."""
    large = Geometry(field_mm=480.0, pixels=1024)
    b, slab = bench(0.999, geometry=large), Slab(large, WATER)
    b.primary(slab)
    e = b.exposure(0.03, WATER)
    one, two = (b.panel(slab, e, n) for n in (1, 2))
    assert abs(np.corrcoef(one.ravel(), two.ravel())[0, 1]) < 0.01
    assert abs(np.corrcoef(one[:, 1:].ravel(), two[:, :-1].ravel())[0, 1]) < 0.01


def radial(power: np.ndarray, bins: int) -> np.ndarray:
    f = np.fft.fftfreq(power.shape[0])
    at = (np.hypot(f[:, None], f[None, :]) / 0.5 * bins).astype(int)
    keep = at < bins
    return np.bincount(at[keep], power[keep], bins) / np.bincount(at[keep], minlength=bins)


def response(b: Bench, slab: Slab) -> np.ndarray:
    """Squared transfer (64, 64) of the detector, from the picture of a bright point without noise."""
    b.chain.primary[:] = 0.0
    b.chain.primary[128, 128] = 1.0
    point = b.panel(slab, b.exposure(1e9, 0.0), 1, unit_uGy=1e9)[96:160, 96:160]
    return np.abs(np.fft.fft2(point / point.sum())) ** 2


def test_noise_power_has_the_shape_of_the_squared_mtf() -> None:
    """NPS of blurred noise over that of raw noise = MTF^2, in every band of frequency to Nyquist."""
    b, slab = bench(), Slab(VIEW, WATER)
    b.primary(slab)
    e = b.exposure(0.03, WATER)
    window = np.outer(np.hanning(64), np.hanning(64))  # else strong low frequencies leak into weak high ones
    power = np.zeros((64, 64))
    for n in range(40):
        z = b.panel(slab, e, n)
        z = (z - z.mean()).reshape(4, 64, 4, 64).transpose(0, 2, 1, 3).reshape(16, 64, 64) * window
        power += (np.abs(np.fft.fft2(z)) ** 2).mean(axis=0) / (window**2).mean()
    quanta = 0.03 * VIEW.pixel_mm**2 * BEAM.quanta_uGy_mm2
    white = 40 * 64**2 * quanta / (VIEW.pixel_mm**2 * BEAM.quanta_uGy_mm2) ** 2
    nps, mtf2 = radial(power / white, 16)[1:], radial(response(b, slab), 16)[1:]
    assert mtf2[-1] < 0.5 * mtf2[0]  # there is a shape to agree with
    assert nps == pytest.approx(mtf2, rel=0.10)


def pictures(threads: int) -> bytes:
    b, slab = bench(threads=threads), Slab(VIEW, WATER)
    out = []
    for n in range(3):
        b.signal(slab, b.exposure(0.03, WATER), n, iodine=20.0)
        out.append(b.chain.integrate(0.42).tobytes())
    return b"".join(out)


def test_same_bits_on_one_and_two_threads() -> None:
    assert pictures(1) == pictures(2)


OTHER_MACHINE = """
import hashlib, cv2, numpy as np
from trainer.imaging.attenuation import Beam4, Body, attenuate, occupied
from trainer.imaging.blur import mtf_kernel
from trainer.imaging.coarse import widened
from trainer.imaging.detector import Quanta, detect
from trainer.imaging.display import Window, look
from trainer.imaging.readout import read_out
n = 64
y, x = np.mgrid[0:n, 0:n].astype(np.float32)
moving = 20 + np.mgrid[0:n + 8, 0:n + 8][1].astype(np.float32) ** 0.5
shifts = np.array([1.3, -0.4, 0.2, 1.6], np.float32)
body = Body(150 + x, moving, -moving, occupied(moving), 4, shifts, 0.2 * y, 0.5 * x)
mu = np.array([[.038, .027, .022, .02], [.256, .126, .077, .056], [.0086, .0217, .0112, .0066]], np.float32)
beam = Beam4(mu, np.array([.04, .3, .46, .2], np.float32))
one, p, s, f, g = (np.full((n, n), k, np.float32) for k in (1, 0, 0, 2, 0))
attenuate(0, n, body, beam, one, p)
taps = mtf_kernel(0.331, 0.6)
taps = taps[len(taps) // 2:]
detect(0, n, p, widened(np.full((4, 4), 1e-3, np.float32), n), Quanta(9e4, 3.0, 400.0, (5, 6)), taps, 0.02, s)
gray = np.zeros((n, n), np.uint8)
seen = look(Window(0.5, 120.0), 0.01 * x[:4, :4], 0.45, one[0], one[0])
read_out(0, n, s, 0.42, f, 0.002, 200.0, seen, g, gray)
blurred = cv2.GaussianBlur(p, (0, 0), 0.5, borderType=cv2.BORDER_REPLICATE)
made = p.tobytes() + s.tobytes() + f.tobytes() + gray.tobytes()
print(gray.std() > 1, hashlib.sha256(made).hexdigest(), hashlib.sha256(blurred.tobytes()).hexdigest())
"""


@cache
def prints(**environment: str) -> tuple[str, str]:
    """Hashes of kernels and of a focal spot's blur, made by a process that is told to use fewer instructions."""
    here = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    done = subprocess.run([sys.executable, "-c", OTHER_MACHINE], env={**os.environ, "PYTHONPATH": here, **environment},
                          capture_output=True, text=True, check=True)
    seen, kernels, blurred = done.stdout.split()[-3:]
    assert seen == "True"
    assert len(kernels) == len(blurred) == 64
    return kernels, blurred


def test_same_bits_with_another_processors_instructions() -> None:
    """The kernels compiled for this processor and for the plainest one of its family give the same pictures."""
    assert prints()[0] == prints(NUMBA_CPU_NAME="generic", NUMBA_CPU_FEATURES="")[0]


@pytest.mark.xfail(reason="OpenCV's filters round otherwise where a processor has no fused multiply-add", strict=False)
def test_same_blur_on_a_processor_without_fused_multiply_add() -> None:
    assert prints()[1] == prints(OPENCV_CPU_DISABLE="AVX512_SKX,AVX2,FMA3,AVX")[1]


SLANT = np.tan(np.radians(2.5))


def slanted(geometry: Geometry, down: bool) -> Image:
    """Open share (H, W) behind an edge tilted by 2.5 deg, exact area of every pixel to 1/256."""
    n = geometry.pixels
    across = np.arange(n) - 0.5 * (n - 1)
    sub = (np.arange(256) + 0.5) / 256 - 0.5
    open_share = np.zeros((n, n), dtype=np.float32)
    for k, a in enumerate(across):  # a row (or column) at a time: the edge crosses it almost straight
        x = across[:, None] + sub[None, :]
        rows = np.linspace(-0.5, 0.5, 8, endpoint=False) + 1 / 16
        inside = np.mean([np.clip(x - SLANT * (a + r), -1e3, 1e3) > 0 for r in rows], axis=(0, 2))
        open_share[k] = inside
    return open_share.T.copy() if down else open_share


def presampled(picture: Image, pixel_mm: float, down: bool, lp_mm: np.ndarray) -> np.ndarray:
    """MTF at frequencies from a picture of the slanted edge: bins of 1/8 pixel across the edge."""
    image = picture.T if down else picture
    n = image.shape[0]
    c, r = np.meshgrid(np.arange(n) - 0.5 * (n - 1), np.arange(n) - 0.5 * (n - 1))
    distance = (c - SLANT * r) * np.cos(np.arctan(SLANT))
    keep = (np.abs(distance) < 20) & (np.abs(r) < 0.5 * n - 12) & (np.abs(c) < 0.5 * n - 12)
    bins = np.floor(distance[keep] * 8).astype(int) + 160
    esf = np.bincount(bins, image[keep]) / np.bincount(bins)
    lsf = np.diff(esf)
    f = lp_mm[:, None] * pixel_mm / 8.0
    mtf = np.abs((lsf * np.exp(-2j * np.pi * f * np.arange(len(lsf)))).sum(axis=1)) / lsf.sum()
    return mtf / np.array([sinc(float(x)) ** 2 for x in f[:, 0]])  # bin width and difference


@pytest.mark.parametrize("field_mm", [480.0, 320.0, 220.0])
def test_presampled_mtf_from_a_slanted_edge(field_mm: float) -> None:
    """0.60 at 1 lp/mm within 3 %, below 0.35 at Nyquist, alike along rows and columns within 2 %.

    The edge is a plate against the panel, where the focal spot casts no penumbra.
    """
    geometry = Geometry(field_mm=0.25 * field_mm, pixels=256)  # the pixel of a full picture
    b, slab = Bench(geometry, without_scatter(machine(focus_mm=0.0)), BEAM), Slab(geometry, 0.0)
    e = b.exposure(1e9, 0.0)
    nyquist = 0.5 / geometry.pixel_mm
    found = []
    for down in (False, True):
        b.chain.primary[:] = slanted(geometry, down)
        picture = b.panel(slab, e, 1, unit_uGy=1e9)
        found.append(presampled(picture, geometry.pixel_mm, down, np.array([1.0, nyquist])))
    for at_1, at_nyquist in found:
        assert at_1 == pytest.approx(machine().mtf_at_1_lp.value, rel=0.03)
        assert at_nyquist < 0.35
    assert found[0] == pytest.approx(found[1], rel=0.02)


def half_plane(geometry: Geometry, down: bool) -> BodyLayer:
    """A plate 1 mm thick through the isocenter, its edge tilted by 2.5 deg, as a body part."""
    c, s = np.cos(np.arctan(SLANT)), np.sin(np.arctan(SLANT))
    flat = np.array([(0.0, -400.0), (400.0, -400.0), (400.0, 400.0), (0.0, 400.0)]) @ np.array([[c, s], [-s, c]])
    corners = np.vstack([np.column_stack([flat[:, 0], np.full(4, y), flat[:, 1]]) for y in (-0.5, 0.5)])
    if down:
        corners = corners[:, [2, 1, 0]]
    sides = [(k, (k + 1) % 4, (k + 1) % 4 + 4) for k in range(4)] + [(k, (k + 1) % 4 + 4, k + 4) for k in range(4)]
    faces = np.array([(0, 2, 1), (0, 3, 2), (4, 5, 6), (4, 6, 7), *sides], dtype=np.int32)
    mesh = outward(Mesh(corners, faces))
    none = (np.zeros((0, 3)), np.zeros((0, 6)), np.zeros((0, 2)))
    return BodyLayer(mesh.vertices, mesh.faces, np.tile(np.float32([1.0, 0.0]), (len(faces), 1)), *none)


@pytest.mark.parametrize("field_mm", [480.0, 320.0, 220.0])
def test_presampled_mtf_of_an_edge_in_the_body(field_mm: float) -> None:
    """Bones and organs pass the pixel aperture too: a plate in the body has the same 0.60 as one on the panel."""
    geometry = Geometry(field_mm=0.25 * field_mm, pixels=256)
    b, slab = Bench(geometry, without_scatter(machine(focus_mm=0.0)), BEAM), Slab(geometry, 0.0)
    for down in (False, True):
        shadow = _Shadow(half_plane(geometry, down), geometry, 0)
        while not shadow.finished:
            shadow.advance(1e18)
        assert shadow.soft.max() == pytest.approx(1.0, rel=0.01)
        b.chain.primary[:] = shadow.soft
        picture = b.panel(slab, b.exposure(1e9, 0.0), 1, unit_uGy=1e9)
        at_1 = abs(presampled(picture, geometry.pixel_mm, down, np.array([1.0]))[0])  # a falling edge counts below 0
        assert at_1 == pytest.approx(machine().mtf_at_1_lp.value, rel=0.03)


def gain_of(a: float, lag: float) -> float:
    """Variance of white noise behind two recursive filters of poles 1 - a and lag."""
    p = 1.0 - a
    return float((1 - lag) ** 2 * a**2 * (1 + p * lag) / ((1 - p**2) * (1 - lag**2) * (1 - p * lag)))


@pytest.mark.parametrize("lag", [0.0, 0.02, 0.1])
@pytest.mark.parametrize("a", [0.15, 0.42, 1.0])
def test_noise_gain_of_the_recursive_filter(a: float, lag: float) -> None:
    """a / (2 - a) within 2 %; with the panel's lag before it, the gain of both."""
    b, slab = Bench(VIEW, without_scatter(machine(electronic_quanta=0.0, lag=lag)), BEAM), Slab(VIEW, WATER)
    b.primary(slab)
    e = b.exposure(0.3, WATER)
    raw = np.mean([bench().signal(slab, e, n).var() for n in range(10)])  # of a panel that has just been cleared
    filtered = []
    for n in range(60):
        b.panel(slab, e, n)
        b.chain.integrate(a)
        filtered.append(b.chain.filtered.var())
    gain = np.mean(filtered[30:]) / raw
    assert gain == pytest.approx(gain_of(a, lag), rel=0.02)
    if lag == 0.0:
        assert gain == pytest.approx(a / (2 - a), rel=0.02)


@pytest.mark.parametrize("a", [0.15, 0.42, 0.85])
def test_step_response_of_the_recursive_filter(a: float) -> None:
    """After a jump the filter has reached 1 - (1 - a)^n of it after n frames; the panel's lag adds its own pole."""
    for lag in (0.0, 0.02):
        b = Bench(VIEW, without_scatter(machine(electronic_quanta=0.0, lag=lag)), BEAM)
        slab = Slab(VIEW, 0.0)

        def read(signal: float, b: Bench = b, slab: Slab = slab) -> Image:
            b.chain.primary[:] = signal
            return b.panel(slab, b.exposure(1e9, 0.0), 1, unit_uGy=1e9)  # so bright that its noise is nothing

        first = float(read(1.0).mean())
        b.chain.integrate(a)
        panel, seen = 1.0, 1.0
        for n in range(1, 12):
            read(2.0)
            log = b.chain.integrate(a)
            panel = 2.0 + lag * (panel - 2.0)
            seen += a * (panel - seen)
            assert b.chain.signal.mean() / first == pytest.approx(panel, rel=1e-5)
            assert b.chain.filtered.mean() / first == pytest.approx(seen, rel=1e-5)
            assert np.exp(log.mean()) / first == pytest.approx(seen, rel=1e-4)
            if lag == 0.0:
                assert b.chain.filtered.mean() / first - 1.0 == pytest.approx(1 - (1 - a) ** n, rel=0.02)
