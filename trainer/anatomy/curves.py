"""Smooth centerlines through way-points."""

from __future__ import annotations

import math

import numpy as np

from trainer.anatomy.types import Floats


def unit(v: Floats) -> Floats:
    """v (3,) scaled to length 1; zero stays zero."""
    length = math.sqrt(float(v @ v))
    return v / length if length > 0.0 else v


def arc_length(points: Floats) -> Floats:
    """Arc length (N,) mm at each of points (N, 3) mm, from 0."""
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    return np.concatenate([[0.0], np.cumsum(steps)])


def tangents(points: Floats) -> Floats:
    """Unit tangents (N, 3) of a polyline (N, 3): central differences, one-sided at the ends."""
    t = np.gradient(points, axis=0)
    lengths = np.linalg.norm(t, axis=1)
    return t / np.where(lengths > 0.0, lengths, 1.0)[:, None]


def smooth(waypoints: Floats, spacing: float, start: Floats | None = None) -> tuple[Floats, list[int]]:
    """Centripetal Catmull-Rom curve through way-points (W, 3) mm, sampled no farther apart than `spacing` mm.

    start: unit direction (3,) at the first point; without it, the curve bends as the next points ask.
    Returns points (N, 3) and the index of each way-point among them.
    Source: Catmull & Rom 1974; centripetal knots (exponent 1/2), Yuksel et al. 2011.
    """
    w = np.asarray(waypoints, dtype=np.float64)
    chords = np.linalg.norm(np.diff(w, axis=0), axis=1)
    knots = np.concatenate([[0.0], np.cumsum(np.sqrt(chords))])
    slope = np.diff(w, axis=0) / np.diff(knots)[:, None]
    m = np.empty_like(w)
    for i in range(1, len(w) - 1):
        h0, h1 = knots[i] - knots[i - 1], knots[i + 1] - knots[i]
        m[i] = (h1 * slope[i - 1] + h0 * slope[i]) / (h0 + h1)
    m[0] = slope[0] if len(w) == 2 else 1.5 * slope[0] - 0.5 * m[1]
    m[-1] = slope[-1] if len(w) == 2 else 1.5 * slope[-1] - 0.5 * m[-2]
    if start is not None:
        m[0] = start * np.linalg.norm(slope[0])
        if len(w) == 2:
            m[1] = 1.5 * slope[0] - 0.5 * m[0]
    points, index = [w[0]], [0]
    for i in range(len(w) - 1):
        h = knots[i + 1] - knots[i]
        bow = chords[i] * (1.0 + 0.3 * abs(1.0 - float(unit(m[i]) @ unit(m[i + 1]))))
        n = max(1, math.ceil(1.15 * bow / spacing))
        u = (np.arange(1, n + 1) / n)[:, None]
        a, b = 2 * u**3 - 3 * u**2 + 1, u**3 - 2 * u**2 + u
        points.extend(a * w[i] + b * h * m[i] + (1 - a) * w[i + 1] + (u**3 - u**2) * h * m[i + 1])
        index.append(index[-1] + n)
    return np.array(points), index


def smoothstep(u: Floats) -> Floats:
    """3 u^2 - 2 u^3 of values clipped to 0..1."""
    c = np.clip(u, 0.0, 1.0)
    return c * c * (3.0 - 2.0 * c)
