"""A guidewire as a chain of rigid capsules in MuJoCo, from the published parameters of CathSim's wire.

mechanics.md section 1: 2 mm bodies with two hinges each, hinge stiffness 20 N m/rad, armature 0.05 kg m2, steps of
4 ms, contact without friction (condim 1), 80 bodies and 3 at the tip, a phantom of 1761 static convex hulls. Its
phantom is not published whole, so the wall here is a bent tube of as many boxes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

STEP_S = 0.004
BODIES, BODY_MM = 83, 2.0
RADIUS_MM = 0.45
STIFFNESS, ARMATURE, DAMPING = 20.0, 0.05, 0.5
RINGS, SIDES = 110, 16
TUBE_MM, BEND_MM = 3.0, 60.0


def _body(k: int) -> str:
    """Body k and all that hang on it. Lengths in m."""
    if k == BODIES:
        return ""
    length, radius = 1e-3 * BODY_MM, 1e-3 * RADIUS_MM
    hinges = "".join(
        f'<joint type="hinge" axis="{axis}" stiffness="{STIFFNESS}" armature="{ARMATURE}" damping="{DAMPING}"/>'
        for axis in ("1 0 0", "0 1 0")
    )
    return (
        f'<body pos="0 0 {length}">{hinges}'
        f'<geom type="capsule" fromto="0 0 0 0 0 {length}" size="{radius}" density="6450" condim="1"'
        f' contype="1" conaffinity="2"/>{_body(k + 1)}</body>'
    )


def _tube() -> str:
    """Static boxes around an arc that the wire is pushed into."""
    boxes = []
    for i in range(RINGS):
        angle = BODY_MM * i / BEND_MM
        middle = np.array([BEND_MM * (1 - np.cos(angle)), 0.0, BEND_MM * np.sin(angle)])
        out = np.array([-np.cos(angle), 0.0, np.sin(angle)])
        for j in range(SIDES):
            turn = 2 * np.pi * j / SIDES
            normal = np.cos(turn) * out + np.sin(turn) * np.array([0.0, 1.0, 0.0])
            boxes.append(_box(middle + (TUBE_MM + 0.5) * normal, normal, angle))
    return "".join(boxes)


def _box(center: NDArray[np.float64], normal: NDArray[np.float64], angle: float) -> str:
    along = np.array([np.sin(angle), 0.0, np.cos(angle)])
    half = TUBE_MM * np.tan(np.pi / SIDES) * 1.2
    place = " ".join(f"{1e-3 * v:.6f}" for v in center)
    axes = " ".join(f"{v:.6f}" for v in (*normal, *along))
    return (
        f'<geom type="box" pos="{place}" xyaxes="{axes}" size="0.0005 {1e-3 * 0.6 * BODY_MM:.6f} {1e-3 * half:.6f}"'
        ' condim="1" contype="2" conaffinity="1"/>'
    )


def wire_model() -> str:
    """MJCF text of wire and tube; its only actuator is the slide of the wire's base."""
    start = -1e-3 * BODIES * BODY_MM
    return (
        f'<mujoco><option timestep="{STEP_S}" gravity="0 0 0" integrator="implicitfast"/><worldbody>{_tube()}'
        f'<body pos="0 0 {start}"><joint name="slide" type="slide" axis="0 0 1" damping="5"/>'
        f'<joint name="turn" type="hinge" axis="0 0 1" damping="2"/>'
        f'<geom type="sphere" size="0.001" mass="0.01" contype="0" conaffinity="0"/>{_body(0)}</body></worldbody>'
        '<actuator><velocity joint="slide" kv="50"/></actuator></mujoco>'
    )
