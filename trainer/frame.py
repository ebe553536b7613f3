"""What one step shows and knows. Views draw it, scoring and recording read it; arrays are read-only.

Everything but `truth` may be shown to the trainee. `truth` is for scoring and the debrief.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Image8 = NDArray[np.uint8]
SEVERITIES = ("info", "minor", "major", "critical")


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, once. Sound, screen, score and log all read the same list."""

    t_s: float
    code: str
    severity: str
    text: str
    vessel: str = ""
    position_mm: tuple[float, float, float] | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DeviceView:
    """One device as the hand knows it (not where it lies)."""

    slot: str
    device: str
    """Catalog id."""
    label: str
    inserted_mm: float
    """Length past the sheath mouth; negative while the tip is still outside."""
    rotation_rad: float
    beyond_mm: float
    """Length past the tip of the device around it (past the sheath mouth for the outermost)."""
    length_mm: float
    outer_diameter_mm: float
    hub_force_N: float
    """Axial force that the hand feels; positive resists advancing."""
    hub_torque_Nmm: float
    balloon: str = ""
    """"" without a balloon, else empty | full."""
    hold: str = "held"
    """held | free (nobody holds it) | lost (its tail is in the device around it)"""
    lumen: str = ""
    """What the hub shows: "" | air in hub | flush due | flushing"""


@dataclass(frozen=True, slots=True)
class XrayView:
    """The two monitors and the machine's state."""

    live: Image8 | None
    """Live monitor, shape (height, width), or None before the first exposure."""
    live_id: int
    """Grows whenever `live` is a new picture."""
    live_kind: str
    """none | fluoro | dsa | roadmap | hold (last image hold)."""
    reference: Image8 | None
    reference_id: int
    reference_label: str
    beam_on: bool
    primary_deg: float
    secondary_deg: float
    sid_mm: float
    sod_mm: float
    fov_mm: float
    isocenter_mm: tuple[float, float, float]
    collimation: tuple[float, float, float, float]
    pulse_rate_hz: float
    dsa_rate_hz: float
    kVp: float
    mA: float
    pulse_ms: float
    runs: int
    """Stored runs."""
    roadmap: bool
    live_t_s: float = 0.0
    """Time of the pulse that `live` shows."""
    dose_mode: str = "normal"
    """Of fluoroscopy: low | normal | high."""
    shield: bool = True
    """A lead shield hangs between patient and operator."""
    window: tuple[float, float] = (0.0, 1.0)
    """By hand: brightness added, gray levels, and factor of contrast; (0, 1) is the automatic window."""
    wedges: tuple[float, float] = (0.0, 0.0)
    """Shares of the field under the left and right wedge filter."""
    stored_views: tuple[str, ...] = ()
    """What each kept position of arm and table shows, '' where none is kept."""
    reviewed: tuple[int, int, int] = (0, -1, 0)
    """On the reference monitor: number of the series, image (-1: the peak), images in it."""
    mask_shift_px: tuple[float, float] = (0.0, 0.0)
    copper_mm: float = 0.0
    """Filter before the tube, with kVp, mA and pulse_ms those of the last pulse."""


@dataclass(frozen=True, slots=True)
class DoseView:
    air_kerma_mGy: float = 0.0
    kap_Gycm2: float = 0.0
    rate_mGy_min: float = 0.0
    peak_skin_mGy: float = 0.0
    operator_uSv: float = 0.0
    fluoro_time_s: float = 0.0
    frames: int = 0
    """Stored DSA frames."""


@dataclass(frozen=True, slots=True)
class InjectionView:
    """Injector and hand syringe."""

    state: str = "idle"
    """idle | injecting | limited (pressure) | done"""
    slot: str = ""
    fluid: str = ""
    rate_mL_s: float = 0.0
    """Delivered now at the tip side of the hub."""
    delivered_mL: float = 0.0
    pressure_psi: float = 0.0
    syringe_fluid: str = ""
    syringe_left_mL: float = 0.0
    contrast_mL: float = 0.0
    iodine_g: float = 0.0
    drug_mg: float = 0.0
    embolic_mL: float = 0.0
    """Totals given in the procedure."""


@dataclass(frozen=True, slots=True)
class Vitals:
    heart_rate_bpm: float = 70.0
    pressure_mmHg: float = 93.0
    systolic_mmHg: float = 120.0
    diastolic_mmHg: float = 78.0
    breath: float = 0.0
    """0 end expiration .. 1 end inspiration."""
    holding_breath: bool = False
    pain: float = 0.0
    """0 none .. 1 unbearable."""


@dataclass(frozen=True, slots=True)
class AccessView:
    """The puncture as the hand knows it; None in a frame once the sheath is in place."""

    along_mm: float
    """The finger on the skin: how far it has gone toward the heart from where it began."""
    across_mm: float
    """Toward the patient's left."""
    depth_mm: float
    """Of the needle along its way."""
    pulse: float
    """How clearly the finger feels the artery, 0..1."""
    blood: str
    """'' | weak | dark | bright"""
    needle: bool
    wire: bool
    sheath: bool
    bleeds: bool
    pressing_s: float
    attempts: int
    next: str
    """What a careful hand would do next, in words."""


@dataclass(frozen=True, slots=True)
class Truth:
    """What really happened; the trainee sees it only in the debrief."""

    tip_vessel: Mapping[str, str] = field(default_factory=dict)
    """Vessel that holds each device's tip, by slot ('' while in the sheath)."""
    tip_mm: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    """Tip position by slot, patient LPS mm, breathing included."""
    centerline_mm: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 3)))
    """Shared centerline from the sheath mouth to the most distal tip, (nodes, 3) mm."""
    max_wall_force_N: float = 0.0
    wall_force_N: Mapping[str, float] = field(default_factory=dict)
    """Largest contact force in each vessel that is touched, N."""
    wall_pressure_kPa: Mapping[str, float] = field(default_factory=dict)
    """Largest contact pressure in each vessel that is touched, kPa."""
    wall_penetration_mm: float = 0.0
    outside_mm: float = 0.0
    """How far any device node's surface lies outside the lumen, mm (0 when inside)."""
    embolic_by_place: Mapping[str, float] = field(default_factory=dict)
    """Amount of embolic lodged by territory, mL."""
    extravasated_mL: float = 0.0
    """Blood and what it carried that left through holes in vessels, mL."""
    embolic_in_flight_mL: float = 0.0
    drug_by_place: Mapping[str, float] = field(default_factory=dict)
    """Drug taken up or passed by territory, mg."""
    feeder_flow_share: float = 1.0
    """Present feeder flow as a share of its flow at the start."""
    mass_balance_error: float = 0.0
    unconverged: bool = False


@dataclass(frozen=True, slots=True)
class Frame:
    step: int
    t_s: float
    devices: tuple[DeviceView, ...]
    xray: XrayView
    dose: DoseView
    injection: InjectionView
    vitals: Vitals
    events: tuple[Event, ...]
    """Events of this step."""
    finished: bool
    truth: Truth
    access: AccessView | None = None
    """While the artery is punctured."""


def read_only(array: NDArray[Any]) -> NDArray[Any]:
    """The same array, set read-only."""
    array.flags.writeable = False
    return array
