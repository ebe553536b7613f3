"""One X-ray picture from shadows, contrast and devices to the noisy, blurred signal. Owns the picture buffers."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from trainer.imaging import bands
from trainer.imaging.attenuation import Beam4, Body, attenuate, attenuate_devices, occupied
from trainer.imaging.blur import focus_sigma_px, mtf_kernel
from trainer.imaging.coarse import block_means, widened
from trainer.imaging.detector import Quanta, detect
from trainer.imaging.devices import DeviceProjector
from trainer.imaging.display import DSA_GAIN, DSA_GRAY, LOG_RANGE, Window, look
from trainer.imaging.dose import Shutters, area_cm2
from trainer.imaging.exposure import Exposure
from trainer.imaging.geometry import Geometry
from trainer.imaging.pose import Pose, Preview
from trainer.imaging.readout import REACH, blend, difference_to_gray, read_out, to_gray, to_log
from trainer.imaging.scatter import SIZE, scatter_field, scatter_ratio
from trainer.imaging.system import System
from trainer.instruments.types import Shapes

Floats = NDArray[np.float64]
Image = NDArray[np.float32]
Image8 = NDArray[np.uint8]

PENUMBRA_PX = 6.0
LEAK = 0.002
"""Share of the beam that passes the shutters."""


def shutter_shares(size: int, shutters: Shutters) -> tuple[Image, Image]:
    """Open shares of rows (size,) and columns (size,) behind the collimator: 1 inside, soft edges, 0 outside.

    A pixel's share is their product.
    """

    def ramp(low: float, high: float) -> Image:
        x = np.arange(size, dtype=np.float32)
        a = (x - low * (size - 1)) / PENUMBRA_PX + 0.5 if low > 0 else np.ones(size, dtype=np.float32)
        b = ((1 - high) * (size - 1) - x) / PENUMBRA_PX + 0.5 if high > 0 else np.ones(size, dtype=np.float32)
        return np.asarray(np.clip(np.minimum(a, b), 0, 1), dtype=np.float32)

    left, right, top, bottom = shutters
    return ramp(top, bottom), ramp(left, right)


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
    """Buffers and stages for pictures of (size, size) pixels on a number of threads.

    `signal` is what the panel reads, its lag included; `filtered` what the recursive filter makes of it; `log` is whole
    after `integrate` and `take_log`, not after `picture`.
    """

    def __init__(self, system: System, devices: DeviceProjector, size: int, threads: int) -> None:
        self.system, self.devices, self.size, self.threads = system, devices, size, threads
        shape = (size, size)
        planes = np.empty((7, *shape), dtype=np.float32)  # one block, for which systems use large pages of memory
        planes[:] = 0.0
        self.iodine, self.primary, self.signal, self.log, self.filtered, self.scratch, self.gain = planes
        self.gain[:] = 1.0
        self.shutter = np.ones(shape, dtype=np.float32)
        self.shares = shutter_shares(size, (0.0, 0.0, 0.0, 0.0))
        self.expected = np.ones((SIZE, SIZE), dtype=np.float32)
        self.free = 1.0
        self._gas = np.zeros((0, 0), dtype=np.float32)
        self._gas_rows = occupied(self._gas)
        self._spr = self._water_mm = np.zeros((0, 0), dtype=np.float32)
        self._ratio_of: tuple[Geometry, float, float] | None = None
        self._aimed: tuple[int, float, float, Shutters, tuple[float, float]] | None = None
        self.fresh = True

    def aim(self, geometry: Geometry, shutters: Shutters, wedges: tuple[float, float] = (0.0, 0.0)) -> None:
        """Prepares the open field, shutters and wedges. They turn with the arm: only its magnification changes them."""
        seen = (geometry.pixels, geometry.pixel_mm, geometry.sid, shutters, wedges)
        if self._aimed == seen:
            return
        self.shares = shutter_shares(self.size, shutters)
        self.shutter = self.shutter_of(shutters)
        self.gain[:] = open_field(geometry, self.system.heel.value) * np.maximum(self.shutter, LEAK)
        if any(wedges):
            self.gain *= wedge_row(self.size, wedges, self.system.wedge.value)
        self._aimed = seen

    def shutter_of(self, shutters: Shutters) -> Image:
        """What shutters let through, (H, W), soft at their edges."""
        return np.outer(*shutter_shares(self.size, shutters)).astype(np.float32)

    def draw_iodine(self, pose: Pose, vessels: Floats, beds: Floats, motion: Motion) -> None:
        """Iodine (H, W) mg/cm2 from cells (C,) mg/mL and beds, then stains of holes (B+H,) mg."""
        self.iodine[:] = 0.0
        assert pose.pieces is not None
        assert pose.chords is not None
        assert pose.blush is not None
        if len(pose.flaps):
            vessels = np.concatenate([vessels, -vessels[pose.flaps]])
        pose.chords.apply(pose.pieces.blend(vessels), motion.breathing, self.iodine)
        # a hole younger than the pose has no stain in it yet
        pose.blush.apply(beds[: len(pose.blush.box)], motion.breathing, self.iodine)

    def _body(self, pose: Pose | Preview, motion: Motion) -> Body:
        """The layers of a view where they are now."""
        if isinstance(pose, Preview):
            full = (self.size, self.size)
            soft, bone = (
                np.asarray(cv2.resize(k, full, interpolation=cv2.INTER_LINEAR), dtype=np.float32)
                for k in (pose.soft, pose.bone)
            )
            none, shifts = np.zeros((0, 0), dtype=np.float32), np.zeros(4, dtype=np.float32)
            return Body(soft, none, none, occupied(none), 0, shifts, bone, self.iodine)
        if pose.gas is not self._gas:
            self._gas, self._gas_rows = pose.gas, occupied(pose.gas)
        shifts = np.array([*motion.breathing, *motion.gas], dtype=np.float32)
        return Body(pose.static, pose.moving, pose.gas, self._gas_rows, pose.pad, shifts, pose.bone, self.iodine)

    def attenuate(
        self, pose: Pose | Preview, geometry: Geometry, exposure: Exposure, motion: Motion, shapes: Shapes | None
    ) -> None:
        """Primary (H, W) as a share of the open beam at the middle, devices included."""
        beam = exposure.beam
        # soft is tabulated for unit density per mm, so mm of water-equivalent density multiply it directly
        mu = np.stack([beam.mu["soft"], beam.mu["bone"], beam.mu["iodine"]]).astype(np.float32)
        four = Beam4(mu, beam.weight.astype(np.float32))
        body = self._body(pose, motion)
        bands.run(attenuate, self.size, self.threads, body, four, self.gain, self.primary)
        if shapes is not None:
            d = self.devices
            d.draw(geometry, shapes, beam)
            attenuate_devices(d.touched, d.count, d.exponent, body, four, self.gain, self.primary)
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
        """Signal (H, W) in units of `unit_uGy` receptor dose: scatter, focal spot, quantum noise, detector MTF, lag.

        A fresh picture has nothing of the last one in it.
        """
        s = self.system
        spot = focus_sigma_px(s.focus_mm.value, geometry.magnification, geometry.pixel_mm)
        primary = self.primary
        if spot > 0.4:
            cv2.GaussianBlur(primary, (0, 0), spot, dst=self.scratch, borderType=cv2.BORDER_REPLICATE)
            primary = self.scratch
        small = self._means(primary)
        field = area_cm2(geometry, shutters, geometry.sod)
        scattered = scatter_field(small, self._ratio(water_mm, geometry, field, exposure.beam.kvp), geometry, s)
        pixel = geometry.pixel_mm**2 * exposure.quanta_uGy_mm2
        open_uGy = exposure.signal_uGy * s.grid.primary
        self.free = open_uGy / unit_uGy
        self.expected = np.asarray((small + scattered) * (open_uGy / unit_uGy), dtype=np.float32)
        kernel = mtf_kernel(geometry.pixel_mm, s.mtf_at_1_lp.value)
        bands.run(
            detect,
            self.size,
            self.threads,
            primary,
            widened(scattered, self.size),
            Quanta(open_uGy * pixel, s.electronic_quanta.value, unit_uGy * pixel, key),
            kernel[len(kernel) // 2 :],
            0.0 if self.fresh else s.lag.value,
            self.signal,
        )

    def _ratio(self, water_mm: Image, geometry: Geometry, field_cm2: float, kvp: float) -> Image:
        """Scatter-to-primary ratio (SIZE, SIZE); it stays the same while view, shutters and voltage do."""
        seen = (geometry, field_cm2, kvp)
        if water_mm is not self._water_mm or seen != self._ratio_of:
            self._spr = scatter_ratio(water_mm, geometry, field_cm2, kvp, self.system)
            self._water_mm, self._ratio_of = water_mm, seen
        return self._spr

    def _means(self, image: Image) -> Image:
        """Means (SIZE, SIZE) of blocks of an image (H, W)."""
        if self.size % SIZE:
            return np.asarray(cv2.resize(image, (SIZE, SIZE), interpolation=cv2.INTER_AREA), dtype=np.float32)
        out = np.empty((SIZE, SIZE), dtype=np.float32)
        bands.run(block_means, SIZE, self.threads, image, out)
        return out

    def integrate(self, weight: float) -> Image:
        """Log (H, W) of the signal after the recursive filter; weight is the newest frame's share.

        A fresh picture starts it anew.
        """
        self._start_filter()
        bands.run(blend, self.size, self.threads, self.signal, weight, self.filtered, *LOG_RANGE, self.log)
        return self.log

    def picture(self, weight: float, window: Window, low: Image) -> Image8:
        """`integrate`, and gray values (H, W) through a window; low (SIZE, SIZE) is of `display.coarse_log`.

        In one pass, so that the log of the whole picture is not kept.
        """
        self._start_filter()
        seen = look(window, low, self.system.filter.edge, *self.shares)
        out = np.empty((self.size, self.size), dtype=np.uint8)
        bands.run(
            read_out, self.size, self.threads, self.signal, weight, self.filtered, *LOG_RANGE, seen, self.log, out
        )
        for seam in bands.cuts(self.size, self.threads)[1:-1]:
            to_gray(seam - REACH, seam + REACH, self.log, seen, out)
        return out

    def difference(self, log: Image, mask: Image, peak: Image | None = None) -> Image8:
        """Gray values (H, W) of a log less a mask; a peak (H, W) keeps the lowest difference of a run."""
        kept = np.zeros((0, 0), dtype=np.float32) if peak is None else peak
        out = np.empty((self.size, self.size), dtype=np.uint8)
        bands.run(
            difference_to_gray, self.size, self.threads, log, mask, DSA_GRAY, DSA_GAIN, self.shutter, kept, out
        )
        return out

    def _start_filter(self) -> None:
        if self.fresh:
            np.copyto(self.filtered, self.signal)
            self.fresh = False

    def take_log(self, image: Image) -> Image:
        """Natural log (H, W) of a signal, in the chain's buffer."""
        bands.run(to_log, self.size, self.threads, image, *LOG_RANGE, self.log)
        return self.log
