"""Brings the tables to the version this log-sentinel needs, and copies the database while it is in use.

All that is missing is done in one transaction, on SQLite too: an upgrade that fails or is killed leaves the old schema.
A migration's file is named after its revision, `0001_first_tables.py`: which there are is known without alembic, and
only an upgrade loads that (5 MB).
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from sqlalchemy import inspect, text
from sqlalchemy.exc import SQLAlchemyError

from log_sentinel.content import shipped
from log_sentinel.store.faults import DatabaseBroken, in_words

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.engine import Connection

    from log_sentinel.store.engine import Database

# alembic's own, with one row
VERSION_TABLE = "alembic_version"
# Two daemons may start at once on one Postgres: the second waits here and then finds nothing to do. Any number will do.
POSTGRES_UPGRADE_LOCK = 7_365_746_911
# A step may have to rewrite a table of many millions of rows
UPGRADE_SECONDS = 3600.0


def upgrade(db: Database, to: str = "head", *, folder: Path | None = None) -> tuple[str, ...]:
    """Runs the migrations that are missing, whole or not at all; their revisions, oldest first.

    `folder` holds the migrations; the shipped ones when None. Raises DatabaseBroken when the database is of a newer
    version or a migration fails (the old schema stands), DatabaseUnavailable when another process is in the way.
    """
    folder = folder or shipped("migrations")
    known = _revisions(folder)
    if to == "head" and current(db) == known[-1]:
        # any role can take the lock below, so it is not asked for in vain
        return ()
    with db.write(UPGRADE_SECONDS) as connection:
        if not db.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": POSTGRES_UPGRADE_LOCK})
        before = _revision(connection)
        _refuse_newer(db, known, before)
        try:
            _run(connection, folder, to)
        except SQLAlchemyError as error:
            raise in_words(error, db.redacted_url) or DatabaseBroken(
                db.redacted_url,
                f"a migration failed and was undone: {error.__class__.__name__}. The tables are as they were; go on "
                "with the former version of log-sentinel and report this.",
            ) from error
        after = _revision(connection)
    return known[_done(known, before) : _done(known, after)]


def current(db: Database) -> str | None:
    """The revision of the database's tables; None when it has none yet."""
    with db.read() as connection:
        return _revision(connection)


def is_current(db: Database) -> bool:
    """Whether the tables are of the version this log-sentinel needs. Raises DatabaseBroken when they are newer."""
    known = _revisions(shipped("migrations"))
    revision = current(db)
    _refuse_newer(db, known, revision)
    return revision == known[-1]


def backup(db: Database, path: Path) -> int:
    """Copies an SQLite database as it is at one moment into the new file `path` (mode 0600), while others use it.

    Gives the copy's size in bytes. Raises FileExistsError if the file exists, DatabaseBroken on Postgres (pg_dump does
    it there) or if the copy is not whole.
    """
    if db.path is None:
        raise DatabaseBroken(db.redacted_url, "a Postgres database is copied by its own tool. Run: pg_dump -Fc")
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    try:
        with db.read() as connection, closing(sqlite3.connect(path)) as copy:
            source = connection.connection.driver_connection
            assert source is not None  # noqa: S101 - for mypy: a connection in use has one
            source.backup(copy, pages=-1)
            copy.execute("PRAGMA journal_mode=DELETE")
            found = copy.execute("PRAGMA quick_check(1)").fetchone()[0]
    except BaseException:
        path.unlink()
        raise
    if found != "ok":
        path.unlink()
        raise DatabaseBroken(
            db.redacted_url, f"the copy is damaged, so the file is ({found}). Run: log-sentinel doctor"
        )
    return path.stat().st_size


def _run(connection: Connection, folder: Path, to: str) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, to)


def _revisions(folder: Path) -> tuple[str, ...]:
    """Oldest first."""
    return tuple(sorted(path.name.partition("_")[0] for path in (folder / "versions").glob("[0-9]*_*.py")))


def _done(known: tuple[str, ...], revision: str | None) -> int:
    """How many migrations are done at this revision."""
    return 0 if revision is None else known.index(revision) + 1


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    found: str | None = connection.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}"))  # noqa: S608 - our name
    return found


def _refuse_newer(db: Database, known: tuple[str, ...], revision: str | None) -> None:
    if revision is not None and revision not in known:
        raise DatabaseBroken(
            db.redacted_url,
            f"its tables are of version {revision}, which this log-sentinel does not know. Install the newer one.",
        )
