"""The verb spin: slices with contrast from one turn of the C-arm, and its dose."""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

from trainer.cli import console
from trainer.cli.pictures import write_png
from trainer.cli.preview import filled
from trainer.errors import FileError
from trainer.imaging.spin.slabs import SLAB_MM, Slab, sheet, slabs
from trainer.imaging.spin.spin import Slices, spin_settings
from trainer.imaging.spin.spin import spin as turn
from trainer.units import STEP_HZ, STEP_S


def spin(arguments: argparse.Namespace) -> int:
    """Lets the blood flow through the turn, draws the slabs and writes them as PNG, with one sheet of all."""
    one = filled(arguments)
    steps = round(spin_settings().seconds.value * STEP_HZ)
    vessels = np.zeros(len(one.state.iodine_mg_mL))
    beds = np.zeros(len(one.state.bed_iodine_mg))
    for _ in range(steps):  # what moves during the turn is seen as its mean
        state = one.flow.step(STEP_S)
        vessels += state.iodine_mg_mL / steps
        beds += state.bed_iodine_mg / steps
    made = turn(one.patient, one.cells, vessels, beds, one.middle, arguments.seed)
    drawn = slabs(made, arguments.plane, arguments.seed)
    try:
        arguments.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"cannot be made a folder ({error.strerror})", where=str(arguments.out)) from None
    for n, slab in enumerate(drawn):
        write_png(arguments.out / f"{arguments.plane}_{n:03d}.png", slab.picture)
    write_png(arguments.out / f"{arguments.plane}_sheet.png", sheet(drawn))
    doc = _document(arguments, made, drawn)
    if arguments.json:
        console.document(doc)
    else:
        _show(doc)
    return 0


def _document(arguments: argparse.Namespace, made: Slices, drawn: list[Slab]) -> dict[str, Any]:
    d = made.dose
    return {
        "scenario": arguments.scenario, "seed": arguments.seed, "plane": arguments.plane,
        "folder": str(arguments.out), "slab_mm": SLAB_MM, "slabs_at_mm": [slab.at_mm for slab in drawn],
        "reconstructed": False, "noise_hu": made.noise_hu, "iodine_hu_max": float(made.iodine_hu.max()),
        "dose": {"frames": d.frames, "seconds": d.seconds, "air_kerma_mGy": d.air_kerma_mGy,
                 "kap_Gycm2": d.kap_Gycm2, "kVp": list(d.kvp), "water_mm": d.water_mm,
                 "receptor_uGy": d.receptor_uGy},
    }  # fmt: skip


def _show(doc: dict[str, Any]) -> None:
    d = doc["dose"]
    rows = [
        ("Turn", f"{d['frames']} pictures in {d['seconds']:g} s, {d['kVp'][0]:.0f} to {d['kVp'][1]:.0f} kVp"),
        ("KAP, air kerma", f"{d['kap_Gycm2']:.1f} Gy cm2, {d['air_kerma_mGy']:.0f} mGy"),
        ("Slabs", f"{len(doc['slabs_at_mm'])} {doc['plane']}, {doc['slab_mm']:g} mm, in {doc['folder']}"),
        ("Contrast, noise", f"up to {doc['iodine_hu_max']:.0f} HU, {doc['noise_hu']:.0f} HU in a voxel"),
    ]
    console.table(f"Spin of {doc['scenario']}, seed {doc['seed']}", ("what", "value"), rows)
    console.say("slices are the simulation's own voxels with the noise of this dose; nothing was reconstructed")
