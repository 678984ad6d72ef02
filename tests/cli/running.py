"""Runs the command line: in this process where only its words count, in one of its own where the process counts too."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING
from unittest import mock

import structlog

from log_sentinel.cli import exits, main

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROGRAM = "from log_sentinel.cli import main; main()"


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


@contextlib.contextmanager
def logging_as_before() -> Iterator[None]:
    """Whatever is set up within is forgotten at the end."""
    root, hook = logging.getLogger(), threading.excepthook
    handlers, level = root.handlers[:], root.level
    try:
        yield
    finally:
        logging.captureWarnings(False)
        root.handlers[:], threading.excepthook = handlers, hook
        root.setLevel(level)
        structlog.reset_defaults()


def log_sentinel(*words: str | Path, folder: Path, stdin: str = "", **environ: str) -> Ran:
    """What `log-sentinel WORDS` prints and how it ends; `folder` is where it is called and its HOME."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    given = io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8")
    with (
        contextlib.chdir(folder),
        mock.patch.dict(os.environ, _environ(folder, environ), clear=True),
        mock.patch.multiple(sys, argv=["log-sentinel", *map(str, words)], stdin=given, stdout=out, stderr=err),
        mock.patch.object(exits, "_secrets", set()),
        logging_as_before(),
    ):
        try:
            main()
            code: object = None
        except SystemExit as end:
            code = end.code
        for stream in (out, err):
            stream.flush()
    printed = [stream.buffer.getvalue().decode() for stream in (out, err)]
    return Ran(code if isinstance(code, int) else 0, *printed)


def in_a_process(*words: str | Path, folder: Path, **environ: str) -> Ran:
    """The same, in a process of its own."""
    return _python(PROGRAM, words, folder, environ)


def modules_after(*words: str | Path, folder: Path) -> set[str]:
    """The names of all modules that are loaded when `log-sentinel WORDS` ends."""
    program = "import atexit, sys; atexit.register(lambda: print('\\n'.join(sys.modules), file=sys.stderr)); " + PROGRAM
    return set(_python(program, words, folder, {}).err.split())


def _environ(folder: Path, environ: dict[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith("LOG_SENTINEL")}
    return {**kept, "HOME": str(folder), "COLUMNS": "200", **environ}


def _python(program: str, words: tuple[str | Path, ...], folder: Path, environ: dict[str, str]) -> Ran:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, *map(str, words)],
        cwd=folder,
        env=_environ(folder, environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)
