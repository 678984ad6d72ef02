"""A store that is slow or set back: the files are the queue, and the checkpoint in the database is what counts."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select

from log_sentinel.daemon.ingest import AHEAD, COMMIT_BATCHES
from log_sentinel.store import appending
from log_sentinel.store.tables import metadata
from tests.daemon.test_ingest import Running, line, requests, stored

if TYPE_CHECKING:
    from log_sentinel.model.commit import Commit
    from log_sentinel.store.appending import Appended
    from log_sentinel.store.engine import Database

WAIT_SECONDS = 30


def lines(first: int, last: int) -> str:
    return "".join(line(number) for number in range(first, last))


def shift(log: Path) -> None:
    for number in (2, 1):
        rotated = log.with_name(f"access.log.{number}")
        if rotated.exists():
            rotated.rename(log.with_name(f"access.log.{number + 1}"))
    log.rename(log.with_name("access.log.1"))


def open_below(folder: Path) -> int:
    """How many files below `folder` this process has open."""
    descriptors = (Path("/proc/self/fd") / name for name in os.listdir("/proc/self/fd"))  # noqa: PTH208 - while it changes
    return sum(os.path.realpath(one).startswith(f"{folder}/") for one in descriptors)


def test_a_log_that_rotates_three_times_while_a_commit_takes_its_time_is_read_whole(
    database: Database, tmp_path: Path
) -> None:
    log = tmp_path / "logs" / "access.log"
    log.parent.mkdir()
    log.write_text(lines(100, 150))
    committing, go_on = threading.Event(), threading.Event()
    begun: list[int] = []

    def slow(database: Database, commit: Commit) -> Appended:
        begun.append(len(commit.batches))
        committing.set()
        assert go_on.wait(WAIT_SECONDS)
        return appending.append(database, commit)

    with Running(database, log, slow) as running:
        assert committing.wait(WAIT_SECONDS)
        for turn in range(1, 4):
            shift(log)
            log.write_text(lines(100 + 50 * turn, 150 + 50 * turn))
        # nothing was stored meanwhile, and no more than the queue holds was read
        assert [] == stored(database)
        assert begun == [1]
        assert running.ingest._in_flight.qsize() <= AHEAD + COMMIT_BATCHES
        assert open_below(log.parent) <= 4
        go_on.set()
        running.until(lambda: len(stored(database)) == 200)

    assert stored(database) == [f"/n/{number}" for number in range(100, 300)]
    assert requests(database) == 200
    assert running.tally.duplicates == 0


def test_a_database_that_is_an_older_copy_all_at_once_gets_the_lines_again(database: Database, tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text(lines(100, 150))
    with Running(database, log) as running:
        running.until(lambda: len(stored(database)) == 50)
        copy = whole(database)
        with log.open("a") as file:
            file.write(lines(150, 200))
        running.until(lambda: len(stored(database)) == 100)
        # as after a failover to a standby that was behind, or when a backup is put back under the running daemon
        put_back(database, copy)
        assert 50 == len(stored(database))
        with log.open("a") as file:
            file.write(lines(200, 250))
        running.until(lambda: len(stored(database)) == 150)

    assert stored(database) == [f"/n/{number}" for number in range(100, 250)]
    assert requests(database) == 150
    assert running.tally.rewinds >= 1


def whole(database: Database) -> dict[str, list[dict[str, Any]]]:
    with database.read() as connection:
        return {
            table.name: [dict(row._mapping) for row in connection.execute(select(table))]
            for table in metadata.sorted_tables
        }


def put_back(database: Database, copy: dict[str, list[dict[str, Any]]]) -> None:
    with database.write() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())
        for table in metadata.sorted_tables:
            if copy[table.name]:
                connection.execute(insert(table), copy[table.name])
