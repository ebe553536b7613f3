"""Profiles of gamepads and 3D mice: which axis and button does what. Read from `assets/controls/pads.yaml` and, before
it, from `pads.yaml` in the user's settings folder."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated, Literal

import platformdirs
from pydantic import Field, field_validator

from trainer.controls.layout import HOLD_ACTS, PRESS_ACTS
from trainer.errors import nearest
from trainer.resources import resource
from trainer.textfile import StrictModel, read_model

Role = Literal["push", "turn", "carm_lao", "carm_cra", "fluoro", "dsa"]


class Stick(StrictModel):
    """An axis and how it counts."""

    axis: Annotated[int, Field(ge=0, le=31)]
    sign: Literal[1, -1] = 1
    rest: Annotated[float, Field(ge=-1.0, le=1.0)] = 0.0
    """Where it stands untouched: a trigger often at -1."""


class Pad(StrictModel):
    """One kind of device."""

    title: str
    match: Annotated[tuple[str, ...], Field(min_length=1)]
    """Any of these is part of its name, in small letters."""
    dead_band: Annotated[float, Field(ge=0.0, lt=0.9)] = 0.15
    """Share of a stick's travel that counts as rest."""
    axes: dict[Role, Stick]
    buttons: dict[int, str] = Field(default_factory=dict)

    @field_validator("buttons")
    @classmethod
    def _known(cls, buttons: dict[int, str]) -> dict[int, str]:
        for act in buttons.values():
            if act not in (*HOLD_ACTS, *PRESS_ACTS):
                raise ValueError(f"there is no act '{act}'. {nearest(act, (*HOLD_ACTS, *PRESS_ACTS))}")
        return buttons

    def value(self, role: Role, axes: dict[int, float]) -> float:
        """Deflection of a role's axis beyond the dead band, squared for a fine middle, -1..1."""
        stick = self.axes.get(role)
        if stick is None:
            return 0.0
        value = stick.sign * axes.get(stick.axis, stick.rest)
        beyond = max(0.0, abs(value) - self.dead_band) / (1.0 - self.dead_band)
        return beyond * beyond * (1.0 if value > 0 else -1.0)

    def pressed(self, role: Role, axes: dict[int, float]) -> bool:
        """A trigger is past the middle of its way."""
        stick = self.axes.get(role)
        if stick is None:
            return False
        way = 1.0 - stick.rest if stick.rest <= 0.0 else -1.0 - stick.rest
        return (axes.get(stick.axis, stick.rest) - stick.rest) / way > 0.5


class PadsFile(StrictModel):
    format: Literal[1]
    pads: tuple[Pad, ...]


@cache
def load_pads() -> tuple[Pad, ...]:
    """The user's own profiles, then the shipped ones. Raises FileError or ScenarioError with file and line."""
    own = Path(platformdirs.user_config_dir("catheter-trainer")) / "pads.yaml"
    files = [own] if own.is_file() else []
    return tuple(pad for path in (*files, resource("assets", "controls", "pads.yaml"))
                 for pad in read_model(PadsFile, path)[0].pads)


def pad_for(name: str) -> Pad:
    """The profile of a device by its name."""
    return next(pad for pad in load_pads() if any(part in name.lower() for part in pad.match))
