"""Unit conversions and physical constants.

Inside the program: mm, s, N, N mm, mL, mmHg, rad, mGy, Gy cm2, mgI/mL. Degrees and French exist only
in files and on screens.
"""

import math

FRENCH_MM = 1.0 / 3.0
"""Outer diameter of one French, mm."""
INCH_MM = 25.4
PSI_MMHG = 51.7149
"""One pound per square inch in mmHg."""
MMHG_PA = 133.322
MMHG_DYN_CM2 = 1333.22
ML_MM3 = 1000.0
"""One mL in mm3."""
STEP_HZ = 60
STEP_S = 1.0 / STEP_HZ
"""Length of the fixed simulation step, s."""


def deg(angle_rad: float) -> float:
    """Degrees of an angle in radians (for files and screens)."""
    return math.degrees(angle_rad)


def rad(angle_deg: float) -> float:
    """Radians of an angle in degrees (from files and screens)."""
    return math.radians(angle_deg)


def mL_min(flow_mL_s: float) -> float:
    """mL/min of a flow in mL/s."""
    return 60.0 * flow_mL_s
