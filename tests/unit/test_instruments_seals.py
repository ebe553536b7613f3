"""Balloons and valves of devices in place, and tips bent before they go in."""

import numpy as np
import pytest
from instruments_tree import access_at_start, straight, vessel_tree

from trainer.commands import Hand
from trainer.instruments.catalog import load_catalog
from trainer.instruments.instruments import Instruments
from trainer.instruments.types import Shapes

DT = 1 / 60


def with_micro(device: str, ahead_mm: float) -> tuple[Instruments, Shapes]:
    """A microcatheter that stands past a base catheter at 40 mm."""
    tree = vessel_tree({"artery": ("", straight(160.0), 3.0)})
    tray = Instruments(tree, access_at_start(tree), load_catalog())
    shapes = tray.shapes()
    for slot, name, goal in (("catheter", "mpa_5f", 40.0), ("microcatheter", device, ahead_mm)):
        assert tray.insert(slot, name) is None
        while (left := goal - tray.held[slot].inserted_mm) > 1e-6:
            speed = 300.0 if tray.held[slot].inserted_mm < 0.0 else 60.0
            shapes = tray.step((Hand(slot, min(speed, left / DT)),), np.zeros(3), DT)
    return tray, shapes


def test_a_balloon_widens_where_it_lies_while_it_is_full() -> None:
    tray, shapes = with_micro("micro_28f_balloon", 80.0)
    assert shapes.sealings == ()
    assert tray.inflate("microcatheter", True) is None
    (seal,) = tray.shapes().sealings
    span = tray.shapes().s[[seal.first, seal.last - 1]]
    assert span == pytest.approx([67.0, 75.0], abs=1.0)
    assert (seal.radius_mm, seal.one_way) == (2.0, False)
    assert tray.views(tray.shapes())[1].balloon == "full"
    assert tray.inflate("microcatheter", False) is None
    assert tray.shapes().sealings == ()


def test_what_surrounds_a_balloon_keeps_it_from_sealing() -> None:
    tray, _ = with_micro("micro_28f_balloon", 48.0)
    assert tray.inflate("microcatheter", True) is None
    assert tray.shapes().sealings == ()


def test_a_valve_needs_no_filling() -> None:
    _, shapes = with_micro("micro_28f_antireflux", 80.0)
    (seal,) = shapes.sealings
    assert seal.one_way


def test_what_has_no_balloon_says_so() -> None:
    tray, _ = with_micro("micro_24f", 80.0)
    assert "has no balloon" in (tray.inflate("microcatheter", True) or "")
    assert "no wire in place" in (tray.inflate("wire", True) or "")


def test_a_bent_tip_goes_in_bent_and_a_stiff_one_is_refused() -> None:
    tray, _ = with_micro("micro_24f", 80.0)
    assert "cannot be bent" not in (tray.insert("microwire", "microwire_014_floppy", 4.0, 45.0) or "")
    assert np.degrees(tray.held["microwire"].profile.turn1[-1]) == pytest.approx(45.0)
    other, _ = with_micro("micro_24f", 80.0)
    assert "bent over" in (other.insert("microwire", "microwire_014_floppy", 40.0, 45.0) or "")
    assert "microwire" not in other.held
