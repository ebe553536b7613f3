"""Kinks: where a device is bent or twisted too sharply for too long, and what it is like afterwards.

Only what a device is bent beyond its made shape counts, as a mean over `window_mm`. Bend and twist are taken as
shares of their limits; a device kinks where the sum of their squares passes 1 for `lasting_s`. Other devices at
the same place support it: its limit curvature is 1/radius * (1 + support * their stiffness / its own).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from trainer.instruments.mishap_rules import KinkRules
from trainer.instruments.profile import TABLE_MM, Profile, read
from trainer.instruments.stack import Line

Floats = NDArray[np.float64]
GRID_MM = 1.0
LEAST_MM = 12.0
"""A centerline shorter than this is not looked at."""


class Part(NamedTuple):
    """One device as kinks see it."""

    slot: str
    profile: Profile
    tip_mm: float
    radius_mm: float
    """Smallest bend radius."""
    kinks: tuple[float, ...]
    """Distances from the tip of the kinks that it has."""


@dataclass(slots=True)
class Strain:
    """How near a device is to kinking: sum of squared shares, where (mm from the tip), centerline place s, mm."""

    share: float
    from_tip_mm: float
    s_mm: float


@dataclass(slots=True)
class Kinks:
    """Watches the stack. `look` gives the slots that kinked in this step, with the place."""

    rules: KinkRules
    _over: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Seconds over the limit and distance from the tip, by slot."""

    def look(self, line: Line, parts: list[Part], dt_s: float) -> list[tuple[str, Strain]]:
        out = []
        strains = strain(line, parts, self.rules)
        for part in parts:
            found = strains.get(part.slot)
            if found is None or found.share <= 1.0:
                self._over.pop(part.slot, None)
                continue
            lasted, at = self._over.get(part.slot, (0.0, found.from_tip_mm))
            lasted = lasted + dt_s if abs(at - found.from_tip_mm) <= self.rules.window_mm else dt_s
            self._over[part.slot] = lasted, found.from_tip_mm
            if lasted >= self.rules.lasting_s - 1e-9:
                del self._over[part.slot]
                out.append((part.slot, found))
        return out


def strain(line: Line, parts: list[Part], rules: KinkRules) -> Mapping[str, Strain]:
    """The most strained place of each device in the vessels; devices that are nowhere near a kink are left out."""
    if line.s[-1] < LEAST_MM or not parts:
        return {}
    sharpest = float(line.curvature.max())
    if sharpest < rules.least_bend / max(p.radius_mm for p in parts):
        return {}
    half = 0.5 * rules.window_mm
    turned = np.concatenate([[0.0], np.cumsum(0.5 * (line.curvature[1:] + line.curvature[:-1]) * np.diff(line.s))])
    s = np.arange(half + 0.5, line.s[-1] - half, GRID_MM)
    mean = (np.interp(s + half, line.s, turned) - np.interp(s - half, line.s, turned)) / rules.window_mm
    near = mean >= rules.least_bend / max(p.radius_mm for p in parts)  # elsewhere no device can be near its limit
    s, mean = s[near], mean[near]
    if not len(s):
        return {}
    stiff = np.zeros((len(parts), len(s)))
    for k, p in enumerate(parts):
        _stiffness(s, p.tip_mm, p.profile.bend, stiff[k])
    every = stiff.sum(axis=0)
    middle = 0.5 * (line.s[1:] + line.s[:-1])
    out = {}
    for k, p in enumerate(parts):
        theta = line.theta.get(p.slot)
        if p.tip_mm - s[0] <= half or theta is None or sharpest < rules.least_bend / p.radius_mm:
            continue
        d = p.tip_mm - s
        twist = np.interp(s, 0.5 * (middle[1:] + middle[:-1]), np.diff(theta) / np.diff(middle))
        support = 1.0 + rules.support * (every - stiff[k]) / np.maximum(stiff[k], 1e-9)
        share = np.zeros(len(s))
        _shares(d, mean, support / p.radius_mm, twist / rules.twist_rad_mm, p.profile.turn1, p.profile.turn2,
                rules.window_mm, rules.least_bend, share)
        for old in p.kinks:
            share[np.abs(d - old) < rules.apart_mm] = 0.0
        i = int(share.argmax())
        out[p.slot] = Strain(float(share[i]), float(d[i]), float(s[i]))
    return out


def kinked(profile: Profile, from_tip_mm: float, rules: KinkRules) -> Profile:
    """The device with less bending stiffness about a place: a cosine dip of `length_mm`."""
    d = np.arange(len(profile.bend)) * TABLE_MM
    away = np.minimum(np.abs(d - from_tip_mm) / (0.5 * rules.length_mm), 1.0)
    dip = 1.0 - (1.0 - rules.stiffness_left) * 0.5 * (1.0 + np.cos(np.pi * away))
    return profile._replace(bend=profile.bend * dip)


def set_bend(profile: Profile, from_tip_mm: float, bend: Floats, length_mm: float) -> Profile:
    """The device with a permanent bend, (2,) rad about its first and second director, spread over a length."""
    d = np.arange(len(profile.turn1)) * TABLE_MM
    done = np.clip((d - from_tip_mm) / length_mm + 0.5, 0.0, 1.0)
    return profile._replace(turn1=profile.turn1 + bend[0] * done, turn2=profile.turn2 + bend[1] * done)


def bend_at(line: Line, first_director: Floats, slot: str, s_mm: float, window_mm: float) -> Floats:
    """Bend (2,), rad, of the centerline over a window about s, about the first and second director of a device."""
    edges = np.diff(line.x, axis=0)
    t = edges / np.linalg.norm(edges, axis=1)[:, None]
    theta = line.theta[slot]
    u, out = first_director, np.zeros(2)
    for j in range(1, len(t)):
        binormal = 2.0 * np.cross(t[j - 1], t[j]) / (1.0 + float(t[j - 1] @ t[j]))
        before = u
        u = _transport(t[j - 1], t[j], u)
        if abs(line.s[j] - s_mm) > 0.5 * window_mm:
            continue
        for edge, v, angle in ((j - 1, before, theta[j - 1]), (j, u, theta[j])):
            w = np.cross(t[edge], v)
            d1 = np.cos(angle) * v + np.sin(angle) * w
            out += 0.5 * np.array([binormal @ d1, binormal @ np.cross(t[edge], d1)])
    return out


def _transport(a: Floats, b: Floats, v: Floats) -> Floats:
    """v carried from tangent a to tangent b without twist."""
    axis, cosine = np.cross(a, b), float(a @ b)
    out = v * cosine + np.cross(axis, v) + axis * float(axis @ v) / (1.0 + cosine)
    out = out - b * float(out @ b)
    return np.asarray(out / np.linalg.norm(out))


@njit(cache=True, nogil=True)
def _stiffness(s: Floats, tip_mm: float, bend: Floats, out: Floats) -> None:
    """Writes the bending stiffness (n,) of a device at places s (n,), 0 beyond its tip."""
    for i in range(s.shape[0]):
        out[i] = read(bend, tip_mm - s[i]) if tip_mm >= s[i] else 0.0


@njit(cache=True, nogil=True)
def _shares(d: Floats, mean: Floats, limit: Floats, twist: Floats, turn1: Floats, turn2: Floats, window: float,
            least: float, out: Floats) -> None:
    """Writes the sum of squared shares (n,) of bend and twist at distances d (n,) from the tip: mean curvature and its
    limit, 1/mm, twist as a share of its limit. 0 where the bend is below its least share."""
    half = 0.5 * window
    for i in range(d.shape[0]):
        if d[i] <= half:
            continue
        one, two = (read(turn1, d[i] + half) - read(turn1, d[i] - half),
                    read(turn2, d[i] + half) - read(turn2, d[i] - half))
        bend = max(mean[i] - np.sqrt(one * one + two * two) / window, 0.0) / limit[i]
        if bend >= least:
            out[i] = bend * bend + twist[i] * twist[i]
