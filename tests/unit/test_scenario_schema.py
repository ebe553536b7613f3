"""The exported schema is up to date, is draft-07, and accepts exactly what the program accepts."""

import json

import pytest
from jsonschema import Draft7Validator
from ruamel.yaml import YAML

from trainer.resources import resource
from trainer.scenario.loading import CaseFile, case_paths, load, parse
from trainer.scenario.schema import Scenario
from trainer.scenario.schema_export import FILE, schema, schema_text, with_tables

BUNDLED = [p for p in case_paths() if p.parent == resource("scenarios")]


def plain(case: CaseFile) -> object:
    return YAML(typ="safe").load(case.text)


def test_the_shipped_schema_is_up_to_date() -> None:
    assert resource("scenarios", FILE).read_text(encoding="utf-8") == schema_text(), (
        "run: python -m trainer.scenario.schema_export"
    )


def test_the_documentation_names_every_key() -> None:
    readme = resource("scenarios", "README.md").read_text(encoding="utf-8")
    assert with_tables(readme) == readme, "run: python -m trainer.scenario.schema_export"


def test_the_schema_is_draft_07_and_nothing_newer() -> None:
    Draft7Validator.check_schema(schema())
    text = schema_text()
    for newer in ("$defs", "prefixItems", "unevaluated", "dependentRequired", "$dynamicRef"):
        assert newer not in text


@pytest.mark.parametrize("path", BUNDLED, ids=lambda p: p.stem)
def test_shipped_cases_are_valid_by_schema_and_by_program(path) -> None:  # type: ignore[no-untyped-def]
    case = load(path)
    assert case.scenario.id == path.stem
    faults = [e.message for e in Draft7Validator(schema()).iter_errors(plain(case))]
    assert faults == []


def test_the_schema_refuses_what_the_program_refuses() -> None:
    case = load(BUNDLED[0])
    validator = Draft7Validator(schema())
    for change in ({"colour": "red"}, {"difficulty": "brutal"}, {"devices": []}, {"format": 9}, {"id": "With Space"}):
        node = {**json.loads(json.dumps(plain(case))), **change}
        assert list(validator.iter_errors(node)), change
        with pytest.raises(ValueError):
            Scenario.model_validate(node)


def test_a_case_goes_through_text_and_back() -> None:
    case = load(BUNDLED[0])
    again = parse(case.text, "again.yaml")
    assert again.scenario == case.scenario
    dumped = case.scenario.model_dump(mode="json", by_alias=True)
    assert Scenario.model_validate(dumped) == case.scenario


def test_lines_of_keys_are_those_of_the_text() -> None:
    case = load(BUNDLED[0])
    line = case.where(("target", "segment"))
    number = int(line.rsplit(":", 1)[1])
    assert case.text.splitlines()[number - 1].strip().startswith("segment:")
    assert case.patient_where(("anatomy",)) == case.where(("patient", "anatomy"))
