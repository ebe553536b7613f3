"""The picture of the stack that other layers see."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from trainer.frame import read_only
from trainer.instruments.mesh import resample
from trainer.instruments.types import Sealing, Shapes, TipPose
from trainer.instruments.wall import place

if TYPE_CHECKING:
    from trainer.instruments.stack import Stack

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TIP_STEP_MM = 0.5


def empty_shapes(slots: tuple[str, ...], ids: tuple[str, ...], tips: Floats, radii: Floats, mouth: Floats,
                 direction: Floats) -> Shapes:
    """Shapes while no device is past the sheath mouth: one node at the mouth, or none without devices."""
    count = 1 if slots else 0
    return Shapes(
        slots=slots, devices=ids, nodes=read_only(np.repeat(mouth[None], count, axis=0)),
        s=read_only(np.zeros(count)), radius=read_only(np.full(count, radii[0] if count else 0.0)),
        vessel=read_only(np.full(count, -1, np.int64)), position_mm=read_only(np.zeros(count)),
        wall_force=read_only(np.zeros(count)), device_end=read_only(tips.astype(float)),
        tips=tuple(_outside_tip(s, mouth, direction, float(t), float(r)) for s, t, r in zip(slots, tips, radii)),
        hub_force=read_only(np.zeros(len(slots))), hub_torque=read_only(np.zeros(len(slots))),
        max_wall_force_N=0.0, max_penetration_mm=0.0, residual_N=0.0, converged=True,
        lumen_mm=read_only(np.zeros(count)),
    )


def _outside_tip(slot: str, mouth: Floats, direction: Floats, tip_mm: float, radius: float) -> TipPose:
    place = mouth + min(tip_mm, 0.0) * direction
    return TipPose(slot, read_only(place), read_only(direction.copy()), -1, 0.0, 0.0, radius)


def make_shapes(stack: Stack, slots: tuple[str, ...], ids: tuple[str, ...], tips: Floats, radii: Floats,
                force: Floats, torque: Floats, sealings: tuple[Sealing, ...] = ()) -> Shapes:
    """Shapes of a solved stack. tips (K,) insertion lengths, radii (K,), force (K,) N, torque (K,) N mm."""
    line = stack.line
    assert line is not None
    at = np.concatenate([tips, tips - TIP_STEP_MM])
    order = np.argsort(at, kind="stable")
    found = np.empty((len(at), 3))
    resample(line.s, line.x, at[order], found)
    points = np.empty_like(found)
    points[order] = found
    ends, before = points[: len(tips)], points[len(tips) :]
    guess = line.home[np.clip(np.searchsorted(line.s, tips), 0, len(line.s) - 1)].copy()
    every = np.concatenate([line.x[1:], ends])
    home = np.concatenate([line.home[1:], guess])
    vessel, arc, radius = np.empty(len(every), np.int64), np.empty(len(every)), np.empty(len(every))
    lumen = stack.lumen
    place(lumen.wall, lumen.arc, lumen.first, lumen.near, every, home, len(line.s) - 1, vessel, arc, radius)
    n = len(line.s) - 1
    poses = []
    for k, slot in enumerate(slots):
        if tips[k] <= 0.0:
            poses.append(_outside_tip(slot, stack.mouth, stack.direction, float(tips[k]), float(radii[k])))
            continue
        direction = ends[k] - before[k]
        poses.append(TipPose(slot, read_only(ends[k].copy()), read_only(direction / np.linalg.norm(direction)),
                             int(vessel[n + k]), float(arc[n + k]), float(radius[n + k]), float(radii[k])))
    cell = np.zeros(n)
    cell[:-1] += 0.5 * np.diff(line.s[1:])
    cell[1:] += 0.5 * np.diff(line.s[1:])
    return Shapes(
        slots=slots, devices=ids, nodes=read_only(line.x[1:].copy()), s=read_only(line.s[1:].copy()),
        radius=read_only(line.radius[1:].copy()), vessel=read_only(vessel[:n]), position_mm=read_only(arc[:n]),
        wall_force=read_only(line.pressing[1:].copy()), device_end=read_only(tips.astype(float)),
        tips=tuple(poses), hub_force=read_only(force), hub_torque=read_only(torque),
        max_wall_force_N=float((line.pressing[1:] * cell).max()), max_penetration_mm=line.penetration_mm,
        residual_N=line.residual_N, converged=line.converged, sealings=sealings,
        lumen_mm=read_only(radius[:n].copy()),
    )
