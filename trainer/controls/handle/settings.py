"""What is kept about each handle: calibration, mapping of channels to devices, acts of its buttons.

One YAML file a handle, named by its id, in the user's settings folder; people may edit it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import platformdirs
from pydantic import Field, field_validator
from ruamel.yaml import YAML

from trainer.commands import SLOTS
from trainer.controls.handle.messages import CHANNELS, Can, Hello
from trainer.controls.layout import HOLD_ACTS, PRESS_ACTS
from trainer.errors import FileError, nearest
from trainer.textfile import StrictModel, read_model

CLUTCH = "clutch"
PLACES = ("selected", "outer", "inner", *SLOTS)
"""What a channel may move: the device in hand, the innermost one, the one around it, or a fixed slot."""
_PEDAL_ACTS = ("fluoro", "dsa", CLUTCH, "select_next", "roadmap", "hand_inject")
_PLAIN_ACTS = ("fluoro", CLUTCH, "select_next", "dsa", "roadmap", "hand_inject")
_PLACES_BY_CHANNELS = {1: ("selected",), 2: ("outer", "inner"), 3: ("catheter", "microcatheter", "inner")}


class AxisSettings(StrictModel):
    """One slide or roll. counts_per_unit: a mm of slide or a turn of roll."""

    counts_per_unit: float = Field(gt=0.0, le=1e6)
    direction: Literal[1, -1] = 1
    dead_band_counts: int = Field(default=0, ge=0, le=10_000)
    """Motion up to this from where the axis came to rest is trembling."""
    backlash: float = Field(default=0.0, ge=0.0, le=50.0)
    """Play of the mechanics, mm or degrees: so much the hand moves at each turning back before counts follow."""


class SyringeSettings(StrictModel):
    """A plunger: counts drawn back and pushed home, and the volume between them."""

    drawn: int = Field(default=0, ge=0, le=1023)
    home: int = Field(default=1023, ge=0, le=1023)
    volume_mL: float = Field(default=10.0, gt=0.0, le=100.0)

    @property
    def mL_per_count(self) -> float:
        """Signed, so that a pushed plunger gives a positive volume."""
        return self.volume_mL / ((self.home - self.drawn) or 1023)


class HandleSettings(StrictModel):
    """The file of one handle."""

    format: Literal[1] = 1
    id: str
    name: str
    channels: list[str] = Field(max_length=CHANNELS)
    slides: list[AxisSettings] = Field(max_length=CHANNELS)
    rolls: list[AxisSettings] = Field(max_length=CHANNELS)
    syringe: SyringeSettings = SyringeSettings()
    buttons: list[str] = Field(default_factory=list, max_length=16)
    full_force_N: float = Field(default=3.0, gt=0.0, le=100.0)
    """Hub force at which a brake is fully on."""

    @field_validator("channels")
    @classmethod
    def _known_places(cls, places: list[str]) -> list[str]:
        for place in places:
            if place not in PLACES:
                raise ValueError(f"a channel cannot move '{place}'. {nearest(place, PLACES)}")
        return places

    @field_validator("buttons")
    @classmethod
    def _known_acts(cls, acts: list[str]) -> list[str]:
        allowed = (CLUTCH, *HOLD_ACTS, *PRESS_ACTS)
        for act in acts:
            if act and act not in allowed:
                raise ValueError(f"a button cannot do '{act}'. {nearest(act, allowed)}")
        return acts


def default_settings(hello: Hello) -> HandleSettings:
    """What holds for a handle that was never calibrated: its own nominal figures."""
    channels = max(1, min(CHANNELS, hello.channels))
    slide = AxisSettings(counts_per_unit=max(1, hello.counts_per_100mm) / 100.0)
    roll = AxisSettings(counts_per_unit=float(max(1, hello.counts_per_turn)))
    acts = _PEDAL_ACTS if hello.capabilities & Can.PEDALS else _PLAIN_ACTS
    return HandleSettings(
        id=f"{hello.id:08x}",
        name=hello.title,
        channels=list(_PLACES_BY_CHANNELS[channels]),
        slides=[slide] * channels,
        rolls=[roll] * channels,
        buttons=list(acts[: hello.buttons]),
    )


def settings_folder() -> Path:
    """Where the files of all handles lie."""
    return Path(platformdirs.user_config_dir("catheter-trainer", appauthor=False)) / "handles"


def settings_file(hello: Hello, folder: Path | None = None) -> Path:
    """The file of a handle: by its id, or by its name while it has none."""
    plain = re.sub(r"[^a-z0-9]+", "_", hello.title.lower()).strip("_")
    name = f"{hello.id:08x}" if hello.id else f"unnamed_{plain}"
    return (folder or settings_folder()) / f"{name}.yaml"


def load_settings(hello: Hello, folder: Path | None = None) -> HandleSettings:
    """The kept settings of a handle, or its defaults. Raises FileError or ScenarioError for a faulty file."""
    path = settings_file(hello, folder)
    return read_model(HandleSettings, path)[0] if path.is_file() else default_settings(hello)


def save_settings(settings: HandleSettings, hello: Hello, folder: Path | None = None) -> Path:
    """Writes the file of a handle, whole or not at all; gives its path. Raises FileError when that is impossible."""
    path = settings_file(hello, folder)
    fresh = path.with_suffix(".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with fresh.open("w", encoding="utf-8") as file:
            file.write("# Settings of one handle; see hardware/README.md. Written by 'handle calibrate'.\n")
            YAML().dump(settings.model_dump(mode="json"), file)
        fresh.replace(path)
    except OSError as error:
        raise FileError(f"cannot be written ({error.strerror})", where=str(path),
                        mend="Check the folder's permissions and the disk's space.") from None
    return path
