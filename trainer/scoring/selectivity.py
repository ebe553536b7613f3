"""Where the treatment went: amounts by territory gathered into the places of the report, as shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trainer.anatomy.types import Territory
from trainer.flow.ledger import EXTRAVASATED

SYSTEMIC = "systemic"
"""Place of what passed into veins (the lung)."""


def extrahepatic(by_place: Mapping[str, float], territories: Sequence[Territory]) -> dict[str, float]:
    """Amounts by organ outside the liver. by_place: territory name -> amount."""
    organs = {t.name: t.organ for t in territories} | {EXTRAVASATED: EXTRAVASATED}
    out: dict[str, float] = {}
    for place, amount in by_place.items():
        organ = organs.get(place, SYSTEMIC)
        if organ not in ("tumor", "liver", SYSTEMIC):
            out[organ] = out.get(organ, 0.0) + amount
    return out


def amounts(
    by_place: Mapping[str, float], in_flight: float, territories: Sequence[Territory], segment: str
) -> dict[str, Any]:
    """Amounts (mL or mg, as given) in the places of the report.

    by_place: territory name, or "systemic", -> amount. segment: Couinaud segment of the tumor.
    Keys: tumor, target_segment, other_liver, extrahepatic {organ: amount}, systemic, in_flight.
    """
    known = {t.name: t for t in territories}
    out: dict[str, Any] = {"tumor": 0.0, "target_segment": 0.0, "other_liver": 0.0,
                           "extrahepatic": extrahepatic(by_place, territories),
                           "systemic": 0.0, "in_flight": float(in_flight)}  # fmt: skip
    for place, amount in by_place.items():
        territory = known.get(place)
        if place == EXTRAVASATED:
            continue  # counted with the organs outside the liver
        if territory is None or territory.organ == SYSTEMIC:
            out["systemic"] += amount
        elif territory.organ == "tumor":
            out["tumor"] += amount
        elif territory.organ == "liver":
            out["target_segment" if territory.segment == segment else "other_liver"] += amount
    return out


def total(places: Mapping[str, Any]) -> float:
    """Sum over the places of `amounts`."""
    return float(sum(sum(v.values()) if isinstance(v, Mapping) else v for v in places.values()))


def shares(places: Mapping[str, Any]) -> dict[str, Any]:
    """The places of `amounts` as shares of their sum. All zero when nothing was given."""
    whole = total(places)

    def share(amount: float) -> float:
        return amount / whole if whole > 0.0 else 0.0

    return {
        key: {k: share(v) for k, v in value.items()} if isinstance(value, Mapping) else share(value)
        for key, value in places.items()
    }
