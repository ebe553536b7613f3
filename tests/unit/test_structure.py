"""The rules of the house that a tool can check: import contracts, lint, types, module sizes, layout."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "trainer").rglob("*.py"))


def run(*command: str) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def tool(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def test_import_contracts_hold() -> None:
    run(tool("lint-imports"), "--no-cache")


def test_ruff_finds_nothing() -> None:
    run(sys.executable, "-m", "ruff", "check", "--no-cache", "trainer", "tests")


def test_types_are_strict() -> None:
    run(sys.executable, "-m", "mypy", "--cache-dir=/dev/null" if sys.platform != "win32" else "--cache-dir=nul")


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_module_is_longer_than_500_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 500


def test_top_level_holds_only_the_layout() -> None:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.split()
    allowed = {
        "pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", "trainer", "assets", "hardware",
        "scenarios", "tests", ".ci", ".gitignore",
    }  # fmt: skip
    assert {name.split("/")[0] for name in listed} <= allowed
