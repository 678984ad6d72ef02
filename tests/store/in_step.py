"""Looks whether rows, counts and checkpoint of the one log of a test agree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from log_sentinel.store.generations import StoredCheckpoints
from log_sentinel.store.tables import denials, denied_minutes, traffic
from tests.store.commits import LINE_BYTES

if TYPE_CHECKING:
    from log_sentinel.store.engine import Database


def lines_in_step(db: Database) -> int:
    """How many lines were stored, after looking that everything says so."""
    lines = StoredCheckpoints(db, "edge-1").known("edge")[0].offset // LINE_BYTES
    with db.read() as connection:
        rows, distinct, last = connection.execute(
            select(
                func.count(), func.count(func.distinct(denials.c.origin_offset)), func.max(denials.c.origin_offset)
            ).select_from(denials)
        ).one()
        counted = [int(connection.scalar(select(func.sum(table.c.n))) or 0) for table in (denied_minutes, traffic)]
    assert (lines, lines, (lines - 1) * LINE_BYTES if lines else None) == (rows, distinct, last)
    assert counted == [lines, 2 * lines]
    return lines
