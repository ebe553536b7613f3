"""Values that cross the border of the flow layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Cells:
    """Vessels cut into short pieces: the cells of transport and the segments that X-ray draws. C cells,
    arteries first, then veins. Geometry at end expiration."""

    start: Floats  # (C, 3) mm, upstream end by anatomy (proximal for arteries)
    end: Floats  # (C, 3) mm
    radius_start: Floats  # (C,) mm
    radius_end: Floats  # (C,) mm
    vessel: Ints  # (C,) index into tree (or veins when is_vein)
    from_mm: Floats  # (C,) arc length along the vessel of `start`
    to_mm: Floats  # (C,) of `end`
    volume_mL: Floats  # (C,)
    breathing_start: Floats  # (C,)
    breathing_end: Floats  # (C,)
    is_vein: Bools  # (C,)


@dataclass(frozen=True, slots=True)
class FlowState:
    """What the other layers see of the blood after a step. Arrays are read-only views."""

    flow_mL_s: Floats  # (C,) flow through each cell, positive from start to end
    pressure_mmHg: Floats  # (C,) at the cell's start
    iodine_mg_mL: Floats  # (C,) concentration in each cell
    bed_iodine_mg: Floats  # (B,) iodine in each bed's tissue
    bed_flow_mL_s: Floats  # (B,)
    aortic_mmHg: float
    delivered_mL_s: float  # leaving the tip now
    hub_pressure_psi: float
    limited: bool  # pressure limit reached
    embolic_by_territory_mL: Mapping[str, float]  # lodged
    embolic_in_flight_mL: float
    embolic_systemic_mL: float  # passed into veins (lung)
    drug_by_territory_mg: Mapping[str, float]
    drug_in_flight_mg: float
    drug_systemic_mg: float
    given: Mapping[str, float]  # contrast_mL, iodine_g, drug_mg, embolic_mL given so far (past the tip)
    feeder_flow_share: float  # feeder flow (cycle mean) now over that at the start
    mass_balance_error: float  # worst relative error over species, whole procedure
    reflux_mL: float  # embolic-bearing volume that went back past the tip so far
    extravasated_mL: float = 0.0  # blood that left through holes so far
    pain: float = 0.0  # 0 none to 1 unbearable
    contraction: float = 0.0  # of the heart: 0 end diastole, 1 end systole
    extravasated_iodine_mg: tuple[float, ...] = ()  # iodine that left through each hole, in the order they came
