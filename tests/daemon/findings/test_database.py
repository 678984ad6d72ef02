from __future__ import annotations

import sqlite3
import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from log_sentinel.daemon.findings import database as looked_at
from log_sentinel.daemon.findings.finding import Finding, Notice, State
from log_sentinel.daemon.findings.writers import processes_writing
from log_sentinel.store.engine import Database, open_database
from log_sentinel.store.migrating import upgrade
from log_sentinel.store.settings import DatabaseSettings, RetentionSettings

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
