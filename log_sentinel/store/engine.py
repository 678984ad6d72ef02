"""Opens the database and hands out connections, each in one transaction.

SQLite: a file in WAL mode, made with mode 0600. Writers of this process take turns on one connection and begin at
once (BEGIN IMMEDIATE), so a read can never turn into a write and fail. Readers have connections that cannot write.
Only the connection of the process that owns the database moves the WAL into the file (`take_checkpointing`): SQLite
before 3.51.3 can damage a file when two connections do (https://www.sqlite.org/wal.html, "The WAL-Reset Bug").
`synchronous=NORMAL`: after a power cut the last commits may be gone, rows and checkpoints together, and are read again;
where senders forget what we have answered, each commit waits for the disk (`sync_every_commit`).

Postgres: a pool; every wait has an end (connecting, statements, locks, silence on the wire).
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError

from log_sentinel.store import sqlite_engine
from log_sentinel.store.deadlines import WentSilent, deadline
from log_sentinel.store.faults import (
    DatabaseBroken,
    DatabaseUnavailable,
    StoreError,
    driver_errors,
    in_words,
    is_full,
    redacted,
)
from log_sentinel.store.room import MEGABYTE, Room
from log_sentinel.store.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection

    from log_sentinel.store.settings import DatabaseSettings

__all__ = ["Database", "DatabaseBroken", "DatabaseUnavailable", "StoreError", "open_database"]

READ_SECONDS = 10.0
WRITE_SECONDS = 30.0
# How long after its own limit a server may take to say so
SILENCE_SECONDS = 5.0
# The ingest waits meanwhile
SHRINK_MILLISECONDS = 500
# SQLite's virtual machine does some 10 million steps a second
STEPS_BETWEEN_LOOKS = 100_000


class Database:
    """One database, for all threads. `redacted_url` is fit for messages, `path` is None on Postgres."""

    def __init__(self, url: URL, readonly_url: URL | None, floor_bytes: int) -> None:
        self.url = url
        self.readonly_url = readonly_url
        self.redacted_url = redacted(url)
        self.is_sqlite = url.get_backend_name() == "sqlite"
        self.path = Path(url.database or "").absolute() if self.is_sqlite else None
        self.room = Room(self.path, self.redacted_url, floor_bytes)
        self._driver_errors: tuple[type[Exception], ...] = (*driver_errors(url.get_backend_name()), WentSilent)
        self._turn = Turns()
        self._checkpoints = self._syncs = False
        if self.path is not None:
            self._writer = sqlite_engine.writer(self.path, lambda: self._checkpoints, lambda: self._syncs)
            self._reader = sqlite_engine.readers(self.path)
        else:
            from log_sentinel.store import postgres_engine

            self._writer = self._reader = postgres_engine.pool(url)

    def __repr__(self) -> str:
        return f"<Database {self.redacted_url}>"

    @contextmanager
    def write(self, seconds: float = WRITE_SECONDS) -> Iterator[Connection]:
        """A connection in one transaction, committed at the end, rolled back if anything is raised.

        A thread that holds one must not ask for another. On Postgres it is cut off after `seconds`. Raises StoreError;
        an error of the statement or the row itself (IntegrityError, DataError ...) comes through as SQLAlchemy's.
        """
        if not self.is_sqlite:
            with self._speaking(), self._on_postgres(seconds) as connection:
                yield connection
            return
        with self._turn, self._speaking(), self._writer.begin() as connection:
            yield connection

    @contextmanager
    def read(self, seconds: float = READ_SECONDS) -> Iterator[Connection]:
        """A connection that sees one state of the database, for `seconds` at most: on SQLite the WAL grows meanwhile.

        Raises DatabaseUnavailable when a statement takes longer.
        """
        if not self.is_sqlite:
            with self._speaking(), self._on_postgres(seconds) as connection:
                yield connection
            return
        with self._speaking(), self._reader.connect() as connection:
            driver: Any = connection.connection.driver_connection
            end = time.monotonic() + seconds
            driver.set_progress_handler(lambda: time.monotonic() > end, STEPS_BETWEEN_LOOKS)
            try:
                with connection.begin():
                    yield connection
            finally:
                driver.set_progress_handler(None, 0)

    def session(self) -> Connection:
        """A connection of its own outside any transaction (Postgres), for what lasts as long as a session; close it."""
        from log_sentinel.store import postgres_engine

        with self._speaking():
            return postgres_engine.session(self.url)

    def take_checkpointing(self) -> None:
        """From now on this process moves the WAL into the file; for the owner of the database only."""
        self._checkpoints = True
        if self.is_sqlite:
            with self._turn:
                self._writer.dispose()
            self.room.keep_ballast()

    def sync_every_commit(self) -> None:
        """From now on a commit is on the disk when `write` returns: on Postgres it is anyway, if it is set up so."""
        self._syncs = True
        if self.is_sqlite:
            with self._turn:
                self._writer.dispose()

    def shrink_wal(self) -> bool:
        """Moves the whole WAL into the file and empties it, if no reader is in the way; whether it could."""
        if not (self.is_sqlite and self._checkpoints):
            return False
        with self._turn, self._speaking():
            borrowed = self._writer.raw_connection()
            try:
                driver: Any = borrowed.driver_connection
                driver.execute(f"PRAGMA busy_timeout={SHRINK_MILLISECONDS}")
                blocked = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
                driver.execute(f"PRAGMA busy_timeout={round(sqlite_engine.LOCK_WAIT_SECONDS * 1000)}")
            finally:
                borrowed.close()
        return not blocked

    def wal_bytes(self) -> int:
        """The size of the WAL, which grows while somebody reads for long; 0 on Postgres."""
        wal = None if self.path is None else self.path.with_name(self.path.name + "-wal")
        return wal.stat().st_size if wal is not None and wal.exists() else 0

    def close(self) -> None:
        """Gives back all connections; those in use close when they are given back."""
        self._writer.dispose()
        self._reader.dispose()

    @contextmanager
    def _on_postgres(self, seconds: float) -> Iterator[Connection]:
        with (
            self._writer.connect() as connection,
            deadline(connection.connection.driver_connection, seconds + SILENCE_SECONDS),
            connection.begin(),
        ):
            connection.exec_driver_sql(f"SET LOCAL statement_timeout = {round(seconds * 1000)}")
            yield connection

    @contextmanager
    def _speaking(self) -> Iterator[None]:
        """Driver errors in words; the driver's own text may hold log content or a password and stays the cause."""
        try:
            yield
        except self._driver_errors as error:
            said = in_words(error, self.redacted_url)
            if said is None:
                raise
            if is_full(error):
                self.room.drop_ballast()
            raise said from error


def open_database(settings: DatabaseSettings) -> Database:
    """The database of the settings; an SQLite file that does not exist is made. Its tables come by `migrating.upgrade`.

    Raises DatabaseUnavailable or DatabaseBroken.
    """
    url = _normal(make_url(settings.url.get_secret_value()))
    readonly = settings.readonly_url
    if url.get_backend_name() == "sqlite":
        _make_file(Path(url.database or ""), redacted(url))
    try:
        reader = None if readonly is None else _normal(make_url(readonly.get_secret_value()))
        database = Database(url, reader, settings.min_free_mb * MEGABYTE)
    except (SQLAlchemyError, ModuleNotFoundError) as error:
        raise in_words(error, redacted(url)) or error from error
    with database.read() as connection:
        if database.is_sqlite:
            # opening reads nothing yet: only this finds a file that is no database
            connection.exec_driver_sql("SELECT 1 FROM sqlite_schema LIMIT 1")
    return database


def _normal(url: URL) -> URL:
    return url.set(drivername="postgresql+psycopg") if url.drivername == "postgresql" else url


def _make_file(path: Path, url: str) -> None:
    """An empty file only its user may read; SQLite gives its -wal and -shm the same mode."""
    if sqlite3.sqlite_version_info < sqlite_engine.OLDEST_SQLITE:
        found = sqlite3.sqlite_version
        raise DatabaseBroken(url, f"this Python has SQLite {found}; 3.35 or newer is needed. Use a newer Python.")
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        if not path.is_file():
            raise DatabaseBroken(url, "not a regular file. Name a file in database.url.") from None
    except OSError as error:
        raise in_words(error, url) or error from error
