"""Frames out of the database.

All times are aware, in UTC; what is not known is null; `since` belongs to the time asked for, `until` does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl
from sqlalchemy import func, select

from log_sentinel.model.columns import DENIED_MINUTES, JUDGED, TRAFFIC
from log_sentinel.store.frames import frame_of
from log_sentinel.store.sanitising import fit_key
from log_sentinel.store.tables import denials, incidents, rejects, traffic
from log_sentinel.store.tables import denied_minutes as minutes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Select, Table

    from log_sentinel.store.engine import Database

SAMPLE = {"id": pl.Int64, "instance": pl.String, "source": pl.String, "generation": pl.Int64} | JUDGED
TRAFFIC_OF_SOURCE = TRAFFIC | {"source": pl.String}
COURSE = {"minute": TRAFFIC["minute"], "n": pl.Int64}
FILTERS = ("instance", "source", "client", "ip", "network", "route", "status", "cause")


def denied_minutes(db: Database, since: datetime, until: datetime) -> pl.DataFrame:
    """Denials per minute and key of all instances: DENIED_MINUTES, ordered by minute."""
    keys = [minutes.c[name] for name in DENIED_MINUTES if name != "n"]
    query = (
        select(*keys, func.sum(minutes.c.n).label("n"))
        .where(minutes.c.minute >= since, minutes.c.minute < until)
        .group_by(*keys)
    )
    return _keyed(db, query, DENIED_MINUTES)


def traffic_minutes(db: Database, since: datetime, until: datetime) -> pl.DataFrame:
    """Requests per minute, source, route and status of all instances: TRAFFIC and `source`, ordered by minute."""
    keys = [traffic.c[name] for name in TRAFFIC_OF_SOURCE if name != "n"]
    query = (
        select(*keys, func.sum(traffic.c.n).label("n"))
        .where(traffic.c.minute >= since, traffic.c.minute < until)
        .group_by(*keys)
    )
    return _keyed(db, query, TRAFFIC_OF_SOURCE)


def course_of_denials(
    db: Database, since: datetime, until: datetime, where: Mapping[str, Sequence[str | int]]
) -> pl.DataFrame:
    """Denials per minute of all instances, of what has one of these values in each column of `where`: COURSE.

    Raises KeyError for a column that denials are not counted by.
    """
    return _course(db, minutes, since, until, where)


def course_of_requests(
    db: Database, since: datetime, until: datetime, where: Mapping[str, Sequence[str | int]]
) -> pl.DataFrame:
    """As `course_of_denials`, of requests of every status."""
    return _course(db, traffic, since, until, where)


def _course(
    db: Database, table: Table, since: datetime, until: datetime, where: Mapping[str, Sequence[str | int]]
) -> pl.DataFrame:
    query = select(table.c.minute, func.sum(table.c.n).label("n")).where(
        table.c.minute >= since, table.c.minute < until
    )
    for name, values in where.items():
        query = query.where(table.c[name].in_([fit_key(one) if isinstance(one, str) else one for one in values]))
    with db.read() as connection:
        return frame_of(connection, query.group_by(table.c.minute).order_by(table.c.minute), COURSE)


def newest_minute(db: Database) -> datetime | None:
    """The newest minute (its start) in which a request was seen; None when there was none yet."""
    with db.read() as connection:
        found = [connection.scalar(select(func.max(table.c.minute))) for table in (traffic, minutes)]
    return max((minute for minute in found if minute is not None), default=None)


def sample_denials(
    db: Database, since: datetime, until: datetime, where: Mapping[str, str | int], limit: int = 20
) -> pl.DataFrame:
    """The newest denied requests, at most `limit`: id, instance, source, generation and the JUDGED columns.

    `where` names columns of FILTERS and what they must equal. Raises KeyError for another column.
    """
    query = select(*(denials.c[name] for name in SAMPLE)).where(denials.c.time >= since, denials.c.time < until)
    for name, value in where.items():
        if name not in FILTERS:
            raise KeyError(name)
        query = query.where(denials.c[name] == (fit_key(value) if isinstance(value, str) else value))
    with db.read() as connection:
        return frame_of(connection, query.order_by(denials.c.time.desc(), denials.c.id.desc()).limit(limit), SAMPLE)


def counted_minutes(db: Database, since: datetime) -> tuple[datetime, datetime] | None:
    """The first and the last minute from `since` on that has requests or denials; None when none has."""
    with db.read() as connection:
        found = [
            connection.scalar(select(edge(table.c.minute)).where(table.c.minute >= since))
            for table in (traffic, minutes)
            for edge in (func.min, func.max)
        ]
    there = [minute for minute in found if minute is not None]
    return (min(there), max(there)) if there else None


@dataclass(frozen=True, slots=True)
class Totals:
    """What the database holds, over all instances; times in UTC, None while there is nothing."""

    requests: int
    denials: int
    rejects: int
    unresolved_incidents: int
    oldest_denial: datetime | None
    newest_denial: datetime | None


def totals(db: Database) -> Totals:
    """Counts over everything that is kept. Requests and denials come from the counts per minute, not from the rows."""
    with db.read() as connection:
        return Totals(
            requests=int(connection.scalar(select(func.coalesce(func.sum(traffic.c.n), 0))) or 0),
            denials=int(connection.scalar(select(func.coalesce(func.sum(minutes.c.n), 0))) or 0),
            rejects=connection.scalar(select(func.count()).select_from(rejects)) or 0,
            unresolved_incidents=connection.scalar(
                select(func.count()).select_from(incidents).where(incidents.c.state != "resolved")
            )
            or 0,
            oldest_denial=connection.scalar(select(func.min(denials.c.time))),
            newest_denial=connection.scalar(select(func.max(denials.c.time))),
        )


def _keyed(db: Database, query: Select[Any], columns: Mapping[str, Any]) -> pl.DataFrame:
    with db.read() as connection:
        frame = frame_of(connection, query, columns)
    unknown = [name for name in ("client", "ip", "route", "cause") if name in columns]
    return frame.with_columns(pl.when(pl.col(unknown) != "").then(pl.col(unknown))).sort("minute", maintain_order=True)
