"""Brings older scenario files up to the present format before they are validated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from trainer.errors import ScenarioError, at_line
from trainer.scenario.schema import FORMAT
from trainer.textfile import line_of

MIGRATIONS: Mapping[int, Callable[[Any], None]] = {}
"""From format n to n + 1: changes the YAML node in place, so that line numbers stay."""


def upgrade(node: Any, path: Path) -> None:
    """Migrates a YAML mapping in place. Raises ScenarioError for a missing, wrong or newer format."""
    where = at_line(path, line_of(node, ("format",)) or 1)
    found = node.get("format")
    if found is None:
        raise ScenarioError("the key 'format' is missing.", where=where, mend=f"Add 'format: {FORMAT}'.")
    if not isinstance(found, int) or isinstance(found, bool) or found < 1:
        raise ScenarioError(f"'format' must be a whole number from 1 on (found {found!r}).", where=where)
    if found > FORMAT:
        raise ScenarioError(
            f"the file has format {found}; this program reads formats up to {FORMAT}.",
            where=where,
            mend="Install a newer trainer, or ask for the case in an older format.",
        )
    for number in range(found, FORMAT):
        MIGRATIONS[number](node)
        node["format"] = number + 1
