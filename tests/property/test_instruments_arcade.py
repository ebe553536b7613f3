"""Devices pass from one artery into another through an arcade, and narrow the blood's way there."""

from dataclasses import replace

import numpy as np
from instruments_tree import access_at_start, vessel_tree, winding

from trainer.anatomy.types import VesselTree
from trainer.commands import Hand
from trainer.instruments.catalog import load_catalog
from trainer.instruments.instruments import Instruments

DT = 1 / 60
TRUNK, SIDE, ARCADE = 0, 1, 2


def looped() -> VesselTree:
    """A trunk along z, a side branch that runs up beside it at x = 60, and an arcade from the trunk's end over a half
    circle down into the side branch."""
    trunk = winding([0, 0, 0], [0, 0, 1], [(100.0, 1e9, 0.0)])
    z = np.linspace(20.0, 160.0, 141)[:, None]
    out = np.linspace([0.0, 0.0, 20.0], [60.0, 0.0, 20.0], 61)
    side = np.concatenate([out[:-1], np.hstack([np.full_like(z, 60.0), np.zeros_like(z), z])])
    arcade = winding(trunk[-1], [0, 0, 1], [(20.0, 1e9, 0.0), (30.0 * np.pi, 30.0, 0.0), (22.0, 1e9, 0.0)])
    arcade = arcade[:, [1, 0, 2]]  # bent toward the side branch
    tree = vessel_tree({"trunk": ("", trunk, 2.5), "side": ("trunk", side, 1.8), "arcade": ("trunk", arcade, 1.3)})
    own = slice(int(tree.first[SIDE]), int(tree.first[SIDE + 1]))
    point = int(tree.first[SIDE]) + int(np.argmin(np.linalg.norm(tree.points[own] - arcade[-1], axis=1)))
    return replace(tree, joins=((ARCADE, point),))


def test_a_wire_goes_through_an_arcade_into_the_other_artery() -> None:
    tree = looped()
    join = tree.points[tree.joins[0][1]]
    assert np.linalg.norm(tree.points[tree.first[ARCADE + 1] - 1] - join) < 1.5
    tray = Instruments(tree, access_at_start(tree), load_catalog())
    assert tray.insert("wire", "wire_035_angled") is None
    shapes = tray.step((Hand("wire", 0.0),), np.zeros(3), DT)
    deepest = 0.0
    for _ in range(1500):
        shapes = tray.step((Hand("wire", 20.0, 1.0),), np.zeros(3), DT)
        deepest = max(deepest, shapes.max_penetration_mm)
        if shapes.tips[0].vessel == SIDE and tray.held["wire"].inserted_mm > 245.0:
            break
    assert shapes.tips[0].vessel == SIDE
    assert deepest < 0.1
    assert set(shapes.vessel[shapes.s > 0.0].tolist()) <= {TRUNK, ARCADE, SIDE}
    assert np.all(np.isfinite(shapes.nodes))
