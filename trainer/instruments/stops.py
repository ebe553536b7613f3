"""What the hand feels when a device is at its end: the hub lies against the hub around it."""

from __future__ import annotations

from trainer.frame import Event
from trainer.instruments.instruments import Instruments
from trainer.instruments.mishaps import HUBLESS

AT_STOP_MM, CLEAR_MM = 0.5, 20.0
"""A hub this near to the one around it is at the stop; drawn back so far, it may be told again."""


class HubStops:
    """Tells once, for each device, that there is no length left."""

    def __init__(self) -> None:
        self._told: dict[str, str] = {}

    def look(self, instruments: Instruments, t_s: float) -> list[Event]:
        """Events for the devices that came to the stop in this step."""
        events = []
        for slot in [s for s in self._told if s not in instruments.held]:
            del self._told[slot]
        for slot, held in instruments.held.items():
            outer = instruments.outer_of(slot)
            if outer and slot in HUBLESS:
                continue  # its tail goes in, which mishaps tell
            stop = instruments.held[outer].hub_mm if outer else -instruments.access.sheath_mm
            gap = stop - held.hub_mm
            if self._told.get(slot) == held.spec.id:
                if gap > CLEAR_MM:
                    del self._told[slot]
            elif gap < AT_STOP_MM and held.inserted_mm > 0.0:
                self._told[slot] = held.spec.id
                around = instruments.held[outer].spec.label if outer else "the sheath"
                text = f"the hub of {held.spec.label} is at the hub of {around}: no length left"
                events.append(Event(t_s, "table.no_length", "minor", text, detail={"slot": slot}))
        return events
