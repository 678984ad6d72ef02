"""kill -9 before and after every step of a line's way into the database: afterwards each line is there once."""

from __future__ import annotations

import signal
import subprocess
import sys
from itertools import count
from pathlib import Path

import pytest

from tests.end_to_end.running import number, rows
from tests.reliability.killed_at import STEPS
from tests.reliability.logs import line

ROOT = Path(__file__).resolve().parents[2]
LINES = 200


def follow(url: str, log: Path, step: str) -> int:
    ran = subprocess.run(
        [sys.executable, "-m", "tests.reliability.killed_at", url, log, step],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode in (0, -signal.SIGKILL), ran.stderr
    return ran.returncode


@pytest.mark.timeout(600)
def test_a_kill_at_any_step_loses_no_line_and_doubles_none(database_url: str, tmp_path: Path) -> None:
    log = tmp_path / "logs" / "access.log"
    log.parent.mkdir()
    log.touch()
    assert follow(database_url, log, "never") == 0
    numbers = count()
    written = 0
    survived = []
    for step in (f"{when}.{name}" for name in STEPS for when in ("before", "after")):
        for _ in range(LINES):
            with log.open("a") as file:
                file.write(line(next(numbers), status=200 if written % 3 else 403))
            written += 1
        rotate(log)
        if follow(database_url, log, step) == 0:
            survived.append(step)
    assert survived == [], "these steps did not come, so nothing was killed at them"
    assert follow(database_url, log, "never") == 0
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
