"""Brings the tables to the version this log-sentinel needs, and copies the database while it is in use.

All that is missing is done in one transaction, on SQLite too: an upgrade that fails or is killed leaves the old schema.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from log_sentinel.content import shipped
from log_sentinel.store.faults import DatabaseBroken, in_words

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.engine import Connection

    from log_sentinel.store.engine import Database

# Two daemons may start at once on one Postgres: the second waits here and then finds nothing to do. Any number will do.
POSTGRES_UPGRADE_LOCK = 7_365_746_911
# A step may have to rewrite a table of many millions of rows
UPGRADE_SECONDS = 3600.0


def upgrade(db: Database, to: str = "head", *, folder: Path | None = None) -> tuple[str, ...]:
    """Runs the migrations that are missing, whole or not at all; their revisions, oldest first.

    `folder` holds the migrations; the shipped ones when None. Raises DatabaseBroken when the database is of a newer
    version or a migration fails (the old schema stands), DatabaseUnavailable when another process is in the way.
    """
    config = _config(folder)
    script = ScriptDirectory.from_config(config)
    if to == "head" and current(db) == script.get_current_head():
        # any role can take the lock below, so it is not asked for in vain
        return ()
    with db.write(UPGRADE_SECONDS) as connection:
        if not db.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": POSTGRES_UPGRADE_LOCK})
        before = _revision(connection)
        _refuse_newer(db, script, before)
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, to)
        except SQLAlchemyError as error:
            raise in_words(error, db.redacted_url) or DatabaseBroken(
                db.redacted_url,
                f"a migration failed and was undone: {error.__class__.__name__}. The tables are as they were; go on "
                "with the former version of log-sentinel and report this.",
            ) from error
        after = _revision(connection)
    done = [step.revision for step in script.walk_revisions("base", after or "base")]
    return tuple(reversed(done[: done.index(before)] if before in done else done)) if after != before else ()


def current(db: Database) -> str | None:
    """The revision of the database's tables; None when it has none yet."""
    with db.read() as connection:
        return _revision(connection)


def is_current(db: Database) -> bool:
    """Whether the tables are of the version this log-sentinel needs. Raises DatabaseBroken when they are newer."""
    script = ScriptDirectory.from_config(_config(None))
    revision = current(db)
    _refuse_newer(db, script, revision)
    return revision == script.get_current_head()


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


def _config(folder: Path | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(folder or shipped("migrations")).replace("%", "%%"))
    return config


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _refuse_newer(db: Database, script: ScriptDirectory, revision: str | None) -> None:
    known = {step.revision for step in script.walk_revisions()}
    if revision is not None and revision not in known:
        raise DatabaseBroken(
            db.redacted_url,
            f"its tables are of version {revision}, which this log-sentinel does not know. Install the newer one.",
        )
