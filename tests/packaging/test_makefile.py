"""The Makefile's first steps, as somebody on a fresh machine meets them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    """The Makefile and what it reads, without a virtual environment."""
    for name in ("Makefile", "pyproject.toml", "requirements.lock", "requirements-dev.lock"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def a_python(folder: Path, *, fails_at: str, version: str = "Python 3.11.2") -> Path:
    """A Python that fails when its code contains `fails_at`, and is this one otherwise."""
    script = folder / "python"
    script.write_text(
        "#!/bin/sh\n"
        f'case "$*" in *--version*) echo "{version}"; exit 0;; *{fails_at}*) exit 1;; esac\n'
        f'exec "{sys.executable}" "$@"\n'
    )
    script.chmod(0o755)
    return script


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    # as from a shell, also where the suite itself is run by make
    environ = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )


def said(run: subprocess.CompletedProcess[str]) -> list[str]:
    """What the user reads, without make's own last line."""
    return [line for line in (run.stdout + run.stderr).splitlines() if not line.startswith("make: ***")]


@pytest.mark.parametrize("target", ["run", "test", "setup", "check"])
def test_a_missing_python3_venv_is_said_in_one_sentence_with_the_command_that_mends_it(
    fresh: Path, target: str
) -> None:
    ran = make(fresh, f"PYTHON={a_python(fresh, fails_at='ensurepip')}", target)
    assert ran.returncode != 0
    assert said(ran) == ["Python's venv module is missing. Install it with: sudo apt install python3-venv"]


def test_an_old_python_is_said_with_its_version(fresh: Path) -> None:
    ran = make(fresh, f"PYTHON={a_python(fresh, fails_at='version_info', version='Python 3.9.2')}", "run")
    assert ran.returncode != 0
    (sentence,) = said(ran)
    assert "Python 3.11 or newer" in sentence
    assert "Python 3.9.2" in sentence


def test_what_the_makefile_could_not_begin_it_begins_again(fresh: Path) -> None:
    """A run that stopped half way leaves nothing that the next one takes for done."""
    make(fresh, f"PYTHON={a_python(fresh, fails_at='ensurepip')}", "run")
    assert not (fresh / ".venv").exists()


def test_every_make_target_in_the_docs_exists() -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    named = {
        target
        for page in pages
        for target in re.findall(r"(?:^|`| {4})make ([a-z][a-z-]*)", page.read_text(), re.MULTILINE)
    }
    assert set() == named - targets
    assert {"run", "test", "setup", "check", "bench"} <= targets
