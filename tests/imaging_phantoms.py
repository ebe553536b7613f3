"""Phantoms for the validation of the picture: flat slabs that go through the whole image chain."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer.flow.types import Cells
from trainer.imaging.chain import Chain, Motion
from trainer.imaging.devices import DeviceProjector, Layer
from trainer.imaging.exposure import BONE_WATER, Exposure, kerma_uGy, receptor_share
from trainer.imaging.geometry import Geometry
from trainer.imaging.pose import Pose, Preview
from trainer.imaging.raster import add_faces, finish, project_vertices
from trainer.imaging.system import System, load_system
from trainer.instruments.types import Shapes

Image = NDArray[np.float32]
OPEN = (0.0, 0.0, 0.0, 0.0)
STILL = Motion((0.0, 0.0), (0.0, 0.0))


def machine(**changed: float) -> System:
    """The shipped machine with some of its single values changed, e.g. electronic_quanta=0."""
    system = load_system()
    return system.model_copy(
        update={k: getattr(system, k).model_copy(update={"value": v}) for k, v in changed.items()}
    )


def without_scatter(system: System) -> System:
    return system.model_copy(update={"grid": system.grid.model_copy(update={"scatter": 0.0})})


class Slab(Preview):
    """A body of given paths (mm), uniform or one value a pixel."""

    def __init__(self, geometry: Geometry, soft: float | Image, bone: float | Image = 0.0) -> None:
        shape = (geometry.pixels, geometry.pixels)
        self.geometry = geometry
        self.soft = np.broadcast_to(np.asarray(soft, dtype=np.float32), shape).copy()
        self.bone = np.broadcast_to(np.asarray(bone, dtype=np.float32), shape).copy()
        total = self.soft + BONE_WATER * self.bone
        self.water_mm = np.full((64, 64), float(total.mean()), dtype=np.float32)


class WaterPose(Pose):
    """A ready view of nothing but water of one thickness, for a suite that is driven by pedals."""

    def __init__(self, geometry: Geometry, water_mm: float) -> None:
        n, self.pad = geometry.pixels, 4
        self.geometry, self.ready, self.flaps, self._beat = geometry, True, np.zeros(0, np.int64), None
        self.flat = np.full((n, n), water_mm, dtype=np.float32)
        self.none = np.zeros((n + 2 * self.pad, n + 2 * self.pad), dtype=np.float32)
        self.water_mm = np.full((64, 64), water_mm, dtype=np.float32)

    static = property(lambda self: self.flat)  # type: ignore[assignment]
    bone = property(lambda self: self.none[: len(self.flat), : len(self.flat)])  # type: ignore[assignment]
    moving = property(lambda self: self.none)  # type: ignore[assignment]
    gas = property(lambda self: self.none)  # type: ignore[assignment]


class Bench:
    """The image chain over slabs. One exposure, pictures numbered by the caller."""

    def __init__(self, geometry: Geometry, system: System, beam: Any, *, threads: int = 1,
                 layers: dict[str, tuple[Layer, ...]] | None = None, flat_field: bool = True) -> None:
        self.geometry, self.system, self.beam = geometry, system, beam
        self.chain = Chain(system, DeviceProjector(layers or {}, geometry.pixels), geometry.pixels, threads)
        self.shutters = OPEN
        self.chain.aim(geometry, self.shutters)
        if flat_field:
            self.chain.gain[:] = 1.0

    def exposure(self, receptor_uGy: float, water_mm: float) -> Exposure:
        """An exposure that gives the receptor a dose behind water."""
        share = receptor_share(self.beam, water_mm, self.system.grid.primary)  # scatter comes on top
        open_uGy = receptor_uGy / share
        reference = self.geometry.sod - self.system.reference_mm.value
        mAs = open_uGy / kerma_uGy(self.beam, 1.0, self.geometry.sid)
        entrance = kerma_uGy(self.beam, mAs, reference)
        return Exposure(self.beam, 100.0, 10.0 * mAs, open_uGy, entrance, receptor_uGy, False, water_mm, 0.0)

    def primary(self, slab: Slab, iodine: float | Image = 0.0, shapes: Shapes | None = None) -> Image:
        """Primary (H, W) as a share of the open beam; iodine mg/cm2."""
        self.chain.iodine[:] = iodine
        self.chain.attenuate(slab, self.geometry, self._any, STILL, shapes)
        return self.chain.primary.copy()

    @property
    def _any(self) -> Exposure:
        return Exposure(self.beam, 1.0, 1.0, 1.0, 1.0, 1.0, False, 0.0, 0.0)

    def signal(self, slab: Slab, exposure: Exposure, number: int, iodine: float | Image = 0.0, unit_uGy: float = 1.0,
               shapes: Shapes | None = None) -> Image:
        """The panel's picture (H, W) in units of unit_uGy receptor dose."""
        self.primary(slab, iodine, shapes)
        return self.panel(slab, exposure, number, unit_uGy)

    def panel(self, slab: Slab, exposure: Exposure, number: int, unit_uGy: float = 1.0) -> Image:
        """The panel's picture of the primary that the chain holds."""
        self.chain.expose(self.geometry, self.shutters, exposure, slab.water_mm, unit_uGy, (11, number))
        return self.chain.signal.copy()


def mesh_path(vertices: NDArray[np.float64], faces: NDArray[np.int32], geometry: Geometry) -> Image:
    """Path (H, W) mm through a closed mesh, by the trainer's rasterizer."""
    xy, inverse = np.zeros((len(vertices), 2), np.int32), np.zeros(len(vertices))
    project_vertices(geometry.matrix(), np.ascontiguousarray(vertices), xy, inverse)
    n = geometry.pixels
    soft, none = np.zeros((n, n), np.float32), np.zeros((1, 1), np.float32)
    density = np.tile(np.array([1.0, 0.0], np.float32), (len(faces), 1))
    add_faces(xy, inverse, faces, density, 0, 1e18, geometry.sod, soft, none)
    finish(soft, 0, n, 0.5 * (n - 1), geometry.pixel_mm / geometry.sid)
    return soft


def straight(direction: NDArray[np.float64], length: float, device: str, middle: NDArray[np.float64],
             step: float = 2.0) -> Shapes:
    """A straight device through a point."""
    unit = np.asarray(direction) / np.linalg.norm(direction)
    s = np.linspace(0.0, length, round(length / step) + 1)
    nodes = np.asarray(middle) + unit * (s - 0.5 * length)[:, None]
    return along(nodes, device)


def along(nodes: NDArray[np.float64], device: str) -> Shapes:
    """A device along nodes (N, 3) mm."""
    s = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(nodes, axis=0), axis=1))])
    z = np.zeros(len(s))
    return Shapes(("wire",), (device,), nodes, s, z, z.astype(np.int64), z, z, np.array([s[-1]]), (), np.zeros(1),
                  np.zeros(1), 0.0, 0.0, 0.0, True)


def cells_of(points: np.ndarray, radius: np.ndarray) -> Cells:
    """Cells of one vessel along points (N, 3) mm with radii (N,) mm."""
    n = len(points) - 1
    length = np.linalg.norm(np.diff(points, axis=0), axis=1)
    end = np.cumsum(length)
    zero = np.zeros(n)
    return Cells(
        points[:-1],
        points[1:],
        radius[:-1],
        radius[1:],
        np.zeros(n, dtype=np.int64),
        end - length,
        end,
        np.ones(n),
        zero,
        zero,
        np.zeros(n, dtype=bool),
    )
