"""The fixed 60 Hz clock: turns elapsed wall time into a number of steps."""

from __future__ import annotations

from trainer.units import STEP_S


class Clock:
    """Carries the remainder between calls. A machine that is too slow gets fewer steps than time passed:
    the simulation slows down, and `speed` says by how much; no step is ever left out."""

    def __init__(self, most_steps: int = 4, memory_s: float = 1.0) -> None:
        """most_steps: cap of steps per call. memory_s: time over which `speed` is averaged, s."""
        self.most_steps, self.memory_s = most_steps, memory_s
        self.remainder_s = 0.0
        self.lost_s = 0.0
        """Wall time by which the simulation fell behind so far, s."""
        self.speed = 1.0
        """Simulated time per wall time, averaged; 1 is real time."""

    @property
    def slow(self) -> bool:
        """Whether the simulation runs visibly slower than real time."""
        return self.speed < 0.95

    def advance(self, elapsed_s: float) -> int:
        """Steps to make now for `elapsed_s` of wall time since the last call (negative counts as none)."""
        elapsed_s = max(elapsed_s, 0.0)
        due_s = self.remainder_s + elapsed_s
        steps = int(due_s / STEP_S + 1e-9)
        self.remainder_s = max(due_s - steps * STEP_S, 0.0)
        over = max(steps - self.most_steps, 0)
        self.lost_s += over * STEP_S
        if elapsed_s > 0.0:
            kept = 1.0 - min(over * STEP_S / elapsed_s, 1.0)
            weight = min(elapsed_s / self.memory_s, 1.0)
            self.speed += weight * (kept - self.speed)
        return steps - over
