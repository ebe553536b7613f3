"""One X-ray picture from shadows, contrast and devices to the noisy, blurred signal. Owns the picture buffers."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from trainer.imaging import bands
from trainer.imaging.blur import focus_sigma_px, mtf_kernel
from trainer.imaging.detector import attenuate, attenuate_devices, blend, detect, shadows, to_log
from trainer.imaging.devices import DeviceProjector
from trainer.imaging.display import LOG_RANGE
from trainer.imaging.dose import Shutters, area_cm2
from trainer.imaging.exposure import Exposure
from trainer.imaging.geometry import Geometry
from trainer.imaging.pose import Pose, Preview
from trainer.imaging.scatter import SIZE, scatter_field
from trainer.imaging.system import System
from trainer.instruments.types import Shapes

Floats = NDArray[np.float64]
Image = NDArray[np.float32]

PENUMBRA_PX = 6.0
LEAK = 0.002
"""Share of the beam that passes the shutters."""


def shutter_image(size: int, shutters: Shutters) -> Image:
    """Open share (size, size) behind the collimator: 1 inside, soft edges, 0 outside."""

    def ramp(low: float, high: float) -> Image:
        x = np.arange(size, dtype=np.float32)
        a = (x - low * (size - 1)) / PENUMBRA_PX + 0.5 if low > 0 else np.ones(size, dtype=np.float32)
        b = ((1 - high) * (size - 1) - x) / PENUMBRA_PX + 0.5 if high > 0 else np.ones(size, dtype=np.float32)
        return np.asarray(np.clip(np.minimum(a, b), 0, 1), dtype=np.float32)

    left, right, top, bottom = shutters
    return np.outer(ramp(top, bottom), ramp(left, right)).astype(np.float32)


def open_field(geometry: Geometry, heel: float) -> Image:
    """Open-beam signal (H, W), 1 at the middle: cos^3 of the ray's angle, and the anode heel along the rows."""
    middle = 0.5 * (geometry.pixels - 1)
    x = (np.arange(geometry.pixels) - middle) * geometry.pixel_mm / geometry.sid
    r2 = x[:, None] ** 2 + x[None, :] ** 2
    fall = 1.0 - heel * (x / (240.0 / geometry.sid))[:, None] * 0.5
    return ((1.0 + r2) ** -1.5 * fall).astype(np.float32)


def wedge_row(size: int, wedges: tuple[float, float], thickest: float) -> Image:
    """What the left and right wedge filter let pass, (W,): all at their edge, `thickest` at the border of the field."""
    x = (np.arange(size) + 0.5) / size
    left, right = wedges
    depth = np.zeros(size)
    if left > 0.0:
        depth += np.clip((left - x) / left, 0.0, 1.0)
    if right > 0.0:
        depth += np.clip((x - 1.0 + right) / right, 0.0, 1.0)
    return np.asarray(thickest**depth, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Motion:
    """Image motion (columns, rows) in pixels of what breathes and of bowel gas."""

    breathing: tuple[float, float]
    gas: tuple[float, float]


class Chain:
    """Buffers and stages for pictures of (size, size) pixels on a number of threads."""

    def __init__(self, system: System, devices: DeviceProjector, size: int, threads: int) -> None:
        self.system, self.devices, self.size, self.threads = system, devices, size, threads
        shape = (size, size)
        self.soft, self.bone, self.iodine, self.primary, self.signal, self.log = (
            np.zeros(shape, dtype=np.float32) for _ in range(6)
        )
        self.scratch = np.zeros(shape, dtype=np.float32)
        self.panel = np.zeros(shape, dtype=np.float32)
        self.filtered = np.zeros(shape, dtype=np.float32)
        self.shutter = np.ones(shape, dtype=np.float32)
        self.gain = np.ones(shape, dtype=np.float32)
        self.expected = np.ones((SIZE, SIZE), dtype=np.float32)
        self.free = 1.0
        self._aimed: tuple[int, float, float, Shutters, tuple[float, float]] | None = None
        self.fresh = True

    def aim(self, geometry: Geometry, shutters: Shutters, wedges: tuple[float, float] = (0.0, 0.0)) -> None:
        """Prepares the open field, shutters and wedges. They turn with the arm: only its magnification changes them."""
        seen = (geometry.pixels, geometry.pixel_mm, geometry.sid, shutters, wedges)
        if self._aimed == seen:
            return
        self.shutter = shutter_image(self.size, shutters)
        self.gain = open_field(geometry, self.system.heel.value) * np.maximum(self.shutter, LEAK)
        if any(wedges):
            self.gain *= wedge_row(self.size, wedges, self.system.wedge.value)
        self._aimed = seen

    def shutter_of(self, shutters: Shutters) -> Image:
        """What shutters let through, (H, W), soft at their edges."""
        return shutter_image(self.size, shutters)

    def draw_iodine(self, pose: Pose, vessels: Floats, beds: Floats, motion: Motion) -> None:
        """Iodine (H, W) mg/cm2 from cells (C,) mg/mL and beds, then stains of holes (B+H,) mg."""
        self.iodine[:] = 0.0
        assert pose.chords is not None
        assert pose.blush is not None
        if len(pose.flaps):
            vessels = np.concatenate([vessels, -vessels[pose.flaps]])
        pose.chords.apply(vessels, motion.breathing, self.iodine)
        # a hole younger than the pose has no stain in it yet
        pose.blush.apply(beds[: len(pose.blush.box)], motion.breathing, self.iodine)

    def attenuate(
        self, pose: Pose | Preview, geometry: Geometry, exposure: Exposure, motion: Motion, shapes: Shapes | None
    ) -> None:
        """Primary (H, W) as a share of the open beam at the middle, devices included."""
        beam = exposure.beam
        mu = np.stack([beam.mu["soft"], beam.mu["bone"], beam.mu["iodine"]]).astype(np.float32)
        # soft is tabulated for unit density per mm, so mm of water-equivalent density multiply it directly
        weight = beam.weight.astype(np.float32)
        soft, bone = self.soft, self.bone
        if isinstance(pose, Preview):
            for small, large in ((pose.soft, soft), (pose.bone, bone)):
                cv2.resize(small, large.shape, dst=large, interpolation=cv2.INTER_LINEAR)
            bands.run(attenuate, self.size, self.threads, soft, bone, self.iodine, mu, weight, self.gain, self.primary)
        else:
            bone = pose.bone
            shifts = np.array([*motion.breathing, *motion.gas], dtype=np.float32)
            bands.run(
                shadows,
                self.size,
                self.threads,
                pose.static,
                pose.moving,
                pose.gas,
                pose.pad,
                shifts,
                bone,
                self.iodine,
                mu,
                weight,
                self.gain,
                soft,
                self.primary,
            )
        if shapes is not None:
            d = self.devices
            d.draw(geometry, shapes, beam)
            attenuate_devices(
                d.touched, d.count, d.exponent, soft, bone, self.iodine, mu, weight, self.gain, self.primary
            )
            d.clear()

    def expose(
        self,
        geometry: Geometry,
        shutters: Shutters,
        exposure: Exposure,
        water_mm: Image,
        unit_uGy: float,
        key: tuple[int, int],
    ) -> None:
        """Signal (H, W) in units of `unit_uGy` receptor dose: scatter, focal spot, quantum noise, detector MTF."""
        s = self.system
        spot = focus_sigma_px(s.focus_mm.value, geometry.magnification, geometry.pixel_mm)
        primary = self.primary
        if spot > 0.4:
            cv2.GaussianBlur(primary, (0, 0), spot, dst=self.scratch, borderType=cv2.BORDER_REPLICATE)
            primary = self.scratch
        small = np.asarray(cv2.resize(primary, (SIZE, SIZE), interpolation=cv2.INTER_AREA), dtype=np.float32)
        field = area_cm2(geometry, shutters, geometry.sod)
        scattered = scatter_field(small, water_mm, geometry, field, exposure.beam.kvp, s)
        pixel = geometry.pixel_mm**2 * exposure.quanta_uGy_mm2
        open_uGy = exposure.signal_uGy * s.grid.primary
        self.free = open_uGy / unit_uGy
        self.expected = np.asarray((small + scattered) * (open_uGy / unit_uGy), dtype=np.float32)
        bands.run(
            detect,
            self.size,
            self.threads,
            primary,
            scattered,
            open_uGy * pixel,
            s.electronic_quanta.value,
            unit_uGy * pixel,
            key[0],
            key[1],
            self.signal,
        )
        kernel = mtf_kernel(geometry.pixel_mm, s.mtf_at_1_lp.value)
        cv2.sepFilter2D(self.signal, -1, kernel, kernel, dst=self.signal, borderType=cv2.BORDER_REPLICATE)

    def integrate(self, weight: float) -> Image:
        """Log (H, W) of the signal after lag and recursive filter; weight is the newest frame's share.

        A fresh picture starts both anew.
        """
        if self.fresh:
            np.copyto(self.panel, self.signal)
            np.copyto(self.filtered, self.signal)
            self.fresh = False
        bands.run(
            blend,
            self.size,
            self.threads,
            self.signal,
            self.system.lag.value,
            self.panel,
            weight,
            self.filtered,
            LOG_RANGE[0],
            LOG_RANGE[1],
            self.log,
        )
        return self.log

    def take_log(self, image: Image) -> Image:
        """Natural log (H, W) of a signal, in the chain's buffer."""
        bands.run(to_log, self.size, self.threads, image, LOG_RANGE[0], LOG_RANGE[1], self.log)
        return self.log
