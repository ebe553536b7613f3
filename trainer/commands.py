"""What the operator does in one 60 Hz step. The only way anything outside reaches the simulation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SLOTS = ("catheter", "wire", "microcatheter", "microwire")
"""Places in the coaxial stack. catheter > wire, or catheter > microcatheter > microwire."""

ACTIONS: Mapping[str, tuple[str, ...]] = {
    # put a device's tip into the hub of the one around it (or the sheath); tip_mm and tip_deg, if given, bend the
    # tip of a device that can be shaped; dry: its lumen was not flushed on the table
    "insert": ("slot", "device", "tip_mm", "tip_deg", "dry"),
    "remove": ("slot",),  # take out a device whose tip is back at its hub
    "hold": ("slot", "on"),  # hold a wire at its tail, or let go of it: the device around it then drags it
    "flush": ("slot",),  # draw back and push saline by hand through a device's lumen
    "coil": ("slot", "coil"),  # push a coil out of the innermost catheter
    "inflate": ("slot", "on"),  # fill or empty a device's balloon
    "view": ("primary_deg", "secondary_deg"),  # C-arm travels there; LAO and CRA positive
    "table": ("x_mm", "y_mm", "z_mm"),  # isocenter moves to this patient point (LPS)
    "fov": ("diagonal_mm",),  # magnification mode
    "collimate": ("left", "right", "top", "bottom"),  # shares 0..0.45 of the field closed from each side
    "sid": ("mm",),  # distance from the focus to the detector
    "wedge": ("left", "right"),  # shares 0..0.45 of the field under a half-transparent filter
    "dose_mode": ("mode",),  # of fluoroscopy: low | normal | high
    "shield": ("on",),  # the lead shield before the operator
    "window": ("brightness", "contrast"),  # gray levels added, factor; 0 and 1 are automatic
    "store_view": ("place",),  # keep where arm and table stand, at place 1..4
    "recall_view": ("place",),
    "pulse_rate": ("hz",),
    "dsa_rate": ("hz",),
    "roadmap": ("on",),  # the last run's peak opacification under the live fluoroscopy
    "review": ("run", "image"),  # show a stored run's image on the reference monitor (image -1: peak)
    "remask": ("run", "image"),  # this image of a run is its mask from now on (without run or image: what is shown)
    "pixel_shift": ("run", "dx_px", "dy_px"),  # the mask's shift against the images of a run
    "store_fluoro": (),  # keep the fluoroscopy of the last seconds
    "load_syringe": ("fluid", "size_mL"),
    "inject": ("slot", "fluid", "rate_mL_s", "volume_mL", "rise_s", "limit_psi"),  # power injector
    "stop_injection": (),
    "breath_hold": ("on",),
    # the next act of a puncture: wire | needle_out | press | sheath | dilator_out. Its hands are the slots needle,
    # skin_along (toward the heart) and skin_across (toward the patient's left), by their advance
    "puncture": ("step",),
    "finish": (),
}
"""Every discrete action with its arguments."""


@dataclass(frozen=True, slots=True)
class Action:
    """One discrete act, e.g. Action("insert", {"slot": "wire", "device": "wire_035_angled"})."""

    kind: str
    args: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Hand:
    """Motion of one device's hub: advance (+) or retract (-) in mm/s, torque in rad/s (+ = clockwise as
    the operator sees it from behind the hub, looking along the device toward its tip)."""

    slot: str
    advance_mm_s: float = 0.0
    torque_rad_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Commands:
    """All that the operator does in one step. Defaults are idle hands and no radiation."""

    hands: tuple[Hand, ...] = ()
    fluoro_pedal: bool = False
    dsa_pedal: bool = False
    syringe_slot: str = ""
    syringe_mL_s: float = 0.0
    """Rate asked of the hand syringe through the named device; what arrives is decided by hydraulics."""
    carm_rad_s: tuple[float, float] = (0.0, 0.0)
    """Jog of primary and secondary angle."""
    table_mm_s: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Jog of the isocenter in patient x, y, z."""
    actions: tuple[Action, ...] = ()


IDLE = Commands()


def to_json(commands: Commands) -> dict[str, Any]:
    """A compact JSON form; defaults are left out. Inverse of `from_json`."""
    out: dict[str, Any] = {}
    if commands.hands:
        out["h"] = [[h.slot, h.advance_mm_s, h.torque_rad_s] for h in commands.hands]
    if commands.fluoro_pedal:
        out["f"] = 1
    if commands.dsa_pedal:
        out["d"] = 1
    if commands.syringe_slot:
        out["s"] = [commands.syringe_slot, commands.syringe_mL_s]
    if any(commands.carm_rad_s):
        out["c"] = list(commands.carm_rad_s)
    if any(commands.table_mm_s):
        out["t"] = list(commands.table_mm_s)
    if commands.actions:
        out["a"] = [[a.kind, dict(a.args)] for a in commands.actions]
    return out


def from_json(data: Mapping[str, Any]) -> Commands:
    """Commands of their compact JSON form. Raises KeyError, TypeError or ValueError on a malformed one."""
    unknown = set(data) - {"h", "f", "d", "s", "c", "t", "a"}
    if unknown:
        raise ValueError(f"unknown command fields {sorted(unknown)}")
    slot, rate = data.get("s", ("", 0.0))
    primary, secondary = data.get("c", (0.0, 0.0))
    x, y, z = data.get("t", (0.0, 0.0, 0.0))
    return Commands(
        hands=tuple(Hand(str(s), float(a), float(t)) for s, a, t in data.get("h", ())),
        fluoro_pedal=bool(data.get("f", 0)),
        dsa_pedal=bool(data.get("d", 0)),
        syringe_slot=str(slot),
        syringe_mL_s=float(rate),
        carm_rad_s=(float(primary), float(secondary)),
        table_mm_s=(float(x), float(y), float(z)),
        actions=tuple(Action(str(kind), dict(args)) for kind, args in data.get("a", ())),
    )
