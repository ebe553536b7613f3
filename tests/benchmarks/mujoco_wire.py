"""CathSim's guidewire as a MuJoCo model, written anew from its published parameters, in a tube of convex pieces.

Parameters: airvlab/cathsim, src/cathsim/dm/config/guidewire.yaml, tip.yaml, phantom.yaml, env.yaml and
components/guidewire.py: capsules of 0.5 mm radius every 2 mm, 80 shaft and 3 tip bodies, two hinges each
(stiffness 20 N m/rad, 0.995 of it from body to body, armature 0.05 kg m2; tip 1 N m/rad, damping 0.5, bent by
60 degrees together), a slide and a hinge at the base, frictionless contact (condim 1), 4 ms steps, implicitfast,
Newton's solver, pyramidal cone, blood of 1055 kg/m3. Its vessel phantom is 1761 static convex hulls.

Different here: the vessel is our own centerline with rings of eight flat pieces, 8 mm thick. The wire starts inside,
along the vessel, with its springs at rest there: with straight springs (EI is 40 000 N mm2, eight times the stiffest
guidewire on sale) the published contact lets it through the wall within 0.1 s. It only slides: a chain without
twist, turned at its base as a whole, leaves a bent vessel in the same way. Wire and wire do not collide. All of
this makes MuJoCo's task easier.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

HULLS, PER_RING = 1761, 8
OFFSET_M, RADIUS_M, HALF_M = 2e-3, 5e-4, 7.5e-4
SHAFT, TIP = 80, 3
STEP_S = 0.004
HALF_WALL_M = 4e-3
MARGIN_M = 4e-3
"""Distance from which the published phantom pushes: more than the whole vessel is wide."""


@dataclass(frozen=True, slots=True)
class Cost:
    """One run. Times are CPU time of this thread."""

    ms_per_step: float
    cpu_per_simulated: float
    contacts: float  # mean per step
    finite: bool
    outside_mm: float  # how far a body's middle got past the vessel's radius, at most


def _along(points: Floats, at: Floats) -> Floats:
    arc = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    return np.stack([np.interp(at, arc, points[:, c]) for c in range(3)], axis=1)


def _length(points: Floats) -> float:
    return float(np.linalg.norm(np.diff(points, axis=0), axis=1).sum())


def _text(values: Floats) -> str:
    return " ".join(f"{v:.9g}" for v in np.ravel(values))


def tube(points: Floats, radius_m: Floats, hulls: int, mesh: bool, margin_m: float) -> tuple[str, str]:
    """Assets and geoms of `hulls` flat pieces around points (n, 3) m. mesh: each piece is a hull of its own eight
    corners, as the phantom's pieces are hulls, and not a box, for which MuJoCo has a faster test."""
    rings = max(1, (hulls - 1) // PER_RING)
    edge = np.linspace(0.0, _length(points), rings + 1)
    ends, middle = _along(points, edge), 0.5 * (edge[1:] + edge[:-1])
    arc = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    size = np.interp(middle, arc, radius_m)
    assets, geoms = [], []
    side = np.array([0.0, 1.0, 0.0])

    def piece(at: Floats, x: Floats, y: Floats, half: Floats) -> None:
        shape = f'type="box" size="{_text(half)}"'
        if mesh:
            name = f"hull{len(geoms)}"
            corners = np.array([[a, b, c] for a in (-1, 1) for b in (-1, 1) for c in (-1, 1)]) * half
            assets.append(f'<mesh name="{name}" vertex="{_text(corners)}"/>')
            shape = f'type="mesh" mesh="{name}"'
        geoms.append(f'<geom class="vessel" {shape} pos="{_text(at)}" xyaxes="{_text(x)} {_text(y)}" '
                     f'margin="{margin_m}"/>')

    for k in range(rings):
        d = ends[k + 1] - ends[k]
        half = 0.5 * float(np.linalg.norm(d))
        d /= 2.0 * half
        side = side - (side @ d) * d
        side /= np.linalg.norm(side)
        for q in range(PER_RING):
            turn = 2.0 * math.pi * q / PER_RING
            out = math.cos(turn) * side + math.sin(turn) * np.cross(d, side)
            wide = (size[k] + 2 * HALF_WALL_M) * math.tan(math.pi / PER_RING)
            piece(0.5 * (ends[k] + ends[k + 1]) + (size[k] + HALF_WALL_M) * out, d, np.cross(out, d),
                  np.array([1.1 * half, wide, HALF_WALL_M]))
    d = ends[-1] - ends[-2]
    d /= np.linalg.norm(d)
    piece(ends[-1] + HALF_WALL_M * d, side, np.cross(d, side), np.array([size[-1], size[-1], HALF_WALL_M]))
    return "".join(assets), "".join(geoms)


def wire(spec: mujoco.MjSpec, direction: Floats, mouth: Floats, shaft: int) -> None:
    """Adds the chain, its base at `mouth` (3,) m along `direction` (3,). Not as text: XML may not nest 600 deep."""
    turn = np.cross(direction, np.eye(3)[int(np.argmin(np.abs(direction)))])
    turn /= np.linalg.norm(turn)
    kinds = {name: spec.find_default(name) for name in ("wire", "tip")}
    body, hinge = spec.worldbody, mujoco.mjtJoint.mjJNT_HINGE

    def joint(name: str, kind: mujoco.mjtJoint, axis: tuple[int, int, int], **values: float) -> None:
        made = body.add_joint(kinds[name], type=kind, axis=axis)
        for key, value in values.items():
            setattr(made, key, value if np.ndim(getattr(made, key)) == 0 else [value, 0.0, 0.0])

    stiff = 20.0
    for n in range(shaft + TIP):
        body = body.add_body(name=f"w{n}", pos=mouth if n == 0 else [0.0, 0.0, OFFSET_M])
        body.add_geom(kinds["wire"])
        if n == 0:
            rows = np.array([turn, np.cross(direction, turn), direction])
            quat = np.empty(4)
            mujoco.mju_mat2Quat(quat, rows.T.ravel())
            body.quat = quat
            for name, kind in (("slider", mujoco.mjtJoint.mjJNT_SLIDE), ("rotator", hinge)):
                base = body.add_joint(name=name, type=kind, axis=[0, 0, 1])
                base.damping = 2.0 if np.ndim(base.damping) == 0 else [2.0, 0.0, 0.0]
        elif n < shaft:
            joint("wire", hinge, (1, 0, 0), stiffness=stiff)
            joint("wire", hinge, (0, 1, 0), stiffness=stiff)
            stiff *= 0.995
        else:
            joint("tip", hinge, (0, 0, 1) if n == shaft else (1, 0, 0))
            joint("tip", hinge, (0, 1, 0))
    for name, gain in (("slider", 5.0), ("rotator", 40.0)):
        act = spec.add_actuator(name=name, target=name, trntype=mujoco.mjtTrn.mjTRN_JOINT)
        act.gainprm[0] = gain
        if name == "slider":  # velocity servo
            act.biastype, act.biasprm[2] = mujoco.mjtBias.mjBIAS_AFFINE, -gain
            act.ctrllimited, act.ctrlrange, act.forcelimited, act.forcerange = 1, [-1, 1], 1, [-300, 300]


def model(points: Floats, radius_m: Floats, shaft: int = SHAFT, hulls: int = HULLS, mesh: bool = True,
          margin_m: float = MARGIN_M, blood: bool = True) -> mujoco.MjModel:
    """The compiled model. points (n, 3) m, radius (n,) m of the vessel. blood: drag of the blood on every body."""
    fluid = 'density="1055" viscosity="0.004"' if blood else ""
    assets, geoms = tube(points, radius_m, hulls, mesh, margin_m)
    direction = points[1] - points[0]
    hinge = f'type="hinge" pos="0 0 {-0.5 * OFFSET_M}" armature="0.05"'
    spec = mujoco.MjSpec.from_string(f"""
<mujoco><compiler autolimits="true" angle="radian"/>
<option timestep="{STEP_S}" gravity="0 0 -9.81" {fluid} integrator="implicitfast"
 cone="pyramidal" jacobian="sparse" solver="Newton"/>
<size memory="1G"/>
<default>
<default class="wire"><geom type="capsule" size="{RADIUS_M} {HALF_M}" density="672" condim="1" friction="0.1"
 fluidshape="ellipsoid" contype="1" conaffinity="2"/><joint {hinge}/></default>
<default class="tip"><joint {hinge} stiffness="1" damping="0.5" springref="{math.pi / 3 / TIP:.9g}"/></default>
<default class="vessel"><geom condim="1" friction="1" contype="2" conaffinity="1"/></default>
</default>
<asset>{assets}</asset><worldbody>{geoms}</worldbody></mujoco>""")
    wire(spec, direction / np.linalg.norm(direction), points[0], shaft)
    return spec.compile()


def lay(data: mujoco.MjData, start: Floats, points: Floats, bodies: int) -> None:
    """Bends the chain so that it follows points (n, 3) m. start (3, 3): axes of its base, in columns."""
    corner = _along(points, OFFSET_M * (np.arange(bodies + 1) - 0.5).clip(0.0))
    axes = start
    for n in range(1, bodies):
        d = axes.T @ (corner[n + 1] - corner[n])
        d /= np.linalg.norm(d)
        a, b = math.atan2(-d[1], d[2]), math.asin(float(d[0]))
        if n == bodies - TIP:  # the first hinge of the tip turns about the wire
            a, b = math.atan2(d[1], d[0]), math.atan2(math.hypot(d[0], d[1]), d[2])
        data.qpos[2 * n], data.qpos[2 * n + 1] = a, b
        first = np.array([[math.cos(a), -math.sin(a), 0], [math.sin(a), math.cos(a), 0], [0, 0, 1.0]])
        if n != bodies - TIP:
            first = np.array([[1.0, 0, 0], [0, math.cos(a), -math.sin(a)], [0, math.sin(a), math.cos(a)]])
        axes = axes @ first @ np.array([[math.cos(b), 0, math.sin(b)], [0, 1.0, 0], [-math.sin(b), 0, math.cos(b)]])


def run(points_mm: Floats, radius_mm: Floats, steps: int, shaft: int = SHAFT, hulls: int = HULLS,
        mesh: bool = True, margin_m: float = MARGIN_M, blood: bool = True) -> Cost:
    """Slides the wire to and fro along the vessel, points (n, 3) and radius (n,) mm; what that cost."""
    points, radius = points_mm / 1000.0, radius_mm / 1000.0
    made = model(points, radius, shaft, hulls, mesh, margin_m, blood)
    data = mujoco.MjData(made)
    mujoco.mj_forward(made, data)
    lay(data, data.xmat[mujoco.mj_name2id(made, mujoco.mjtObj.mjOBJ_BODY, "w0")].reshape(3, 3).copy(), points,
        shaft + TIP)
    made.qpos_spring[2:] = data.qpos[2:]
    mujoco.mj_step(made, data)
    cost, contacts, outside, finite = [], [], 0.0, True
    at = np.arange(0.0, _length(points), 1e-3)
    fine, arc = _along(points, at), np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    room = np.interp(at, arc, radius)
    for step in range(steps):
        data.ctrl[0] = 0.05 if step % 50 < 25 else -0.05  # m/s
        begin = time.thread_time()
        mujoco.mj_step(made, data)
        cost.append(time.thread_time() - begin)
        contacts.append(data.ncon)
        finite = finite and bool(np.isfinite(data.qpos).all())
        finite = finite and not data.warning[mujoco.mjtWarning.mjWARN_BADQACC].number
        if step % 10 == 9 or step == steps - 1:
            d = np.linalg.norm(data.xpos[1:, None] - fine, axis=2) - room
            outside = max(outside, 1e3 * float(d.min(1).max()))
    mean = float(np.mean(cost))
    return Cost(1e3 * mean, mean / STEP_S, float(np.mean(contacts)), finite, outside)
