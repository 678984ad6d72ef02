"""What tells whether all is seen: requests and rejects by source, denials by address, how files ended.

All of one instance. Times are aware, in UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl
from sqlalchemy import func, select

from log_sentinel.model.columns import TIME
from log_sentinel.model.lines import GenerationState
from log_sentinel.store.frames import frame_of
from log_sentinel.store.tables import denials, denied_minutes, generations, incidents, reject_counts, traffic

if TYPE_CHECKING:
    from datetime import datetime

    from log_sentinel.store.engine import Database

SOURCE_MINUTES: dict[str, pl.DataType | type[pl.DataType]] = {"source": pl.String, "minute": TIME, "n": pl.Int64}
REJECTED: dict[str, pl.DataType | type[pl.DataType]] = {
    "source": pl.String,
    "hour": TIME,
    "reason": pl.String,
    "n": pl.Int64,
}
BY_ADDRESS: dict[str, pl.DataType | type[pl.DataType]] = {"ip": pl.String, "n": pl.Int64}
MOST_ADDRESSES = 1000
ENDED = (GenerationState.FINISHED, GenerationState.GAP)


@dataclass(frozen=True, slots=True)
class FileSeen:
    """A file's life as it is stored; `changed_at` is when its checkpoint moved last."""

    source: str
    path: str
    state: GenerationState
    offset: int
    size_seen: int
    first_seen_at: datetime
    changed_at: datetime


def source_minutes(db: Database, instance: str, since: datetime, until: datetime) -> pl.DataFrame:
    """Requests per source and minute: SOURCE_MINUTES, ordered by minute."""
    t = traffic.c
    query = (
        select(t.source, t.minute, func.sum(t.n).label("n"))
        .where(t.instance == instance, t.minute >= since, t.minute < until)
        .group_by(t.source, t.minute)
        .order_by(t.minute)
    )
    with db.read() as connection:
        return frame_of(connection, query, SOURCE_MINUTES)


def rejected(db: Database, instance: str, since: datetime) -> pl.DataFrame:
    """Lines nobody could read, per source, hour of the wall's clock and reason: REJECTED, ordered by hour."""
    r = reject_counts.c
    query = (
        select(r.source, r.hour, r.reason, func.sum(r.n).label("n"))
        .where(r.instance == instance, r.hour >= since)
        .group_by(r.source, r.hour, r.reason)
        .order_by(r.hour)
    )
    with db.read() as connection:
        return frame_of(connection, query, REJECTED)


def denied_by_address(db: Database, instance: str, since: datetime) -> tuple[pl.DataFrame, int]:
    """The addresses denied most, MOST_ADDRESSES at most (BY_ADDRESS, the most first), and all denials since then."""
    m = denied_minutes.c
    of_us = (m.instance == instance, m.minute >= since)
    n = func.sum(m.n).label("n")
    query = select(m.ip, n).where(*of_us, m.ip != "").group_by(m.ip).order_by(n.desc(), m.ip).limit(MOST_ADDRESSES)
    with db.read() as connection:
        total = connection.scalar(select(func.coalesce(func.sum(m.n), 0)).where(*of_us))
        return frame_of(connection, query, BY_ADDRESS), int(total or 0)


def files(db: Database, instance: str, ended_since: datetime) -> list[FileSeen]:
    """The files that are followed and those that ended since then, the oldest first."""
    g = generations.c
    query = (
        select(g.source, g.path, g.state, g.offset, g.size_seen, g.first_seen_at, g.changed_at)
        # a note that a source was looked at before is no file
        .where(g.instance == instance, g.inode != 0, g.state.not_in(ENDED) | (g.changed_at >= ended_since))
        .order_by(g.id)
    )
    with db.read() as connection:
        rows = connection.execute(query).all()
    return [FileSeen(row[0], row[1], GenerationState(row[2]), *row[3:]) for row in rows]


def stored_denials(db: Database, since: datetime) -> tuple[int, int]:
    """How many denied requests are kept, and how many of them are of a time since then; of all instances."""
    with db.read() as connection:
        kept = connection.scalar(select(func.count()).select_from(denials))
        newer = connection.scalar(select(func.count()).select_from(denials).where(denials.c.time >= since))
    return int(kept or 0), int(newer or 0)


def opened_incidents(db: Database, since: datetime, apart_from: str) -> int:
    """How many incidents of other dimensions were opened since then (event time)."""
    with db.read() as connection:
        found = connection.scalar(
            select(func.count())
            .select_from(incidents)
            .where(incidents.c.opened_at >= since, incidents.c.dimension != apart_from)
        )
    return int(found or 0)
