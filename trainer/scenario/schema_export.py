"""Writes the JSON Schema of scenario files for editors, and the tables of scenarios/README.md.

    python -m trainer.scenario.schema_export
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trainer.resources import resource
from trainer.scenario.schema import Scenario
from trainer.scoring.rubric import MEASURES

DRAFT = "http://json-schema.org/draft-07/schema#"
FILE = "scenario.schema.json"


def schema() -> dict[str, Any]:
    """The schema in the subset of draft-07 that editors understand."""
    raw = _draft_07(Scenario.model_json_schema(by_alias=True))
    return {**raw, "$schema": DRAFT, "title": "Catheter trainer scenario"}


def _draft_07(node: Any) -> Any:
    """Rewrites what pydantic gives (2020-12): $defs -> definitions, prefixItems -> items."""
    if isinstance(node, list):
        return [_draft_07(one) for one in node]
    if isinstance(node, str):
        return node.replace("#/$defs/", "#/definitions/")
    if not isinstance(node, dict):
        return node
    out = {("definitions" if k == "$defs" else k): _draft_07(v) for k, v in node.items()}
    if "prefixItems" in out:
        out["items"] = out.pop("prefixItems")
        out["additionalItems"] = False
    return out


def schema_text() -> str:
    """The exported file."""
    return json.dumps(schema(), indent=1) + "\n"


def key_table() -> str:
    """Every key of a scenario as a Markdown table."""
    rows = ["| key | type | default | meaning |", "| --- | --- | --- | --- |"]
    whole = schema()
    _rows(whole, whole, "", rows, ())
    return "\n".join(rows)


def _rows(
    whole: Mapping[str, Any], node: Mapping[str, Any], prefix: str, rows: list[str], above: tuple[str, ...]
) -> None:
    needed = node.get("required", [])
    for key, value in node.get("properties", {}).items():
        kind, below, ref = _kind(whole, value)
        default = "(needed)" if key in needed else _default(value)
        meaning = " ".join(str(value.get("description", "")).split())
        rows.append(f"| `{prefix}{key}` | {kind} | {default} | {meaning} |")
        if below is not None and ref not in above:
            mark = "[]." if kind.startswith("list") else ".<name>." if kind.startswith("map") else "."
            _rows(whole, below, f"{prefix}{key}{mark}", rows, (*above, ref))


def _default(value: Mapping[str, Any]) -> str:
    default = value.get("default")
    if default is None:
        return ""
    text = json.dumps(default)
    return f"`{text}`" if len(text) <= 40 else "see the schema"


def _kind(whole: Mapping[str, Any], value: Mapping[str, Any]) -> tuple[str, Mapping[str, Any] | None, str]:
    """Words for a type, the object below it if there is one, and that object's name."""
    if "$ref" in value:
        name = str(value["$ref"]).rsplit("/", 1)[1]
        target = whole["definitions"][name]
        return ("section", target, name) if "properties" in target else (*_kind(whole, target)[:2], name)
    if "anyOf" in value:
        kinds = [_kind(whole, one) for one in value["anyOf"] if one.get("type") != "null"]
        return " or ".join(k[0] for k in kinds), kinds[0][1], kinds[0][2]
    if "const" in value:
        return f"`{json.dumps(value['const'])}`", None, ""
    if "enum" in value:
        return ", ".join(f"`{one}`" for one in value["enum"]), None, ""
    if value.get("type") == "array":
        items = value.get("items", {})
        if isinstance(items, list):
            return f"{len(items)} x {_kind(whole, items[0])[0]}", None, ""
        kind, below, name = _kind(whole, items)
        return f"list of {kind}", below, name
    values = [value.get("additionalProperties"), *value.get("patternProperties", {}).values()]
    if found := [one for one in values if isinstance(one, Mapping)]:
        kind, below, name = _kind(whole, found[0])
        return f"map of name to {kind}", below, name
    return str(value.get("type", "any")) + _range(value), None, ""


def _range(value: Mapping[str, Any]) -> str:
    words = (("exclusiveMinimum", ">"), ("minimum", ">="), ("exclusiveMaximum", "<"), ("maximum", "<="))
    said = [f"{sign} {value[key]:g}" for key, sign in words if key in value]
    return f" {', '.join(said)}" if said else ""


def measure_table() -> str:
    """The measures of rubrics as a Markdown table."""
    rows = [f"| `{name}` | {meaning} |" for name, meaning in MEASURES.items()]
    return "\n".join(["| measure | meaning |", "| --- | --- |", *rows])


def with_tables(readme: str) -> str:
    """The README with its generated tables renewed."""
    for name, text in (("measures", measure_table()), ("keys", key_table())):
        begin, end = f"<!-- {name}: begin (generated) -->", f"<!-- {name}: end -->"
        before, rest = readme.split(begin, 1)
        readme = f"{before}{begin}\n{text}\n{end}{rest.split(end, 1)[1]}"
    return readme


def write(folder: Path) -> None:
    """Renews the schema and the tables in a folder of scenarios."""
    (folder / FILE).write_text(schema_text(), encoding="utf-8")
    readme = folder / "README.md"
    readme.write_text(with_tables(readme.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    write(resource("scenarios"))
