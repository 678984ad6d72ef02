"""Owner of `push_seen`: what senders pushed to us lately, so that a retry adds nothing to any table.

An entry is named by its request's id, or by a hash of it where it has none. A push source leaves out what was seen
(`unseen`) before it parses; the commit then stores the names with everything else, and is refused when another commit
was faster, so that two retries at once count once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from log_sentinel.store.sanitising import fit_key
from log_sentinel.store.tables import push_seen

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from log_sentinel.store.engine import Database

# SQLite binds 32766 values a statement at most
NAMES_A_STATEMENT = 10_000


class AlreadySeen(Exception):
    """Some `entries` of `source` are stored already. Nothing of the commit was; leave them out and commit again."""

    def __init__(self, source: str, entries: frozenset[str]) -> None:
        super().__init__(f"{source}: {len(entries)} entries were pushed and stored before")
        self.source = source
        self.entries = entries


def unseen(db: Database, source: str, entries: Iterable[str]) -> list[str]:
    """The entries not stored yet, in their order, each once."""
    names = list(dict.fromkeys(entries))
    with db.read() as connection:
        stored = _stored(connection, source, names)
    return [name for name in names if fit_key(name) not in stored]


def remember(connection: Connection, source: str, entries: Sequence[str], now: datetime) -> None:
    """Stores the names within the caller's transaction. Raises AlreadySeen, then the transaction must be undone."""
    for first in range(0, len(entries), NAMES_A_STATEMENT):
        some = entries[first : first + NAMES_A_STATEMENT]
        _store(connection, source, some, now)


def _store(connection: Connection, source: str, entries: Sequence[str], now: datetime) -> None:
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    # sorted, so that two sessions on Postgres wait for each other in one direction only
    names = sorted({fit_key(name) for name in entries})
    rows = [{"source": source, "entry": name, "seen_at": now} for name in names]
    statement = dialect.insert(push_seen).values(rows).on_conflict_do_nothing().returning(push_seen.c.entry)
    new = set(connection.scalars(statement))
    if len(new) < len(names):
        raise AlreadySeen(source, frozenset(name for name in entries if fit_key(name) not in new))


def _stored(connection: Connection, source: str, names: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for first in range(0, len(names), NAMES_A_STATEMENT):
        some = [fit_key(name) for name in names[first : first + NAMES_A_STATEMENT]]
        query = select(push_seen.c.entry).where(push_seen.c.source == source, push_seen.c.entry.in_(some))
        found.update(connection.scalars(query))
    return found
