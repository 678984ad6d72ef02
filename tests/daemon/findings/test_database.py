from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from log_sentinel.daemon.findings import database as looked_at
from log_sentinel.daemon.findings.finding import Finding, Notice, State
from log_sentinel.daemon.findings.writers import processes_writing
from log_sentinel.store.appending import append
from log_sentinel.store.engine import Database, open_database
from log_sentinel.store.migrating import upgrade
from log_sentinel.store.settings import DatabaseSettings, RetentionSettings
from tests.store.commits import Log, denial, parsed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
OTHER_PROGRAM = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("begin immediate")
print("writes", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(DatabaseSettings(url=SecretStr(f"sqlite:///{tmp_path}/x.db")))
    upgrade(opened)
    yield opened
    opened.close()


def found(database: Database) -> list[Finding]:
    return list(looked_at.findings(database, RetentionSettings(), NOW))


def test_a_whole_database_says_so_with_its_size_and_what_is_kept(sqlite: Database) -> None:
    says = [one.says for one in found(sqlite) if one.state is State.FINE]

    assert "its file is whole (quick_check)" in says
    assert "denials are kept for 90 days; there is none yet" in says
    assert "0 denials of 0 requests" in says[-1]


def stored(database: Database, *times: datetime) -> None:
    rows = [denial(number, time=time) for number, time in enumerate(times)]
    append(database, Log(database).commit(parsed(rows), to=100 * len(rows)), now=NOW)


def test_the_growth_of_a_day_is_told_from_what_came_in_one(sqlite: Database) -> None:
    stored(sqlite, NOW - timedelta(days=2), NOW - timedelta(hours=1))
    [held] = [one for one in found(sqlite) if "growing by" in one.says]
    size, growth = (float(n) for n in re.findall(r"([0-9.]+) MB", held.says))
    assert growth == pytest.approx(size / 2, abs=0.1)
    assert "2 denials of 4 requests" in held.says


@pytest.mark.parametrize(("days", "state"), [(89, State.FINE), (90, State.FINE), (95, State.NOTE)])
def test_denials_that_should_have_been_forgotten_are_told(sqlite: Database, days: int, state: State) -> None:
    oldest = NOW - timedelta(days=days)
    stored(sqlite, oldest)
    [kept] = [one for one in found(sqlite) if one.says.startswith("denials are kept for 90 days")]
    assert kept.state is state
    assert kept.says.endswith(f"the oldest is of {oldest:%Y-%m-%d} UTC")
    assert ("Does `log-sentinel run` run?" in kept.todo) is (state is State.NOTE)


def test_tables_of_an_older_version_are_told_with_what_to_do(tmp_path: Path) -> None:
    database = open_database(DatabaseSettings(url=SecretStr(f"sqlite:///{tmp_path}/empty.db")))
    assert [("its tables are of an older version", "Run: log-sentinel db upgrade")] == [
        (one.says, one.todo) for one in found(database)
    ]
    database.close()


def test_a_database_too_large_to_look_through_is_no_damaged_one(
    sqlite: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looked_at, "WHOLE_WITHIN_SECONDS", -1.0)
    stored(sqlite, *[NOW - timedelta(seconds=second) for second in range(3000)])
    [one] = [one for one in found(sqlite) if "too large" in one.says]
    assert one.state is State.NOTE
    assert "pragma quick_check" in one.todo


def test_a_damaged_database_is_found_to_be(sqlite: Database, tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    with sqlite3.connect(path) as connection:
        connection.execute("pragma wal_checkpoint(truncate)")
        root = connection.execute("select rootpage from sqlite_master where name = 'denials'").fetchone()[0]
    with path.open("r+b") as file:
        file.seek((root - 1) * 4096)
        file.write(b"\xff" * 100)

    damaged = [one for one in found(sqlite) if "file is damaged" in one.says]

    assert [State.WRONG] == [one.state for one in damaged]


def test_another_program_that_writes_to_the_file_is_named(sqlite: Database, tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    command = [sys.executable, "-c", OTHER_PROGRAM, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert b"writes\n" == other.stdout.readline()
        writers = processes_writing(path)
        other.communicate()

    assert [other.pid] == [pid for pid, _ in writers]
    assert [] == processes_writing(path)


@pytest.mark.parametrize(("version", "state"), [((3, 51, 2), State.WRONG), ((3, 51, 3), State.NOTE)])
def test_two_writers_are_wrong_where_sqlite_can_damage_the_file_by_them(
    sqlite: Database, monkeypatch: pytest.MonkeyPatch, version: tuple[int, int, int], state: State
) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", version)
    monkeypatch.setattr(looked_at, "processes_writing", lambda _: [(7, "log-sentinel"), (9, "sqlite3")])

    [one] = [one for one in found(sqlite) if "processes" in one.says]

    assert state is one.state
    assert one.says.startswith("2 processes have it open for writing: log-sentinel (process 7), sqlite3 (process 9)")


def test_little_room_on_the_disk_is_told_to_people(sqlite: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite.room, "free_bytes", lambda: 5_000_000_000)
    assert [] == list(looked_at.room(sqlite))
    monkeypatch.setattr(sqlite.room, "free_bytes", lambda: 5_000_000)

    [one] = looked_at.room(sqlite)

    assert (State.WRONG, Notice.DISK) == (one.state, one.notice)
    assert one.says.startswith("5 MB are left on its disk")
