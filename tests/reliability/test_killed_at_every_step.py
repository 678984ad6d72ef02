"""kill -9 before and after every step of a line's way into the database: afterwards each line is there once.

A kill after a step is one before the next, and what happens outside of the database is the same with either kind: the
suite has each point once. A release run has all of them with both kinds, again and again.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from itertools import count
from pathlib import Path

import pytest

from log_sentinel.daemon import ingest as ingesting
from tests.end_to_end.running import number, rows
from tests.lengths import RELEASE_SHARE, times
from tests.reliability import killed_at
from tests.reliability.killed_at import STEPS
from tests.reliability.logs import line

ROOT = Path(__file__).resolve().parents[2]
LINES = 200
EVERY_STEP = [f"{when}.{name}" for name in STEPS for when in ("before", "after")]
IN_THE_DATABASE = [
    *(f"before.{name}" for name in ("moving the checkpoint", "inserting rows", "adding counts", "the commit")),
    "after.the commit",
    "before.beginning a generation",
    "after.beginning a generation",
]
OUTSIDE = ["before.reading", "before.parsing", "before.finishing a generation", "after.finishing a generation"]


def steps(url: str) -> list[str]:
    if RELEASE_SHARE:
        return EVERY_STEP * times(1, 20)
    return OUTSIDE + IN_THE_DATABASE if url.startswith("sqlite") else IN_THE_DATABASE


def is_killed(url: str, log: Path, step: str) -> bool:
    ran = subprocess.run(
        [sys.executable, "-m", "tests.reliability.killed_at", url, log, step],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode in (0, -signal.SIGKILL), ran.stderr
    return ran.returncode != 0


@pytest.mark.timeout(3600 if RELEASE_SHARE else 600)
def test_a_kill_at_any_step_loses_no_line_and_doubles_none(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingesting, "CHUNK_BYTES", killed_at.CHUNK_BYTES)
    log = tmp_path / "logs" / "access.log"
    log.parent.mkdir()
    log.touch()
    killed_at.follow(database_url, str(log))
    numbers = count()
    written = 0
    survived = []
    for step in steps(database_url):
        with log.open("a") as file:
            for _ in range(LINES):
                file.write(line(next(numbers), status=200 if written % 3 else 403))
                written += 1
        rotate(log)
        if not is_killed(database_url, log, step):
            survived.append(step)
    assert survived == [], "these steps did not come, so nothing was killed at them"
    killed_at.follow(database_url, str(log))
    assert number(database_url, "select sum(n) from traffic") == written
    stored = [int(path.rpartition("/")[2]) for (path,) in rows(database_url, "select path from denials order by id")]
    assert sorted(stored) == list(range(0, written, 3))
    assert number(database_url, "select sum(n) from denied_minutes") == len(stored)
    assert rows(database_url, "select path from generations where state = 'gap'") == []


def rotate(log: Path) -> None:
    rotated = sorted((int(one.suffix[1:]) for one in log.parent.glob("access.log.*")), reverse=True)
    for place in rotated:
        log.with_name(f"access.log.{place}").rename(log.with_name(f"access.log.{place + 1}"))
    log.rename(log.with_name("access.log.1"))
    log.touch()
