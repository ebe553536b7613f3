"""Values that cross the border of the imaging layer."""

from __future__ import annotations

from dataclasses import dataclass

from trainer.frame import DoseView, Event, XrayView


@dataclass(frozen=True, slots=True)
class ImagingFrame:
    xray: XrayView
    dose: DoseView
    events: tuple[Event, ...]
