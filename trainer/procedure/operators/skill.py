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


@dataclass(frozen=True, slots=True)
class Habits:
    """How an operator uses the beam."""

    pulse_rate_hz: float | None = None
    """Without it, the skill's."""
    wide_mm: float = 320.0
    """Diagonal of the field on the way."""
    near_mm: float = 220.0
    """Diagonal of the field while treating."""
    foot_down: bool = False
    """Fluoroscopy goes on while hands do what needs no picture."""
    shortest_run_s: float = 0.0
    """A run goes on for so long after the injection began."""


HABITS = {
    "good": Habits(),
    "ordinary": Habits(pulse_rate_hz=15.0, wide_mm=480.0, near_mm=320.0, foot_down=True, shortest_run_s=16.0),
}
"""`ordinary`: 15 pulses/s, the open field, runs into the venous phase, the foot on the pedal (authored)."""

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
