"""Reads YAML files into pydantic models, with file and line in every message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from trainer.errors import FileError, ScenarioError, at_line, nearest

MAX_BYTES = 8_000_000


class StrictModel(BaseModel):
    """Base of every model that is read from a file: unknown keys are refused, values are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True)


M = TypeVar("M", bound=BaseModel)
Key = str | int


def read_text(path: Path) -> str:
    """The text of a file. Raises FileError when it is missing, too large, binary or not UTF-8."""
    try:
        if path.is_dir():
            raise FileError("is a folder, not a file", where=str(path), mend="Name a YAML file in it.")
        data = path.read_bytes()
    except FileNotFoundError:
        raise FileError("no such file", where=str(path), mend="Check the name and the folder.") from None
    except OSError as error:
        raise FileError(f"cannot be read ({error.strerror})", where=str(path)) from None
    if len(data) > MAX_BYTES:
        raise FileError("is larger than 8 MB, so it is no scenario or catalog", where=str(path))
    if b"\0" in data:
        raise FileError("is a binary file", where=at_line(path, data[: data.index(b"\0")].count(b"\n") + 1),
                        mend="A YAML text file is expected.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise FileError("is not UTF-8 text", where=at_line(path, line),
                        mend="Save it as UTF-8 text.") from None


def read_yaml(path: Path) -> CommentedMap:
    """The mapping in a YAML file, with line numbers attached. Raises FileError with file and line."""
    text = read_text(path)
    try:
        node = YAML(typ="rt").load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else None
        raise FileError(f"is not valid YAML: {error.problem or error.context}", where=at_line(path, line),
                        mend="The file may be cut off, or an indent, colon or quote is wrong there.") from None
    except (YAMLError, ValueError, RecursionError) as error:
        raise FileError(f"is not valid YAML: {str(error).splitlines()[0]}", where=str(path)) from None
    if not isinstance(node, CommentedMap):
        raise FileError("does not hold a mapping of keys to values", where=at_line(path, 1),
                        mend="Start from one of the shipped files; the file may be empty or cut off.")
    return node


def line_of(node: Any, keys: Sequence[Key]) -> int | None:
    """Line (from 1) of the value at `keys` below a YAML node; the nearest existing ancestor's if absent."""
    line: int | None = None
    for key in keys:
        try:
            if isinstance(node, CommentedMap):
                line = node.lc.key(key)[0] + 1
            elif isinstance(node, CommentedSeq) and isinstance(key, int):
                line = node.lc.item(key)[0] + 1
            else:
                break
            node = node[key]
        except (KeyError, IndexError, TypeError, AttributeError):
            break
    return line


def _fields_at(model: type[BaseModel], keys: Sequence[Key]) -> set[str]:
    """Field names allowed where a pydantic location points, as far as it can be followed."""
    fields: Mapping[str, Any] = model.model_fields
    for key in keys:
        info = fields.get(key) if isinstance(key, str) else None
        if info is None:
            if isinstance(key, int):
                continue
            return set()
        found = _model_in(info.annotation)
        if found is None:
            return set()
        fields = found.model_fields
    return set(fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in getattr(annotation, "__args__", ()):
        found = _model_in(part)
        if found is not None:
            return found
    return None


def validate(model: type[M], node: Mapping[str, Any], path: Path) -> M:
    """A model of a YAML mapping. Raises ScenarioError naming file, line, key and rule of the first fault."""
    try:
        return model.model_validate(node)
    except ValidationError as error:
        # a misspelt key is also a missing one: name the misspelling first
        fault = min(error.errors(include_url=False), key=lambda f: f["type"] != "extra_forbidden")
        keys = tuple(fault["loc"])
        named = ".".join(str(k) for k in keys) or "file"
        more = f" ({error.error_count() - 1} more fault(s) in this file)" if error.error_count() > 1 else ""
        where = at_line(path, line_of(node, keys) or 1)
        if fault["type"] == "extra_forbidden":
            what, mend = f"unknown key '{named}'", nearest(str(keys[-1]), _fields_at(model, keys[:-1]))
        elif fault["type"] == "missing":
            what, mend = f"the key '{named}' is missing", "Add it; scenarios/README.md explains each key."
        else:
            message = str(fault["msg"]).removeprefix("Value error, ")
            what, mend = f"'{named}': {message} (found {fault['input']!r:.60})", ""
        raise ScenarioError(what + more + ("." if not what.endswith(".") else ""), where=where,
                            mend=mend) from None


def read_model(model: type[M], path: Path) -> tuple[M, CommentedMap]:
    """A validated model of a YAML file, and the YAML node for line numbers in later checks."""
    node = read_yaml(path)
    return validate(model, node, path), node
