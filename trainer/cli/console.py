"""Output: tables for people on the terminal, one JSON document for programs, progress on standard error."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from trainer.scoring.result import plain

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def say(text: str) -> None:
    """A message for the person at the terminal, on standard error."""
    err.print(text, markup=False, soft_wrap=True)


def document(data: Any) -> None:
    """One JSON document on standard output. Numbers that JSON does not know become null."""
    print(json.dumps(plain(data), indent=1, allow_nan=False))


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table on standard output."""
    drawn = Table(title=title, title_justify="left")
    for column in columns:
        drawn.add_column(column, overflow="fold")
    for row in rows:
        drawn.add_row(*row)
    out.print(drawn)


@contextmanager
def progress(text: str, total: float) -> Iterator[Progress]:
    """A progress bar on standard error; `bar.update(bar.task_ids[0], completed=...)`."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[note]}"),
               TimeElapsedColumn())  # fmt: skip
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        bar.add_task(text, total=total, note="")
        yield bar
