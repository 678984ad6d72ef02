"""How what an incident is about went in the last hours, minute by minute, as the store has it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from log_sentinel.model.incident import columns_of
from log_sentinel.model.spike import Dimension
from log_sentinel.store.readers import course_of_denials, course_of_requests

if TYPE_CHECKING:
    from collections.abc import Sequence

    from log_sentinel.model.incident import Incident
    from log_sentinel.store.engine import Database

MINUTE = timedelta(minutes=1)
# At least so long, from an hour before it began, and no further back than a day.
LEAST, BEFORE, MOST = timedelta(hours=3), timedelta(hours=1), timedelta(hours=24)
COUNTED_BY = frozenset({"source", "client", "ip", "route", "status", "cause"})


def course_of(database: Database, incident: Incident) -> tuple[int, ...]:
    """Its denials by the minute, the oldest first and the last that of its end or of its latest figures; requests
    where those fell silent. () where the counts do not tell: of networks.

    Raises StoreError.
    """
    where = _where(incident)
    if where is None:
        return ()
    until = (incident.resolved_at or incident.last_seen_at).replace(second=0, microsecond=0) + MINUTE
    since = max(min(until - LEAST, incident.since - BEFORE), until - MOST)
    since = since.replace(second=0, microsecond=0)
    read = course_of_requests if incident.evidence.get("of") == "requests" else course_of_denials
    counts = [0] * ((until - since) // MINUTE)
    for minute, n in read(database, since, until, where).iter_rows():
        counts[(minute - since) // MINUTE] = n
    return tuple(counts)


def _where(incident: Incident) -> dict[str, Sequence[str | int]] | None:
    """What to look for, by column."""
    if incident.dimension in (Dimension.NETWORK, Dimension.SELF):
        return None
    only = incident.evidence.get("only")
    where: dict[str, Sequence[str | int]] = {}
    for column, values in only.items() if isinstance(only, dict) else ():
        if column not in COUNTED_BY or not isinstance(values, list | tuple):
            return None
        where[column] = [int(one) if column == "status" else str(one) for one in values]
    return where | {column: [value] for column, value in columns_of(incident).items()}
