"""Makes notifications of events, once each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, exists, func, insert, or_, select, update

from log_sentinel.model.incident import IncidentState
from log_sentinel.model.notification import NotificationState
from log_sentinel.store.outbox.rows import happening_of
from log_sentinel.store.tables import incident_events, incidents, notifications

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Set
    from datetime import datetime

    from sqlalchemy import Row, Select
    from sqlalchemy.engine import Connection

    from log_sentinel.model.incident import Happening, Incident
    from log_sentinel.store.engine import Database


EVENTS_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Recipient:
    """Where a happening goes: a channel of the settings, and one address of it; held back until `not_before` (UTC)."""

    channel: str
    recipient: str
    not_before: datetime | None = field(default=None, compare=False)


def fan_out(
    db: Database,
    route: Callable[[Happening, Set[Recipient]], Iterable[Recipient]],
    now: datetime,
    *,
    stale_before: datetime,
    muted: Callable[[Incident], bool] = lambda _: False,
) -> int:
    """Makes the notifications of the events that have none yet, oldest first; gives the number of events taken.

    One transaction: an event is marked only together with its notifications. `route` is given the happening and those
    who have heard of its incident before. Events recorded before `stale_before` get no notification: nobody had asked
    to be told when they were news. Of those that are `muted` it is remembered, for `tell_unmuted`.
    """
    waiting = (
        select(incident_events)
        .where(~incident_events.c.fanned_out)
        .order_by(incident_events.c.id)
        .limit(EVENTS_AT_ONCE)
        # not SKIP LOCKED: a second daemon passing by would put later events of an incident before earlier ones
        .with_for_update()
    )
    with db.write() as connection:
        events = connection.execute(waiting).all()
        silent = []
        for event in events:
            if event.recorded_at < stale_before:
                continue
            happening = happening_of(event)
            if muted(happening.incident):
                silent.append(event.id)
            told = dict.fromkeys(route(happening, _told_of(connection, event.incident_id)))
            rows = [_row(event, to, now) for to in told]
            if rows:
                connection.execute(insert(notifications), rows)
        if events:
            connection.execute(
                update(incident_events)
                .where(incident_events.c.id.in_([event.id for event in events]))
                .values(fanned_out=True, muted=incident_events.c.id.in_(silent))
            )
    return len(events)


def escalate(
    db: Database, route: Callable[[Happening], Iterable[Recipient]], now: datetime, *, open_since: datetime
) -> int:
    """Tells further recipients of incidents that nobody has acknowledged since they were recorded, `open_since` or
    before.

    They are told the latest happening, and only those who have heard nothing of the incident yet. Gives how many
    notifications that made.
    """
    events = incident_events
    latest = (
        select(func.max(events.c.id))
        .join(incidents, incidents.c.id == events.c.incident_id)
        .where(incidents.c.state == IncidentState.OPEN)
        .group_by(events.c.incident_id)
        .having(func.min(events.c.recorded_at) <= open_since)
    )
    wanted = select(events).where(events.c.id.in_(latest), events.c.fanned_out)
    with db.read() as connection:
        if not any(_unheard(connection, event, route) for event in connection.execute(wanted).all()):
            return 0
    with db.write() as connection:
        rows = [
            _row(event, to, now)
            for event in connection.execute(wanted).all()
            for to in _unheard(connection, event, route)
        ]
        if rows:
            connection.execute(insert(notifications), rows)
    return len(rows)


def tell_unmuted(db: Database, route: Callable[[Happening, Set[Recipient]], Iterable[Recipient]], now: datetime) -> int:
    """Tells the latest happening of incidents that go on, and that people wanted to hear nothing of when it was news.

    `route`, as `fan_out` has it, gives nobody where they still do. Who has acknowledged an incident knows of it, and a
    child is told with its parent. Gives how many notifications that made.
    """
    events, later_ones = incident_events, incident_events.alias("later")
    wanted = (
        select(events)
        .join(incidents, incidents.c.id == events.c.incident_id)
        .where(
            events.c.muted,
            incidents.c.state == IncidentState.OPEN,
            incidents.c.parent.is_(None),
            ~exists().where(later_ones.c.incident_id == events.c.incident_id, later_ones.c.id > events.c.id),
        )
        .order_by(events.c.id)
    )

    def owed(connection: Connection, of: Select[Any]) -> dict[int, list[dict[str, object]]]:
        return {
            event.id: [_row(event, to, now) for to in dict.fromkeys(told)]
            for event in connection.execute(of).all()
            if (told := list(route(happening_of(event), _told_of(connection, event.incident_id))))
        }

    with db.read() as connection:
        if not owed(connection, wanted):
            return 0
    with db.write() as connection:
        # a second daemon waits, and finds them told
        by_event = owed(connection, wanted.with_for_update(of=events))
        rows = [row for of_event in by_event.values() for row in of_event]
        if rows:
            connection.execute(insert(notifications), rows)
            connection.execute(update(events).where(events.c.id.in_(by_event)).values(muted=False))
    return len(rows)


def divert(
    db: Database,
    channel: str,
    route: Callable[[Happening], Iterable[Recipient]],
    now: datetime,
    *,
    made_before: datetime,
    since: datetime,
) -> int:
    """Tells others of what `channel` does not get through: what was made from `since` to `made_before` and is not sent.

    What is blocked or given up does not wait for `made_before`. Each event is told to a recipient once, however often
    this is called. Gives how many notifications that made.
    """
    of, events = notifications, incident_events
    failing = or_(
        of.c.state.in_((NotificationState.BLOCKED, NotificationState.UNDELIVERED)),
        and_(of.c.state == NotificationState.PENDING, of.c.created_at <= made_before),
    )
    wanted = (
        select(events)
        .where(events.c.id.in_(select(of.c.event_id).where(of.c.channel == channel, of.c.created_at >= since, failing)))
        .order_by(events.c.id)
    )
    with db.write() as connection:
        rows = []
        for event in connection.execute(wanted).all():
            told = connection.execute(select(of.c.channel, of.c.recipient).where(of.c.event_id == event.id)).all()
            heard = {Recipient(row.channel, row.recipient) for row in told}
            rows += [_row(event, to, now) for to in dict.fromkeys(route(happening_of(event))) if to not in heard]
        if rows:
            connection.execute(insert(notifications), rows)
    return len(rows)


def any_to_fan_out(db: Database) -> bool:
    """Whether events wait for their notifications."""
    with db.read() as connection:
        return bool(connection.execute(select(exists().where(~incident_events.c.fanned_out))).scalar())


def _row(event: Row[Any], to: Recipient, now: datetime) -> dict[str, object]:
    return {
        "event_id": event.id,
        "incident_id": event.incident_id,
        "channel": to.channel,
        "recipient": to.recipient,
        "state": NotificationState.PENDING,
        "created_at": now,
        "next_attempt_at": max(now, to.not_before or now),
    }


def _unheard(
    connection: Connection, event: Row[Any], route: Callable[[Happening], Iterable[Recipient]]
) -> list[Recipient]:
    """Those of `route` who have heard nothing of the event's incident."""
    further = dict.fromkeys(route(happening_of(event)))
    knowing = _told_of(connection, event.incident_id) if further else set()
    return [to for to in further if to not in knowing]


def _told_of(connection: Connection, incident: int) -> set[Recipient]:
    rows = connection.execute(
        select(notifications.c.channel, notifications.c.recipient).where(notifications.c.incident_id == incident)
    )
    return {Recipient(row.channel, row.recipient) for row in rows}
