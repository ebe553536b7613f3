"""What the window remembers: scale, mute, full screen. A small YAML file in the user's folder."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import platformdirs
from pydantic import Field
from ruamel.yaml import YAML

from trainer.errors import TrainerError
from trainer.textfile import StrictModel, read_model


class _File(StrictModel):
    scale: float = Field(default=1.0, ge=0.5, le=3.0)
    muted: bool = False
    fullscreen: bool = False


@dataclass
class Settings:
    scale: float = 1.0
    muted: bool = False
    fullscreen: bool = False
    note: str = ""
    """Why the file was not used, for the message line; '' when all is well."""


def settings_path() -> Path:
    return Path(platformdirs.user_config_dir("catheter-trainer")) / "window.yaml"


def load_settings(path: Path | None = None) -> Settings:
    """The remembered settings; the defaults, with a note, when the file is faulty."""
    path = path or settings_path()
    if not path.is_file():
        return Settings()
    try:
        model, _ = read_model(_File, path)
    except TrainerError as error:
        return Settings(note=str(error))
    return Settings(model.scale, model.muted, model.fullscreen)


def save_settings(settings: Settings, path: Path | None = None) -> None:
    """Writes the settings; a folder that cannot be written is no reason to stop."""
    path = path or settings_path()
    kept = asdict(settings)
    kept.pop("note")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8") as file:
            YAML().dump(kept, file)
    except OSError:
        return
