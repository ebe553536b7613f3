"""The arterial tree as a picture from the front, with what lodged where drawn as areas."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
import pygame
from numpy.typing import NDArray

from trainer.screen.theme import BLACK, DIM, GREEN, ORANGE, PINK, RED, SKY, YELLOW, Brush, Color

GROUPS: dict[str, tuple[str, str, Color]] = {
    "tumor": ("●", "Tumor", GREEN),
    "target_segment": ("■", "Target segment", SKY),
    "other_liver": ("▲", "Other liver", YELLOW),
    "extrahepatic": ("◆", "Organs outside the liver", RED),
    "systemic": ("▼", "Lung (systemic)", PINK),
    "in_flight": ("×", "Still in the arteries", DIM),
}
"""Mark, words and color of each group of places."""
LARGEST_DOT_MM = 9.0
"""Radius of a dot that stands for everything that was given."""


class TreePicture:
    """Projects from the front: the patient's right is at the left of the picture (x to the right, z up)."""

    def __init__(self, data: Mapping[str, Any], rect: pygame.Rect) -> None:
        self._data, self._rect = data, rect
        points = [np.asarray(v["points_mm"], float)[:, [0, 2]] for v in data["vessels"]]
        shown = [p for p, v in zip(points, data["vessels"], strict=True) if _in_view(v)] or points
        self._low, self._high = _bounds(shown)
        span = np.maximum(self._high - self._low, 1.0)
        self._scale = 0.94 * min(rect.width / span[0], rect.height / span[1])
        self._points = points

    def at(self, point_mm: NDArray[np.float64] | Sequence[float]) -> tuple[float, float]:
        """Pixel of a patient point (3,) mm."""
        middle = 0.5 * (self._low + self._high)
        return (
            self._rect.centerx + (float(point_mm[0]) - middle[0]) * self._scale,
            self._rect.centery - (float(point_mm[2]) - middle[1]) * self._scale,
        )

    def draw(self, surface: pygame.Surface, brush: Brush) -> None:
        """Vessels in gray by their radius, the tumor as a ring, deposits as dots whose area is the amount."""
        before = surface.get_clip()
        surface.set_clip(self._rect)
        surface.fill(BLACK, self._rect)
        self._draw_vessels(surface)
        self._draw_tumors(surface, brush)
        self._draw_deposits(surface)
        self._draw_errors(surface, brush)
        brush.text(
            surface, (self._rect.x + brush.px(8), self._rect.bottom - brush.px(20)), "R", 13, DIM, bold=True
        )
        brush.text(
            surface,
            (self._rect.right - brush.px(8), self._rect.bottom - brush.px(20)),
            "L",
            13,
            DIM,
            bold=True,
            align="right",
        )
        surface.set_clip(before)

    def _draw_vessels(self, surface: pygame.Surface) -> None:
        """Thin vessels first, so that the large ones lie on top; each piece is as wide as the vessel."""
        canvas = np.zeros((self._rect.height, self._rect.width, 3), np.uint8)
        origin = np.array([self._rect.width, self._rect.height]) / 2
        middle = 0.5 * (self._low + self._high)
        order = sorted(
            range(len(self._points)), key=lambda i: float(self._data["vessels"][i]["radius_mm"][0])
        )
        for i in order:
            vessel = self._data["vessels"][i]
            line = np.round(16 * (origin + (self._points[i] - middle) * self._scale * (1.0, -1.0))).astype(
                np.int32
            )
            radius = np.asarray(vessel["radius_mm"], float)
            shade = 70 if vessel.get("generated") else 104
            color = (
                (shade + 62, shade + 52, shade)
                if vessel["embolic_mL"] > 0.0
                else (shade, shade + 3, shade + 8)
            )
            for a, b, r in zip(line[:-1], line[1:], 0.5 * (radius[:-1] + radius[1:]), strict=True):
                width = max(1, round(2.0 * float(r) * self._scale))
                cv2.line(canvas, a.tolist(), b.tolist(), color, width, cv2.LINE_AA, 4)
        picture = pygame.image.frombuffer(canvas.tobytes(), self._rect.size, "RGB")
        surface.blit(picture, self._rect)

    def _draw_tumors(self, surface: pygame.Surface, brush: Brush) -> None:
        for tumor in self._data.get("tumors", ()):
            center = self.at(tumor["center_mm"])
            radius = 0.5 * tumor["diameter_mm"] * self._scale
            pygame.draw.circle(surface, GREEN, center, radius, max(1, brush.px(1.5)))
            brush.text(
                surface,
                (center[0], center[1] - radius - brush.px(18)),
                f"tumor, segment {tumor['segment']}",
                11.5,
                GREEN,
                align="center",
            )

    def _draw_deposits(self, surface: pygame.Surface) -> None:
        beds = [b for b in self._data.get("beds", ()) if b["embolic_mL"] > 0.0]
        total = sum(b["embolic_mL"] for b in beds)
        for bed in sorted(beds, key=lambda b: -b["embolic_mL"]):
            mark, _, color = GROUPS.get(bed["group"], GROUPS["in_flight"])
            radius = LARGEST_DOT_MM * math.sqrt(bed["embolic_mL"] / total) * self._scale
            if radius >= 0.6:
                draw_mark(surface, self.at(bed["center_mm"]), max(1.5, radius), mark, color)

    def _draw_errors(self, surface: pygame.Surface, brush: Brush) -> None:
        """Where handling errors happened: small crosses with the error's number."""
        for i, error in enumerate(self._data.get("errors", ()), 1):
            if error.get("position_mm") is None:
                continue
            x, y = self.at(error["position_mm"])
            arm = brush.px(4)
            pygame.draw.line(surface, ORANGE, (x - arm, y - arm), (x + arm, y + arm), brush.px(1.5))
            pygame.draw.line(surface, ORANGE, (x - arm, y + arm), (x + arm, y - arm), brush.px(1.5))
            brush.text(surface, (x + arm + 2, y - brush.px(9)), str(i), 10.5, ORANGE, bold=True)


def draw_mark(
    surface: pygame.Surface, center: tuple[float, float], radius: float, mark: str, color: Color
) -> None:
    """A filled mark of the area of a circle of this radius, with a dark rim so that neighbors stay apart."""
    x, y = center
    r = radius
    shapes: dict[str, list[tuple[float, float]]] = {
        "■": [(-0.89, -0.89), (0.89, -0.89), (0.89, 0.89), (-0.89, 0.89)],
        "▲": [(0.0, -1.5), (1.35, 0.85), (-1.35, 0.85)],
        "▼": [(0.0, 1.5), (1.35, -0.85), (-1.35, -0.85)],
        "◆": [(0.0, -1.25), (1.25, 0.0), (0.0, 1.25), (-1.25, 0.0)],
        "×": [(-0.89, -0.89), (0.89, -0.89), (0.89, 0.89), (-0.89, 0.89)],
    }
    if mark not in shapes:
        pygame.draw.circle(surface, color, center, r)
        pygame.draw.circle(surface, BLACK, center, r, 1)
        return
    corners = [(x + dx * r, y + dy * r) for dx, dy in shapes[mark]]
    pygame.draw.polygon(surface, color, corners)
    pygame.draw.polygon(surface, BLACK, corners, 1)


def _in_view(vessel: Mapping[str, Any]) -> bool:
    """The picture shows the liver and its neighbors: generated vessels, and all that carried embolic except
    the aorta below."""
    points = np.asarray(vessel["points_mm"], float)
    return bool(vessel.get("generated")) or (
        vessel["embolic_mL"] > 0.0 and float(points[:, 2].min()) > -120.0
    )


def _bounds(points: Sequence[NDArray[np.float64]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if not points:
        return np.full(2, -100.0), np.full(2, 100.0)
    every = np.concatenate(points)
    return every.min(axis=0) - 10.0, every.max(axis=0) + 10.0
