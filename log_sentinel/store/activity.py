"""Reads `activity`: what became of the requests of a client or an address, hour by hour. `appending` writes it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import case, func, select

from log_sentinel.store.sanitising import fit_key
from log_sentinel.store.tables import activity

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from log_sentinel.store.engine import Database

# 2xx and 3xx; denied statuses are kept as themselves, beyond the classes
SUCCEEDED = (2, 3)
CLASSES = 10
HOUR = timedelta(hours=1)
FEW = 200


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Of one key, before an hour (UTC): its first hour, in how many hours it was seen, its requests, and successes.

    `lately`: successes in that hour.
    """

    first_seen: datetime | None
    hours: int
    requests: int
    succeeded: int
    lately: int = 0


def outcomes(database: Database, dimension: str, keys: Collection[str], before: datetime) -> dict[str, Outcomes]:
    """What became of the requests of `keys` (of a dimension: client or ip); keys never seen are missing."""
    with database.read() as connection:
        oldest = connection.scalar(select(func.min(activity.c.hour)))
        if oldest is None or oldest > before:
            return {}
        return _read(connection, dimension, keys, before, oldest)


def _read(
    connection: Connection, dimension: str, keys: Collection[str], before: datetime, oldest: datetime
) -> dict[str, Outcomes]:
    # the table is ordered by hour: a few keys are looked up in each, many are met on the way through all of them
    hours = [oldest + HOUR * at for at in range((before - oldest) // HOUR + 1)] if len(keys) <= FEW else None
    earlier, ok = activity.c.hour < before, activity.c.status_class.in_(SUCCEEDED)
    query = (
        select(
            activity.c.key,
            func.min(case((earlier, activity.c.hour))).label("first_seen"),
            func.count(case((earlier, activity.c.hour)).distinct()).label("hours"),
            func.sum(case((earlier, activity.c.n), else_=0)).label("requests"),
            func.sum(case((earlier & ok, activity.c.n), else_=0)).label("succeeded"),
            func.sum(case((~earlier & ok, activity.c.n), else_=0)).label("lately"),
        )
        .where(
            activity.c.dimension == dimension,
            activity.c.key.in_(list(keys)),
            activity.c.hour <= before if hours is None else activity.c.hour.in_(hours),
        )
        .group_by(activity.c.key)
    )
    return {
        row.key: Outcomes(row.first_seen, int(row.hours), int(row.requests), int(row.succeeded), int(row.lately))
        for row in connection.execute(query)
    }


def not_denied(database: Database, dimension: str, key: str, hours: Sequence[datetime]) -> int:
    """How many requests of `key` (of a dimension: client or ip) in these hours (UTC) were not denied."""
    query = select(func.coalesce(func.sum(activity.c.n), 0)).where(
        activity.c.hour.in_(hours),
        activity.c.dimension == dimension,
        activity.c.key == fit_key(key),
        activity.c.status_class < CLASSES,
    )
    with database.read() as connection:
        return int(connection.scalar(query) or 0)
