"""What every part of the outbox says of a row: which are open, which come before it, what it tells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import and_, exists

from log_sentinel.model.incident import Happening, HappeningKind, Incident
from log_sentinel.model.notification import Notification, NotificationState
from log_sentinel.store.tables import notifications

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Row, Table


WAITING = (NotificationState.PENDING, NotificationState.BLOCKED)
UNFINISHED = (*WAITING, NotificationState.CLAIMED)


def same_line(earlier: Any, mine: Table) -> Any:
    """`earlier` is for the same recipient and incident as `mine`, of an event before its own."""
    return and_(
        earlier.c.incident_id == mine.c.incident_id,
        earlier.c.channel == mine.c.channel,
        earlier.c.recipient == mine.c.recipient,
        earlier.c.event_id < mine.c.event_id,
    )


def first_in_line(mine: Table) -> Any:
    """Everything before `mine` in its line is finished."""
    earlier = notifications.alias("before")
    return ~exists().where(same_line(earlier, mine), earlier.c.state.in_(UNFINISHED)).correlate(mine)


def happening_of(event: Row[Any]) -> Happening:
    """A row of `incident_events`."""
    return _fact(event.incident_id, event.kind, event.at, event.who, event.incident)


def notification_of(row: Row[Any]) -> Notification:
    """A row of `notifications` with its event's columns as event_*, and `opening_ref`."""
    return Notification(
        id=row.id,
        event_id=row.event_id,
        incident_id=row.incident_id,
        channel=row.channel,
        recipient=row.recipient,
        happening=_fact(row.incident_id, row.event_kind, row.event_at, row.event_who, row.event_incident),
        attempts=row.attempts,
        created_at=row.created_at,
        idempotency_key=f"{row.incident_id}.{row.event_id}.{row.id}",
        opening_ref=row.opening_ref,
    )


def _fact(incident_id: int, kind: str, at: datetime, who: str, incident: dict[str, Any]) -> Happening:
    return Happening(
        kind=HappeningKind(kind), at=at, incident=msgspec.convert({**incident, "id": incident_id}, Incident), who=who
    )
