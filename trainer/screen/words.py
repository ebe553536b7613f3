"""Numbers and states in the words of the suite."""

from __future__ import annotations

from trainer.frame import XrayView

KINDS = {
    "none": "NO IMAGE", "fluoro": "FLUOROSCOPY", "dsa": "DSA", "roadmap": "ROADMAP",
    "hold": "LAST IMAGE HOLD",
}  # fmt: skip


def angles(primary_deg: float, secondary_deg: float) -> str:
    """`LAO 30 / CRA 15`; `AP` when both are zero (DICOM PS3.3 C.8.7.5: LAO and CRA are positive)."""
    first, second = round(primary_deg), round(secondary_deg)
    if first == 0 and second == 0:
        return "AP"
    parts = []
    if first:
        parts.append(f"LAO {first}" if first > 0 else f"RAO {-first}")
    if second:
        parts.append(f"CRA {second}" if second > 0 else f"CAU {-second}")
    return " / ".join(parts)


def minutes(seconds: float) -> str:
    """Time as m:ss."""
    whole = int(seconds)
    return f"{whole // 60}:{whole % 60:02d}"


def exposure(xray: XrayView) -> str:
    """`78 kV  45 mA  6.0 ms  0.2 mm Cu`, or blanks before the first exposure."""
    if xray.kVp <= 0.0:
        return "-- kV  -- mA  -- ms  -- mm Cu"
    return f"{xray.kVp:.0f} kV  {xray.mA:.0f} mA  {xray.pulse_ms:.1f} ms  {xray.copper_mm:.1f} mm Cu"


def number(value: float) -> str:
    """Three significant digits, without an exponent."""
    if abs(value) >= 100:
        return f"{value:.0f}"
    if abs(value) >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}"
