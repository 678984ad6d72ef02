"""Asks SQLite in a child process: a question that hangs in one long step or eats memory is ended with the process.

The child is started by exec, not by fork: a fork hangs once polars has started its threads.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from log_sentinel.store.adhoc import Answer, Limits, Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from log_sentinel.store.engine import Database

# The child ends itself at the limit; this much later it is killed
GRACE_SECONDS = 1.0


@contextmanager
def asked(db: Database, question: str, limits: Limits) -> Iterator[Answer]:
    """The answer of a child; ended and reaped when the `with` is left. Raises Refused."""
    order = {"path": str(db.path), "sql": question, "rows": limits.rows, "seconds": limits.seconds}
    child = subprocess.Popen(  # noqa: S603 - our own module; the question goes in by the pipe
        # -I: neither the environment nor the working directory says what is imported
        [sys.executable, "-I", "-m", "log_sentinel.store.adhoc_child", str(limits.memory_bytes)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ},
        close_fds=True,
    )
    killer = threading.Timer(limits.seconds + GRACE_SECONDS, child.kill)
    killer.daemon = True
    killer.start()
    try:
        yield _answer(child, order, limits)
    finally:
        killer.cancel()
        child.kill()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        child.wait()


def _answer(child: subprocess.Popen[bytes], order: dict[str, Any], limits: Limits) -> Answer:
    assert child.stdin is not None  # noqa: S101 - for mypy: both are pipes
    with contextlib.suppress(BrokenPipeError):  # a child that ended says more: it is read next
        child.stdin.write(json.dumps(order).encode())
        child.stdin.close()
    lines = _lines(child, limits)
    first = next(lines)
    answer = Answer(first["columns"], iter(()))
    answer.rows = _rows(lines, answer)
    return answer


def _rows(lines: Iterator[dict[str, Any]], answer: Answer) -> Iterator[tuple[Any, ...]]:
    for line in lines:
        if "row" in line:
            yield tuple(_value(value) for value in line["row"])
        else:
            answer.truncated = line["truncated"]


def _lines(child: subprocess.Popen[bytes], limits: Limits) -> Iterator[dict[str, Any]]:
    """What the child says, up to its last word. Raises Refused when that is a refusal, or missing."""
    assert child.stdout is not None  # noqa: S101 - as above
    for raw in child.stdout:
        line: dict[str, Any] = json.loads(raw)
        if "refused" in line:
            raise Refused(line["refused"])
        yield line
        if "truncated" in line:
            return
    child.wait()
    raise Refused(
        f"the question was ended: it needed more than {limits.seconds:g} s or "
        f"{limits.memory_bytes // (1024 * 1024)} MB. Ask for less: a shorter time, fewer columns, a LIMIT."
    )


def _value(value: Any) -> Any:
    """JSON's value back as the database's: what JSON cannot hold came as an object."""
    match value:
        case {"blob": text}:
            return base64.b64decode(text)
        case {"float": text}:
            return float(text)
        case _:
            return value
