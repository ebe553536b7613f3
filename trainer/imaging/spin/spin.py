"""A spin: what it costs, and what its slices show.

The slices are the simulation's own voxels (body, iodine in vessels and beds) with the noise that the spin's quanta
would leave. No picture is taken and nothing is reconstructed: streaks, truncation, scatter and motion are absent.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from trainer.anatomy.types import Patient
from trainer.flow.types import Cells
from trainer.imaging.beam import Beam
from trainer.imaging.blush import Clouds
from trainer.imaging.dose import kap_Gycm2
from trainer.imaging.exposure import control
from trainer.imaging.geometry import Geometry
from trainer.imaging.organs import bed_clouds
from trainer.imaging.patient_body import Scene, scene_of
from trainer.imaging.pose import Preview
from trainer.imaging.pulse import aec_water_mm
from trainer.imaging.scene import Layer
from trainer.imaging.spin.voxels import Grid, add_blobs, add_mesh, cumulate, draw_tubes, sample
from trainer.imaging.system import System, Value, load_system
from trainer.imaging.volume.grid import PER_BONE, Volume
from trainer.imaging.volume.kernel import UNIT
from trainer.resources import resource
from trainer.textfile import StrictModel, read_model

Floats = NDArray[np.float64]
Image = NDArray[np.float32]

ASKED = 21
"""Angles of the turn at which exposure control is asked; between them the exposure changes linearly."""


class SpinSettings(StrictModel):
    """assets/xray/spin.yaml."""

    seconds: Value
    frames: Value
    arc_deg: Value
    dose_uGy: Value
    voxel_mm: Value
    diameter_mm: Value
    height_mm: Value
    cap_mGy_s: Value


@cache
def spin_settings() -> SpinSettings:
    """The shipped spin."""
    return read_model(SpinSettings, resource("assets", "xray", "spin.yaml"))[0]


@dataclass(frozen=True, slots=True)
class SpinDose:
    """What a spin costs, and the beam of its middle."""

    frames: int
    seconds: float
    air_kerma_mGy: float
    kap_Gycm2: float
    kvp: tuple[float, float]
    """Lowest and highest tube voltage of the turn."""
    beam: Beam
    water_mm: float
    """Mean water path through the middle."""
    receptor_uGy: float
    """Mean dose behind the patient a frame, scatter counted."""
    scatter_to_primary: float
    """Of it, the mean of the turn."""


@dataclass(frozen=True, slots=True)
class Slices:
    """HU (X, Y, Z) of a spin with the share by contrast apart, both on one grid, and its noise."""

    grid: Grid
    body_hu: Image
    iodine_hu: Image
    noise_hu: float
    """Standard deviation in one voxel."""
    dose: SpinDose


def spin_dose(patient: Patient, isocenter: tuple[float, float, float], seed: int = 1) -> SpinDose:
    """Dose of a spin about a point, LPS mm: the exposures that its receptor dose needs all around this body."""
    s, system = spin_settings(), load_system()
    rate = s.frames.value / s.seconds.value
    mode = system.dsa.model_copy(
        update={"dose_uGy": s.dose_uGy.value, "field_power": 0.0, "limit_mGy_min": 60.0 * s.cap_mGy_s.value}
    )
    scene = scene_of(patient, seed, coarse=True)
    kerma, kvp, water, receptor, scatter, middle = [], [], [], [], [], None
    for angle in np.linspace(-0.5, 0.5, ASKED) * math.radians(s.arc_deg.value):
        geometry = _geometry(system, float(angle), isocenter)
        path = aec_water_mm(Preview(geometry, scene, np.zeros(3)).water_mm, (0.0, 0.0, 0.0, 0.0))
        exposure = control(system, mode, system.stages.dsa, geometry, path, rate)
        kerma.append(exposure.reference_uGy)
        receptor.append(exposure.receptor_uGy)
        scatter.append(exposure.scatter_to_primary)
        kvp.append(exposure.beam.kvp)
        water.append(path)
        if len(kerma) == ASKED // 2 + 1:
            middle = exposure.beam
    assert middle is not None
    mean = float(np.trapezoid(kerma) / (ASKED - 1))
    frames = int(s.frames.value)
    field = _geometry(system, 0.0, isocenter)
    kap = kap_Gycm2(field, (0.0, 0.0, 0.0, 0.0), mean * frames, field.sod - system.reference_mm.value)
    return SpinDose(
        frames, s.seconds.value, mean * frames / 1000.0, kap, (min(kvp), max(kvp)), middle, float(np.mean(water)),
        float(np.mean(receptor)), float(np.mean(scatter)),
    )  # fmt: skip


def _geometry(system: System, angle: float, isocenter: tuple[float, float, float]) -> Geometry:
    d = system.geometry
    return Geometry(angle, 0.0, isocenter, system.fields_mm.values[0], d.sid_mm, d.sod_mm, Preview.SIZE)


def iodine_hu_per_mg_mL(beam: Beam, water_mm: float) -> float:
    """HU that 1 mg of iodine in 1 mL adds, by the beam as it leaves water_mm of water."""
    left = beam.weight * np.exp(-beam.mu["soft"] * water_mm)
    soft, iodine = float(left @ beam.mu["soft"]), float(left @ beam.mu["iodine"])
    return 1000.0 * 0.1 * iodine / soft  # 1 mg/mL over 1 mm is 0.1 mg/cm2


def noise_hu(dose: SpinDose, voxel_mm: float, magnification: float) -> float:
    """Standard deviation of HU in a voxel: pi / (sqrt(12) voxel) over the root of the quanta that went through it.

    The ramp filter's own, for quanta alone (Barrett and Swindell; from memory, unverified); kernels that smooth give
    less. Scatter that is taken out again leaves its noise: of n quanta as many as n / (1 + SPR)^2 count.
    """
    per_mm2 = dose.receptor_uGy * dose.beam.quanta_behind(dose.water_mm) / (1.0 + dose.scatter_to_primary) ** 2
    quanta = per_mm2 * (voxel_mm * magnification) ** 2 * dose.frames
    mu_water = float(dose.beam.weight @ dose.beam.mu["soft"])
    return 1000.0 * math.pi / (math.sqrt(12.0) * voxel_mm * math.sqrt(max(quanta, 1.0)) * mu_water)


def spin(
    patient: Patient, cells: Cells, iodine_mg_mL: Floats, bed_iodine_mg: Floats, isocenter: tuple[float, float, float],
    seed: int, *, scene: Scene | None = None,
) -> Slices:
    """Slices about a point with the iodine (C,) of cells and (B,) of beds, the mean over the turn."""
    s, system = spin_settings(), load_system()
    size = s.voxel_mm.value
    across, up = int(s.diameter_mm.value / size), int(s.height_mm.value / size)
    shape = (across, across, up)
    grid = Grid(np.asarray(isocenter) - 0.5 * size * (np.array(shape) - 1), size, shape)
    dose = spin_dose(patient, isocenter, seed)
    body = _body(scene_of(patient, seed) if scene is None else scene, grid)
    iodine = iodine_on(grid, cells, iodine_mg_mL, bed_clouds(patient, seed), bed_iodine_mg)
    iodine *= np.float32(iodine_hu_per_mg_mL(dose.beam, dose.water_mm))
    noise = noise_hu(dose, size, system.geometry.sid_mm / system.geometry.sod_mm)
    return Slices(grid, body, iodine, noise, dose)


def _body(scene: Scene, grid: Grid) -> Image:
    """HU (X, Y, Z) of a body without contrast."""
    total = grid.empty()
    for layer in scene:
        if isinstance(layer, Volume):
            start = (grid.origin - layer.origin) / layer.spacing
            for values, share in zip(layer.whole, (UNIT, UNIT * PER_BONE)):
                sample(values, start, grid.spacing / float(layer.spacing[0]), share, total)
        else:
            _add_layer(layer, grid, total)
    return np.asarray(np.maximum(1000.0 * (total - 1.0), -1000.0), dtype=np.float32)


def _add_layer(layer: Layer, grid: Grid, total: Image) -> None:
    """Adds a layer's density, by what its HU say, to total."""
    weight = np.array([1.0, PER_BONE], dtype=np.float32)
    if len(layer.faces):
        part = grid.empty()
        add_mesh(grid.places(layer.vertices), layer.faces, np.ascontiguousarray(layer.density @ weight), part)
        cumulate(part)
        total += part
    if len(layer.blob_mean):
        mass = (layer.blob_mass @ weight.astype(float)) / grid.spacing**3
        add_blobs(grid.places(layer.blob_mean), layer.blob_cov / grid.spacing**2, mass, total)


def iodine_on(grid: Grid, cells: Cells, iodine_mg_mL: Floats, beds: Clouds, bed_iodine_mg: Floats) -> Image:
    """Iodine (X, Y, Z) mg/mL of vessels and beds."""
    out = grid.empty()
    radius = np.column_stack([cells.radius_start, cells.radius_end]) / grid.spacing
    draw_tubes(grid.places(cells.start), grid.places(cells.end), radius, np.asarray(iodine_mg_mL, float), out)
    owner = np.repeat(np.arange(len(beds.first) - 1), np.diff(beds.first))
    # mg over mm3 of a voxel, in mg/mL
    mass = beds.mass * np.asarray(bed_iodine_mg, float)[owner] * 1000.0 / grid.spacing**3
    keep = mass > 0.0
    add_blobs(grid.places(beds.mean[keep]), beds.cov[keep] / grid.spacing**2, mass[keep], out)
    return out
