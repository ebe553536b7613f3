"""Recordings come back as they went in, replay to the same bits, and betray every change."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from procedure_fakes import FakeSimulation, Script, give, good_procedure, insert, patient, push

from trainer.commands import IDLE, Commands
from trainer.errors import RecordingError
from trainer.procedure.recording import SUFFIX, Recorder, read_recording
from trainer.procedure.replay import Replay, replay
from trainer.procedure.session import Session, recording_path, result_path
from trainer.resources import resource
from trainer.scenario.loading import CaseFile, load

SEED = 7


@pytest.fixture(scope="module")
def case() -> CaseFile:
    """A shipped case whose target is renamed to that of the small patient."""
    found = load(resource("scenarios", "segment_8_first_case.yaml"))
    text = found.text.replace("feeder: tumor_feeder", "feeder: feeder")
    from trainer.scenario.loading import parse

    return parse(text, "fake.yaml")


def record(folder: Path, case: CaseFile, moves: list[tuple[int, Commands]], seed: int = SEED) -> Path:
    path = recording_path(folder, case.scenario.id, seed, "script")
    recorder = Recorder(path, case.scenario.id, case.text, seed, "script")
    session = Session(case, seed, Script(moves), recorder, operator="script", simulation=FakeSimulation())
    while not session.finished:
        session.step()
    session.debrief()
    return path


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory, case: CaseFile) -> Path:
    return record(tmp_path_factory.mktemp("recorded"), case, good_procedure(patient()))


def lines(path: Path) -> list[str]:
    return gzip.decompress(path.read_bytes()).decode().splitlines()


def rewrite(path: Path, folder: Path, change: Callable[[list[str]], list[str]]) -> Path:
    out = folder / f"changed{SUFFIX}"
    out.write_bytes(gzip.compress("".join(f"{line}\n" for line in change(lines(path))).encode()))
    return out


def again(path: Path, verify: bool = True) -> Replay:
    return replay(path, verify, simulation=FakeSimulation())


def test_a_recording_is_readable_and_complete(recorded: Path, case: CaseFile) -> None:
    recording = read_recording(recorded)
    assert recording.scenario_text == case.text
    assert recording.seed == SEED
    assert recording.steps == sum(count for count, _ in recording.runs) == len(list(recording.commands()))
    assert recording.checks[-1].step == recording.steps
    assert recording.result is not None
    script = Script(good_procedure(patient()))
    assert list(recording.commands()) == [script.poll(None) for _ in range(recording.steps)]  # type: ignore[arg-type]


def test_equal_steps_are_written_once(recorded: Path) -> None:
    runs = [json.loads(line) for line in lines(recorded) if '"c":' in line[:16]]
    assert sum(run["n"] for run in runs) == read_recording(recorded).steps
    assert max(run["n"] for run in runs) == 60  # a run ends with its second at the latest


def test_a_replay_verifies(recorded: Path) -> None:
    outcome = again(recorded)
    assert outcome.verified
    assert outcome.difference == ""
    stored = json.loads(result_path(recorded).read_text())
    assert stored == read_recording(recorded).result
    assert outcome.result["score"] == stored["score"]


def test_the_same_procedure_gives_the_same_bytes(recorded: Path, case: CaseFile, tmp_path: Path) -> None:
    other = record(tmp_path, case, good_procedure(patient()))
    one, two = lines(recorded), lines(other)
    assert one[:-1] == two[:-1]  # the last line names the recording's own path


def test_one_altered_command_is_found(recorded: Path, tmp_path: Path) -> None:
    def alter(text: list[str]) -> list[str]:
        k = next(i for i, line in enumerate(text) if '"wire",60.0' in line)
        return [*text[:k], text[k].replace('"wire",60.0', '"wire",60.5', 1), *text[k + 1 :]]

    with pytest.raises(RecordingError, match=r"changed\.jsonl\.gz:\d+: was altered"):
        again(rewrite(recorded, tmp_path, alter))


@pytest.mark.parametrize("verify", [True, False])
def test_an_altered_command_is_found_even_where_physics_does_not_notice(
    recorded: Path, tmp_path: Path, verify: bool
) -> None:
    def alter(text: list[str]) -> list[str]:
        k = next(i for i, line in enumerate(text) if line.startswith('{"n":') and '"f":1' in line)
        return [*text[:k], text[k].replace('"f":1', '"f":1,"t":[0.0,0.0,1e-9]'), *text[k + 1 :]]

    with pytest.raises(RecordingError, match="was altered"):
        again(rewrite(recorded, tmp_path, alter), verify)


def test_an_altered_scenario_or_result_is_found(recorded: Path, tmp_path: Path) -> None:
    def other_text(text: list[str]) -> list[str]:
        return [text[0].replace("diameter_mm: 30", "diameter_mm: 31"), *text[1:]]

    with pytest.raises(RecordingError, match="scenario in it was altered"):
        again(rewrite(recorded, tmp_path, other_text))

    def other_score(text: list[str]) -> list[str]:
        end = json.loads(text[-1])
        end["result"]["score"]["total"] = 12.0
        return [*text[:-1], json.dumps(end)]

    outcome = again(rewrite(recorded, tmp_path, other_score))
    assert outcome.verified is False
    assert "'score'" in outcome.difference


def test_a_forged_chain_is_found_by_the_physics_and_the_step_is_named(
    recorded: Path, tmp_path: Path, case: CaseFile
) -> None:
    """The whole chain is made anew over altered commands; the fingerprints of the steps still tell."""
    moves = good_procedure(patient())
    index = next(i for i, (_, c) in enumerate(moves) if c.hands and len(c.hands) == 2)
    before = sum(count for count, _ in moves[:index])
    forged = [*moves[:index], (1, IDLE), (moves[index][0] - 1, moves[index][1]), *moves[index + 1 :]]
    other = lines(record(tmp_path, case, forged))
    marks = iter([line for line in lines(recorded) if '"kind":"check"' in line])
    from trainer.procedure.digest import Chain

    chain, out = Chain(), []
    for line in other:
        data = json.loads(line)
        if data.get("kind") == "check":
            true = json.loads(next(marks))
            data.update(steps=true["steps"], picture=true["picture"], chain=chain.value)
            line = json.dumps(data, separators=(",", ":"))
        elif data.get("kind") == "end":
            data.update(chain=chain.value)
            line = json.dumps(data, separators=(",", ":"))
        chain.add(line)
        out.append(line)
    outcome = again(rewrite(recorded, tmp_path, lambda _: out))
    assert outcome.verified is False
    assert outcome.first_step == before + 1


def test_another_seed_gives_another_recording(recorded: Path, case: CaseFile, tmp_path: Path) -> None:
    other = record(tmp_path, case, good_procedure(patient()), seed=SEED + 1)
    first = [json.loads(line)["steps"] for line in (lines(recorded)[2:]) if '"check"' in line]
    second = [json.loads(line)["steps"] for line in (lines(other)[2:]) if '"check"' in line]
    assert first != second


def test_a_truncated_file_is_refused_and_its_whole_seconds_can_be_had(recorded: Path, tmp_path: Path) -> None:
    cut = tmp_path / f"cut{SUFFIX}"
    data = recorded.read_bytes()
    cut.write_bytes(data[: len(data) // 2])
    with pytest.raises(RecordingError, match="is cut off after line"):
        again(cut)
    partial = read_recording(cut, partial=True)
    assert partial.result is None
    assert partial.steps > 0
    assert partial.steps % 60 == 0
    assert list(partial.commands()) == list(read_recording(recorded).commands())[: partial.steps]


def test_a_crash_loses_at_most_a_second(tmp_path: Path, case: CaseFile) -> None:
    path = tmp_path / f"crash{SUFFIX}"
    recorder = Recorder(path, case.scenario.id, case.text, SEED, "script")
    session = Session(case, SEED, Script([insert("wire"), push("wire", 200)]), recorder,
                      simulation=FakeSimulation())  # fmt: skip
    for _ in range(150):
        session.step()
    # nothing is closed: this is what lies on the disk now
    assert read_recording(path, partial=True).steps == 120
    recorder.close()


def test_binary_empty_and_missing_files_are_refused(tmp_path: Path) -> None:
    for name, data, message in (
        ("binary", bytes(range(256)), "not a gzip file"),
        ("empty", b"", "not a gzip file"),
        ("nothing", gzip.compress(b""), "is cut off"),
        ("other", gzip.compress(b'{"kind":"song"}\n'), "does not begin as a recording"),
        ("broken", gzip.compress(b"la la\n"), "no line of a recording"),
        ("bytes", gzip.compress(b"\xff\xfe\n"), "not text inside"),
    ):
        path = tmp_path / name
        path.write_bytes(data)
        with pytest.raises(RecordingError, match=message):
            read_recording(path)
    with pytest.raises(RecordingError, match="no such file"):
        read_recording(tmp_path / "missing")


def test_a_damaged_byte_is_found(recorded: Path, tmp_path: Path) -> None:
    data = bytearray(recorded.read_bytes())
    data[len(data) // 2] ^= 0x55
    path = tmp_path / f"damaged{SUFFIX}"
    path.write_bytes(data)
    with pytest.raises(RecordingError):
        again(path)


def test_an_unfinished_procedure_says_so(tmp_path: Path, case: CaseFile) -> None:
    path = tmp_path / f"left{SUFFIX}"
    recorder = Recorder(path, case.scenario.id, case.text, SEED, "script")
    session = Session(case, SEED, Script([insert("catheter"), give("catheter", 9.0)]), recorder,
                      operator="script", simulation=FakeSimulation())  # fmt: skip
    session.advance(0.05)
    session.close()
    assert read_recording(path).result["completed"] is False  # type: ignore[index]
    assert again(path).verified


def test_names_of_recordings_never_collide(tmp_path: Path) -> None:
    first = recording_path(tmp_path, "case", 1, "expert")
    first.touch()
    assert recording_path(tmp_path, "case", 1, "expert").name == f"case-seed1-expert-2{SUFFIX}"


def test_the_fingerprint_covers_all_data_of_a_simulation() -> None:
    from trainer.procedure.digest import DATA
    from trainer.resources import resource

    folders = {p.name for p in resource("assets").iterdir() if p.is_dir()}
    assert folders - set(DATA) == {"controls", "screenshots"}
