"""Opening a database, writing in turns, reading beside; and what is said when it cannot be."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr, ValidationError
from sqlalchemy import insert, select, text

from log_sentinel.store.engine import Database, DatabaseBroken, DatabaseUnavailable, open_database
from log_sentinel.store.settings import DatabaseSettings
from log_sentinel.store.stored_values import read, written
from log_sentinel.store.tables import config_loads, leases

if TYPE_CHECKING:
    from pathlib import Path

    from tests.store.postgres_server import PostgresServer

TEN = datetime(2026, 11, 24, 10, tzinfo=UTC)


def opened(url: str) -> Database:
    return open_database(DatabaseSettings(url=SecretStr(url)))


def pragma(db: Database, name: str) -> object:
    with db.write() as connection:
        return connection.scalar(text(f"PRAGMA {name}"))


def test_a_new_sqlite_file_is_private_in_wal_mode_and_readable_by_its_user_only(tmp_path: Path) -> None:
    db = opened(f"sqlite:///{tmp_path / 'new.db'}")
    assert pragma(db, "journal_mode") == "wal"
    assert pragma(db, "synchronous") == 1
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {"new.db": 0o600, "new.db-wal": 0o600, "new.db-shm": 0o600}
    db.close()


def test_only_the_owner_of_the_database_moves_the_wal_into_the_file(sqlite: Database) -> None:
    assert pragma(sqlite, "wal_autocheckpoint") == 0
    sqlite.take_checkpointing()
    assert pragma(sqlite, "wal_autocheckpoint") == 4000
    with sqlite.read() as connection:
        assert connection.scalar(text("PRAGMA wal_autocheckpoint")) == 0


def test_a_reader_cannot_write(sqlite: Database) -> None:
    with pytest.raises(DatabaseBroken, match=r"cannot be written"), sqlite.read() as connection:
        connection.execute(text("DELETE FROM leases"))


def test_what_is_raised_in_a_write_undoes_it(database: Database) -> None:
    def halfway() -> None:
        with database.write() as connection:
            connection.execute(insert(leases).values(name="detect", holder="a", epoch=1, expires_at=TEN))
            raise KeyError

    with pytest.raises(KeyError):
        halfway()
    with database.read() as connection:
        assert connection.execute(select(leases)).all() == []


def test_writers_take_turns_and_none_is_refused(database: Database) -> None:
    with database.write() as connection:
        connection.execute(insert(leases).values(name="count", holder="", epoch=0, expires_at=TEN))
    failed: list[BaseException] = []

    def count() -> None:
        try:
            for _ in range(20):
                with database.write() as connection:
                    # a read that turns into a write: without BEGIN IMMEDIATE this fails at once
                    query = select(leases.c.epoch).with_for_update()
                    epoch = connection.scalar(query) or 0
                    connection.execute(leases.update().values(epoch=epoch + 1))
        except BaseException as error:  # noqa: BLE001 - shown by the assertion below
            failed.append(error)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    with database.read() as connection:
        assert connection.scalar(select(leases.c.epoch)) == 80


def test_a_reader_goes_on_while_somebody_writes(database: Database) -> None:
    with database.write() as writing:
        writing.execute(insert(leases).values(name="detect", holder="a", epoch=1, expires_at=TEN))
        with database.read() as reading:
            assert reading.execute(select(leases)).all() == []


def test_times_are_utc_to_the_millisecond_and_naive_ones_are_refused(database: Database) -> None:
    elsewhere = datetime(2026, 11, 24, 12, 30, 0, 123_999, tzinfo=timezone(timedelta(hours=2)))
    with database.write() as connection:
        connection.execute(insert(leases).values(name="detect", holder="a", epoch=1, expires_at=elsewhere))
    with database.read() as connection:
        assert connection.scalar(select(leases.c.expires_at)) == datetime(2026, 11, 24, 10, 30, 0, 123_000, tzinfo=UTC)
        later = "SELECT count(*) FROM leases WHERE expires_at >= '2026-11-24 10:30'"
        assert connection.scalar(text(later)) == 1
    with pytest.raises(Exception, match="has no time zone"), database.write() as connection:
        connection.execute(leases.update().values(expires_at=datetime(2026, 11, 24)))  # noqa: DTZ001 - the fault itself
    assert read(written(TEN)) == TEN


def test_json_comes_back_as_it_went_in(database: Database) -> None:
    details = {"files": ["a.toml"], "ü": None, "n": 1.5, "big": 2**63 - 1, "nested": {"a": [1, True]}}
    with database.write() as connection:
        connection.execute(
            insert(config_loads).values(
                at=TEN, instance="edge-1", version="1", fingerprint="f", outcome="loaded", details=details
            )
        )
    with database.read() as connection:
        assert connection.scalar(select(config_loads.c.details)) == details


def test_a_question_that_takes_too_long_is_ended(database: Database) -> None:
    endless = "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r"
    with pytest.raises(DatabaseUnavailable, match=r"took longer|longer than we wait"), database.read(0.2) as connection:
        connection.execute(text(endless))
    with database.read() as connection:
        assert connection.scalar(text("SELECT 1")) == 1


# What is said


def reason(url: str) -> tuple[type[Exception], str]:
    with pytest.raises((DatabaseBroken, DatabaseUnavailable)) as raised:
        opened(url).close()
    return raised.type, str(raised.value)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    kind, said = reason(f"sqlite:///{tmp_path}/nowhere/x.db")
    assert kind is DatabaseBroken
    assert said == (
        f"sqlite:///{tmp_path}/nowhere/x.db: no such file or directory. "
        "See that the folder exists and belongs to this user."
    )


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a database, but precious\n" * 100)
    kind, said = reason(f"sqlite:///{tmp_path}/notes.txt")
    assert kind is DatabaseBroken
    assert "the file is not an SQLite database" in said
    assert (tmp_path / "notes.txt").read_text().startswith("not a database, but precious\n")


def test_a_folder_or_pipe_in_the_place_of_the_file_is_refused_without_hanging(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        assert reason(f"sqlite:///{path}")[1].endswith("not a regular file. Name a file in database.url.")


def test_tables_that_were_never_made_are_said_with_the_command_that_makes_them(bare_database: Database) -> None:
    with pytest.raises(DatabaseBroken, match="Run: log-sentinel db upgrade"), bare_database.read() as connection:
        connection.execute(select(leases))


def test_a_server_that_is_not_there_is_unavailable_and_the_password_is_not_shown() -> None:
    kind, said = reason("postgresql+psycopg://sentinel:hunter2@127.0.0.1:1/logs")
    assert kind is DatabaseUnavailable
    assert said == (
        "postgresql+psycopg://sentinel:***@127.0.0.1:1/logs: nothing listens there. "
        "Start the server, or name the right host and port."
    )


def test_a_database_that_does_not_exist_is_said(postgres: PostgresServer) -> None:
    kind, said = reason(postgres.url("nowhere"))
    assert kind is DatabaseBroken
    assert "the server has no such database" in said


def test_a_user_that_does_not_exist_is_said(postgres: PostgresServer) -> None:
    kind, said = reason(postgres.url(user="nobody_knows"))
    assert kind is DatabaseBroken
    assert "the server does not let this user in" in said


def test_a_wrong_password_is_said_and_is_not_retried(postgres: PostgresServer) -> None:
    hba = postgres.folder / "pg_hba.conf"
    trusting = hba.read_text()
    postgres.sql("CREATE ROLE guarded LOGIN PASSWORD 'right'")
    hba.write_text("local all guarded scram-sha-256\n" + trusting)
    postgres.sql("SELECT pg_reload_conf()")
    try:
        kind, said = reason(postgres.url(user="guarded:wrong"))
        assert kind is DatabaseBroken
        assert "the server refused the password" in said
        assert "wrong" not in said
        assert "the server refused the password" in reason(postgres.url(user="guarded"))[1]
    finally:
        hba.write_text(trusting)
        postgres.sql("SELECT pg_reload_conf()", "DROP ROLE guarded")


def test_a_missing_driver_names_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "psycopg.py").write_text("raise ModuleNotFoundError(\"No module named 'psycopg'\", name='psycopg')\n")
    program = (
        "from pydantic import SecretStr\n"
        "from log_sentinel.store.engine import open_database\n"
        "from log_sentinel.store.settings import DatabaseSettings\n"
        "try: open_database(DatabaseSettings(url=SecretStr('postgresql://u:hunter2@h/d')))\n"
        "except Exception as error: print(error)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout == (
        "postgresql+psycopg://u:***@h/d: the Postgres driver is not installed. "
        "Run: pip install 'log-sentinel[postgres]'\n"
    )


@pytest.mark.parametrize(
    "url",
    [
        "mysql://u:hunter2@h/d",
        "sqlite://",
        "sqlite:///:memory:",
        "/var/lib/x.db",
        "postgresql+asyncpg://h/d",
        "http://[",
    ],
)
def test_another_kind_of_url_is_refused_with_what_is_right_and_without_showing_it(url: str) -> None:
    with pytest.raises(ValidationError, match=r"a database URL begins with|an SQLite database is a file") as raised:
        DatabaseSettings(url=SecretStr(url))
    assert "hunter2" not in str(raised.value)


def test_a_database_left_by_a_killed_process_opens(tmp_path: Path) -> None:
    """The WAL is still there, and readers are the first to come."""
    path = tmp_path / "killed.db"
    program = (
        "import os, sqlite3\n"
        f"c = sqlite3.connect({str(path)!r}); c.execute('PRAGMA journal_mode=WAL')\n"
        "c.execute('CREATE TABLE t (x)'); c.execute('INSERT INTO t VALUES (7)'); c.commit(); os._exit(9)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=False)
    assert (tmp_path / "killed.db-wal").stat().st_size > 0
    db = opened(f"sqlite:///{path}")
    with db.read() as connection:
        assert connection.scalar(text("SELECT x FROM t")) == 7
    db.close()
    with closing(sqlite3.connect(path)) as connection_:
        assert connection_.execute("PRAGMA quick_check").fetchone() == ("ok",)
