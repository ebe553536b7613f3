"""The log of handling errors: published definitions, each finding located in time and place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from trainer.scoring.detectors import DETECTORS, ONCE, Finding, Watch, WrongBranch
from trainer.scoring.mishaps import MISHAPS
from trainer.scoring.sample import Sample
from trainer.scoring.settings import ErrorDefinition


@dataclass(frozen=True, slots=True)
class HandlingError:
    t_s: float
    code: str
    severity: str
    vessel: str
    position_mm: tuple[float, float, float] | None
    """Patient LPS at end expiration; None for errors without a place."""
    detail: str

    def to_json(self) -> dict[str, Any]:
        place = list(self.position_mm) if self.position_mm is not None else None
        return {"t_s": self.t_s, "code": self.code, "severity": self.severity, "vessel": self.vessel,
                "position_mm": place, "detail": self.detail}  # fmt: skip


EVERY = {**DETECTORS, **MISHAPS}
"""Every detector by its code."""


class ErrorLog:
    """Runs every detector over the samples of one procedure. `errors` grows in order of time."""

    def __init__(
        self, definitions: Mapping[str, ErrorDefinition], egfr: float, survey: Iterable[str] = ()
    ) -> None:
        self.definitions = definitions
        self.errors: list[HandlingError] = []
        allowed = frozenset(survey)
        self._watches: dict[str, Watch] = {
            code: EVERY[code](one.limits, egfr, allowed) for code, one in definitions.items()
        }
        self._quiet_until_s = dict.fromkeys(definitions, -1.0)

    @property
    def wrong_branches(self) -> int:
        """Entries into branches off the route."""
        return sum(w.entries for w in self._watches.values() if isinstance(w, WrongBranch))

    def see(self, sample: Sample) -> tuple[HandlingError, ...]:
        """Feeds one sample; returns the errors it brought."""
        count = len(self.errors)
        for code, watch in self._watches.items():
            finding = watch.see(sample)
            if finding is not None and sample.t_s >= self._quiet_until_s[code]:
                self._write(code, sample.t_s, finding)
        return tuple(self.errors[count:])

    def close(self, t_s: float) -> None:
        """Writes what only the end of the procedure shows."""
        for code, watch in self._watches.items():
            if isinstance(watch, WrongBranch) and (finding := watch.close(t_s)) is not None:
                self._write(code, t_s, finding)

    def _write(self, code: str, t_s: float, finding: Finding) -> None:
        text, spot = finding
        definition = self.definitions[code]
        self._quiet_until_s[code] = float("inf") if code in ONCE else t_s + definition.cooldown_s
        place = spot.point_mm if spot.vessel >= 0 else None
        self.errors.append(HandlingError(t_s, code, definition.severity, spot.name, place, text))
