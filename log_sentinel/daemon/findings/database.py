"""How the database is: its writers, size and growth, the room on its disk, and whether it is whole."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from typing import TYPE_CHECKING

from log_sentinel.daemon.findings.finding import Finding, Notice, State
from log_sentinel.daemon.findings.writers import processes_writing
from log_sentinel.store import integrity, migrating, readers, vitals
from log_sentinel.store.faults import DatabaseBroken, DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from log_sentinel.store.engine import Database
    from log_sentinel.store.settings import RetentionSettings

# Two connections that move the WAL at once can damage a file: https://www.sqlite.org/wal.html, "The WAL-Reset Bug"
SQLITE_WITHOUT_RESET_BUG = (3, 51, 3)
LITTLE_SPACE_BYTES = 1 << 30
WHOLE_WITHIN_SECONDS = 20.0
DAY = timedelta(days=1)


def findings(database: Database, retention: RetentionSettings, now: datetime) -> Iterator[Finding]:
    """All of it; reads the whole of an SQLite file, for 20 s at most. Raises StoreError."""
    if not migrating.is_current(database):
        yield Finding(State.WRONG, "database", "its tables are of an older version", "Run: log-sentinel db upgrade")
        return
    if database.path is not None:
        yield from _writers(database.path)
        yield _whole(database)
        yield from room(database)
    yield _kept(database, retention, now)
    yield _held(database, now)


def room(database: Database) -> Iterator[Finding]:
    """Whether its disk is nearly full."""
    free = database.room.free_bytes()
    if free is not None and free < LITTLE_SPACE_BYTES:
        yield Finding(
            State.WRONG,
            "database",
            f"{free / 1e6:.0f} MB are left on its disk, and a full disk cannot even be tidied",
            "Free some space, or shorten [retention] while there is some.",
            Notice.DISK,
        )


def _held(database: Database, now: datetime) -> Finding:
    held = readers.totals(database)
    size = ""
    if database.path is not None:
        parts = [database.path.with_name(database.path.name + end) for end in ("", "-wal")]
        there = sum(part.stat().st_size for part in parts if part.exists())
        rows, newer = vitals.stored_denials(database, now - DAY)
        growth = f", growing by about {there * newer / rows / 1e6:.1f} MB a day" if rows else ""
        size = f", {there / 1e6:.1f} MB{growth}"
    says = f"{database.redacted_url}{size}: {held.denials} denials of {held.requests} requests, "
    return Finding(State.FINE, "database", f"{says}{held.unresolved_incidents} incidents not resolved")


def _kept(database: Database, retention: RetentionSettings, now: datetime) -> Finding:
    oldest = readers.totals(database).oldest_denial
    kept = f"denials are kept for {retention.denials.days} days"
    if oldest is None:
        return Finding(State.FINE, "database", f"{kept}; there is none yet")
    if now - oldest > retention.denials + DAY:
        says = f"{kept}, but the oldest is of {oldest:%Y-%m-%d} UTC"
        return Finding(State.NOTE, "database", says, "Does `log-sentinel run` run? It forgets what is too old.")
    return Finding(State.FINE, "database", f"{kept}; the oldest is of {oldest:%Y-%m-%d} UTC")


def _whole(database: Database) -> Finding:
    try:
        found = integrity.problems(database, WHOLE_WITHIN_SECONDS)
    except DatabaseUnavailable:
        says = f"too large to look at all of it within {WHOLE_WITHIN_SECONDS:.0f} s"
        return Finding(State.NOTE, "database", says, f'At leisure: sqlite3 {database.path} "pragma quick_check"')
    except DatabaseBroken as why:
        return Finding(State.WRONG, "database", str(why))
    if found:
        todo = (
            "Stop log-sentinel, keep a copy, and put a backup in its place, or save what can be read: "
            f"sqlite3 {database.path} .recover | sqlite3 NEW_FILE"
        )
        return Finding(State.WRONG, "database", f"its file is damaged: {found[0]}", todo)
    return Finding(State.FINE, "database", "its file is whole (quick_check)")


def _writers(path: Path) -> Iterator[Finding]:
    """Several programs that may write: SQLite keeps them apart, but for its older versions' bug."""
    writers = processes_writing(path)
    old = sqlite3.sqlite_version_info < SQLITE_WITHOUT_RESET_BUG
    if len(writers) > 1:
        named = ", ".join(f"{name} (process {pid})" for pid, name in writers)
        says = f"{len(writers)} processes have it open for writing: {named}"
        if old:
            says += f"; with SQLite {sqlite3.sqlite_version} that can damage it"
        todo = "Let log-sentinel alone write to it, and open it read-only elsewhere: sqlite3 'file:...?mode=ro'"
        yield Finding(State.WRONG if old else State.NOTE, "database", says, todo)
    elif old:
        yield Finding(
            State.NOTE,
            "database",
            f"SQLite {sqlite3.sqlite_version} can damage a file that two processes write to at once; log-sentinel "
            "lets one process write",
            "Let no other program write to the file; for several, use Postgres.",
        )
