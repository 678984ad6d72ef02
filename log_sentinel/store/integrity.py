"""Whether an SQLite file is whole. Postgres looks after its own (data checksums, amcheck)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from log_sentinel.store.faults import DatabaseBroken, DatabaseUnavailable

if TYPE_CHECKING:
    from log_sentinel.store.engine import Database

FINDINGS = 20
START_SECONDS = 20.0


def problems(db: Database, seconds: float) -> tuple[str, ...]:
    """What SQLite's quick_check finds, at most 20; nothing on Postgres.

    Raises DatabaseUnavailable when it takes longer than `seconds` (some 200 MB a second), DatabaseBroken when the file
    cannot even be walked through.
    """
    if not db.is_sqlite:
        return ()
    with db.read(seconds) as connection:
        found = connection.scalars(text(f"PRAGMA quick_check({FINDINGS})")).all()
    return () if found == ["ok"] else tuple(found)


def check_at_start(db: Database) -> bool:
    """Raises DatabaseBroken when the file is damaged; False when it was too large to look at all of it in 20 s."""
    try:
        found = problems(db, START_SECONDS)
    except DatabaseUnavailable:
        return False
    if found:
        raise DatabaseBroken(
            db.redacted_url,
            f"the file is damaged ({found[0]}). Keep a copy of it, then put a backup in its place, or save what can be "
            "read with: sqlite3 FILE .recover | sqlite3 NEW_FILE",
        )
    return True
