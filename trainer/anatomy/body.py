"""The measured body around the vessels, in one frame: what X-ray shows besides vessels and devices.

Upper part from one chest CT (lidc), L3 and below from another person's abdomen (abd), brought into lidc's
frame by a similarity (body.md section 5). Numbers are in assets/body/shapes.json with their attribution.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer.resources import resource

Floats = NDArray[np.float64]

ABOUT = 96
"""Points in one body contour."""


@dataclass(frozen=True, slots=True)
class Vertebra:
    """A vertebra. Lengths mm; points (3,) patient LPS; axes (3, 3) rows left, posterior, up."""

    name: str
    center: Floats
    axes: Floats
    upper: tuple[float, float]  # width, depth of the upper end plate
    waist: tuple[float, float]
    lower: tuple[float, float]
    heights: tuple[float, float, float]  # anterior, middle, posterior
    pedicles: tuple[tuple[Floats, float, float], ...]  # center, width, height
    spinous_tip: Floats
    transverse_tips: tuple[Floats, Floats]


@dataclass(frozen=True, slots=True)
class Rib:
    name: str
    path: Floats  # (N, 3) from the spine forward, mm
    half_long: float
    half_short: float
    long_axis: Floats  # (3,)


@dataclass(frozen=True, slots=True)
class Organ:
    """Closed harmonic surface: center (3,), coefficients (81,) mm in its own frame; place maps it to ours."""

    center: Floats
    coefficients: Floats
    scale: float
    rotation: Floats  # (3, 3)
    translation: Floats  # (3,)

    def place(self, points: Floats) -> Floats:
        """Patient position (N, 3) mm of points (N, 3) mm of the organ's own frame."""
        out: Floats = self.scale * points @ self.rotation.T + self.translation
        return out


@dataclass(frozen=True, slots=True)
class Body:
    skin: Floats  # (R, ABOUT, 3) mm, from the pelvis upward
    inner: Floats  # (R, ABOUT, 3) inner border of the subcutaneous fat
    vertebrae: tuple[Vertebra, ...]
    ribs: tuple[Rib, ...]
    organs: Mapping[str, Organ]
    lung_base_x: Floats
    lung_base_y: Floats
    lung_base: Floats  # (X, Y) mm, NaN where there is no lung
    pelvis_mean: Floats  # (G, 3) mm
    pelvis_cov: Floats  # (G, 6) xx,xy,xz,yy,yz,zz mm2
    pelvis_mass: Floats  # (G,) mm3 of water in excess of soft tissue
    iliac_crest: Floats  # (N, 3) mm, left side from front to back
    pelvic_inlet: Floats  # (N, 3) mm, its wall on the left side from the pubis to the sacrum
    femoral_heads: tuple[tuple[Floats, float], ...]
    gas: tuple[tuple[Floats, Floats, Floats], ...]  # center (3,), axes (3, 3) rows, semi-axes (3,)
    aorta: Floats  # (N, 4) x, y, z, radius


class _Frame:
    """Brings points of a source into the lidc frame."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.scale = float(data["scale"])
        self.rotation = np.array(data["rotation"], dtype=np.float64)
        self.translation = np.array(data["translation_mm"], dtype=np.float64)

    def points(self, source: str, p: Any) -> Floats:
        x = np.asarray(p, dtype=np.float64)
        return self.scale * x @ self.rotation.T + self.translation if source == "abd" else x

    def axes(self, source: str, a: Any) -> Floats:
        x = np.asarray(a, dtype=np.float64)
        return x @ self.rotation.T if source == "abd" else x

    def length(self, source: str, v: float) -> float:
        return self.scale * float(v) if source == "abd" else float(v)


def contour(fourier: Floats, center_xy: Floats, z: float, about: int = ABOUT) -> Floats:
    """Points (about, 3) mm of a body contour: R(t) = c0 + sum c[2k-1] cos kt + c[2k] sin kt (body.md 2)."""
    t = np.linspace(0, 2 * np.pi, about, endpoint=False)
    k = np.arange(1, (len(fourier) - 1) // 2 + 1)[:, None]
    c = np.asarray(fourier, dtype=np.float64)
    r = c[0] + c[1::2] @ np.cos(k * t) + c[2::2] @ np.sin(k * t)
    return np.stack([center_xy[0] + r * np.cos(t), center_xy[1] + r * np.sin(t), np.full(about, z)], axis=1)


def _rings(data: Mapping[str, Any], frame: _Frame, key: str) -> Floats:
    return np.array([
        frame.points(source, contour(np.array(c[key]), np.array(c["center_xy_mm"]), c["z_mm"]))
        for source in ("abd", "lidc")
        for c in sorted(data["contours"][source], key=lambda e: float(e["z_mm"]))
    ])


def _vertebra(name: str, v: Mapping[str, Any], f: _Frame) -> Vertebra:
    s = v["source"]
    axes = np.array([f.axes(s, v[k]) for k in ("axis_left", "axis_posterior", "axis_up")])

    def pair(key: str) -> tuple[float, float]:
        return f.length(s, v[key][0]), f.length(s, v[key][1])

    a, m, p = (f.length(s, h) for h in v["height_ant_mid_post_mm"])
    pedicles = []
    for side in ("L", "R"):
        q = v["pedicles"][side]
        width = min(f.length(s, q["width_mm"] or 10.0), 11.0 if name[0] == "L" else 9.0)
        height = min(f.length(s, q["height_mm"] or 16.0), 17.0)
        pedicles.append((f.points(s, q["center_mm"]), width, height))
    return Vertebra(name, f.points(s, v["body_center_mm"]), axes, pair("upper_endplate_width_depth_mm"),
                    pair("waist_width_depth_mm"), pair("lower_endplate_width_depth_mm"), (a, m, p), tuple(pedicles),
                    f.points(s, v["spinous_tip_mm"]),
                    (f.points(s, v["transverse_tip_L_mm"]), f.points(s, v["transverse_tip_R_mm"])))


def _organ(o: Mapping[str, Any], f: _Frame) -> Organ:
    abd = o["source"] == "abd"
    return Organ(np.array(o["center_mm"], dtype=np.float64), np.array(o["coefficients_mm"], dtype=np.float64),
                 f.scale if abd else 1.0, f.rotation if abd else np.eye(3),
                 f.translation if abd else np.zeros(3))


def _covariances(rows: Floats, f: _Frame) -> Floats:
    xx, xy, xz, yy, yz, zz = rows.T
    full = np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]]).transpose(2, 0, 1)
    turned = f.scale**2 * f.rotation @ full @ f.rotation.T
    upper: Floats = turned[:, [0, 0, 0, 1, 1, 2], [0, 1, 2, 1, 2, 2]]
    return upper


@cache
def load_body() -> Body:
    """The shipped body, whole, in the patient's frame."""
    data = json.loads(resource("assets", "body", "shapes.json").read_text("utf-8"))
    f = _Frame(data["abd_to_lidc"])
    base = data["lung_base"]
    pelvis = np.array(data["pelvis"], dtype=np.float64)
    gas = []
    for g in data["gas"]:
        semi = np.array([f.length(g["source"], x) for x in g["semi_axes_mm"]])
        gas.append((f.points(g["source"], g["center_mm"]), f.axes(g["source"], g["axes"]), semi))
    return Body(
        skin=_rings(data, f, "skin_fourier"),
        inner=_rings(data, f, "inner_fourier"),
        vertebrae=tuple(_vertebra(n, v, f) for n, v in data["vertebrae"].items()),
        ribs=tuple(
            Rib(n, np.array(r["path_mm"], dtype=np.float64), float(r["semi_axes_mm"][0]),
                float(r["semi_axes_mm"][1]), np.array(r["long_axis"], dtype=np.float64))
            for n, r in data["ribs"].items()),
        organs={n: _organ(o, f) for n, o in data["organs"].items()},
        lung_base_x=np.array(base["grid_x"], dtype=np.float64),
        lung_base_y=np.array(base["grid_y"], dtype=np.float64),
        lung_base=np.array([[np.nan if h is None else float(h) for h in row] for row in base["height"]]),
        pelvis_mean=f.points("abd", pelvis[:, :3]),
        pelvis_cov=_covariances(pelvis[:, 3:9], f),
        pelvis_mass=pelvis[:, 9] * f.scale**3,
        iliac_crest=f.points("abd", data["iliac_crest"]),
        pelvic_inlet=f.points("abd", data["pelvic_inlet"]),
        femoral_heads=tuple((f.points("abd", h[:3]), f.length("abd", h[3])) for h in data["femoral_heads"]),
        gas=tuple(gas),
        aorta=np.array(data["aorta"], dtype=np.float64),
    )
