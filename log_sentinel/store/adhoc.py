"""Somebody's SQL, read-only: enforced by the database, whatever the text says.

SQLite: a child process that can be killed (`adhoc_child`); Postgres: the role of `database.readonly_url`
(`adhoc_postgres`). Both give columns, then rows as they come, and stop at the limits.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from log_sentinel.store.engine import Database


@dataclass(frozen=True, slots=True)
class Limits:
    """`rows` handed out at most, `seconds` for the whole question, `memory_bytes` the child may use (SQLite)."""

    rows: int = 10_000
    seconds: float = 10.0
    memory_bytes: int = 512 * 1024 * 1024


class Refused(Exception):
    """The question was not answered; `reason` says why: not allowed, wrong SQL, too long, too much memory."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NoReader(Refused):
    """Postgres, and no `database.readonly_url` fit for this; `statements` are what a superuser runs to make one."""

    def __init__(self, reason: str, statements: tuple[str, ...]) -> None:
        super().__init__(reason)
        self.statements = statements


@dataclass(slots=True)
class Answer:
    """Column names, and the rows as they come; `truncated` is known after the last row."""

    columns: list[str]
    rows: Iterator[tuple[Any, ...]]
    truncated: bool = field(default=False)


@contextmanager
def ask(db: Database, question: str, limits: Limits | None = None) -> Iterator[Answer]:
    """The answer to one SQL statement; read its rows within the `with`. Raises Refused, NoReader, StoreError.

    A row may hold text (which an attacker may have written), numbers, bytes and None; on Postgres also what it makes of
    its own types (datetime, Decimal, lists).
    """
    limits = limits or Limits()
    if db.path is not None:
        from log_sentinel.store.adhoc_sqlite import asked
    else:
        from log_sentinel.store.adhoc_postgres import asked
    with asked(db, question, limits) as answer:
        yield answer
