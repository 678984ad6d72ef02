"""Opens the database and hands out connections, each in one transaction.

SQLite: a file in WAL mode, made with mode 0600. Writers of this process take turns on one connection and begin at
once (BEGIN IMMEDIATE), so a read can never turn into a write and fail. Readers have connections that cannot write.
Only the connection of the process that owns the database moves the WAL into the file (`take_checkpointing`): SQLite
before 3.51.3 can damage a file when two connections do (https://www.sqlite.org/wal.html, "The WAL-Reset Bug").
`synchronous=NORMAL`: after a power cut the last commits may be gone, rows and checkpoints together, and are read again.

Postgres: a pool; every wait has an end (connecting, statements, locks, silence on the wire).
"""

from __future__ import annotations

import os
import socket
import sqlite3
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from sqlalchemy import create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool, QueuePool

from log_sentinel.store.faults import (
    DatabaseBroken,
    DatabaseUnavailable,
    StoreError,
    driver_errors,
    in_words,
    redacted,
)
from log_sentinel.store.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection, Engine

    from log_sentinel.store.settings import DatabaseSettings

__all__ = ["Database", "DatabaseBroken", "DatabaseUnavailable", "StoreError", "open_database"]

LOCK_WAIT_SECONDS = 10.0
READ_SECONDS = 10.0
# SQLite's virtual machine does some 10 million steps a second
STEPS_BETWEEN_LOOKS = 100_000
READERS = 8
# 16 MB of changes between two moves of the WAL into the file: fewer fsyncs than SQLite's 4 MB, still small to replay
CHECKPOINT_PAGES = 4000
WAL_KEPT_BYTES = 64 * 1024 * 1024
WRITER_CACHE_KIB = 16 * 1024

# libpq's own limits, and the server's for this session; milliseconds where no unit stands
POSTGRES_ARGUMENTS: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
    # shown to people who look for who holds what; Postgres keeps 63 bytes
    "application_name": f"log-sentinel process {os.getpid()} on {socket.gethostname()}"[:63],
    "options": " ".join(
        f"-c {name}"
        for name in (
            "timezone=UTC",
            "statement_timeout=60s",
            "lock_timeout=20s",
            "idle_in_transaction_session_timeout=60s",
        )
    ),
}


class Database:
    """One database, for all threads. `redacted_url` is fit for messages."""

    def __init__(self, url: URL, readonly_url: URL | None) -> None:
        self.url = url
        self.readonly_url = readonly_url
        self.redacted_url = redacted(url)
        self.is_sqlite = url.get_backend_name() == "sqlite"
        self.path = Path(url.database or "").absolute() if self.is_sqlite else None
        self._driver_errors = driver_errors(url.get_backend_name())
        self._turn = Turns()
        self._checkpoints = False
        if self.path is not None:
            self._writer = self._sqlite_engine(self.path, writes=True)
            self._reader = self._sqlite_engine(self.path, writes=False)
        else:
            self._writer = self._reader = create_engine(
                url,
                connect_args=POSTGRES_ARGUMENTS,
                pool_size=READERS,
                max_overflow=0,
                pool_timeout=10,
                pool_pre_ping=True,
            )

    def __repr__(self) -> str:
        return f"<Database {self.redacted_url}>"

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A connection in one transaction, committed at the end, rolled back if anything is raised.

        A thread that holds one must not ask for another. Raises StoreError; an error of the statement or the row itself
        (IntegrityError, DataError ...) comes through as SQLAlchemy's.
        """
        if not self.is_sqlite:
            with self._speaking(), self._writer.begin() as connection:
                yield connection
            return
        with self._turn, self._speaking(), self._writer.begin() as connection:
            yield connection

    @contextmanager
    def read(self, seconds: float = READ_SECONDS) -> Iterator[Connection]:
        """A connection that sees one state of the database, for `seconds` at most: on SQLite the WAL grows meanwhile.

        Raises DatabaseUnavailable when a statement takes longer.
        """
        with self._speaking(), self._reader.begin() as connection:
            if not self.is_sqlite:
                connection.exec_driver_sql(f"SET LOCAL statement_timeout = {round(seconds * 1000)}")
                yield connection
                return
            driver: Any = connection.connection.driver_connection
            deadline = time.monotonic() + seconds
            driver.set_progress_handler(lambda: time.monotonic() > deadline, STEPS_BETWEEN_LOOKS)
            try:
                yield connection
            finally:
                driver.set_progress_handler(None, 0)

    def session(self) -> Connection:
        """A connection of its own outside any transaction (Postgres), for what lasts as long as a session; close it."""
        with self._speaking():
            engine = create_engine(self.url, connect_args=POSTGRES_ARGUMENTS, poolclass=NullPool)
            return engine.connect().execution_options(isolation_level="AUTOCOMMIT")

    def take_checkpointing(self) -> None:
        """From now on this process moves the WAL into the file; for the owner of the database only."""
        self._checkpoints = True
        if self.is_sqlite:
            with self._turn:
                self._writer.dispose()

    def close(self) -> None:
        """Gives back all connections; those in use close when they are given back."""
        self._writer.dispose()
        self._reader.dispose()

    @contextmanager
    def _speaking(self) -> Iterator[None]:
        """Driver errors in words; the driver's own text may hold log content or a password and stays the cause."""
        try:
            yield
        except self._driver_errors as error:
            said = in_words(error, self.redacted_url)
            if said is None:
                raise
            raise said from error

    def _sqlite_engine(self, path: Path, *, writes: bool) -> Engine:
        mode = "rw" if writes else "ro"
        uri = f"file:{quote(str(path))}?mode={mode}"

        def connect() -> sqlite3.Connection:
            connection = sqlite3.connect(
                uri, uri=True, timeout=LOCK_WAIT_SECONDS, isolation_level=None, check_same_thread=False
            )
            if writes:
                pages = CHECKPOINT_PAGES if self._checkpoints else 0
                connection.execute("PRAGMA journal_mode=WAL")
                connection.execute("PRAGMA synchronous=NORMAL")
                connection.execute(f"PRAGMA cache_size={-WRITER_CACHE_KIB}")
                connection.execute("PRAGMA foreign_keys=ON")
                connection.execute(f"PRAGMA wal_autocheckpoint={pages}")
                connection.execute(f"PRAGMA journal_size_limit={WAL_KEPT_BYTES}")
            else:
                connection.execute("PRAGMA wal_autocheckpoint=0")
            connection.execute("PRAGMA trusted_schema=OFF")
            return connection

        size = 1 if writes else READERS
        engine = create_engine("sqlite://", creator=connect, poolclass=QueuePool, pool_size=size, max_overflow=0)

        # Python's sqlite3 begins no transaction before DDL or SELECT: we say it ourselves
        @event.listens_for(engine, "begin")
        def begin(connection: Connection) -> None:
            connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

        return engine


def open_database(settings: DatabaseSettings) -> Database:
    """The database of the settings; an SQLite file that does not exist is made. Its tables come by `migrating.upgrade`.

    Raises DatabaseUnavailable or DatabaseBroken.
    """
    url = _normal(make_url(settings.url.get_secret_value()))
    readonly = settings.readonly_url
    if url.get_backend_name() == "sqlite":
        _make_file(Path(url.database or ""), redacted(url))
    try:
        database = Database(url, None if readonly is None else _normal(make_url(readonly.get_secret_value())))
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
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        if not path.is_file():
            raise DatabaseBroken(url, "not a regular file. Name a file in database.url.") from None
    except OSError as error:
        raise in_words(error, url) or error from error
