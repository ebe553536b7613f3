"""The verb import: a patient's own data become files that cases name."""

from __future__ import annotations

import argparse
from typing import Any

from trainer.cli import console
from trainer.scenario.ct.importing import Imported
from trainer.scenario.ct.importing import import_ct as make


def import_ct(arguments: argparse.Namespace) -> int:
    """Writes the body file of a CT and says which line a case needs."""
    made = make(
        arguments.source, arguments.out, tuple(arguments.celiac) if arguments.celiac else None, arguments.name,
        arguments.spacing,
    )  # fmt: skip
    doc = _document(made)
    if arguments.json:
        console.document(doc)
        return 0
    x, y, z = doc["celiac_mm"]
    rows = [
        ("Body file", f"{doc['path']} ({doc['size_MB']:.1f} MB)"),
        ("Stored axes", f"{doc['axes']}, turned to LPS"),
        ("Grid", f"{' x '.join(map(str, doc['shape']))} voxels of {doc['spacing_mm']:g} mm"),
        ("Celiac ostium", f"{x:.1f} {y:.1f} {z:.1f} in the scan's LPS mm{' (guessed)' if doc['guessed'] else ''}"),
        ("Reaches", f"{doc['below_mm']:.0f} mm below and {doc['above_mm']:.0f} mm above it"),
    ]
    console.table("CT imported", ("what", "value"), rows)
    for note in doc["notes"]:
        console.say(note)
    console.out.print("Put this into a case file in the same folder:\n", markup=False)
    console.out.print(f"patient:\n  body:\n    ct: {doc['line']}", markup=False)
    return 0


def _document(made: Imported) -> dict[str, Any]:
    body = made.body
    top = body.origin_mm[2] + body.spacing_mm * (body.hu.shape[2] - 1)
    return {
        "path": str(made.path), "size_MB": made.path.stat().st_size / 1e6, "axes": made.axes,
        "shape": list(body.hu.shape), "spacing_mm": body.spacing_mm, "celiac_mm": [float(v) for v in body.celiac_mm],
        "guessed": body.guessed, "below_mm": float(-body.origin_mm[2]), "above_mm": float(top),
        "line": made.path.name, "notes": list(made.notes),
    }  # fmt: skip
