"""Reads `activity`: what became of the requests of a client or an address, hour by hour. `appending` writes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import case, func, select

from log_sentinel.store.tables import activity

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from log_sentinel.store.engine import Database

# 2xx and 3xx; denied statuses are kept as themselves
SUCCEEDED = (2, 3)


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Of one key, before an hour (UTC): its first hour, in how many hours it was seen, its requests, and successes."""

    first_seen: datetime
    hours: int
    requests: int
    succeeded: int


def outcomes(database: Database, dimension: str, keys: Collection[str], before: datetime) -> dict[str, Outcomes]:
    """What became of the requests of `keys` (of a dimension: client or ip); keys never seen are missing."""
    ok = case((activity.c.status_class.in_(SUCCEEDED), activity.c.n), else_=0)
    query = (
        select(
            activity.c.key,
            func.min(activity.c.hour).label("first_seen"),
            func.count(activity.c.hour.distinct()).label("hours"),
            func.sum(activity.c.n).label("requests"),
            func.sum(ok).label("succeeded"),
        )
        .where(activity.c.dimension == dimension, activity.c.key.in_(list(keys)), activity.c.hour < before)
        .group_by(activity.c.key)
    )
    with database.read() as connection:
        return {
            row.key: Outcomes(row.first_seen, int(row.hours), int(row.requests), int(row.succeeded))
            for row in connection.execute(query)
        }
