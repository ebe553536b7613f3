"""A finer mesh and shorter steps lead the tip the same way; and what went in comes back out the same way."""

import functools

import numpy as np
import pytest
from instruments_tree import access_at_start, vessel_tree, winding
from numpy.typing import NDArray

from trainer.commands import Hand
from trainer.instruments.catalog import Catalog, load_catalog
from trainer.instruments.instruments import Instruments
from trainer.instruments.mesh import SPACING, node_distances

Path = dict[tuple[float, int], NDArray[np.float64]]
EVERY_MM = 5
IN_MM, BACK_MM = 200, 60
BENDS = [(30.0, 1e9, 0.0)] + [(30.0, 35.0, np.pi * (k % 2) + 0.4 * k) for k in range(8)]
"""Eight bends of 49 degrees to alternating sides, their plane turning."""
WIRES = ("wire_035_angled", "wire_035_bentson")
"""A shaped catheter is left out: where its curve snaps from one way to lie in a bend to the other, a little earlier or
later is millimeters at the same insertion (README, table of what was reached)."""


@functools.cache
def tip_path(wire: str, finer: bool = False, shorter: bool = False) -> Path:
    """Tip positions by direction of motion and insertion: in at 20 mm/s, back, and in again."""
    course = winding([0, 0, 0], [0, 0, 1], BENDS)
    spec = load_catalog().devices[wire]
    tree = vessel_tree({"v": ("", course, 2.5)})
    tray = Instruments(tree, access_at_start(tree), Catalog({spec.id: spec}))
    if finer:
        tray.stack.from_tip = node_distances(tuple((d, 0.5 * h) for d, h in SPACING))
    slot = spec.kind
    assert tray.insert(slot, spec.id) is None
    dt_s, out = (1 / 120 if shorter else 1 / 60), {}
    for way, end in ((1.0, IN_MM), (-1.0, BACK_MM), (1.0, IN_MM)):
        while abs(end - tray.held[slot].inserted_mm) > 1e-6:
            speed = min(20.0, abs(end - tray.held[slot].inserted_mm) / dt_s)
            shapes = tray.step((Hand(slot, way * speed),), np.zeros(3), dt_s)
            inserted = tray.held[slot].inserted_mm
            if abs(inserted / EVERY_MM - round(inserted / EVERY_MM)) < 1e-6:
                out[way, round(inserted)] = shapes.tips[0].position.copy()
    return out


def apart(one: Path, two: Path) -> float:
    """Largest distance of tips at the same insertion in the same direction, mm."""
    common = set(one) & set(two)
    assert len(common) > 40
    return max(float(np.linalg.norm(one[key] - two[key])) for key in common)


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize(("finer", "shorter"), [(True, False), (False, True), (True, True)],
                         ids=["half spacing", "half step", "both"])
def test_a_finer_mesh_and_shorter_steps_lead_the_same_way(wire: str, finer: bool, shorter: bool) -> None:
    assert apart(tip_path(wire), tip_path(wire, finer, shorter)) < 0.5


@pytest.mark.parametrize("wire", WIRES)
def test_a_wire_comes_back_the_way_it_went_in(wire: str) -> None:
    """A shaped catheter need not: its curve has two ways to lie in a bend and takes the other one on the way back."""
    path = tip_path(wire)
    there = {mm: x for (way, mm), x in path.items() if way > 0.0}
    back = {mm: x for (way, mm), x in path.items() if way < 0.0}
    common = set(there) & set(back)
    assert len(common) > 20
    assert max(float(np.linalg.norm(there[mm] - back[mm])) for mm in common) < 1.0
