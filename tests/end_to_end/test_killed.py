"""kill -9 while lines come in and files are rotated: afterwards every line is in the database, once."""

from __future__ import annotations

import random
import signal
from collections import Counter
from datetime import UTC
from typing import TYPE_CHECKING

import pytest

from tests.end_to_end.numbered_log import NumberedLog, Writing
from tests.end_to_end.running import BEGAN, Daemon, a_daemon, number, rows, run, settings_file, wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.end_to_end.numbered_log import Expected

LINES = 100_000
INGESTED = 300_000
KILLS = 4


def stored(url: str) -> tuple[list[tuple[int, int]], Counter[tuple[str, int]]]:
    """What the database holds: number and status of each denial, and requests by minute and status."""
    denials = [(int(path.rpartition("/")[2]), status) for path, status in rows(url, "select path, status from denials")]
    traffic: Counter[tuple[str, int]] = Counter()
    for minute, status, requests in rows(url, "select minute, status, n from traffic"):
        written = minute if isinstance(minute, str) else minute.astimezone(UTC).isoformat(sep=" ")
        traffic[written[:16], status] += requests
    return sorted(denials), traffic


def assert_every_line_is_there_once(url: str, expected: Expected) -> None:
    denials, traffic = stored(url)
    assert Counter(denials).most_common(1)[0][1] == 1, "a line was stored twice"
    assert denials == expected.denied
    assert traffic == expected.by_minute_and_status
    minutes = Counter(
        {status: int(n) for status, n in rows(url, "select status, sum(n) from denied_minutes group by status")}
    )
    assert minutes == Counter(status for _, status in expected.denied)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("seed", [1])
def test_a_daemon_killed_again_and_again_stores_every_line_once(seed: int, database_url: str, tmp_path: Path) -> None:
    source = '[sources.edge]\npath = "{}"\nformat = "nginx-combined"\nstart = "beginning"\nhold_rotated = "1s"\n'
    log = NumberedLog(tmp_path / "logs" / "access.log", seed, BEGAN)
    log.path.parent.mkdir()
    log.write(1000)
    settings = settings_file(tmp_path / "etc", source.format(log.path), url=database_url)
    chance = random.Random(seed)
    with a_daemon(settings) as first:
        # what was rotated before anybody looked for the first time is not read
        first.wait_until(lambda: number(database_url, "select sum(n) from traffic") == 1000, "the first lines")
    with Writing(log, LINES, rotate_every=30_000):
        for _ in range(KILLS):
            seen = number(database_url, "select sum(n) from traffic")
            enough = min(seen + chance.randrange(1, LINES // KILLS), LINES - 1)
            with a_daemon(settings) as killed:
                killed.wait_until(
                    lambda enough=enough: number(database_url, "select sum(n) from traffic") >= enough,  # type: ignore[misc]
                    f"{enough} requests in the database",
                    within=60,
                )
                assert killed.stop(signal.SIGKILL) == -signal.SIGKILL
    with a_daemon(settings) as daemon:
        daemon.wait_until(
            lambda: number(database_url, "select sum(n) from traffic") >= log.expected.requests, "all requests"
        )
    assert_every_line_is_there_once(database_url, log.expected)


@pytest.mark.parametrize("seed", [3])
def test_an_ingest_killed_half_way_goes_on_where_it_was(seed: int, database_url: str, tmp_path: Path) -> None:
    log = NumberedLog(tmp_path / "access.log", seed, BEGAN)
    log.write(INGESTED)
    settings = settings_file(tmp_path, "", url=database_url)
    killed = Daemon(settings, command=("ingest", str(log.path), "--config", str(settings)))
    wait_until(
        lambda: number(database_url, "select sum(n) from traffic") > 0 or killed.process.poll() is not None,
        "the first commit",
    )
    killed.stop(signal.SIGKILL)
    assert 0 < number(database_url, "select sum(n) from traffic") < INGESTED, "it was not killed half way"
    for _ in range(2):
        done = run("ingest", log.path, "--config", settings, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert_every_line_is_there_once(database_url, log.expected)
