"""An X-ray monitor: an 8-bit picture scaled into a square, drawn through a palette."""

from __future__ import annotations

import cv2
import numpy as np
import pygame

from trainer.frame import Image8
from trainer.screen.theme import BLACK, FAINT, Brush

_PALETTE = [(round(v * 0.965), round(v * 0.985), v) for v in range(256)]
"""Slightly blue, as on clinical monitors."""


class Monitor:
    """Shows the newest picture of one monitor; scales only when the picture or the place changed."""

    def __init__(self) -> None:
        self._key: tuple[int, tuple[int, int]] | None = None
        self._surface: pygame.Surface | None = None
        self._pixels: Image8 | None = None

    def draw(
        self,
        surface: pygame.Surface,
        rect: pygame.Rect,
        image: Image8 | None,
        image_id: int,
        brush: Brush,
        empty: str,
    ) -> None:
        """Draws into rect. image has shape (height, width); empty is what stands there without a picture."""
        surface.fill(BLACK, rect)
        if image is None:
            brush.text(
                surface,
                (rect.centerx, rect.centery - brush.px(10)),
                empty,
                14,
                FAINT,
                align="center",
                width=rect.width * 0.9,
            )
            return
        place = fit(image.shape[1], image.shape[0], rect)
        key = (image_id, place.size)
        if key != self._key or self._surface is None:
            self._pixels = scaled(image, place.size)
            self._surface = pygame.image.frombuffer(self._pixels.tobytes(), place.size, "P")
            self._surface.set_palette(_PALETTE)
            self._key = key
        surface.blit(self._surface, place)


def fit(width: int, height: int, rect: pygame.Rect) -> pygame.Rect:
    """The largest rectangle of the picture's aspect in rect, centered."""
    share = min(rect.width / width, rect.height / height)
    size = (max(1, round(width * share)), max(1, round(height * share)))
    place = pygame.Rect((0, 0), size)
    place.center = rect.center
    return place


def scaled(image: Image8, size: tuple[int, int]) -> Image8:
    """The picture at another size (width, height): averaged when smaller, bicubic when larger."""
    if (image.shape[1], image.shape[0]) == size:
        return np.ascontiguousarray(image)
    how = cv2.INTER_AREA if size[0] < image.shape[1] else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, size, interpolation=how), np.uint8)
