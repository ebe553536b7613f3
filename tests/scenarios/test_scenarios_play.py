"""Every shipped case: checked, played by the simulated expert, replayed in another process, and spoiled."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scripts import BeforeTheCystic, FromCommonHepatic, like_the_expert

from trainer.anatomy.queries import territories_below
from trainer.procedure.session import Session
from trainer.scenario.loading import find

ROOT = Path(__file__).parents[2]
CASES = ("segment_8_first_case", "segment_5_cystic", "segment_6_replaced_right", "segment_8_puncture",
         "segment_8_oil_emulsion", "segment_8_portal_shunt", "segment_8_celiac_stenosis")
BY_HAND = ("segment_8_left_radial",)
"""Cases that the simulated operators do not claim: they know the way from the groin only."""
pytestmark = pytest.mark.slow


def trainer(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "trainer", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


def total(selectivity: dict) -> float:
    single = sum(v for k, v in selectivity.items() if k != "extrahepatic")
    return float(single + sum(selectivity["extrahepatic"].values()))


def spoiled(recording: Path) -> Path:
    """A copy of the recording in which one command in the middle is altered."""
    lines = gzip.decompress(recording.read_bytes()).decode().splitlines()
    for at in range(len(lines) // 2, len(lines)):
        if '"h"' in lines[at]:
            break
    line = json.loads(lines[at])

    def alter(node):
        if isinstance(node, dict):
            if node.get("h"):
                node["h"][0][1] += 1.0
                return True
            return any(alter(v) for v in node.values())
        return isinstance(node, list) and any(alter(v) for v in node)

    assert alter(line)
    lines[at] = json.dumps(line)
    copy = recording.with_name("spoiled.jsonl.gz")
    copy.write_bytes(gzip.compress(("\n".join(lines) + "\n").encode()))
    return copy


@pytest.mark.parametrize("case", [*CASES, *BY_HAND])
def test_every_case_passes_its_check(case: str) -> None:
    checked = trainer("check", f"scenarios/{case}.yaml")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_shipped_case_is_in_a_list() -> None:
    assert {*CASES, *BY_HAND} == {p.stem for p in (ROOT / "scenarios").glob("*.yaml")}


@pytest.mark.parametrize("case", BY_HAND)
def test_a_case_that_is_not_claimed_is_refused_by_name(case: str, tmp_path: Path) -> None:
    played = trainer("autoplay", case, "--seed", "1", "--minutes", "0.5", "--out", str(tmp_path), "--json")
    assert played.returncode == 2
    assert "left_radial" in played.stderr
    assert "Traceback" not in played.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("case", CASES)
def test_a_recording_replays_and_a_spoiled_one_does_not(case: str, tmp_path: Path) -> None:
    """The first part of the expert's work, half a minute of the first case; whole treatments are played by `autoplay`
    outside the tests."""
    minutes = "0.5" if case == CASES[0] else "0.2"
    played = trainer("autoplay", case, "--seed", "1", "--minutes", minutes, "--out", str(tmp_path), "--json")
    assert "Traceback" not in played.stderr
    result = json.loads(played.stdout)
    assert not result["completed"]
    assert total(result["selectivity"]) == pytest.approx(0.0)
    assert result["mass_balance_error"] <= 1e-9
    recording = next(tmp_path.glob("*.jsonl.gz"))
    again = trainer("replay", str(recording), "--verify", "--json")
    assert again.returncode == 0, again.stdout + again.stderr
    altered = trainer("replay", str(spoiled(recording)), "--verify")
    assert altered.returncode != 0
    assert "Traceback" not in altered.stderr


def play(case_name: str, kind: type) -> tuple[Session, dict]:
    case = find(case_name)
    session = Session(case, 1, like_the_expert(case, 1, kind), operator="script")
    outside = []
    while not session.finished:
        frame = session.step()
        outside.append(frame.truth.outside_mm)
        assert frame.t_s < 900.0
    assert np.max(outside) < 0.3  # the devices stay in the lumen
    result = session.result().to_json()
    injured = {"spasm", "dissection", "perforation"} & {e["code"] for e in result["handling"]["errors"]}
    assert not injured  # careful hands hurt nothing
    return session, result


def test_from_the_common_hepatic_artery_most_misses_the_tumor() -> None:
    session, result = play("segment_8_first_case", FromCommonHepatic)
    names = territories_below(session.simulation.patient, "gastroduodenal_artery")
    by_place = session.frame.truth.embolic_by_place
    given = sum(by_place.values()) + session.frame.truth.embolic_in_flight_mL
    assert result["selectivity"]["tumor"] <= 0.15
    assert sum(by_place.get(name, 0.0) for name in names) / given >= 0.20


def test_before_the_cystic_artery_the_gallbladder_is_hit() -> None:
    _, result = play("segment_5_cystic", BeforeTheCystic)
    assert result["selectivity"]["extrahepatic"]["gallbladder"] >= 0.02
