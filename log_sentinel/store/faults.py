"""What can be wrong with a database, in words: what was found, and what to do.

Two kinds, because the daemon does different things: it waits and tries again when the database is unavailable, and
says so loudly when a person has to act. Drivers tell them apart by text and codes only; the codes are in
https://www.sqlite.org/rescode.html and https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

from __future__ import annotations

import errno
import os
import sqlite3
from typing import ClassVar

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from log_sentinel.store.deadlines import WentSilent


class StoreError(Exception):
    """The database cannot be used. `url` is without its password, `reason` says what was found and what to do."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"{url}: {reason}")
        self.url = url
        self.reason = reason


class DatabaseUnavailable(StoreError):
    """Try again later: it is down, locked, full, too busy."""


class DatabaseBroken(StoreError):
    """A person must act: wrong password, corrupt file, no permission, wrong schema."""


def redacted(url: str | URL) -> str:
    """The URL without its password, and of its query, which may hold one too, only the host."""
    parsed = make_url(url) if isinstance(url, str) else url
    harmless = {name: value for name, value in parsed.query.items() if name in ("host", "port")}
    return parsed.set(query=harmless).render_as_string(hide_password=True)


class Diagnosed:
    """A driver's error in words; `kind` is the class to raise."""

    SQLITE: ClassVar[dict[int, tuple[type[StoreError], str]]] = {
        sqlite3.SQLITE_BUSY: (
            DatabaseUnavailable,
            "locked by another process for longer than we wait. Find it with: fuser -v FILE",
        ),
        sqlite3.SQLITE_LOCKED: (DatabaseUnavailable, "locked by another connection. It is tried again."),
        sqlite3.SQLITE_INTERRUPT: (DatabaseUnavailable, "the question took longer than we wait. Ask for less."),
        sqlite3.SQLITE_FULL: (
            DatabaseUnavailable,
            "the disk is full. Free some space; reading goes on from where it stopped, nothing is lost.",
        ),
        sqlite3.SQLITE_IOERR: (
            DatabaseUnavailable,
            "the disk failed to read or write. Look at dmesg; see that the folder is on a local disk with free space.",
        ),
        sqlite3.SQLITE_READONLY: (
            DatabaseBroken,
            "cannot be written. See that the file, its folder and the file system are writable for this user.",
        ),
        sqlite3.SQLITE_CANTOPEN: (
            DatabaseBroken,
            "cannot be opened. See that its folder exists and belongs to this user.",
        ),
        sqlite3.SQLITE_PERM: (DatabaseBroken, "permission denied. See that the file belongs to this user."),
        sqlite3.SQLITE_CORRUPT: (
            DatabaseBroken,
            (
                "the file is damaged. Stop log-sentinel, keep a copy of the file, then put a backup in its place, or "
                "save what can be read with: sqlite3 FILE .recover | sqlite3 NEW_FILE"
            ),
        ),
        sqlite3.SQLITE_NOTADB: (
            DatabaseBroken,
            "the file is not an SQLite database. Name another file in database.url, or put a backup in its place.",
        ),
    }
    NO_TABLE = "its tables are missing or of another version. Run: log-sentinel db upgrade"
    # SQLSTATE, or its class of two characters
    POSTGRES: ClassVar[dict[str, tuple[type[StoreError], str]]] = {
        "28P01": (DatabaseBroken, "the server refused the password. Set the right one in database.url."),
        "28000": (
            DatabaseBroken,
            "the server does not let this user in. See the user's name and the server's pg_hba.conf.",
        ),
        "3D000": (DatabaseBroken, "the server has no such database. Make it with: createdb NAME"),
        "42501": (DatabaseBroken, "permission denied. Grant this user what it needs; it should own its tables."),
        "42P01": (DatabaseBroken, NO_TABLE),
        "42703": (DatabaseBroken, NO_TABLE),
        "25006": (
            DatabaseUnavailable,
            "the server takes no writes (a standby, or told to be read-only). Name the primary in database.url.",
        ),
        "53100": (DatabaseUnavailable, "the server's disk is full. Free some space there."),
        "53300": (
            DatabaseUnavailable,
            "the server has no connection left for us. Raise max_connections or close idle clients.",
        ),
        "53": (DatabaseUnavailable, "the server is out of resources."),
        "55P03": (DatabaseUnavailable, "another session holds a lock we need for longer than we wait."),
        "57014": (DatabaseUnavailable, "a statement took longer than we wait."),
        "57": (DatabaseUnavailable, "the server is shutting down or starting. It is tried again."),
        "40": (DatabaseUnavailable, "another session was in the way (deadlock or serialization). It is tried again."),
        "08": (DatabaseUnavailable, "the connection broke. It is tried again."),
        "XX001": (DatabaseBroken, "the server reports damaged data. Restore a backup; see the server's log."),
        "XX002": (DatabaseBroken, "the server reports a damaged index. Reindex; see the server's log."),
    }


def in_words(error: BaseException, url: str) -> StoreError | None:
    """The StoreError for what a driver or SQLAlchemy raised; None where the statement or the row is at fault."""
    if isinstance(error, WentSilent):
        return DatabaseUnavailable(url, "the server has gone silent. See the network and the server's load.")
    if isinstance(error, PoolTimeout):
        return DatabaseUnavailable(url, "all our connections are in use for longer than we wait. It is tried again.")
    if isinstance(error, NoSuchModuleError):
        return DatabaseBroken(url, "no driver for this kind of database. Use sqlite:/// or postgresql+psycopg://.")
    if isinstance(error, ModuleNotFoundError):
        return DatabaseBroken(url, "the Postgres driver is not installed. Run: pip install 'log-sentinel[postgres]'")
    if isinstance(error, OSError):
        return _of_the_system(error, url)
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, sqlite3.Error):
        return _of_sqlite(cause, url)
    if cause is not None and type(cause).__module__.partition(".")[0] == "psycopg":
        return _of_postgres(cause, url)
    return None


def driver_errors(backend: str) -> tuple[type[Exception], ...]:
    """What SQLAlchemy and the driver of `backend` (sqlite, postgresql) raise. Raises ModuleNotFoundError."""
    if backend != "postgresql":
        return (SQLAlchemyError, sqlite3.Error)
    import psycopg

    return (SQLAlchemyError, psycopg.Error)


def is_full(error: Exception) -> bool:
    """Whether SQLite said that the disk is full."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return isinstance(cause, sqlite3.Error) and getattr(cause, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL


def row_is_at_fault(error: Exception) -> bool:
    """Whether the database takes everything but this row: a value out of range, a constraint, an index entry too long.

    A statement that is wrong by itself is not the row's fault: setting rows aside for it would lose them all.
    """
    if isinstance(error, OverflowError | UnicodeError):
        return True
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, sqlite3.Error):
        return isinstance(cause, sqlite3.IntegrityError | sqlite3.DataError | sqlite3.InterfaceError)
    # data exception, integrity constraint violation, program limit exceeded
    return (getattr(cause, "sqlstate", None) or "")[:2] in ("22", "23", "54")


def _of_the_system(error: OSError, url: str) -> StoreError:
    found = os.strerror(error.errno) if error.errno else str(error)
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    kind = DatabaseUnavailable if full else DatabaseBroken
    todo = "Free some space." if full else "See that the folder exists and belongs to this user."
    return kind(url, f"{found.lower()}. {todo}")


def _of_sqlite(error: sqlite3.Error, url: str) -> StoreError | None:
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return None
    known = Diagnosed.SQLITE.get(code & 0xFF)
    if known is None:
        missing = str(error).startswith(("no such table", "no such column", "table ")) and code == sqlite3.SQLITE_ERROR
        return DatabaseBroken(url, f"{error}: {Diagnosed.NO_TABLE}") if missing else None
    kind, reason = known
    return kind(url, reason)


def _of_postgres(error: BaseException, url: str) -> StoreError | None:
    import psycopg

    state = getattr(error, "sqlstate", None)
    if state is not None:
        known = Diagnosed.POSTGRES.get(state) or Diagnosed.POSTGRES.get(state[:2])
        return None if known is None else known[0](url, known[1])
    if not isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return None
    # While connecting, libpq gives a text only
    said = " ".join(str(error).split())
    for sign, state in (
        ("password authentication failed", "28P01"),
        ("no password supplied", "28P01"),
        ("no pg_hba.conf entry", "28000"),
        ("FATAL: role", "28000"),
        ("does not exist", "3D000"),
        ("too many clients", "53300"),
        ("too many connections", "53300"),
        ("remaining connection slots", "53300"),
    ):
        if sign in said:
            kind, reason = Diagnosed.POSTGRES[state]
            return kind(url, reason)
    if "refused" in said:
        return DatabaseUnavailable(url, "nothing listens there. Start the server, or name the right host and port.")
    if "timeout" in said:
        return DatabaseUnavailable(url, "the server does not answer. See the network and the server's load.")
    if "resolve host" in said or "Name or service not known" in said:
        return DatabaseUnavailable(url, "the host's name is not known. Name the right host in database.url.")
    return DatabaseUnavailable(url, "the connection broke or could not be made. It is tried again.")
