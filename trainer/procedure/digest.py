"""Fingerprints: of a frame, of the shipped data, and the chain over a recording's lines."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from trainer.frame import Frame
from trainer.resources import resource

STEP_BYTES = 4
"""Bytes kept of each step's fingerprint."""
DATA = ("access", "anatomy", "body", "coils", "devices", "fluids", "mishaps", "scoring", "wall", "xray")
"""Folders of assets that a simulation depends on."""


def frame_digest(frame: Frame) -> bytes:
    """Fingerprint (32 bytes) of the numbers of a frame: devices, blood, dose, treatment. No pixels."""
    values = list(_values(frame))
    words = "\0".join([frame.xray.live_kind, frame.injection.state, frame.injection.fluid,
                       *(d.slot + d.device for d in frame.devices),
                       *(e.code for e in frame.events)])  # fmt: skip
    return hashlib.blake2b(struct.pack(f"<{len(values)}d", *values) + words.encode(), digest_size=32).digest()


def _values(frame: Frame) -> Iterator[float]:
    truth, x, dose, given = frame.truth, frame.xray, frame.dose, frame.injection
    yield from (frame.step, frame.t_s, frame.finished)
    for d in frame.devices:
        yield from (d.inserted_mm, d.rotation_rad, d.hub_force_N, d.hub_torque_Nmm)
    for slot in sorted(truth.tip_mm):
        yield from truth.tip_mm[slot]
    yield from _sorted(truth.embolic_by_place)
    yield from _sorted(truth.drug_by_place)
    yield from (truth.embolic_in_flight_mL, truth.feeder_flow_share, truth.max_wall_force_N,
                truth.mass_balance_error)  # fmt: skip
    yield from (x.live_id, x.primary_deg, x.secondary_deg, *x.isocenter_mm, x.fov_mm, x.kVp, x.mA, x.pulse_ms)
    yield x.copper_mm
    yield from (dose.air_kerma_mGy, dose.kap_Gycm2, dose.peak_skin_mGy, dose.fluoro_time_s, dose.frames)
    yield from (given.rate_mL_s, given.pressure_psi, given.contrast_mL, given.iodine_g, given.drug_mg,
                given.embolic_mL)  # fmt: skip
    yield from (frame.vitals.pressure_mmHg, frame.vitals.breath)


def _sorted(amounts: Mapping[str, float]) -> Iterator[float]:
    return (amounts[name] for name in sorted(amounts))


def picture_digest(frame: Frame) -> str:
    """Fingerprint of the live image, '' when there is none."""
    live = frame.xray.live
    return "" if live is None else hashlib.blake2b(live.tobytes(), digest_size=16).hexdigest()


def text_digest(text: str) -> str:
    """SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


@cache
def catalog_version() -> str:
    """Fingerprint of all shipped data that a simulation depends on."""
    total = hashlib.sha256()
    root = resource("assets")
    for name in DATA:
        for path in sorted(p for p in (root / name).rglob("*") if _is_data(p)):
            total.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return total.hexdigest()[:16]


def _is_data(path: Path) -> bool:
    return path.is_file() and path.suffix in (".yaml", ".json", ".npz")


class Chain:
    """SHA-256 over all lines so far; a changed, missing or added line changes every later value."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def add(self, line: str) -> None:
        self._hash.update(line.encode() + b"\n")

    @property
    def value(self) -> str:
        return self._hash.hexdigest()[:32]
