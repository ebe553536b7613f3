"""Reads scenario files, and finds those that are bundled or the user's own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import Any

from platformdirs import user_data_path
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from trainer.errors import FileError, ScenarioError, TrainerError, at_line, nearest
from trainer.resources import resource
from trainer.scenario.migrations import upgrade
from trainer.scenario.schema import Scenario
from trainer.textfile import Key, line_of, read_text, read_yaml, validate

SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class CaseFile:
    """A validated scenario with its text and line numbers."""

    scenario: Scenario
    path: Path
    text: str
    node: Any

    def where(self, keys: Iterable[Key]) -> str:
        """`file:line` of a key path."""
        return at_line(self.path, line_of(self.node, tuple(keys)) or 1)

    def patient_where(self, keys: Iterable[Key]) -> str:
        """`file:line` of a key path below `patient:`."""
        return self.where(("patient", *keys))

    def has(self, keys: Iterable[Key]) -> bool:
        """Whether the file itself gives this key."""
        node = self.node
        for key in keys:
            try:
                node = node[key]
            except (KeyError, IndexError, TypeError):
                return False
        return True


def load(path: Path) -> CaseFile:
    """A scenario file. Raises FileError or ScenarioError with file and line of the first fault."""
    text = read_text(path)
    return _validated(read_yaml(path), text, path)


def parse(text: str, name: str) -> CaseFile:
    """A scenario from its text, e.g. out of a recording. name: what messages call it."""
    try:
        node = YAML(typ="rt").load(StringIO(text))
    except (YAMLError, ValueError, RecursionError) as error:
        raise FileError(f"is not valid YAML: {str(error).splitlines()[0]}", where=name) from None
    if not isinstance(node, dict):
        raise FileError("holds no scenario", where=name)
    return _validated(node, text, Path(name))


def _validated(node: Any, text: str, path: Path) -> CaseFile:
    upgrade(node, path)
    case = CaseFile(validate(Scenario, node, path), path, text, node)
    return case if case.scenario.patient.body.ct is None else _with_body(case)


def _with_body(case: CaseFile) -> CaseFile:
    """The case with the whole path of its body file.

    It lies beside the case file; for a case out of a recording also beside the user's cases.
    """
    said = Path(case.scenario.patient.body.ct or "")
    places = [folder / said for folder in (case.path.parent, user_folder())]
    found = next((p for p in places if p.is_file()), None)
    if found is None:
        raise ScenarioError(f"there is no body file '{said}'.", where=case.patient_where(("body", "ct")),
                            mend=f"Make it with `import ct`, or copy it to {places[0].resolve()}.")
    patient = case.scenario.patient
    body = patient.body.model_copy(update={"ct": str(found.resolve())})
    scenario = case.scenario.model_copy(update={"patient": patient.model_copy(update={"body": body})})
    return replace(case, scenario=scenario)


def user_folder() -> Path:
    """Where a user's own cases lie. It need not exist."""
    return user_data_path("catheter-trainer", appauthor=False) / "scenarios"


def case_paths() -> list[Path]:
    """Files of the bundled cases, then of the user's."""
    found: list[Path] = []
    for folder in (resource("scenarios"), user_folder()):
        if folder.is_dir():
            found += sorted(p for p in folder.iterdir() if p.suffix in SUFFIXES)
    return found


@dataclass(frozen=True, slots=True)
class Listed:
    """One entry of the case list: a case, or the reason why its file is none."""

    path: Path
    case: CaseFile | None
    fault: str = ""


_ORDER = {"easy": 0, "medium": 1, "hard": 2}


def cases() -> list[Listed]:
    """All cases from easy to hard; files with faults come last, each with its message."""
    found = []
    for path in case_paths():
        try:
            found.append(Listed(path, load(path)))
        except TrainerError as error:
            found.append(Listed(path, None, str(error)))

    def order(one: Listed) -> tuple[int, str]:
        if one.case is None:
            return len(_ORDER), one.path.name
        return _ORDER[one.case.scenario.difficulty], one.case.scenario.id

    return sorted(found, key=order)


def find(name: str) -> CaseFile:
    """The case of a path or of an id in the case list. Raises ScenarioError with the nearest id."""
    path = Path(name)
    if path.suffix in SUFFIXES or path.exists():
        return load(path)
    known = {p.stem: p for p in case_paths()}
    if name in known:
        return load(known[name])
    raise ScenarioError(f"there is no case '{name}'.", mend=nearest(name, known))
