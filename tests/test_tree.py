"""What holds for every file of the repository: names, sizes, and what is not said in it."""

from __future__ import annotations

import ast
import re
import statistics
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
NAMED_AFTER_NOTHING = {
    "base",
    "common",
    "handler",
    "handlers",
    "helper",
    "helpers",
    "manager",
    "misc",
    "types",
    "util",
    "utils",
}
SLEEPS = re.compile(r"\b(?:time|asyncio|anyio|trio)\.sleep\(|\bfrom (?:time|asyncio) import [^\n]*\bsleep\b")
# A lock file with an index URL works behind one mirror only. The loopback names are what tests and defaults listen on.
INDEX_URL = re.compile(r"--(?:extra-)?index-url|--find-links|https?://[^\s\"']*(?:/simple/|pypi\.org/simple|/pypi/)")


def git(*command: str) -> str:
    return subprocess.run(["git", *command], cwd=ROOT, capture_output=True, text=True, check=True).stdout


@cache
def tracked(suffix: str = "") -> tuple[Path, ...]:
    try:
        names = git("ls-files", "--cached", "--others", "--exclude-standard").splitlines()
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    return tuple(ROOT / name for name in names if name.endswith(suffix) and (ROOT / name).is_file())


def below(folder: str) -> list[Path]:
    return [path for path in tracked(".py") if path.is_relative_to(ROOT / folder)]


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_no_module_is_named_after_nothing() -> None:
    parts = {part for path in tracked(".py") for part in (*path.relative_to(ROOT).parts[:-1], path.stem)}
    assert set() == parts & NAMED_AFTER_NOTHING


def test_no_test_sleeps() -> None:
    assert [name(path) for path in below("tests") if path != Path(__file__) and SLEEPS.search(path.read_text())] == []


def test_modules_are_small() -> None:
    """Median at most 150 lines, one in ten over 300 at most, and over 500 only with the reason in the docstring."""
    lines = {path: len(path.read_text().splitlines()) for path in below("log_sentinel")}
    lines = {path: count for path, count in lines.items() if count}
    assert statistics.median(lines.values()) <= 150
    large = sorted(name(path) for path, count in lines.items() if count > 300)
    assert len(large) <= len(lines) / 10, large
    unexplained = [
        name(path)
        for path, count in lines.items()
        if count > 500 and "lines" not in (ast.get_docstring(ast.parse(path.read_text())) or "")
    ]
    assert unexplained == []


def test_every_module_with_code_says_what_it_is() -> None:
    silent = [
        name(path)
        for path in below("log_sentinel")
        if path.read_text().strip() and not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert silent == []


def test_every_folder_with_tests_is_a_package() -> None:
    """So that two test files may have the same name."""
    folders = {path.parent for path in below("tests")} - {ROOT / "tests"}
    assert sorted(name(folder) for folder in folders if not (folder / "__init__.py").is_file()) == []


def test_lock_files_name_no_index() -> None:
    locks = tracked(".lock")
    assert locks
    assert {name(lock): found[0] for lock in locks if (found := INDEX_URL.search(lock.read_text()))} == {}


def test_every_locked_package_has_a_hash() -> None:
    for lock in tracked(".lock"):
        entries = re.split(r"\n(?=[A-Za-z0-9])", re.sub(r"(?m)^\s*#.*\n", "", lock.read_text()))
        assert [entry.splitlines()[0] for entry in entries if "==" in entry and "--hash=sha256:" not in entry] == []


def test_links_between_documents_lead_somewhere() -> None:
    broken = []
    for page in tracked(".md"):
        text = re.sub(r"(?s)```.*?```", "", page.read_text())
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)\s]*)?\)", text):
            if "://" not in target and not target.startswith("mailto:") and not (page.parent / target).exists():
                broken.append(f"{name(page)}: {target}")
    assert broken == []
