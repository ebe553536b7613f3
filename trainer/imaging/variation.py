"""Another patient's body out of the measured one: spine, ribs and gas vary with the seed.

The spreads are authored (unverified), small enough that bones stay where vessels and organs expect them.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from trainer.anatomy.body import Body, Rib, Vertebra

Floats = NDArray[np.float64]

SPINE_MM, SPINE_DEG, SPINE_SIZE = 0.6, 1.2, 0.025
"""Spread of a vertebra's place, tilt and size against its neighbors."""
CURVE_MM = 2.5
"""Spread of a lateral curve of the whole spine at its middle."""
RIB_MM = 1.6
GAS_LEFT, GAS_MM, GAS_SIZE = 0.7, 7.0, 0.16
"""Share of the measured gas that is kept, spread of its place and size."""
CLUSTER_MM = 30.0
"""Pockets of gas this near to each other move together."""


def varied(body: Body, rng: np.random.Generator) -> Body:
    """A body drawn about the measured one."""
    return replace(body, vertebrae=_spine(body.vertebrae, rng), ribs=tuple(_rib(r, rng) for r in body.ribs),
                   gas=_gas(body.gas, rng))


def _turn(rng: np.random.Generator) -> Floats:
    """A small random rotation (3, 3)."""
    v = np.radians(SPINE_DEG) * rng.standard_normal(3)
    k = np.array([[0.0, -v[2], v[1]], [v[2], 0.0, -v[0]], [-v[1], v[0], 0.0]])
    q, _ = np.linalg.qr(np.eye(3) + k)
    out: Floats = q * np.sign(np.diag(q))
    return out


def _spine(vertebrae: tuple[Vertebra, ...], rng: np.random.Generator) -> tuple[Vertebra, ...]:
    heights = [float(v.center[2]) for v in vertebrae]
    low, high = min(heights), max(heights)
    bend = CURVE_MM * rng.standard_normal()
    out = []
    for v in vertebrae:
        aside = bend * np.sin(np.pi * (v.center[2] - low) / (high - low))
        turn, scale = _turn(rng), float(1.0 + SPINE_SIZE * rng.standard_normal())
        center = v.center + np.array([aside, 0.0, 0.0]) + SPINE_MM * rng.standard_normal(3)

        def moved(p: Floats, v: Vertebra = v, turn: Floats = turn, center: Floats = center) -> Floats:
            return np.asarray(center + (p - v.center) @ turn.T)

        def sized(pair: tuple[float, float], scale: float = scale) -> tuple[float, float]:
            return scale * pair[0], scale * pair[1]

        out.append(replace(v, center=center, axes=v.axes @ turn.T, upper=sized(v.upper), waist=sized(v.waist),
                           lower=sized(v.lower), pedicles=tuple((moved(p), w, h) for p, w, h in v.pedicles),
                           spinous_tip=moved(v.spinous_tip),
                           transverse_tips=(moved(v.transverse_tips[0]), moved(v.transverse_tips[1]))))
    return tuple(out)


def _rib(r: Rib, rng: np.random.Generator) -> Rib:
    """Its head stays at the spine; toward the front it lies a little higher or lower, wider or narrower."""
    share = np.linspace(0.0, 1.0, len(r.path))[:, None]
    return replace(r, path=r.path + share * RIB_MM * rng.standard_normal(3) * np.array([0.6, 0.6, 1.6]))


def _gas(gas: tuple[tuple[Floats, Floats, Floats], ...], rng: np.random.Generator
         ) -> tuple[tuple[Floats, Floats, Floats], ...]:
    cells = {tuple(np.floor(c / CLUSTER_MM).astype(int).tolist()) for c, _, _ in gas}
    kept = {cell: (rng.random() < GAS_LEFT, GAS_MM * rng.standard_normal(3), np.exp(GAS_SIZE * rng.standard_normal()))
            for cell in sorted(cells)}
    out = []
    for center, axes, semi in gas:
        stays, shift, size = kept[tuple(np.floor(center / CLUSTER_MM).astype(int).tolist())]
        if stays:
            out.append((center + shift, axes, semi * size))
    return tuple(out) or gas[:1]
