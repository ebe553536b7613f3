"""Each fault in a case file gives one message with file and line, exit code 2, and nothing written."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from trainer.cli import main
from trainer.errors import TrainerError
from trainer.resources import resource
from trainer.scenario.checking import check
from trainer.scenario.loading import find

GOOD = resource("scenarios", "segment_8_first_case.yaml").read_text(encoding="utf-8")


def swap(old: str, new: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        assert text.count(old) >= 1
        return text.replace(old, new, 1)

    return change


PATIENT = "patient:\n  anatomy: michels_1\n"


def vessel(lines: str) -> Callable[[str], str]:
    return swap(PATIENT, f"{PATIENT}  vessels:\n{lines}")


FAULTS: dict[str, tuple[Callable[[str], str], str, str]] = {
    # name: (change, part of the message, a text on the line that the message must name)
    "unknown key": (swap("minutes: 30", "minuets: 30"), "unknown key 'minuets'", "minuets"),
    "unknown key below": (swap("  weight_kg: 78", "  weigth_kg: 78"), "Did you mean 'weight_kg'", "weigth_kg"),
    "missing key": (swap("difficulty: easy\n", ""), "'difficulty' is missing", ""),
    "wrong type": (swap("  age: 64", "  age: old"), "age", "age: old"),
    "negative radius": (vessel("    celiac_trunk:\n      diameter_mm: [-7.2, 6.6]\n"), "diameter_mm", "-7.2"),
    "missing parent": (vessel("    right_gastric_artery:\n      parent: proper_hepatic\n"), "does not exist",
                       "parent: proper_hepatic"),
    "loop": (vessel("    common_hepatic_artery:\n      parent: proper_hepatic_artery\n"), "loop",
             "parent: proper_hepatic_artery"),
    "no device fits": (swap("      diameter_mm: 30\n", "      diameter_mm: 30\n      feeder:\n"
                            "        diameter_mm: [0.6, 0.5]\n"), "no device fits the feeder 'tumor_feeder'",
                       "[0.6, 0.5]"),
    "base catheter too short": (swap("access: right_femoral", "access: left_radial"),
                                "no catheter on the table is long enough from access 'left_radial': 101 cm are needed",
                                "devices:"),
    "unknown access": (swap("access: right_femoral", "access: right_radial"), "there is no access 'right_radial'",
                       "access: right_radial"),
    "unknown anatomy": (swap("anatomy: michels_1", "anatomy: michels_12"), "there is no anatomy", "michels_12"),
    "unknown device": (swap("  - micro_24f", "  - micro_25f"), "there is no device 'micro_25f'", "  - micro_25f"),
    "unknown fluid": (swap("fluids: [contrast_300", "fluids: [contrast_301"), "there is no fluid", "contrast_301"),
    "plan without its fluid": (swap("embolic: deb_100_300", "embolic: deb_900"), "is not among 'fluids'", "deb_900"),
    "wrong kind of device": (swap("  microwire: microwire_016_75", "  microwire: micro_24f"),
                             "is a microcatheter, not a microwire", "microwire: micro_24f"),
    "wrong segment": (swap('target:\n  tumor: tumor\n  feeder: tumor_feeder\n  segment: "8"',
                           'target:\n  tumor: tumor\n  feeder: tumor_feeder\n  segment: "7"'),
                      "lies in segment 8", 'segment: "7"'),
    "wrong feeder": (swap("  feeder: tumor_feeder", "  feeder: cystic_artery"), "does not feed", "feeder: cystic"),
    "unknown survey vessel": (swap("survey: [superior_mesenteric_artery]", "survey: [mesenteric]"),
                              "there is no vessel 'mesenteric'", "[mesenteric]"),
    "unknown measure": (swap("measure: dose.kap_Gycm2", "measure: dose.kap"), "no measure is called", "dose.kap"),
    "newer format": (swap("format: 1", "format: 2"), "this program reads formats up to 1", "format: 2"),
    "bad yaml": (swap("history:\n", "history: [\n"), "is not valid YAML", ""),
    "tab": (swap("  age: 64", "\tage: 64"), "is not valid YAML", "age: 64"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_names_file_line_and_what(name: str, tmp_path: Path) -> None:
    change, message, at = FAULTS[name]
    text = change(GOOD)
    path = tmp_path / "case.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TrainerError) as caught:
        check(path)
    said = str(caught.value)
    assert message in said
    assert said.startswith(f"{path}:")
    line = int(said.removeprefix(f"{path}:").split(":")[0])
    if at:
        assert at in text.splitlines()[line - 1]
    assert list(tmp_path.iterdir()) == [path]


RADIAL = resource("scenarios", "segment_8_left_radial.yaml").read_text(encoding="utf-8")
SHORT: dict[str, tuple[tuple[tuple[str, str], ...], str, str]] = {
    # name: (changes to the case from the wrist, parts of the message, a text on the line that it names)
    "approach's catheter": ((("  catheter: visceral_radial_5f", "  catheter: mpa_5f"),),
                            "'mpa_5f' is too short|101 cm are needed|it measures 100 cm|"
                            "Long enough on the table: visceral_radial_5f", "catheter: mpa_5f"),
    "approach's microcatheter": ((("  microcatheter: micro_20f_150", "  microcatheter: micro_28f"),),
                                 "'micro_28f' is too short|through 'visceral_radial_5f'|"
                                 "Long enough on the table: micro_20f_150", "microcatheter: micro_28f"),
    "all microcatheters": ((("  - micro_20f_150", "  - micro_24f"),
                            ("  microcatheter: micro_20f_150", "  microcatheter: micro_24f")),
                           "no microcatheter on the table is long enough|through 'visceral_radial_5f'|"
                           "'micro_28f' 130 cm, 'micro_24f' 110 cm|Put a microcatheter of", "devices:"),
}  # fmt: skip


@pytest.mark.parametrize("name", SHORT)
def test_a_device_too_short_from_the_wrist_is_named_with_the_mend(name: str, tmp_path: Path) -> None:
    changes, parts, at = SHORT[name]
    text = RADIAL
    for old, new in changes:
        text = swap(old, new)(text)
    path = tmp_path / "case.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TrainerError) as caught:
        check(path)
    said = str(caught.value)
    for part in parts.split("|"):
        assert part in said
    line = int(said.removeprefix(f"{path}:").split(":")[0])
    # a block's place is that of its key or of its first entry
    assert any(at in text.splitlines()[i] for i in (line - 1, line - 2))


def test_the_case_from_the_left_groin_is_sound(tmp_path: Path) -> None:
    path = tmp_path / "case.yaml"
    path.write_text(GOOD.replace("access: right_femoral", "access: left_femoral"), encoding="utf-8")
    assert check(path).fitting == ("micro_24f", "micro_20f")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (GOOD[: len(GOOD) // 2].encode(), "case.yaml:"),
        (GOOD[: GOOD.index("history:") + 4].encode(), "case.yaml:"),
        (b"", "case.yaml:1:"),
        (bytes(range(256)) * 20, "binary file"),
        (b"\x89PNG\r\n\x1a\n" + bytes(64), "binary file"),
        ("título: caf\xe9".encode("latin-1"), "not UTF-8"),
        (b"- a\n- b\n", "does not hold a mapping"),
    ],
)
def test_truncated_binary_and_foreign_files(
    data: bytes, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "case.yaml"
    path.write_bytes(data)
    assert main(["check", str(path)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert message in said.err
    assert said.err.count("catheter-trainer:") == 1
    assert "Traceback" not in said.err
    assert list(tmp_path.iterdir()) == [path]


def test_every_verb_refuses_a_faulty_case_without_writing(tmp_path: Path) -> None:
    path = tmp_path / "case.yaml"
    path.write_text(FAULTS["missing parent"][0](GOOD), encoding="utf-8")
    out = tmp_path / "out"
    for call in (["check", str(path)], ["autoplay", str(path), "--out", str(out)],
                 ["preview", str(path), "--out", str(tmp_path / "x.png")]):  # fmt: skip
        done = subprocess.run([sys.executable, "-m", "trainer", *call], capture_output=True, text=True, check=False)
        assert done.returncode == 2, call
        assert f"{path}:" in done.stderr
        assert "proper_hepatic" in done.stderr
        assert "Traceback" not in done.stderr
        assert done.stdout == ""
        assert list(tmp_path.iterdir()) == [path]


def test_missing_files_and_unknown_ids() -> None:
    with pytest.raises(TrainerError, match="no such file"):
        find("nowhere/case.yaml")
    with pytest.raises(TrainerError, match=r"Did you mean 'segment_8_first_case'"):
        find("segment_8_first")
    with pytest.raises(TrainerError, match="is a folder"):
        find(str(resource("scenarios")))
