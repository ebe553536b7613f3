"""The command line: exit codes, one JSON document, messages on standard error."""

import json
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from trainer.cli import main, window
from trainer.cli.preview import parse_injection, parse_view
from trainer.errors import CallError, MissingPartError
from trainer.procedure.recording import SUFFIX
from trainer.units import rad


def call(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "trainer", *arguments], capture_output=True, text=True, check=False)


def test_scenarios_prints_one_document_and_nothing_else() -> None:
    done = call("scenarios", "--json")
    assert done.returncode == 0
    assert done.stderr == ""
    found = {entry["id"]: entry for entry in json.loads(done.stdout)}
    assert found["segment_6_replaced_right"]["anatomy"] == "michels_3"
    assert {"segment_8_first_case", "segment_5_cystic"} <= set(found)


def test_check_of_the_shipped_cases_is_sound(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "segment_8_first_case", "segment_5_cystic", "segment_6_replaced_right",
                 "segment_8_left_radial", "--json"]) == 0  # fmt: skip
    found = json.loads(capsys.readouterr().out)
    assert all(entry["fault"] == "" and entry["fitting"] for entry in found)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["dance"], "invalid choice"),
        (["play"], "required"),
        (["autoplay", "segment_8_first_case", "--seed", "-1"], "a seed lies between"),
        (["autoplay", "segment_8_first_case", "--seed", "one"], "a seed is a whole number"),
        (["autoplay", "segment_9"], "there is no case 'segment_9'"),
        (["autoplay", "segment_8_first_case", "--operator", "wizard"], "wizard"),
        (["bench", "--minutes", "nan"], "above 0"),
        (["replay", "nowhere.jsonl.gz"], "no such file"),
        (["preview", "segment_8_first_case", "--view", "from above", "--out", "x.png"], "is no view"),
        (["preview", "segment_8_first_case", "--inject", "celiac_trunk", "--out", "x.png"], "is no injection"),
        (["preview", "segment_8_first_case", "--inject", "celiac:5:20", "--out", "x.png"], "there is no vessel"),
    ],
)
def test_wrong_calls_are_one_message_and_exit_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert message in said.err
    assert "Traceback" not in said.err
    assert list(tmp_path.iterdir()) == []


def test_a_binary_recording_is_refused(tmp_path: Path) -> None:
    path = tmp_path / f"x{SUFFIX}"
    path.write_bytes(bytes(range(256)))
    done = call("replay", str(path), "--verify", "--json")
    assert done.returncode == 2
    assert done.stdout == ""
    assert f"{path}: is no recording" in done.stderr
    assert "Traceback" not in done.stderr


def test_views_and_injections() -> None:
    assert parse_view("LAO 30 CRA 15") == (rad(30.0), rad(15.0))
    assert parse_view("RAO 30 / CAU 10") == (rad(-30.0), rad(-10.0))
    assert parse_injection("celiac_trunk:5:20") == ("celiac_trunk", 5.0, 20.0)
    for wrong in ("celiac_trunk:0:20", "celiac_trunk:5:-1", "celiac_trunk:inf:5"):
        with pytest.raises(CallError):
            parse_injection(wrong)


def test_plain_pygame_beside_the_other_is_told_with_its_repair(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "version", lambda name: {"pygame-ce": "2.5.6", "pygame": "2.6.1"}[name])
    with pytest.raises(MissingPartError, match="pip uninstall -y pygame pygame-ce && pip install pygame-ce"):
        window.check_pygame()


def test_help_lists_only_what_exists(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["--help"])
    assert left.value.code == 0
    said = capsys.readouterr().out
    for verb in ("play", "scenarios", "check", "autoplay", "replay", "preview", "bench"):
        assert verb in said
    assert "results" not in said
