"""The device catalog: shipped devices are complete, faulty files are refused with file and line."""

from pathlib import Path

import numpy as np
import pytest

from trainer.errors import DeviceError, ScenarioError
from trainer.instruments.catalog import load_catalog

GOOD = """format: 1
devices:
  my_wire:
    kind: wire
    label: my wire
    outer_diameter_mm: 0.889
    length_mm: 1500
    friction: 0.05
    stiffness:
      - {from_tip_mm: 0, bend_Nmm2: 8, twist_Nmm2: 6}
      - {from_tip_mm: 100, bend_Nmm2: 300, twist_Nmm2: 230}
    tip:
      - {length_mm: 8, angle_deg: 45}
    xray:
      - {material: steel, outer_mm: 0.889}
    sources: {outer_diameter_mm: nominal, length_mm: mine, stiffness: mine, friction: mine, hand_N: mine, xray: mine}
"""


def test_every_size_has_a_choice_of_two() -> None:
    catalog = load_catalog()
    for kind in ("catheter", "wire", "microcatheter", "microwire"):
        assert len(catalog.of_kind(kind)) >= 2
    assert catalog.of_kind("sheath")


def test_every_lumen_has_a_choice_of_devices_that_fit() -> None:
    catalog = load_catalog()
    for outer, inner in (("catheter", "wire"), ("catheter", "microcatheter"), ("microcatheter", "microwire")):
        for a in catalog.of_kind(outer):
            fitting = [b.id for b in catalog.of_kind(inner) if b.passes(a)]
            assert len(fitting) >= 2, (a.id, inner)


def test_shipped_values_carry_a_source() -> None:
    for device in load_catalog().devices.values():
        assert {"stiffness", "friction", "hand_N", "xray"} <= set(device.sources)
        assert device.unverified


def test_the_profile_holds_the_whole_tip_angle() -> None:
    cobra = load_catalog()["cobra_2_5f"].profile()
    assert np.degrees(cobra.turn1[-1]) == pytest.approx(119.4)
    assert cobra.bend[0] < cobra.bend[-1]


def test_own_devices_are_added(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(GOOD)
    assert load_catalog([tmp_path])["my_wire"].kind == "wire"


def test_an_unknown_device_names_the_nearest() -> None:
    with pytest.raises(DeviceError, match="cobra_2_5f"):
        load_catalog()["cobra_5f"]


@pytest.mark.parametrize(("old", "new", "said"), [
    ("    label: my wire", "    lable: my wire", "lable"),
    ("0.889\n    length", "-1\n    length", "outer_diameter_mm"),
    ("from_tip_mm: 100", "from_tip_mm: 0", "rise"),
    ("hand_N: mine, ", "", "hand_N"),
])
def test_faults_are_named_with_file_and_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(GOOD.replace(old, new))
    with pytest.raises(ScenarioError, match=said) as caught:
        load_catalog([tmp_path])
    assert f"{path}:" in str(caught.value)


def test_a_device_cannot_be_defined_twice(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(GOOD.replace("my_wire", "cobra_2_5f"))
    with pytest.raises(DeviceError, match="exists already"):
        load_catalog([tmp_path])


def test_the_shelf_is_as_wide_as_a_real_one() -> None:
    catalog = load_catalog()
    many = {kind: len(catalog.of_kind(kind)) for kind in ("catheter", "microcatheter", "sheath")}
    assert many["catheter"] >= 8
    assert many["microcatheter"] >= 6
    assert many["sheath"] >= 3
    assert len(catalog.of_kind("wire")) + len(catalog.of_kind("microwire")) >= 8
    devices = catalog.devices.values()
    assert any(d.side_holes for d in devices)
    assert any(d.balloon for d in devices)
    assert any(d.valve for d in devices)


def test_dead_space_is_the_volume_of_the_lumen() -> None:
    for device in load_catalog().devices.values():
        volume = np.pi / 4 * device.inner_diameter_mm**2 * device.length_mm / 1000
        assert device.dead_space_mL == pytest.approx(volume, abs=0.02), device.id


def test_a_tip_is_bent_by_hand() -> None:
    wire = load_catalog()["microwire_014_floppy"]
    bent = wire.shaped(5.0, 60.0)
    assert np.degrees(bent.profile().turn1[-1]) == pytest.approx(60.0)
    assert np.degrees(wire.profile().turn1[-1]) == pytest.approx(0.0)
    for length, angle in ((30.0, 45.0), (0.2, 45.0), (4.0, 170.0), (float("nan"), 10.0)):
        with pytest.raises(ValueError, match="bent"):
            wire.shaped(length, angle)
    with pytest.raises(ValueError, match="keeps its shape"):
        load_catalog()["wire_035_j"].shaped(4.0, 45.0)
