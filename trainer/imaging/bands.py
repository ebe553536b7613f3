"""Runs a kernel over bands of rows on a few threads. No row depends on its band, so bits do not depend on them."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=4, thread_name_prefix="imaging")


def default_threads() -> int:
    """Threads for the picture: two where there are two cores."""
    return min(2, os.cpu_count() or 1)


def cuts(rows: int, threads: int) -> list[int]:
    """Where the bands of `run` begin, and the end of the last."""
    n = max(threads, 1)
    return [rows * k // n for k in range(n + 1)]


def run(kernel: Callable[..., None], rows: int, threads: int, *args: Any) -> None:
    """Calls kernel(first, last, *args) for bands that cover rows 0..rows. The kernel releases the GIL."""
    if threads <= 1:
        kernel(0, rows, *args)
        return
    at = cuts(rows, threads)
    waiting = [_pool().submit(kernel, at[k], at[k + 1], *args) for k in range(1, threads)]
    kernel(at[0], at[1], *args)
    for job in waiting:
        job.result()
