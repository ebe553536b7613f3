"""A volume of soft tissue and bone in patient coordinates, packed for the projector."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainer.imaging.scene import BONE_HU
from trainer.imaging.volume.kernel import BONE, DEEP, SOFT, UNIT, WIDE

Floats = NDArray[np.float64]
Image = NDArray[np.float32]
Values = NDArray[np.int16]

BONE_FROM_HU, BONE_FULL_HU = 100.0, 300.0
"""Below the first, tissue holds no bone; above the second it is a mixture of water and cortical bone."""
AIR_BELOW = 0.05
"""Densities below this are set to nothing, so that the air around a patient costs no time."""
BONE_BELOW = 0.004
"""Shares of bone below this (speckle of noise in soft tissue, under about 130 HU) are counted as soft tissue."""
PER_BONE = 1.0 + BONE_HU / 1000.0
"""Water that cortical bone stands for by its HU."""
ORDERS = ((1, 2, 0), (0, 2, 1), (0, 1, 2))
"""Second, third and main axis by main axis."""


def split(hu: NDArray[np.generic]) -> tuple[Image, Image]:
    """Soft (mm of water per mm) and bone (share of cortical bone by volume) of Hounsfield units, any shape.

    The mixture keeps its HU: soft + bone (1 + BONE_HU / 1000) = 1 + HU / 1000. Up to 100 HU all is soft; from 300 HU
    on bone = HU / BONE_HU, the mixture of water and bone; a smooth step lies between, so that no edge is made. Above
    BONE_HU (metal) all is bone, more of it than there is room for.
    """
    h = np.asarray(hu, dtype=np.float32)
    total = np.maximum(h / np.float32(1000.0) + np.float32(1.0), np.float32(0.0))
    t = np.clip((h - np.float32(BONE_FROM_HU)) / np.float32(BONE_FULL_HU - BONE_FROM_HU), 0.0, 1.0)
    share = t * t * (3.0 - 2.0 * t) * h / np.float32(BONE_HU)
    per_bone = np.float32(PER_BONE)
    bone = np.minimum(share, total / per_bone).astype(np.float32)
    return (total - per_bone * bone).astype(np.float32), bone


@dataclass(frozen=True, slots=True)
class Packed:
    """The volume for rays of one main axis; see `kernel.project_rows` for the order."""

    shape: NDArray[np.int64]  # (3,) second, third, main
    soft: NDArray[np.uint32]
    bone: NDArray[np.uint32]
    filled: NDArray[np.uint8]


def _words(values: Values) -> NDArray[np.uint32]:
    """Pairs of neighbors along the second axis, flat, of values (third, second, main)."""
    out = values.view(np.uint16).astype(np.uint32)
    out[:, :-1] |= out[:, 1:] << np.uint32(16)
    return out.ravel()


def _filled(values: Values) -> NDArray[np.uint8]:
    """Bricks (main, third, second), flat, around which something lies, of values (third, second, main)."""
    nv, nu, nk = values.shape
    bricks = values.reshape(nv // WIDE, WIDE, nu // WIDE, WIDE, nk // DEEP, DEEP).any(axis=(1, 3, 5))
    wide = np.pad(bricks, ((1, 1), (1, 1), (0, 0)))
    near = np.zeros_like(bricks)
    for i in range(3):
        for j in range(3):
            near |= wide[i : i + bricks.shape[0], j : j + bricks.shape[1]]
    return np.ascontiguousarray(near.transpose(2, 0, 1)).astype(np.uint8).ravel()


def _whole(soft: Image, bone: Image) -> tuple[Values, Values]:
    """Densities in whole UNITs; hardly anything becomes nothing, and speckle of bone becomes soft tissue."""
    speckle = bone < BONE_BELOW
    soft = np.where(speckle, soft + np.float32(PER_BONE) * np.maximum(bone, np.float32(0.0)), soft)
    dense = np.where(soft < AIR_BELOW, np.float32(0.0), soft), np.where(speckle, np.float32(0.0), bone)
    first, second = (np.clip(np.rint(d / np.float32(UNIT)), -32767.0, 32767.0).astype(np.int16) for d in dense)
    return first, second


def whole_of_hu(hu: NDArray[np.int16]) -> tuple[Values, Values]:
    """Soft tissue and bone in whole UNITs of Hounsfield units within -1024..3071, any shape."""
    soft, bone = _whole(*split(np.arange(-1024, 3072)))
    place = np.clip(hu, -1024, 3071) + np.int16(1024)
    return soft[place], bone[place]


class Volume:
    """Densities (X, Y, Z) on a grid along the patient's axes. Nothing lies outside.

    values: soft tissue, mm of water per mm (negative where it is a difference), and share of cortical bone, both in
    UNIT. origin: center of voxel (0, 0, 0), LPS mm. spacing mm.
    """

    def __init__(self, values: tuple[Values, Values], origin: Floats, spacing: Floats) -> None:
        self.spacing = np.asarray(spacing, dtype=np.float64)
        # two empty voxels before and at least as many behind: a clamped ray reads nothing there
        room = [(2, 2 + -(n + 4) % DEEP) for n in values[0].shape]
        self.origin = np.asarray(origin, dtype=np.float64) - 2.0 * self.spacing
        self.whole: tuple[Values, Values] = np.pad(values[0], room), np.pad(values[1], room)
        self._packed: dict[int, Packed] = {}

    @classmethod
    def of_densities(cls, soft: Image, bone: Image, origin: Floats, spacing: Floats) -> Volume:
        """A volume of soft tissue and bone (X, Y, Z)."""
        return cls(_whole(soft, bone), origin, spacing)

    @classmethod
    def of_hu(cls, hu: NDArray[np.int16], origin: Floats, spacing: Floats) -> Volume:
        """A volume of Hounsfield units (X, Y, Z) within -1024..3071."""
        return cls(whole_of_hu(hu), origin, spacing)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along x, y, z, the empty border included."""
        x, y, z = self.whole[0].shape
        return x, y, z

    @property
    def soft(self) -> Image:
        """Soft tissue (X, Y, Z) with the empty border."""
        return self.whole[0] * np.float32(UNIT)

    @property
    def bone(self) -> Image:
        """Bone (X, Y, Z) with the empty border."""
        return self.whole[1] * np.float32(UNIT)

    def packed(self, axis: int) -> Packed:
        """The volume for rays with the main axis 0, 1 or 2; made at first use."""
        if axis not in self._packed:
            second, third, main = ORDERS[axis]
            soft, bone = (np.ascontiguousarray(v.transpose(third, second, main)) for v in self.whole)
            shape = np.array([soft.shape[1], soft.shape[0], soft.shape[2]], dtype=np.int64)
            filled = SOFT * _filled(soft) | BONE * _filled(bone)
            # where no bone is, none is read
            bones = _words(bone) if bone.any() else np.zeros(1, dtype=np.uint32)
            self._packed[axis] = Packed(shape, _words(soft), bones, filled)
        return self._packed[axis]

    def moved(self, offset_mm: Floats) -> Volume:
        """The same voxels displaced by (3,) mm; nothing is copied."""
        other = copy(self)
        other.origin = self.origin + np.asarray(offset_mm, dtype=np.float64)
        return other

    def coarser(self, factor: int) -> Volume:
        """The same volume with voxels `factor` times larger, each the mean of those in it."""
        out = []
        for v in self.whole:
            x, y, z = (n // factor for n in v.shape)
            parts = v[: x * factor, : y * factor, : z * factor].reshape(x, factor, y, factor, z, factor)
            out.append(np.rint(parts.mean(axis=(1, 3, 5), dtype=np.float32)).astype(np.int16))
        return Volume((out[0], out[1]), self.origin + 0.5 * (factor - 1) * self.spacing, self.spacing * factor)
