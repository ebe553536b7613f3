"""Pictures as files."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from trainer.errors import FileError


def write_png(path: Path, image: NDArray[np.uint8]) -> None:
    """Writes a gray picture, and the folder it lies in. Raises FileError when that is impossible."""
    done, data = cv2.imencode(".png", image)
    if not done:
        raise FileError("cannot be made a PNG", where=str(path))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.tobytes())
    except OSError as error:
        raise FileError(f"cannot be written ({error.strerror})", where=str(path)) from None
