"""Fast kernels against slow plain references."""

import numpy as np
import pytest
from instruments_tree import bent, fork, vessel_tree

from trainer.instruments.band import even, solve_band
from trainer.instruments.contact import contact_system
from trainer.instruments.elastic import bishop, frames
from trainer.instruments.mesh import lay_nodes, resample
from trainer.instruments.model import Law, Rod
from trainer.instruments.newton import system, total_energy
from trainer.instruments.rod import Device, pose_rod
from trainer.instruments.rows import lay_rows
from trainer.instruments.wall import MAX_CANDIDATES, PACKED, build_lumen, distance, find_candidates, pack


@pytest.mark.parametrize("half", [1, 10, 14])
def test_band_solution_matches_numpy(half: int) -> None:
    rng = np.random.default_rng(half)
    n = 60
    band = rng.normal(size=(n, half + 1))
    band[:, 0] = 2.0 * half + 6.0
    full = np.zeros((n, n))
    for i in range(n):
        for q in range(min(half + 1, n - i)):
            full[i, i + q] = full[i + q, i] = band[i, q]
    rhs = rng.normal(size=n)
    wanted = np.linalg.solve(full, rhs)
    last = even(n, half)
    assert solve_band(band, last, rhs)
    assert rhs == pytest.approx(wanted, abs=1e-10)


def test_rows_of_one_reach_are_eliminated_together() -> None:
    """As in a rod: an angle reaches to the next node, the three rows of a position to the one after it."""
    rng = np.random.default_rng(4)
    blocks = 12
    n, width = 4 * blocks, 11
    last = np.array([min(4 * (i // 4) + (7 if i % 4 == 0 else 11), n - 1) for i in range(n)])
    band, full = np.zeros((n, width + 1)), np.zeros((n, n))
    for i in range(n):
        for q in range(last[i] - i + 1):
            band[i, q] = rng.normal() if q else 30.0
            full[i, i + q] = full[i + q, i] = band[i, q]
    rhs = rng.normal(size=n)
    wanted = np.linalg.solve(full, rhs)
    assert solve_band(band, last, rhs)
    assert rhs == pytest.approx(wanted, abs=1e-12)


def test_an_indefinite_band_is_refused() -> None:
    band = np.array([[1.0, 2.0], [1.0, 0.0]])
    assert not solve_band(band, even(2, 1), np.zeros(2))


def crooked() -> tuple[Rod, Law]:
    """Three precurved devices in a crooked shape, with one node held by friction."""
    rng = np.random.default_rng(1)
    rod = pose_rod((Device(30, 200, 150, 0.05, 0.3, 0.2), Device(40, 50, 30, 0.1, 1.0, 0.5),
                    Device(35, 5, 4, 0.2, -1.0, 2.0)), 31, (0.1, 0.2, 0.3), 0.3)
    rod.x[2:] += rng.normal(0, 0.15, rod.x[2:].shape)
    rod.theta[:, 1:] += rng.normal(0, 0.4, rod.theta[:, 1:].shape)
    bishop(rod)
    rod.normal_force[5], rod.friction[:] = 2.0, 0.1
    rod.normal[5], rod.spin_axis[5], rod.spin_from[5] = (1, 0, 0), (0, 1, 0), 0.1
    return rod, Law(drag=0.01)


def evaluate(rod: Rod, law: Law) -> tuple[np.ndarray, np.ndarray]:
    block = 3 + rod.theta.shape[0]
    n = (len(rod.x) - 2) * block
    gradient, band = np.zeros(n), np.zeros((n, 2 * block + 3))
    system(rod, law, gradient, band)
    return gradient, band


def moved(rod: Rod, change: np.ndarray) -> Rod:
    kinds = rod.theta.shape[0]
    rows = change.reshape(-1, 3 + kinds)
    out = rod._replace(x=rod.x.copy(), theta=rod.theta.copy())
    out.x[2:] += rows[:, kinds:]
    out.theta[:, 1:] += rows[:, :kinds].T
    return out


def test_gradient_is_the_slope_of_the_energy() -> None:
    rod, law = crooked()
    gradient, _ = evaluate(rod, law)
    n, h = len(gradient), 1e-6
    slope = np.empty(n)
    for i, e in enumerate(np.eye(n) * h):
        up, down = moved(rod, e), moved(rod, -e)
        slope[i] = (total_energy(up, law, up.x, up.theta) - total_energy(down, law, down.x, down.theta)) / (2 * h)
    assert np.abs(slope - gradient).max() < 1e-5 * np.abs(gradient).max()


def test_hessian_is_the_slope_of_the_gradient() -> None:
    rod, law = crooked()
    _, band = evaluate(rod, law)
    n, width = band.shape
    hessian = np.zeros((n, n))
    for i in range(n):
        for q in range(min(width, n - i)):
            hessian[i, i + q] = hessian[i + q, i] = band[i, q]
    columns = np.empty((n, n))
    edges, h = len(rod.rest), 1e-5
    for i, e in enumerate(np.eye(n) * h):
        sides = []
        for sign in (1.0, -1.0):
            other = moved(rod, sign * e)
            tangent, director, size, m = (np.zeros((edges, 3)), np.zeros((edges, 3)), np.zeros(edges),
                                          np.zeros(edges + 1))
            frames(other, other.x, tangent, size, director, m)
            sides.append(evaluate(other._replace(tangent=tangent, director=director, ref_twist=m), law)[0])
        columns[i] = (sides[0] - sides[1]) / (2 * h)
    assert np.abs(0.5 * (columns + columns.T) - hessian).max() < 1e-6 * np.abs(hessian).max()


def reference_distance(tree, x) -> float:  # type: ignore[no-untyped-def]
    """Distance to the lumen by brute force, plain numpy: nearest capsule per vessel, then smooth minima."""
    total, width = None, 0.0
    for v in range(tree.count):
        p = tree.points[tree.first[v] : tree.first[v + 1]]
        r = tree.radius[tree.first[v] : tree.first[v + 1]]
        d = np.diff(p, axis=0)
        t = np.clip(((x - p[:-1]) * d).sum(1) / (d * d).sum(1), 0, 1)
        near = np.linalg.norm(x - p[:-1] - t[:, None] * d, axis=1) - (r[:-1] * (1 - t) + r[1:] * t)
        best, own = near.min(), min(0.35, 0.25 * r[0])
        if total is None:
            total, width = best, own
            continue
        k = min(own, width)
        h = max(k - abs(best - total), 0.0) / k
        width = own if best < total else width
        total = min(best, total) - h * h * k / 4
    assert total is not None
    return float(total)


def test_wall_distance_matches_brute_force_and_its_gradient() -> None:
    tree = fork(60.0)
    lumen = build_lumen(tree)
    rng = np.random.default_rng(3)
    x = tree.points[rng.integers(0, len(tree.points), 200)] + rng.normal(0, 1.2, (200, 3))
    home = np.full(len(x), -1)
    candidates, count = np.zeros((len(x), MAX_CANDIDATES), np.int64), np.zeros(len(x), np.int64)
    find_candidates(lumen.wall, lumen.first, lumen.near, x, home, candidates, count, 0.8)
    near, narrow = np.zeros((len(x), MAX_CANDIDATES, PACKED)), np.zeros(len(x), bool)
    pack(lumen.wall, home, candidates, count, np.zeros(len(x)), near, narrow)
    for i in range(len(x)):
        normal, scratch = np.zeros(3), np.zeros(3)
        value = distance(near, i, count[i], *x[i], True, normal)
        assert value == pytest.approx(reference_distance(tree, x[i]), abs=1e-9)
        slope = [(distance(near, i, count[i], *(x[i] + e), False, scratch)
                  - distance(near, i, count[i], *(x[i] - e), False, scratch)) / 2e-6 for e in np.eye(3) * 1e-6]
        # where two segments of one vessel meet in a concave bend the normal jumps: compare its length there
        assert normal == pytest.approx(slope, abs=2e-3) or np.linalg.norm(normal) == pytest.approx(1, abs=0.05)


def test_curvature_of_the_wall_is_the_slope_of_its_normal() -> None:
    """In a straight and a rounded place of an even vessel, and beyond its end."""
    tree = vessel_tree({"v": ("", [[0, 0, 0], [0, 0, 10.0], [0, 0, 20.0]], 2.0)})
    lumen = build_lumen(tree)
    x = np.array([[0.3, 0.4, 5.0], [-0.05, 0.0, 12.3], [0.4, -0.2, 20.7]])
    home = np.full(len(x), -1)
    candidates, count = np.zeros((len(x), MAX_CANDIDATES), np.int64), np.zeros(len(x), np.int64)
    find_candidates(lumen.wall, lumen.first, lumen.near, x, home, candidates, count, 0.8)
    near, narrow = np.zeros((len(x), MAX_CANDIDATES, PACKED)), np.zeros(len(x), bool)
    pack(lumen.wall, home, candidates, count, np.zeros(len(x)), near, narrow)
    h = 1e-6
    for i, point in enumerate(x):
        full, up, down = np.zeros(9), np.zeros(3), np.zeros(3)
        distance(near, i, count[i], *point, True, full)
        xx, xy, xz, yy, yz, zz = full[3:]
        for c, row in enumerate([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]]):
            step = h * np.eye(3)[c]
            distance(near, i, count[i], *(point + step), True, up)
            distance(near, i, count[i], *(point - step), True, down)
            assert (up - down) / (2 * h) == pytest.approx(row, abs=1e-4)


def test_hessian_of_the_wall_is_the_slope_of_its_gradient() -> None:
    """Nodes pressed into the wall of an even vessel, some of whose motion along an axis does not count."""
    tree = vessel_tree({"v": ("", [[0, 0, -20.0], [0, 0, 60.0]], 1.0)})
    lumen = build_lumen(tree)
    rod = pose_rod((Device(20, 50.0, 40.0, radius_mm=0.6),), 21)
    rng = np.random.default_rng(4)
    rod.x[2:, :2] += rng.normal(0, 0.5, (len(rod.x) - 2, 2))
    rod.start[:] = rod.x
    rod.axis[2:] = 0.6 * rng.normal(0, 0.5, (len(rod.x) - 2, 3))
    rod.multiplier[2:] = 0.5
    home, candidates = np.full(len(rod.x), -1), np.zeros((len(rod.x), MAX_CANDIDATES), np.int64)
    find_candidates(lumen.wall, lumen.first, lumen.near, rod.x, home, candidates, rod.candidate_count, 0.8)
    pack(lumen.wall, home, candidates, rod.candidate_count, rod.radius, rod.near, rod.narrow)
    law, n, h, rows = Law(drag=0.0), (len(rod.x) - 2) * 4, 1e-6, lay_rows(rod, True)

    def wall(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        gradient, band = np.zeros(rows.held + n), np.zeros((rows.held + n, rows.width))
        contact_system(rod, law, rows, x, rod.theta, gradient, band)
        return gradient[rows.held :], band[rows.held :]

    _, band = wall(rod.x)
    pressed = 0
    for i in range(2, len(rod.x)):
        row, slope = (i - 2) * 4 + 1, np.zeros((3, 3))
        for c in range(3):
            up, down = rod.x.copy(), rod.x.copy()
            up[i, c], down[i, c] = up[i, c] + h, down[i, c] - h
            slope[c] = (wall(up)[0] - wall(down)[0])[row : row + 3] / (2 * h)
        own = np.array([[band[row + min(r, c), abs(r - c)] for c in range(3)] for r in range(3)])
        assert own == pytest.approx(slope, abs=1e-4 * max(1.0, np.abs(slope).max()))
        pressed += int(np.abs(own).max() > 0.0)
    assert pressed > 8


def test_strangers_that_pass_close_do_not_merge() -> None:
    """Two vessels five generations apart cross; a point in one sees only its own kin."""
    chain = {"v0": ("", [[0, 0, 0], [0, 0, 10.0]], 2.0)}
    at = np.array([0.0, 0.0, 10.0])
    for k, step in enumerate([(10, 0, 0), (10, 0, 0), (0, 0, -5), (-10, 0, 0), (-14, 0, 0)]):
        chain[f"v{k + 1}"] = (f"v{k}", [at, at + np.array(step)], 1.0)
        at = at + np.array(step, float)
    tree = vessel_tree(chain)
    lumen = build_lumen(tree)
    own = lumen.wall.vessel[lumen.near[lumen.first[0] : lumen.first[1]]]
    assert 0 in own
    assert 5 not in own  # it crosses v0 at z = 5


def test_a_vessel_thinner_than_the_device_is_closed() -> None:
    tree = fork(60.0, 3.0, 0.5)
    lumen = build_lumen(tree)
    home = np.full(1, -1)
    candidates, count = np.zeros((1, MAX_CANDIDATES), np.int64), np.zeros(1, np.int64)
    ostium = np.array([[2.2, 0.0, 61.5]])
    for place, radius, closed in ((ostium, 0.3, False), (ostium, 0.8, True)):
        home[:] = -1
        find_candidates(lumen.wall, lumen.first, lumen.near, place, home, candidates, count, 0.8)
        near, narrow = np.zeros((1, MAX_CANDIDATES, PACKED)), np.zeros(1, bool)
        pack(lumen.wall, home, candidates, count, np.array([radius]), near, narrow)
        vessels = set(near[0, : count[0], 9].astype(int))
        assert (vessels == {0}) is closed


def test_resampling_keeps_an_arc() -> None:
    points = bent(20.0, 15.0, 1.5, 20.0)
    s = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    at = np.linspace(21.0, 40.0, 50)
    out = np.empty((50, 3))
    resample(s, points, at, out)
    radius = np.linalg.norm(out[:, [0, 2]] - np.array([15.0, 20.0]), axis=1)
    assert radius == pytest.approx(np.full(50, 15.0), abs=2e-3)


def test_nodes_hang_on_the_tip_and_never_crowd_the_mouth() -> None:
    for total in np.arange(4.0, 400.0, 0.37):
        s = lay_nodes(total)
        assert s[-1] == total
        assert s[1] == 0.0
        assert np.diff(s[1:]).min() > 0.45
