"""Runs the real command line in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = "from log_sentinel.cli import main; main()"


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


def log_sentinel(*words: str | Path, folder: Path, stdin: str = "", **environ: str) -> Ran:
    """What `log-sentinel WORDS` printed and how it ended; `folder` is where it was called and its HOME."""
    return _python(PROGRAM, words, folder, stdin, environ)


def modules_after(*words: str | Path, folder: Path) -> set[str]:
    """The names of all modules that are loaded when `log-sentinel WORDS` ends."""
    program = "import atexit, sys; atexit.register(lambda: print('\\n'.join(sys.modules), file=sys.stderr)); " + PROGRAM
    return set(_python(program, words, folder, "", {}).err.split())


def _python(program: str, words: tuple[str | Path, ...], folder: Path, stdin: str, environ: dict[str, str]) -> Ran:
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith("LOG_SENTINEL")}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, *map(str, words)],
        cwd=folder,
        env={**kept, "HOME": str(folder), "COLUMNS": "200", **environ},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)
