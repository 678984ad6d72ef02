"""Connections to an SQLite file: what each is told when it is made."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING
from urllib.parse import quote

from sqlalchemy import create_engine, event
from sqlalchemy.pool import QueuePool

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy.engine import Connection, Engine

# RETURNING
OLDEST_SQLITE = (3, 35, 0)
LOCK_WAIT_SECONDS = 10.0
READERS = 8
# 16 MB of changes between two moves of the WAL into the file: fewer fsyncs than SQLite's 4 MB, still small to replay
CHECKPOINT_PAGES = 4000
WAL_KEPT_BYTES = 64 * 1024 * 1024
WRITER_CACHE_KIB = 16 * 1024


def writer(path: Path, checkpoints: Callable[[], bool], syncs: Callable[[], bool]) -> Engine:
    """One connection that may write; `checkpoints` says whether it moves the WAL into the file by itself, `syncs`
    whether each commit waits for the disk.
    """

    def connect() -> sqlite3.Connection:
        connection = _connect(path, "rw")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(f"PRAGMA synchronous={'FULL' if syncs() else 'NORMAL'}")
        connection.execute(f"PRAGMA cache_size={-WRITER_CACHE_KIB}")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES if checkpoints() else 0}")
        connection.execute(f"PRAGMA journal_size_limit={WAL_KEPT_BYTES}")
        return connection

    return _engine(connect, size=1, begin="BEGIN IMMEDIATE")


def readers(path: Path) -> Engine:
    """Connections that cannot write and leave the WAL alone."""

    def connect() -> sqlite3.Connection:
        connection = _connect(path, "ro")
        connection.execute("PRAGMA wal_autocheckpoint=0")
        return connection

    return _engine(connect, size=READERS, begin="BEGIN")


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    uri = f"file:{quote(str(path))}?mode={mode}"
    connection = sqlite3.connect(
        uri, uri=True, timeout=LOCK_WAIT_SECONDS, isolation_level=None, check_same_thread=False
    )
    connection.execute("PRAGMA trusted_schema=OFF")
    return connection


def _engine(connect: Callable[[], sqlite3.Connection], *, size: int, begin: str) -> Engine:
    engine = create_engine("sqlite://", creator=connect, poolclass=QueuePool, pool_size=size, max_overflow=0)

    # Python's sqlite3 begins no transaction before DDL or SELECT: we say it ourselves
    @event.listens_for(engine, "begin")
    def say(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine
