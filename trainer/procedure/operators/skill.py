"""How well a simulated operator works."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Skill:
    pulse_rate_hz: float = 7.5
    push_mm_s: float = 25.0
    treat_from: str = "feeder"
    """feeder | segment | lobe: where the tip stands when the embolic is given."""
    embolic_mL_s: float = 0.12
    test_run: bool = True
    stop_at_stasis: bool = True


SKILLS = {
    "expert": Skill(),
    "competent": Skill(pulse_rate_hz=15.0, push_mm_s=18.0, embolic_mL_s=0.2),
    "novice": Skill(pulse_rate_hz=15.0, push_mm_s=15.0, treat_from="segment", embolic_mL_s=0.2),
    "reckless": Skill(
        pulse_rate_hz=15.0,
        push_mm_s=40.0,
        treat_from="lobe",
        embolic_mL_s=1.0,
        test_run=False,
        stop_at_stasis=False,
    ),
}
