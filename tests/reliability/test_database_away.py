"""The database goes away under the running daemon: it says so, and what is written meanwhile is stored afterwards.

In the suite a Postgres that takes no writes for a moment, as after a failover to a standby; in a release run also one
that is stopped for minutes and an SQLite file that another process locks, ten times, at 2,000 lines a second.
"""

from __future__ import annotations

import http.client
import sqlite3
import sys
import threading
import time
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from log_sentinel.daemon.ingest import AHEAD
from tests.end_to_end.running import a_daemon, health, number, rows, settings_file
from tests.lengths import RELEASE_SHARE, times
from tests.reliability.logs import SOURCE, line
from tests.store.postgres_server import PostgresServer

if TYPE_CHECKING:
    from collections.abc import Iterator

LINES_AT_ONCE = 100
EVERY_SECONDS = LINES_AT_ONCE / 2000
STORED = "select sum(n) from traffic"
BEHIND = 'log_sentinel_bytes_behind{source="edge"}'


class ReadOnly:
    """A database of a server that takes no writes from now on, as one that became a standby."""

    said = "takes no writes"

    def __init__(self, request: pytest.FixtureRequest, folder: Path) -> None:
        self._server: PostgresServer = request.getfixturevalue("postgres")
        self._name = self._server.new_database(request.getfixturevalue("postgres_template"))
        self.url = self._server.url(self._name)

    @contextmanager
    def away(self) -> Iterator[None]:
        sessions = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{self._name}'"
        self._server.sql(f"ALTER DATABASE {self._name} SET default_transaction_read_only = on", sessions)
        yield
        self._server.sql(f"ALTER DATABASE {self._name} RESET default_transaction_read_only", sessions)

    def close(self) -> None:
        self._server.drop_database(self._name)


class Stopped:
    """A server of its own, which is stopped as by a crash."""

    said = ""

    def __init__(self, request: pytest.FixtureRequest, folder: Path) -> None:
        self._server = PostgresServer()
        self.url = self._server.url(self._server.new_database())

    @contextmanager
    def away(self) -> Iterator[None]:
        self._server.stop("immediate")
        yield
        self._server.start()

    def close(self) -> None:
        self._server.close()


class Locked:
    """An SQLite file in which somebody else begins to write and does not end."""

    said = "locked by another process"

    def __init__(self, request: pytest.FixtureRequest, folder: Path) -> None:
        self._path = folder / "sentinel.db"
        self.url = f"sqlite:///{self._path}"

    @contextmanager
    def away(self) -> Iterator[None]:
        with closing(sqlite3.connect(self._path, timeout=30, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
            other.execute("ROLLBACK")

    def close(self) -> None:
        """Nothing runs."""


# In the suite the fault harness stops and locks (test_chaos_short.py).
OUTAGES: list[Any] = [
    pytest.param(ReadOnly, [0], id="postgres-read-only"),
    *(
        [
            pytest.param(Stopped, [times(0, 300)], id="postgres-stopped"),
            pytest.param(Locked, [times(0, 60)] * 10, id="sqlite-locked"),
        ]
        if RELEASE_SHARE
        else []
    ),
]


@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("kind", "outages"), OUTAGES)
def test_a_database_that_is_away_for_a_while_costs_no_line(
    kind: type[ReadOnly | Stopped | Locked], outages: list[int], request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """`outages`: how many seconds each."""
    database = kind(request, tmp_path)
    try:
        written = a_while_without(database, outages, tmp_path)
        stored = sorted(int(path.rpartition("/")[2]) for (path,) in rows(database.url, "select path from denials"))
        assert list(range(written)) == stored
    finally:
        database.close()


def a_while_without(database: ReadOnly | Stopped | Locked, outages: list[int], folder: Path) -> int:
    """Follows a log that is written all the time, through `outages`; gives the lines written.

    What it took is in the output: how soon all was stored afterwards, and the most memory.
    """
    log, url = folder / "access.log", database.url
    log.write_text("".join(map(line, range(LINES_AT_ONCE))))
    settings = settings_file(folder / "etc", SOURCE.format(log) + 'poll_every = "200ms"\n', url=url)
    writer = Writer(log)
    with a_daemon(settings) as daemon:
        daemon.wait_until(lambda: number(url, STORED) >= LINES_AT_ONCE, "the first lines")
        writer.start()
        for turn, seconds in enumerate(outages, start=1):
            with database.away():
                daemon.wait_until(lambda: health(settings)[0] == 503, "/healthz to say so", within=90)
                assert database.said in daemon.says("database is not available")
                assert metric(settings, "log_sentinel_database_away") == 1
                behind = metric(settings, BEHIND)
                # whoever only knows what was read for the batches that wait has no more to tell after these
                for _ in range(2 * AHEAD):
                    behind = daemon.wait_until(partial(more_behind, settings, behind), "more to be behind")
                threading.Event().wait(seconds)
            daemon.wait_until(
                lambda turn=turn: sum('"database is back"' in said for said in list(daemon.said)) >= turn,  # type: ignore[misc]
                "the database to be back",
                within=90,
            )
        written, began = writer.stop(), time.monotonic()
        daemon.wait_until(lambda: number(url, STORED) == written, "all lines", within=600)
        assert health(settings)[0] == 200
        assert metric(settings, "log_sentinel_database_away") == 0
        took, status = time.monotonic() - began, Path(f"/proc/{daemon.process.pid}/status").read_text()
    peak = next(said for said in status.splitlines() if said.startswith("VmHWM"))
    sys.stdout.write(f"{written} lines, the last stored {took:.1f} s after it was written; {peak}\n")
    return written


def more_behind(settings: Path, before: float) -> float | None:
    """How many bytes the source is behind, once that is more than before."""
    now = metric(settings, BEHIND)
    return now if now > before else None


def metric(settings: Path, name: str) -> float:
    listen = next(part.split('"')[1] for part in settings.read_text().splitlines() if part.startswith("listen"))
    with closing(http.client.HTTPConnection(listen, timeout=5)) as connection:
        connection.request("GET", "/metrics")
        shown = connection.getresponse().read().decode().splitlines()
    return next(float(one.removeprefix(name)) for one in shown if one.startswith(f"{name} "))


class Writer(threading.Thread):
    """Appends to `log` 2,000 lines a second until it is stopped."""

    def __init__(self, log: Path) -> None:
        # a test that fails does not stop it
        super().__init__(daemon=True)
        self._log = log
        self._written = LINES_AT_ONCE
        self._asked = threading.Event()

    def run(self) -> None:
        while not self._asked.wait(EVERY_SECONDS):
            with self._log.open("a") as file:
                file.write("".join(map(line, range(self._written, self._written + LINES_AT_ONCE))))
            self._written += LINES_AT_ONCE

    def stop(self) -> int:
        """How many lines there are."""
        self._asked.set()
        self.join()
        return self._written
