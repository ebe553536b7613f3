"""The first start compiles in a process of its own, later ones do not."""

import sys
from pathlib import Path
from typing import Any

import pytest

from trainer.procedure import warm


def test_kernels_beside_the_modules_count_as_cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    inner = tmp_path / "instruments" / "__pycache__"
    inner.mkdir(parents=True)
    assert not warm.cached(tmp_path)
    (inner / "newton.equilibrium-51.py311.nbi").touch()
    assert warm.cached(tmp_path)


def test_a_cache_elsewhere_is_left_to_the_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    assert warm.cached(tmp_path)


@pytest.mark.parametrize("known", [True, False])
def test_only_a_first_start_has_another_process_compile(known: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(warm, "cached", lambda folder: known)
    monkeypatch.setattr(warm.subprocess, "run", lambda command, **_: started.append(command))
    warm.compile_apart()
    assert started == ([] if known else [[sys.executable, "-m", "trainer.procedure.warm"]])


def test_warming_plays_the_first_case_to_the_end() -> None:
    told: list[Any] = []
    warm.warm(lambda share, words: told.append((share, words)))
    shares = [share for share, _ in told]
    assert shares == sorted(shares)
    assert shares[-1] > 0.97
