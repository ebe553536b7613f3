"""The fast vessel lines against single rays, the closed forms against plain sums, and motion against plain shifts."""

import math

import numpy as np
import pytest
from numba import njit

from trainer.flow.types import Cells
from trainer.imaging.chord_matrix import ChordMatrix
from trainer.imaging.devices import STRAIGHT_PX, _refined
from trainer.imaging.geometry import Geometry
from trainer.imaging.outlines import CLOSED, RAYS
from trainer.imaging.profile import Real, chord_integral, footprint, mean_half_chord
from trainer.imaging.rays import mean_chord
from trainer.imaging.vessels import frusta

VIEW = Geometry(0.3, 0.1, pixels=256, field_mm=120.0)


@njit
def half_chord(u: float, radius: float, nx: float, ny: float) -> float:
    wide, narrow, share = footprint(nx, ny)
    return float(mean_half_chord(Real(u), Real(radius), Real(wide), Real(narrow), Real(share)))


@njit
def integral(x: float, radius: float) -> float:
    return float(chord_integral(x, radius))


@njit
def by_rays(rows: np.ndarray, source: np.ndarray, d0: np.ndarray, du: np.ndarray, dv: np.ndarray, boxes: np.ndarray,
            fine: int, image: np.ndarray) -> None:  # fmt: skip
    for i in range(len(rows)):
        for r in range(boxes[i, 0], boxes[i, 1]):
            for c in range(boxes[i, 2], boxes[i, 3]):
                image[r, c] += mean_chord(rows[i], source, d0, du, dv, c, r, fine)


def branches(count: int, seed: int, towards: float = 0.0) -> Cells:
    """Bent, tapering vessels of eight cells, radii 0.15-3 mm; `towards` the focal spot of VIEW by this share."""
    rng = np.random.default_rng(seed)
    points, radii = [], []
    for _ in range(count):
        way = rng.normal(0, 1, 3)
        way = (1.0 - towards) * way / np.linalg.norm(way) + towards * VIEW.axes()[2]
        steps = np.cumsum(rng.normal(0, 0.25 * (1.0 - towards), (9, 3)) + way, axis=0)
        points.append(rng.uniform(-30, 30, 3) + 2.5 * (steps - steps[4]))
        radii.append(0.15 * 20.0 ** rng.uniform() * np.linspace(1.0, rng.uniform(0.6, 1.0), 9))
    p, r = np.array(points), np.array(radii)
    n = 8 * count
    at, none = np.tile(np.arange(8.0), count), np.zeros(n)
    return Cells(p[:, :-1].reshape(-1, 3), p[:, 1:].reshape(-1, 3), r[:, :-1].ravel(), r[:, 1:].ravel(),
                 np.repeat(np.arange(count), 8), at, at + 1.0, np.ones(n), none + 1.0, none + 1.0,
                 np.zeros(n, dtype=bool))  # fmt: skip


def filled(rows: np.ndarray, margin: int = 0) -> ChordMatrix:
    matrix = ChordMatrix.empty(VIEW, rows, margin)
    matrix.advance(1e18)
    return matrix


def drawn(matrix: ChordMatrix, shift: tuple[float, float] = (0.0, 0.0), pixels: int = 256) -> np.ndarray:
    """Chords (H, W) mm."""
    image = np.zeros((pixels, pixels), dtype=np.float32)
    matrix.apply(np.full(len(matrix.rows), 10.0), shift, image)
    return image


def reference(rows: np.ndarray, fine: int) -> np.ndarray:
    """The same by fine x fine rays a pixel."""
    at = VIEW.project(rows[:, :6].reshape(-1, 3)).reshape(-1, 2, 2)
    reach = (1.4 * rows[:, 6:8].max(axis=1) / VIEW.pixel_iso_mm + 3.0)[:, None]
    low = np.clip(np.floor(at.min(axis=1) - reach), 0, 256).astype(np.int64)
    high = np.clip(np.ceil(at.max(axis=1) + reach), 0, 256).astype(np.int64)
    image = np.zeros((256, 256))
    by_rays(rows, VIEW.source, *VIEW.ray_basis(),
            np.column_stack([low[:, 1], high[:, 1], low[:, 0], high[:, 0]]), fine, image)  # fmt: skip
    return image


@pytest.mark.parametrize("radius", [0.05, 0.4, 1.3, 2.9, 3.4, 8.0, 60.0])
@pytest.mark.parametrize("angle", [0.0, 0.02, 0.4, math.pi / 4, 1.5])
def test_mean_half_chord_is_the_mean_over_a_pixel(radius: float, angle: float) -> None:
    """Against 2000 lines across the pixel, each as long as the pixel is there: 0.05 % of the radius or of a pixel."""
    nx, ny = math.cos(angle), math.sin(angle)
    a, b = max(nx, 1e-9), max(ny, 1e-9)
    t = (np.arange(2000) + 0.5) / 2000 * (a + b) - 0.5 * (a + b)
    length = np.clip((0.5 * (a + b) - np.abs(t)) / min(a, b), 0.0, 1.0)
    for u in np.linspace(0.0, radius + 1.0, 23):
        want = (length * np.sqrt(np.maximum(radius**2 - (u + t) ** 2, 0.0))).sum() / length.sum()
        for side in (-1.0, 1.0):
            assert half_chord(side * u, radius, nx, ny) == pytest.approx(want, abs=5e-4 * max(radius, 1.0))


def test_integral_of_chords() -> None:
    """x sqrt(r^2 - x^2) + r^2 arcsin(x / r)."""
    for x in np.linspace(0.0, 0.7, 30):
        inside = min(x, 0.6)
        want = inside * math.sqrt(0.36 - inside**2) + 0.36 * math.asin(inside / 0.6)
        assert integral(x, 0.6) == pytest.approx(want, abs=2e-6)


@pytest.mark.parametrize(("towards", "bound"), [(0.0, 0.006), (0.5, 0.01), (0.8, 0.03)])
def test_lines_agree_with_rays(towards: float, bound: float) -> None:
    """The picture of 60 bent vessels against 12 x 12 rays a pixel: rms, joints and free ends and all."""
    rows = frusta(branches(60, 3, towards))
    want = reference(rows, 12)
    got = drawn(filled(rows))
    assert np.sqrt(((got - want) ** 2).mean() / (want**2).mean()) < bound
    assert got.sum() == pytest.approx(want.sum(), rel=2e-3)


def test_vessels_toward_the_focal_spot_are_drawn_by_rays() -> None:
    """Along the ray there is no outline: cells there are the rays' own mean, to 16 bits."""
    rows = frusta(branches(12, 4, 1.0))
    matrix = filled(rows)
    kinds = matrix.outlines["kind"]
    assert (kinds == RAYS).any()
    own = matrix.outlines["fine"]
    for i in np.flatnonzero(kinds == RAYS)[:5]:
        want = reference(rows[i : i + 1], int(own[i]))
        assert np.abs(drawn(filled(rows[i : i + 1])) - want).max() < 1e-4 * want.max()


def test_a_parents_lumen_is_cut_out() -> None:
    """A branch that begins on its parent's axis: within the parent's silhouette nothing of it is drawn."""
    rows = frusta(branches(1, 8))[:1]
    rows[0, 0:3], rows[0, 3:6], rows[0, 6:8] = (0.0, 0.0, 0.0), (12.0, 0.0, 0.0), (1.0, 1.0)
    rows[0, 8:11] = rows[0, 11:14] = (1.0, 0.0, 0.0)
    whole = drawn(filled(rows))
    rows[0, 14:17], rows[0, 17:20], rows[0, 20] = (0.0, 0.0, 0.0), (0.0, 0.0, 1.0), 4.0
    cut, want = drawn(filled(rows)), reference(rows, 12)
    assert cut.sum() == pytest.approx(want.sum(), rel=0.01)
    assert np.abs(cut - want).max() < 0.1 * whole.max()
    assert cut.sum() < 0.75 * whole.sum()


@pytest.mark.parametrize("shift", [(0.0, 0.0), (1.25, -6.5), (-19.3, 14.75), (7.0, 0.5)])
def test_motion_is_bilinear_up_to_the_border(shift: tuple[float, float]) -> None:
    """The moved picture is the still one of a larger field, shifted by the plain formula."""
    matrix = filled(frusta(branches(60, 5)), margin=24)
    large = drawn(matrix, (24.0, 24.0), 256 + 48).astype(np.float64)
    x, y = shift
    ix, iy = math.floor(x), math.floor(y)
    f, g = x - ix, y - iy

    def at(right: int, down: int) -> np.ndarray:
        return large[24 - iy - down :, 24 - ix - right :][:256, :256]

    want = (1 - g) * ((1 - f) * at(0, 0) + f * at(1, 0)) + g * ((1 - f) * at(0, 1) + f * at(1, 1))
    assert want[:, [0, -1]].max() > 0.1 or want[[0, -1]].max() > 0.1
    assert np.abs(drawn(matrix, shift) - want).max() < 1e-5 * want.max()


def test_portions_of_work_give_the_same_bits() -> None:
    rows = frusta(branches(40, 6))
    whole, parts = filled(rows, 10), ChordMatrix.empty(VIEW, rows, 10)
    left, portions = 0.0, 0
    while not parts.done:
        left = parts.advance(150.0)
        portions += 1
    assert portions > 5
    assert left <= 150.0
    assert parts.advance(10.0) == 10.0
    assert (parts.begin == whole.begin).all()
    assert (drawn(parts, (0.4, 0.3)) == drawn(whole, (0.4, 0.3))).all()


def test_only_filled_cells_are_drawn() -> None:
    rows = frusta(branches(3, 7))
    matrix = filled(rows)
    seen = int(np.flatnonzero(matrix.outlines["kind"] == CLOSED)[5])
    image = np.zeros((256, 256), dtype=np.float32)
    iodine = np.zeros(24)
    matrix.apply(iodine, (0.0, 0.0), image)
    assert not image.any()
    iodine[seen] = 10.0
    matrix.apply(iodine, (0.0, 0.0), image)
    assert image.max() > 0.1
    assert np.abs(image - drawn(filled(rows[seen : seen + 1]))).max() < 1e-4


def test_a_refined_centerline_is_round_and_ends_where_it_did() -> None:
    """A bend of 8 mm radius, nodes 2 mm apart, and a straight piece behind it that needs no more points."""
    angle = np.linspace(0.0, math.pi / 2, 7)
    bend = 8.0 * np.column_stack([np.cos(angle), np.sin(angle), np.zeros(7)])
    nodes = np.vstack([bend, bend[-1] - np.outer(np.arange(1.0, 11.0), [2.0, 0.0, 0.0])])
    s = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(nodes, axis=0), axis=1))])
    curve, path = _refined(nodes, s, 0.22)
    assert (curve[0] == nodes[0]).all()
    assert (curve[-1] == nodes[-1]).all()
    assert path[-1] == s[-1]
    assert (np.diff(path) > 0).all()
    middle = 0.5 * (curve[1:] + curve[:-1])
    bent = (path[:-1] > s[1]) & (path[1:] < s[5])
    assert np.abs(np.linalg.norm(middle[bent], axis=1) - 8.0).max() < STRAIGHT_PX * 0.22 + 0.02
    assert len(curve) < 3 * len(nodes) - 10
