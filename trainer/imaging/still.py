"""One picture without a procedure: the `preview` verb, and pictures to look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainer.anatomy.types import Patient
from trainer.errors import CallError, nearest
from trainer.flow.types import Cells
from trainer.imaging import bands
from trainer.imaging.chain import Chain, Motion
from trainer.imaging.devices import DeviceProjector, Layer
from trainer.imaging.display import auto_window, coarse_log
from trainer.imaging.exposure import control, target_uGy
from trainer.imaging.geometry import Geometry
from trainer.imaging.organs import bed_clouds
from trainer.imaging.patient_body import scene_of
from trainer.imaging.pose import Pose
from trainer.imaging.pulse import aec_water_mm
from trainer.imaging.system import load_system
from trainer.imaging.vessels import frusta
from trainer.instruments.types import Shapes

Floats = NDArray[np.float64]
Image8 = NDArray[np.uint8]

MODES = ("fluoro", "dsa", "native")
FLUORO_FRAMES = 8
RATE_HZ = 7.5


@dataclass(frozen=True, slots=True)
class StillSource:
    """What a picture needs of a patient; make it once for a series of pictures."""

    pose: Pose
    geometry: Geometry


def prepare_still(patient: Patient, cells: Cells, geometry: Geometry, seed: int) -> StillSource:
    """All shadows and chords of a patient at one geometry."""
    pose = Pose(geometry, scene_of(patient, seed), frusta(cells, patient), bed_clouds(patient, seed))
    while not pose.complete:
        pose.advance(1e9)
    return StillSource(pose, geometry)


def render_still(
    patient: Patient,
    cells: Cells,
    layers: Mapping[str, Sequence[Layer]],
    geometry: Geometry,
    mode: str,
    iodine_mg_mL: Floats,
    bed_iodine_mg: Floats,
    shapes: Shapes | None = None,
    seed: int = 1,
    *,
    source: StillSource | None = None,
    offset_mm: tuple[float, float, float] = (0.0, 0.0, 0.0),
    mask_offset_mm: tuple[float, float, float] = (0.0, 0.0, 0.0),
    contraction: float = 0.0,
) -> Image8:
    """Gray picture (H, W) of contrast in cells (C,) mg/mL and beds (B,) mg at one moment.

    mode: fluoro (a settled recursive filter at 7.5 pulses/s), native (one DSA frame, unsubtracted) or dsa
    (subtracted from a mask without contrast and devices, at end diastole). contraction: of the heart, 0 to 1. Raises
    CallError for another mode.
    """
    if mode not in MODES:
        raise CallError(f"unknown mode '{mode}'", where="preview", mend=nearest(mode, MODES))
    system = load_system()
    ready = source or prepare_still(patient, cells, geometry, seed)
    pose = ready.pose
    chain = Chain(system, DeviceProjector(layers, geometry.pixels), geometry.pixels, bands.default_threads())
    kind, stages, rate = (
        (system.fluoro, system.stages.fluoro, RATE_HZ) if mode == "fluoro" else (system.dsa, system.stages.dsa, 3.0)
    )
    shutters = (0.0, 0.0, 0.0, 0.0)
    exposure = control(system, kind, stages, geometry, aec_water_mm(pose.water_mm, shutters), rate)
    chain.aim(geometry, shutters)
    unit = target_uGy(kind, system, geometry, rate)
    none_v, none_b = np.zeros(len(iodine_mg_mL)), np.zeros(len(bed_iodine_mg))

    def shot(number: int, filled: bool, offset: tuple[float, float, float]) -> None:
        shift = geometry.shift_px(np.asarray(offset))
        motion = Motion(shift, (0.6 * shift[0], 0.6 * shift[1]))
        pose.beat(contraction if filled else 0.0)
        chain.draw_iodine(pose, iodine_mg_mL if filled else none_v, bed_iodine_mg if filled else none_b, motion)
        chain.attenuate(pose, geometry, exposure, motion, shapes if filled else None)
        chain.expose(geometry, shutters, exposure, pose.water_mm, unit, (seed, number))

    if mode == "dsa":
        shot(0, False, mask_offset_mm)
        mask = chain.take_log(chain.signal).copy()
        shot(1, True, offset_mm)
        return chain.difference(chain.take_log(chain.signal), mask)
    frames = FLUORO_FRAMES if mode == "fluoro" else 1
    for k in range(frames - 1):
        shot(k, True, offset_mm)
        chain.integrate(system.filter.fluoro_weight)
    shot(frames - 1, True, offset_mm)
    everywhere = np.ones(chain.expected.shape, dtype=bool)
    low = coarse_log(chain.expected, chain.free, everywhere)
    return chain.picture(system.filter.fluoro_weight, auto_window(low, everywhere, None), low)
