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


def test_every_shipped_combination_that_is_used_fits() -> None:
    catalog = load_catalog()
    for outer, inner in (("catheter", "wire"), ("catheter", "microcatheter"), ("microcatheter", "microwire")):
        for a in catalog.of_kind(outer):
            for b in catalog.of_kind(inner):
                assert b.passes(a), (a.id, b.id)


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
