"""The body as closed meshes and Gaussian blobs with densities, in three layers that move differently.

A mesh adds its density to what surrounds it, so an organ inside the abdomen carries the difference to the fill.
Densities: soft = mm of water per mm (1 + HU/1000), bone = share of cortical bone by volume (1555 HU at 100 %,
from the table's attenuation at 70 keV). HU of body.md section 4, native.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from trainer.anatomy.body import Body, Organ, load_body
from trainer.anatomy.couinaud import load_liver
from trainer.anatomy.surfaces import depth
from trainer.imaging import pelvis
from trainer.imaging.bones import rib, vertebra
from trainer.imaging.heartbeat import swing
from trainer.imaging.meshes import Mesh, harmonic, inset, isosurface, joined, lathe, outward, tube
from trainer.imaging.variation import varied

Floats = NDArray[np.float64]

STATIC, MOVING, GAS = 0, 1, 2
LAYERS = 3
BONE_HU = 1555.0
FAT, MUSCLE, CAVITY = 0.893, 1.035, 0.935
LUNG, LIVER, SPLEEN, KIDNEY, HEART, STOMACH, BLOOD = 0.155, 1.055, 1.048, 1.033, 1.045, 1.03, 1.045
AIR = 0.08
SPONGY = 100.0 / BONE_HU
"""Cancellous bone at 100 HU (body.md section 4)."""


PLAQUES = 2.0
"""Calcified plaques of an aorta, on average (authored)."""
GALLBLADDER_BED = np.array([-74.0, -44.0, -26.0])
TITANIUM = 6.6
"""mm of water per mm at 70 keV: what moves has no bone shadow of its own."""
LIVER_GAP_MM, DIAPHRAGM_MM = 30.0, 3.5
"""A gap between lung and liver less high than this is the measuring grid's; thickness of diaphragm and fat."""
LEAST_GAS_MM, FOLD_MM = 3.5, 17.0
"""Gas in smaller pockets is left out; distance of haustral folds (constructed)."""
PELVIS_LEFT = 0.15
"""Share of the measured pelvic mass that stays as soft blobs."""


@dataclass(frozen=True, slots=True)
class Layer:
    """Everything that moves together. F faces, B blobs."""

    vertices: Floats  # (V, 3) mm
    faces: NDArray[np.int32]  # (F, 3)
    density: NDArray[np.float32]  # (F, 2) soft, bone
    blob_mean: Floats  # (B, 3) mm
    blob_cov: Floats  # (B, 6) mm2
    blob_mass: Floats  # (B, 2) mm3 of soft, of bone
    swing: Floats = field(default_factory=lambda: np.zeros((0, 3)))
    """(V, 3) mm from end diastole to end systole, (0, 3) where nothing beats."""


class _Builder:
    """Collects parts. coarse: fewer faces and no small parts, for the preview while the C-arm moves."""

    def __init__(self, coarse: bool) -> None:
        self.coarse = coarse
        self.parts: list[tuple[Mesh, float, float]] = []
        self.blobs: list[tuple[Floats, Floats, Floats]] = []

    def add(self, mesh: Mesh, soft: float, bone: float = 0.0) -> None:
        self.parts.append((mesh, soft, bone))

    def add_bone(self, outer: Mesh, inner: Mesh, fill: float, cortex: float = 1.0) -> None:
        """A cortex of `cortex` density around spongy bone, in place of `fill`."""
        self.add(outer, 1.0 - cortex - fill, cortex)
        self.add(inner, (1.0 - SPONGY) - (1.0 - cortex), SPONGY - cortex)

    def layer(self) -> Layer:
        mesh = joined([m for m, _, _ in self.parts])
        density = np.concatenate(
            [np.tile(np.array([s, b], dtype=np.float32), (len(m.faces), 1)) for m, s, b in self.parts]
        )
        none = (np.zeros((0, 3)), np.zeros((0, 6)), np.zeros((0, 2)))
        mean, cov, mass = (np.concatenate(x) for x in zip(none, *self.blobs))
        return Layer(mesh.vertices, mesh.faces, density, mean, cov, mass)


def _rings(rings: Floats, count: int, scale: float = 1.0) -> Floats:
    """Body contours (R, N, 3) smoothly resampled to `count` along z, widened by scale about their middles.

    The lowest contour goes on downward, so that the groin is no edge of the world.
    """
    below = [rings[0] + np.array([0, 0, -d]) for d in (120.0, 60.0)]
    rings = np.concatenate([below, rings])
    z = np.arange(len(rings), dtype=np.float64)
    at = np.linspace(0, len(rings) - 1, count)
    i = np.clip(at.astype(int), 0, len(rings) - 2)
    f = (at - i)[:, None, None]
    p = [rings[np.clip(i + k, 0, len(z) - 1)] for k in (-1, 0, 1, 2)]
    out = p[1] + 0.5 * f * (
        p[2] - p[0] + f * (2 * p[0] - 5 * p[1] + 4 * p[2] - p[3] + f * (3 * (p[1] - p[2]) + p[3] - p[0]))
    )
    middle = out.mean(axis=1, keepdims=True)
    widened: Floats = middle + (out - middle) * np.array([scale, scale, 1.0])
    return widened


def _wall(b: _Builder, body: Body, size: float) -> None:
    """Skin and fat, muscle wall, the fill of the cavity, pelvic muscle."""
    count, every = (24, 3) if b.coarse else (72, 1)
    b.add(lathe(_rings(body.skin, count, size)[:, ::every]), FAT)
    inner = lathe(_rings(body.inner, count, 1.0 + 0.45 * (size - 1.0))[:, ::every])
    b.add(inner, MUSCLE - FAT)
    b.add(inset(inner, 8.0), CAVITY - MUSCLE)
    low = _rings(body.inner, count)[:, ::every]
    low = low[low[:, :, 2].mean(axis=1) < -128.0]
    z = low[:, :, 2].mean(axis=1)
    shrink = 0.93 * np.sqrt(np.clip((-126.0 - z) / 60.0, 0.02, 1.0))[:, None, None]
    middle = low.mean(axis=1, keepdims=True)
    b.add(lathe(middle + (low - middle) * np.concatenate([shrink, shrink, np.ones_like(shrink)], axis=2)), 0.06)


def _muscles(b: _Builder, body: Body) -> None:
    """Psoas and erector spinae beside the measured spine (constructed: no measured outlines)."""
    spine = {v.name: v.center for v in body.vertebrae}
    for side in (-1.0, 1.0):
        x = np.array([20.0, 30.0, 37.0, 43.0, 50.0, 62.0, 76.0])
        y = np.array([8.0, 6.0, 3.0, 1.0, -4.0, -18.0, -26.0])
        base = [spine[k] for k in ("L1", "L2", "L3", "L4", "L5")]
        base += [base[-1] + np.array([0, 0, -30.0]), base[-1] + np.array([0, 0, -62.0])]
        path = np.array(base) + np.column_stack([side * x, y, np.zeros(7)])
        b.add(
            tube(
                path,
                np.array([6, 12, 16, 19, 20, 17, 12.0]),
                np.array([7, 12, 17, 20, 19, 15, 12.0]),
                np.array([1.0, 0, 0]),
                around=12 if b.coarse else 28,
            ),
            MUSCLE - CAVITY,
        )
        back = np.array([spine[k] for k in ("T8", "T10", "T12", "L2", "L4", "L5")]) + np.array([side * 36.0, 46.0, 0.0])
        b.add(
            tube(
                back,
                np.array([22, 24, 27, 30, 29, 25.0]),
                np.array([9, 11, 14, 18, 19, 17.0]),
                np.array([1.0, 0, 0]),
                around=12 if b.coarse else 28,
            ),
            MUSCLE - CAVITY,
        )


def _bones(b: _Builder, body: Body) -> None:
    for v in body.vertebrae:
        outer, inner = vertebra(v, 10 if b.coarse else 36)
        for o, i in zip(outer[:1] if b.coarse else outer, inner):
            b.add_bone(o, i, CAVITY)
    # what a shell of even thickness leaves of the measured mass: denser and thinner places
    bone = (1.0 if b.coarse else PELVIS_LEFT) * body.pelvis_mass / (BONE_HU / 1000.0)
    b.blobs.append((body.pelvis_mean, body.pelvis_cov, np.column_stack([-bone, bone])))
    if b.coarse:
        return
    for k in pelvis.bones(body):
        b.add(k.outer, 1.0 - k.cortex - MUSCLE, k.cortex)
        b.add(k.inner, k.cortex - k.marrow, k.marrow - k.cortex)
    for r in body.ribs:
        o, i = rib(r)
        b.add_bone(o, i, CAVITY, cortex=0.95)


def _grid(low: Floats, high: Floats, spacing: float) -> tuple[Floats, tuple[int, int, int]]:
    n = np.ceil((np.asarray(high) - low) / spacing).astype(int) + 1
    axes = [low[k] + spacing * np.arange(n[k]) for k in range(3)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3)
    return points, (int(n[0]), int(n[1]), int(n[2]))


def _surface(organ: Organ) -> tuple[Floats, Floats]:
    return organ.center, organ.coefficients


def _lung_base(body: Body) -> Floats:
    """The diaphragm's height (X, Y) mm without holes: gaps take the mean of filled neighbors, then smoothed."""
    h = body.lung_base.copy()
    while np.isnan(h).any():
        p = np.pad(h, 1, constant_values=np.nan)
        near = np.stack(
            [
                p[1 + i : p.shape[0] - 1 + i, 1 + j : p.shape[1] - 1 + j]
                for i in (-1, 0, 1)
                for j in (-1, 0, 1)
                if i or j
            ]
        )
        count = (~np.isnan(near)).sum(axis=0)
        mean = np.where(count > 0, np.nansum(near, axis=0) / np.maximum(count, 1), np.nan)
        h = np.where(np.isnan(h), mean, h)
    low = h < 80.0
    p = np.pad(h, 1, mode="edge")
    near = np.stack([p[1 + i : p.shape[0] - 1 + i, 1 + j : p.shape[1] - 1 + j] for i in (-1, 0, 1) for j in (-1, 0, 1)])
    weight = np.array([1, 2, 1, 2, 4, 2, 1, 2, 1.0])[:, None, None] * (near < 80.0)
    smooth = (near * weight).sum(axis=0) / np.maximum(weight.sum(axis=0), 1e-9)
    return _onto_liver(body, np.where(low, smooth, h))


def _onto_liver(body: Body, base: Floats) -> Floats:
    """Lets the lung reach down to the diaphragm on the liver, where the coarse grid leaves a gap above it."""
    x, y = np.meshgrid(body.lung_base_x, body.lung_base_y, indexing="ij")
    top = np.full(base.shape, -np.inf)
    for z in np.arange(-20.0, 90.0, 1.5):
        inside = depth(load_liver().surfaces, np.column_stack([x.ravel(), y.ravel(), np.full(x.size, z)])) > 0.0
        top[inside.reshape(top.shape)] = z
    out: Floats = np.where(base - top < LIVER_GAP_MM, np.minimum(base, top + DIAPHRAGM_MM), base)
    return out


def _bilinear(x: Floats, y: Floats, table: Floats, p: Floats) -> Floats:
    u = np.clip((p[:, 0] - x[0]) / (x[1] - x[0]), 0, len(x) - 1.001)
    v = np.clip((p[:, 1] - y[0]) / (y[1] - y[0]), 0, len(y) - 1.001)
    i, j = u.astype(int), v.astype(int)
    f, g = u - i, v - j
    out: Floats = (
        table[i, j] * (1 - f) * (1 - g)
        + table[i + 1, j] * f * (1 - g)
        + table[i, j + 1] * (1 - f) * g
        + table[i + 1, j + 1] * f * g
    )
    return out


def lung_depth(body: Body, side: str, points: Floats) -> Floats:
    """Depth (N,) mm of points (N, 3) inside a lung: above the diaphragm, beside heart and liver."""
    inside = depth((_surface(body.organs[f"lung_{side}"]),), points)
    base = _bilinear(body.lung_base_x, body.lung_base_y, _lung_base(body), points)
    heart = depth((_surface(body.organs["heart"]),), points)
    liver = depth(load_liver().surfaces, points)
    # The recess thins out to a ragged edge instead of ending as a bowl.
    bottom = -38.0 if side == "right" else -11.0
    x, y, z = points.T
    ragged = 2.2 * np.sin(0.11 * x + 1.0) * np.sin(0.13 * y) + 1.4 * np.sin(0.31 * x + 0.17 * y)
    thin = 11.0 * np.exp(-np.maximum(z - bottom + ragged, 0.0) / 22.0)
    # In front the lung ends as a wedge between chest wall and diaphragm, not as a step.
    thin += 16.0 * np.clip((-y - 15.0) / 30.0, 0.0, 1.0) * np.exp(-np.maximum(z - base, 0.0) / 20.0)
    out: Floats = np.minimum.reduce([inside - thin, 0.8 * (z - base - ragged), -heart - 1.0, -liver - 3.0 - 0.5 * thin])
    return out


def _lung(body: Body, side: str, spacing: float) -> tuple[Mesh, Floats]:
    o = body.organs[f"lung_{side}"]
    low = o.center + np.array([-95.0, -120.0, -170.0])
    high = o.center + np.array([95.0, 110.0, 140.0])
    points, shape = _grid(low, high, spacing)
    value = lung_depth(body, side, points)
    box = (points > low + 2).all(axis=1) & (points < high - 2).all(axis=1)
    mesh = isosurface(np.where(box, value, -1.0).reshape(shape), low, spacing)
    deep = points[value > 6.0]
    return mesh, deep


def _lung_vessels(b: _Builder, root: Floats, deep: Floats, rng: np.random.Generator) -> None:
    """Pulmonary vessels: bent, tapering tubes from the root to points spread through the lung."""
    for k in range(80):
        end = deep[rng.integers(len(deep))]
        start = root + rng.normal(0, 5.0, 3)
        length = float(np.linalg.norm(end - start))
        if length < 30.0:
            continue
        begin = 0.05 if k < 14 else rng.uniform(0.25, 0.6)
        bend = rng.normal(0, 0.09 * length, 3)
        t = np.linspace(begin, 1.0, 7)[:, None]
        path = start + t * (end - start) + np.sin(np.pi * t) * bend
        wide = (3.4 if k < 14 else 2.2) * (1 - 0.75 * np.linspace(0, 1, 7))
        b.add(tube(path, wide, wide, np.array([0.3, 0.2, 0.93]), around=6), 1.0 - LUNG)


def _organs(b: _Builder, body: Body, rng: np.random.Generator) -> None:
    spacing = 17.0 if b.coarse else 4.5
    points, shape = _grid(np.array([-160.0, -120.0, -92.0]), np.array([86.0, 64.0, 86.0]), spacing)
    value = depth(load_liver().surfaces, points).reshape(shape)
    b.add(isosurface(value, points[0], spacing), LIVER - CAVITY)
    for name, density in (
        ("spleen", SPLEEN),
        ("kidney_right", KIDNEY),
        ("kidney_left", KIDNEY),
        ("heart", HEART),
        ("stomach", STOMACH),
    ):
        o = body.organs[name]
        m = harmonic(o.center, o.coefficients, 18 if b.coarse else 64)
        b.add(outward(Mesh(o.place(m.vertices), m.faces)), density - CAVITY)
    for side in ("right", "left"):
        mesh, deep = _lung(body, side, 22.0 if b.coarse else 5.0)
        b.add(mesh, LUNG - CAVITY)
        if b.coarse:
            continue
        inward = 1.0 if side == "right" else -1.0
        root = body.organs[f"lung_{side}"].center + np.array([inward * 36.0, 12.0, -5.0])
        _lung_vessels(b, root, deep, rng)


def _noise(shape: tuple[int, ...], step: float, rng: np.random.Generator) -> Floats:
    """Smooth noise on a grid, (shape), about normal; it changes over `step` grid points."""
    knots = rng.standard_normal([int(np.ceil(n / step)) + 2 for n in shape])
    out: Floats = knots
    for axis, n in enumerate(shape):
        at = np.arange(n) / step
        i = at.astype(int)
        f = (at - i) ** 2 * (3.0 - 2.0 * (at - i))
        f = f.reshape([-1 if k == axis else 1 for k in range(3)])
        out = (1.0 - f) * np.take(out, i, axis) + f * np.take(out, i + 1, axis)
    return out


def _gas(b: _Builder, body: Body, rng: np.random.Generator) -> None:
    """Bowel gas: the measured lobes melted into runs with haustral folds and ragged walls, on a grid."""
    spacing = 10.5 if b.coarse else 2.6
    lobes = [g for g in body.gas if g[2].min() > LEAST_GAS_MM]
    centers = np.array([c for c, _, _ in lobes])
    low, high = centers.min(axis=0) - 24.0, centers.max(axis=0) + 24.0
    n = np.ceil((high - low) / spacing).astype(int) + 1
    field = np.zeros(tuple(n))
    for center, axes, semi in lobes:
        a = np.maximum(((center - 2.2 * semi.max() - low) / spacing).astype(int), 0)
        z = np.minimum(((center + 2.2 * semi.max() - low) / spacing).astype(int) + 1, n)
        g = np.stack(
            np.meshgrid(*(low[k] + spacing * np.arange(a[k], z[k]) - center[k] for k in range(3)), indexing="ij"), -1
        )
        q = (((g @ axes.T) / semi) ** 2).sum(axis=-1)
        fold = 1.0 + 0.3 * np.sin(g @ axes[0] * (2.0 * np.pi / FOLD_MM) + rng.uniform(0, 6.0))
        field[a[0] : z[0], a[1] : z[1], a[2] : z[2]] += np.exp(np.clip(2.2 * (1.0 - q * fold), -20.0, 3.0))
    value = np.log(field + 1e-6)
    if not b.coarse:
        value += 0.55 * _noise(field.shape, 14.0 / spacing, rng) + 0.3 * _noise(field.shape, 6.0 / spacing, rng)
    border = np.zeros_like(field, dtype=bool)
    border[1:-1, 1:-1, 1:-1] = True
    b.add(isosurface(np.where(border, value, -1.0), low, spacing), AIR - CAVITY)


def _spongy(b: _Builder, body: Body, rng: np.random.Generator) -> None:
    """Mottled marrow of the vertebral bodies: small Gaussians of more and less bone."""
    for v in body.vertebrae:
        n = 46
        box = 0.42 * np.array([v.waist[0], v.waist[1], v.heights[1]])
        mean = v.center + rng.uniform(-1, 1, (n, 3)) * box @ v.axes
        sigma = rng.uniform(1.3, 3.4, n)
        s2 = sigma**2
        zero = np.zeros(n)
        cov = np.column_stack([s2, zero, zero, s2, zero, s2 * 1.8])
        bone = rng.normal(0, 0.045, n) * (2 * np.pi) ** 1.5 * sigma**3 * 1.34
        b.blobs.append((mean, cov, np.column_stack([-bone, bone])))


def _texture(b: _Builder, body: Body, rng: np.random.Generator, count: int, moving: bool) -> None:
    """Fat lobules, bowel loops and folds as Gaussians of power-law size: projections near 1/f^4 (body.md 4)."""
    rings = _rings(body.inner, 72)
    z = rings[:, :, 2].mean(axis=1)
    low, high = (-120.0, 20.0) if moving else (-280.0, 120.0)
    at = rng.uniform(low, high, count)
    k = np.clip(np.searchsorted(z, at), 0, len(z) - 1)
    rim = rings[k, rng.integers(0, rings.shape[1], count)]
    middle = rings[k].mean(axis=1)
    share = (np.sqrt(rng.uniform(0, 0.8, count)) if moving else rng.uniform(0.8, 1.08, count))[:, None]
    mean = middle + share * (rim - middle)
    mean[:, 2] = at
    sigma = 2.2 * (18.0 / 2.2) ** (rng.uniform(0, 1, count) ** 1.6)
    stretch = np.exp(rng.normal(0, 0.35, (count, 3)))
    s2 = (sigma[:, None] * stretch) ** 2
    tilt = rng.normal(0, 0.25, (count, 3)) * s2.min(axis=1, keepdims=True)
    cov = np.column_stack([s2[:, 0], tilt[:, 0], tilt[:, 1], s2[:, 1], tilt[:, 2], s2[:, 2]])
    amount = rng.normal(0, 0.11, count) * np.sqrt(2 * np.pi) ** 3 * np.sqrt(s2.prod(axis=1))
    b.blobs.append((mean, cov, np.column_stack([amount, np.zeros(count)])))


def _plaques(b: _Builder, body: Body, rng: np.random.Generator) -> None:
    """Calcified plaques of the aorta's wall: thin arcs, a few or none."""
    a = body.aorta
    for _ in range(int(rng.poisson(PLAQUES))):
        at, turn = a[rng.integers(len(a) // 3, len(a))], rng.uniform(0.0, 2.0 * np.pi)
        angle = turn + np.linspace(0.0, rng.uniform(0.3, 0.9), 5)
        r = at[3] - 0.4
        arc = at[:3] + np.column_stack([r * np.cos(angle), r * np.sin(angle), 2.0 * np.linspace(0, 1, 5)])
        b.add(tube(arc, np.full(5, 1.6), np.full(5, 0.45), np.array([0.0, 0.0, 1.0]), around=8), 0.0, 0.5)


def _clips(b: _Builder, count: int, rng: np.random.Generator) -> None:
    """Titanium clips of a gallbladder that was taken out."""
    for _ in range(count):
        middle = GALLBLADDER_BED + rng.normal(0.0, 5.0, 3)
        way = rng.normal(0.0, 1.0, 3)
        way *= 4.0 / np.linalg.norm(way)
        side = np.cross(way, rng.normal(0.0, 1.0, 3))
        side *= 0.6 / np.linalg.norm(side)
        for s in (-1.0, 1.0):
            leg = np.linspace(middle - way + s * side, middle + way + s * side, 4)
            b.add(tube(leg, np.full(4, 0.5), np.full(4, 0.5), side, around=8), TITANIUM - CAVITY)


@lru_cache(maxsize=4)
def build_scene(size: float = 1.0, seed: int = 1, coarse: bool = False, clips: int = 0) -> tuple[Layer, ...]:
    """The layers STATIC, MOVING, GAS of a body of relative girth `size` (1 = as measured), drawn by its seed."""
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(77,)))
    body = varied(load_body(), np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(76,))))
    static, moving, gas = (_Builder(coarse) for _ in range(3))
    _wall(static, body, size)
    _muscles(static, body)
    _bones(static, body)
    a = body.aorta
    static.add(tube(a[:, :3], a[:, 3], a[:, 3], np.array([1.0, 0, 0]), around=8 if coarse else 24), BLOOD - CAVITY)
    _organs(moving, body, rng)
    if not coarse:
        _spongy(static, body, rng)
        _texture(static, body, rng, 220, moving=False)
        _texture(moving, body, rng, 380, moving=True)
        _plaques(static, body, rng)
        _clips(moving, clips, rng)
    _gas(gas, body, rng)
    moves = moving.layer()
    if not coarse:
        moves = replace(moves, swing=swing(body, moves.vertices))
    return static.layer(), moves, gas.layer()

