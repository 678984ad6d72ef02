"""Which notifications a sender takes next, and when it has something to do."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, func, or_, select, update

from log_sentinel.model.notification import Notification, NotificationState
from log_sentinel.store.outbox.rows import WAITING, first_in_line, notification_of, same_line
from log_sentinel.store.tables import incident_events, notifications

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime, timedelta

    from sqlalchemy import Select
    from sqlalchemy.engine import Connection

    from log_sentinel.store.engine import Database


# What one message can speak for at most.
AT_ONCE = 500
FACTS = [(name, incident_events.c[name]) for name in ("kind", "at", "who", "incident")]


def next_due(db: Database, channel: str) -> datetime | None:
    """When `channel` has something to do next (UTC; the past if it is late), None when nothing waits."""
    mine = notifications
    of_channel = and_(mine.c.channel == channel, first_in_line(mine))
    waits = select(func.min(mine.c.next_attempt_at)).where(of_channel, mine.c.state.in_(WAITING))
    lapses = select(func.min(mine.c.claimed_until)).where(of_channel, mine.c.state == NotificationState.CLAIMED)
    with db.read() as connection:
        found = [moment for moment in (connection.scalar(waits), connection.scalar(lapses)) if moment is not None]
    return min(found, default=None)


def claim(
    db: Database,
    channel: str,
    now: datetime,
    *,
    lasting: timedelta,
    by: str,
    merge_after: timedelta | None = None,
    collapse_after: int | None = None,
    unclear: Mapping[int, Collection[int]] = MappingProxyType({}),
) -> tuple[Notification, ...]:
    """What `channel` is to tell next in one message, now ours until `now + lasting`; empty if nothing is due.

    The first that is due. If it has waited for `merge_after`, or was held back, with whatever else is due of the same
    incident: an outage ends with the present state, not with its history. If more than `collapse_after` incidents are
    due for this recipient, or the first was held back, all of them. But what may have arrived comes as it was, so that
    it is told again under the same key: after a claim that lapsed all that it held, and with one of `unclear` those it
    was told with. Oldest first. `by` names the sender, for people who look at the table. On Postgres several senders
    pass each other by.
    """
    mine = notifications
    lapsed = and_(mine.c.state == NotificationState.CLAIMED, mine.c.claimed_until <= now)
    due = and_(mine.c.channel == channel, or_(and_(mine.c.state.in_(WAITING), mine.c.next_attempt_at <= now), lapsed))
    first = (
        select(mine)
        .where(due, first_in_line(mine))
        .order_by(mine.c.next_attempt_at, mine.c.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    with db.write() as connection:
        found = connection.execute(first).one_or_none()
        if found is None:
            return ()
        taken = select(mine.c.id).where(due, mine.c.recipient == found.recipient)
        held = found.next_attempt_at > found.created_at and found.attempts == 0
        waited = merge_after is not None and now - found.created_at >= merge_after
        if found.state == NotificationState.CLAIMED:
            taken = taken.where(mine.c.claimed_until == found.claimed_until, mine.c.claimed_by == found.claimed_by)
        elif found.id in unclear:
            # whether its time has come or not: it goes with the others
            taken = select(mine.c.id).where(mine.c.id.in_(unclear[found.id]), mine.c.state.in_(WAITING))
        elif held or (collapse_after is not None and _incidents_due(connection, taken) > collapse_after):
            pass
        elif waited:
            taken = taken.where(mine.c.incident_id == found.incident_id)
        else:
            taken = taken.where(mine.c.id == found.id)
        taken = taken.order_by(mine.c.event_id).limit(AT_ONCE).with_for_update(skip_locked=True)
        ids = connection.scalars(taken).all()
        connection.execute(
            update(mine)
            .where(mine.c.id.in_(ids))
            .values(
                state=NotificationState.CLAIMED,
                attempts=mine.c.attempts + 1,
                claimed_until=now + lasting,
                claimed_by=by,
            )
        )
        return tuple(notification_of(row) for row in connection.execute(_with_facts(ids)))


def _incidents_due(connection: Connection, taken: Select[Any]) -> int:
    of = taken.with_only_columns(func.count(notifications.c.incident_id.distinct()))
    return connection.scalar(of) or 0


def _with_facts(ids: Sequence[int]) -> Select[Any]:
    """The notifications `ids` with their events, and the newest mark of their incident's message there."""
    mine, earlier = notifications, notifications.alias("earlier")
    opening = (
        select(earlier.c.external_ref)
        .where(same_line(earlier, mine), earlier.c.external_ref.is_not(None))
        .order_by(earlier.c.event_id.desc())
        .limit(1)
        .correlate(mine)
        .scalar_subquery()
    )
    return (
        select(mine, opening.label("opening_ref"), *(column.label(f"event_{name}") for name, column in FACTS))
        .join(incident_events, incident_events.c.id == mine.c.event_id)
        .where(mine.c.id.in_(ids))
        .order_by(mine.c.event_id)
    )
