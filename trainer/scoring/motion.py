"""Motion of the leading tip: way traveled and smoothness."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trainer.scoring.sample import SAMPLE_S, Point, Sample
from trainer.scoring.settings import MotionRules

Floats = NDArray[np.float64]


def sparc(speed: Floats, rate_hz: float, cutoff_hz: float = 10.0, threshold: float = 0.05) -> float:
    """Spectral arc length of a speed profile; nearer to zero is smoother, dimensionless.

    speed: (n,) any unit. SPARC = -integral over 0..wc of sqrt((1/wc)^2 + (dV/dw)^2) dw, with V the magnitude
    spectrum scaled to 1 at zero frequency and wc the highest frequency, at most `cutoff_hz`, at which V is
    still above `threshold` (Balasubramanian et al., J NeuroEng Rehabil 2015;12:112).
    """
    n = 2 ** (int(np.ceil(np.log2(max(speed.size, 2)))) + 4)
    spectrum = np.abs(np.fft.rfft(speed, n))
    if spectrum[0] <= 0.0:
        return 0.0
    spectrum = spectrum / spectrum[0]
    frequency = np.fft.rfftfreq(n, 1.0 / rate_hz)
    inside = np.flatnonzero((frequency <= cutoff_hz) & (spectrum >= threshold))
    last = int(inside[-1]) + 1
    if last < 2:
        return 0.0
    df = np.diff(frequency[:last]) / (frequency[last - 1] - frequency[0])
    return -float(np.sum(np.hypot(df, np.diff(spectrum[:last]))))


def episodes(speed: Floats, dt_s: float, rules: MotionRules) -> list[tuple[int, int]]:
    """Stretches (start, stop) of samples in which the tip moves. speed: (n,) mm/s."""
    moving = np.flatnonzero(speed > rules.episode_speed_mm_s)
    if moving.size == 0:
        return []
    cuts = np.flatnonzero(np.diff(moving) * dt_s > rules.episode_gap_s + 1e-9)
    starts, stops = np.concatenate([[0], cuts + 1]), np.concatenate([cuts, [moving.size - 1]])
    found = [(int(moving[a]), int(moving[b]) + 1) for a, b in zip(starts, stops)]
    return [(a, b) for a, b in found if (b - a) * dt_s >= rules.episode_least_s - 1e-9]


def smoothness(speed: Floats, dt_s: float, rules: MotionRules) -> float | None:
    """Mean SPARC over all movements, weighted by their length; None when nothing moved long enough."""
    parts = episodes(speed, dt_s, rules)
    if not parts:
        return None
    values = [sparc(np.pad(speed[a:b], 1), 1.0 / dt_s) for a, b in parts]
    return float(np.average(values, weights=[b - a for a, b in parts]))


class Motion:
    """Follows the leading tip. A change of the leading device starts anew without a jump."""

    def __init__(self, rules: MotionRules) -> None:
        self.rules = rules
        self.travel_mm = 0.0
        self._leader, self._knot, self._last = "", (0.0, 0.0, 0.0), (0.0, 0.0, 0.0)
        self._speed: list[float] = []

    def see(self, sample: Sample) -> None:
        spot = sample.spot(sample.leader)
        here = sample.leader if spot.vessel >= 0 else ""
        if not here or here != self._leader:
            self._leader, self._knot, self._last = here, spot.point_mm, spot.point_mm
            self._speed.append(0.0)
            return
        self._speed.append(_gap(spot.point_mm, self._last) / max(sample.dt_s, 1e-9))
        self._last = spot.point_mm
        if (step := _gap(spot.point_mm, self._knot)) >= self.rules.travel_step_mm:
            self.travel_mm += step
            self._knot = spot.point_mm

    def sparc(self) -> float | None:
        """Smoothness of the whole procedure."""
        return smoothness(np.array(self._speed), SAMPLE_S, self.rules)


def _gap(a: Point, b: Point) -> float:
    return float(np.sqrt((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2))
