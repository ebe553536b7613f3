"""Water-path maps of bodies and what tells them from real ones: gray levels, local detail, edges, spectrum.

    python tests/path_maps.py --ct CT.nii.gz --celiac 14 -165 403 --out plot.png

draws the built-in body and a CT's by the same chain with their curves; the reference tests use the figures.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from trainer.anatomy.build import build_patient
from trainer.anatomy.spec import PatientSpec
from trainer.anatomy.types import Patient
from trainer.flow.cells import build_cells
from trainer.imaging.exposure import BONE_WATER
from trainer.imaging.geometry import Geometry
from trainer.imaging.still import prepare_still, render_still

Floats = NDArray[np.float64]
PIXELS = 512
VOXEL_MM = 3.0
"""A CT's voxels: both maps are smoothed to them before they are compared."""
BAND = (0.02, 0.15)
"""Cycles/mm within which the slope of the power spectrum is taken (body.md section 4)."""
DETAIL_MM = 10.0


@dataclass(frozen=True)
class Look:
    """One view of a body."""

    picture: NDArray[np.uint8]
    path_mm: Floats
    pixel_mm: float

    def inside(self, margin: int = 40) -> NDArray[np.bool_]:
        """Where there is body, away from its outline and the frame."""
        body = (self.path_mm > 60.0).astype(np.uint8)
        body[:4] = body[-4:] = body[:, :4] = body[:, -4:] = 0
        kernel = np.ones((2 * margin + 1,) * 2, np.uint8)
        return cv2.erode(body, kernel) > 0

    def smooth(self) -> Floats:
        return cv2.GaussianBlur(self.path_mm, (0, 0), 0.5 * VOXEL_MM / self.pixel_mm)

    def detail(self) -> Floats:
        """Path less its surroundings, mm."""
        smooth = self.smooth()
        return smooth - cv2.GaussianBlur(smooth, (0, 0), DETAIL_MM / self.pixel_mm)

    def edges(self) -> Floats:
        """Steepness, mm of water per mm."""
        gy, gx = np.gradient(self.smooth(), self.pixel_mm)
        return np.hypot(gx, gy)

    def spectrum(self) -> tuple[Floats, Floats]:
        """Frequencies, cycles/mm, and radial power of the largest square inside the body."""
        rows, columns = np.nonzero(self.inside(8))
        half = int(min(np.ptp(rows), np.ptp(columns)) // 2 * 0.8)
        r, c = int(np.median(rows)), int(np.median(columns))
        r, c = (min(max(v, half), PIXELS - half) for v in (r, c))
        part = self.smooth()[r - half : r + half, c - half : c + half]
        window = np.outer(np.hanning(2 * half), np.hanning(2 * half))
        power = np.abs(np.fft.fft2((part - part.mean()) * window)) ** 2
        f = np.fft.fftfreq(2 * half, self.pixel_mm)
        radius = np.hypot(f[:, None], f[None])
        edges = np.geomspace(0.01, 0.2, 18)
        which = np.digitize(radius, edges)
        mean = np.array([power[which == k].mean() if (which == k).any() else np.nan for k in range(1, len(edges))])
        return np.sqrt(edges[:-1] * edges[1:]), mean

    def slope(self) -> float:
        f, p = self.spectrum()
        keep = (f > BAND[0]) & (f < BAND[1]) & np.isfinite(p)
        return float(-np.polyfit(np.log(f[keep]), np.log(p[keep]), 1)[0])


def people(ct: str | None = None) -> tuple[Patient, Any]:
    patient = build_patient(PatientSpec(), np.random.SeedSequence(1))
    return replace(patient, ct=ct) if ct else patient, build_cells(patient)


def look(patient: Patient, cells: Any, lao_deg: float, center: tuple[float, float, float], seed: int = 1) -> Look:
    """One native view through the whole chain, and the water path behind it."""
    geometry = Geometry(np.radians(lao_deg), 0.0, center, pixels=PIXELS)
    source = prepare_still(patient, cells, geometry, seed)
    pose, pad = source.pose, source.pose.pad
    total = pose.static.astype(np.float64)
    for layer in (pose.moving, pose.gas):
        total += layer[pad:-pad, pad:-pad] if layer.shape[0] > PIXELS else layer
    total += BONE_WATER * pose.bone
    none = np.zeros(len(cells.start)), np.zeros(len(patient.beds.vessel))
    picture = render_still(patient, cells, {}, geometry, "native", *none, seed=seed, source=source)
    return Look(picture, total, geometry.pixel_iso_mm)


def plot(looks: Sequence[tuple[str, Look, Look]], path: Path) -> None:
    """Pictures of both bodies, and their curves over each other: gray levels, edges, spectrum."""
    rows = []
    for name, ours, theirs in looks:
        curves = [_curve(f"{name}: gray levels", *(_histogram(k.picture[k.inside()].astype(float), 0, 255)
                                                   for k in (ours, theirs))),
                  _curve("steepness, log", *(_histogram(np.log10(k.edges()[k.inside()] + 1e-3), -2.5, 1.5)
                                             for k in (ours, theirs))),
                  _curve("power, log-log", *(_power(k) for k in (ours, theirs)))]  # fmt: skip
        rows.append(np.concatenate([ours.picture, theirs.picture, *curves], axis=1))
    sheet = cv2.resize(np.concatenate(rows), None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(path), sheet)


def _histogram(values: Floats, low: float, high: float) -> tuple[Floats, Floats]:
    count, edges = np.histogram(values, 64, (low, high), density=True)
    return 0.5 * (edges[1:] + edges[:-1]), count


def _power(k: Look) -> tuple[Floats, Floats]:
    f, p = k.spectrum()
    keep = np.isfinite(p)
    power = np.log10(p[keep])
    return np.log10(f[keep]), power - np.interp(-1.5, np.log10(f[keep]), power) + 4.0


def _curve(title: str, ours: tuple[Floats, Floats], theirs: tuple[Floats, Floats]) -> NDArray[np.uint8]:
    """A small diagram: ours white, the CT's gray and dashed."""
    out = np.full((PIXELS, PIXELS), 20, np.uint8)
    low, high = min(ours[0][0], theirs[0][0]), max(ours[0][-1], theirs[0][-1])
    top = 1.08 * max(ours[1].max(), theirs[1].max())
    for (x, y), gray, dash in ((ours, 255, 1), (theirs, 150, 2)):
        px = 30 + (PIXELS - 60) * (x - low) / (high - low)
        py = PIXELS - 30 - (PIXELS - 90) * y / top
        points = np.stack([px, py], axis=1).round().astype(int)
        for a, b in list(pairwise(points))[::dash]:
            cv2.line(out, tuple(map(int, a)), tuple(map(int, b)), gray, 2, cv2.LINE_AA)
    cv2.putText(out, title, (30, 36), cv2.FONT_HERSHEY_SIMPLEX, 0.8, 230, 1, cv2.LINE_AA)
    return out


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--ct", required=True)
    parser.add_argument("--celiac", nargs=3, type=float, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    from trainer.scenario.ct.importing import import_ct

    done = import_ct(Path(arguments.ct), arguments.out.parent, tuple(arguments.celiac), "compared")
    ours, theirs = people(), people(str(done.path))
    looks = []
    for name, lao in (("AP", 0.0), ("LAO 30", 30.0), ("lateral", 90.0)):
        a, b = (look(*who, lao, (-10.0, -10.0, -60.0)) for who in (ours, theirs))
        looks.append((name, a, b))
        for label, k in (("built-in", a), ("CT", b)):
            inside = k.inside()
            print(f"{name:8s} {label:9s} gray {np.percentile(k.picture[inside], (5, 50, 95))} detail sd "
                  f"{k.detail()[inside].std():.2f} mm, steepness p50/p95 {np.percentile(k.edges()[inside], (50, 95))} "
                  f"slope {k.slope():.2f}")  # fmt: skip
    plot(looks, arguments.out)


if __name__ == "__main__":
    main()
