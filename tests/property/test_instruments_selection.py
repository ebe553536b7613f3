"""Which handle angles lead a bent wire into a branch: one window, symmetric, wider with the tip's angle."""

from collections.abc import Sequence

import numpy as np
from instruments_tree import access_at_start, fork

from trainer.anatomy.types import VesselTree
from trainer.commands import Hand
from trainer.instruments.catalog import Arc, Catalog, DeviceSpec, load_catalog
from trainer.instruments.instruments import Instruments

CATALOG = load_catalog()
DT = 1 / 60
GRID_DEG = 15
ANGLES = range(0, 360, GRID_DEG)
TOWARD_BRANCH_DEG = 270.0
"""Handle angle at which the bend lies in the fork's plane and points to the branch: a device's first director
at the sheath is +y, the branch leaves toward +x."""
CLEARLY_IN_MM = 10.0
"""This far along the branch, or past the fork in the parent, nothing changes any more."""
SLOW, FAST = 20.0, 60.0


def bent(spec: DeviceSpec, tip_mm: float, tip_deg: float) -> DeviceSpec:
    """The device with a bend of an angle over a length, behind two straight millimeters."""
    return spec.model_copy(update={"tip": (Arc(length_mm=2.0), Arc(length_mm=tip_mm, angle_deg=tip_deg))})


def enters(tray: Instruments, slot: str, turn_deg: float) -> bool:
    """Whether the device in a slot, its hub turned before it comes to the fork, goes into the branch."""
    held = tray.held[slot]
    held.angle_rad = np.radians(turn_deg)
    for _ in range(600):
        pose = tray.step((Hand(slot, FAST if held.inserted_mm < 46.0 else SLOW),), np.zeros(3), DT).tips[-1]
        if pose.vessel == 1 and pose.position_mm > CLEARLY_IN_MM:
            return True
        if pose.vessel == 0 and pose.position_mm > 60.0 + CLEARLY_IN_MM:
            return False
    raise AssertionError(f"the tip got nowhere at {turn_deg} degrees")


def wire_window(spec: DeviceSpec, tree: VesselTree, angles: Sequence[int] = ANGLES,
                fillet_mm: float | None = None) -> list[int]:
    """The handle angles, degrees, that enter the branch; with fillet_mm the flow divider is rounded so."""
    chosen = []
    for angle in angles:
        tray = Instruments(tree, access_at_start(tree), Catalog({spec.id: spec}))
        if fillet_mm is not None:
            lumen = tray.stack.lumen
            wall = lumen.wall._replace(fillet=np.full(tree.count, fillet_mm))
            tray.stack.lumen = lumen._replace(wall=wall)
        assert tray.insert("wire", spec.id) is None
        if enters(tray, "wire", angle):
            chosen.append(angle)
    return chosen


def assert_one_symmetric_window(chosen: list[int]) -> None:
    """Neighbors on the grid's circle, and their middle at most one grid step off the branch's plane."""
    inside = [a in chosen for a in ANGLES]
    changes = sum(a != b for a, b in zip(inside, inside[1:] + inside[:1], strict=True))
    assert changes == 2, chosen
    off = [(a - TOWARD_BRANCH_DEG + 180.0) % 360.0 - 180.0 for a in chosen]
    assert abs(max(off) + min(off)) <= GRID_DEG, off


def test_the_window_is_one_symmetric_and_widens_with_the_tip_angle() -> None:
    tree = fork(60.0, 3.0, 2.0)
    windows = [wire_window(bent(CATALOG["wire_035_angled"], 8.0, deg), tree) for deg in (30.0, 45.0, 60.0, 75.0)]
    for chosen in windows:
        assert_one_symmetric_window(chosen)
    width = [len(chosen) for chosen in windows]
    assert width == sorted(width)
    assert width[0] < width[-1] < len(ANGLES) / 2


def test_a_rounder_flow_divider_narrows_the_window() -> None:
    tree = fork(60.0, 3.0, 2.0)
    wire = bent(CATALOG["wire_035_angled"], 6.0, 30.0)
    half = range(270, 360, 10)
    width = [len(wire_window(wire, tree, half, fillet_mm)) for fillet_mm in (0.35, 0.7, 1.0)]
    assert width[0] > width[1] > width[2]


def microwire_window(tip_deg: float) -> list[int]:
    """Handle angles that enter, for a microwire out of a microcatheter out of a straight base catheter."""
    tree = fork(60.0, 2.0, 1.4)
    wire = CATALOG["microwire_016_75"].shaped(6.0, tip_deg)
    guide = CATALOG["mpa_5f"].model_copy(update={"tip": ()})
    micro = CATALOG["micro_24f"].model_copy(update={"tip": ()})
    chosen = []
    for angle in ANGLES:
        tray = Instruments(tree, access_at_start(tree), Catalog({d.id: d for d in (guide, micro, wire)}))
        for slot, device, ahead in (("catheter", guide, 20.0), ("microcatheter", micro, 35.0),
                                    ("microwire", wire, 45.0)):
            assert tray.insert(slot, device.id) is None
            held = tray.held[slot]
            held.angle_rad = np.radians(angle) if slot == "microwire" else 0.0
            while held.inserted_mm < ahead - 1e-6:
                speed = min(300.0 if held.inserted_mm < 0.0 else FAST, (ahead - held.inserted_mm) / DT)
                tray.step((Hand(slot, speed),), np.zeros(3), DT)
        if enters(tray, "microwire", angle):
            chosen.append(angle)
    return chosen


def test_a_microwire_in_its_catheters_selects_in_one_symmetric_window() -> None:
    narrow, wide = microwire_window(30.0), microwire_window(75.0)
    assert_one_symmetric_window(narrow)
    assert_one_symmetric_window(wide)
    assert len(narrow) < len(wide) < len(ANGLES) / 2
