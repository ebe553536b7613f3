"""Short generated tones. Each has a visible twin: the beam lamp, the injector's state, the message line."""

from __future__ import annotations

import numpy as np
import pygame
from numpy.typing import NDArray

from trainer.frame import Event, Frame

RATE_HZ = 22050


def tone(frequency_hz: float, length_s: float, loudness: float, second_hz: float = 0.0) -> NDArray[np.int16]:
    """A soft tone as 16-bit samples, shape (n,); with `second_hz` the pitch slides there."""
    t = np.arange(int(length_s * RATE_HZ)) / RATE_HZ
    end = second_hz or frequency_hz
    phase = 2 * np.pi * (frequency_hz * t + (end - frequency_hz) * t * t / (2 * length_s))
    edge = np.minimum(1.0, np.minimum(t, length_s - t) / 0.004)
    return np.asarray(np.sin(phase) * edge * loudness * 32767, np.int16)


class Sounds:
    """Plays what a frame sounds like. Silent when there is no audio device or when muted."""

    def __init__(self, muted: bool = False) -> None:
        self.muted = muted
        self._sounds: dict[str, pygame.mixer.Sound] = {}
        self._live_id = -1
        self._injecting = ""
        try:
            pygame.mixer.init(RATE_HZ, -16, 1, 512)
        except pygame.error:
            return
        made = {
            "pulse": tone(1900, 0.012, 0.10), "run": tone(1250, 0.03, 0.16),
            "inject": tone(420, 0.16, 0.2, 640),
            "limited": tone(640, 0.25, 0.25, 420), "done": tone(640, 0.16, 0.2, 520),
            "major": tone(880, 0.18, 0.3, 660), "critical": tone(990, 0.35, 0.4, 495),
        }  # fmt: skip
        form = pygame.mixer.get_init()
        channels = form[2] if form else 1
        for name, samples in made.items():
            data = np.repeat(samples, channels).tobytes() if channels > 1 else samples.tobytes()
            self._sounds[name] = pygame.mixer.Sound(buffer=data)

    def feel(self, frame: Frame, events: list[Event]) -> None:
        """Plays what is new since the last call."""
        xray, state = frame.xray, frame.injection.state
        if xray.beam_on and xray.live_id != self._live_id:
            self._play("run" if xray.live_kind == "dsa" else "pulse")
        self._live_id = xray.live_id
        if state != self._injecting:
            self._play({"injecting": "inject", "limited": "limited", "done": "done"}.get(state, ""))
            self._injecting = state
        for event in events:
            self._play(event.severity)

    def _play(self, name: str) -> None:
        sound = self._sounds.get(name)
        if sound is not None and not self.muted:
            sound.play()
