"""Owner of `notifications`: who is to be told of which happening, until they are.

`incident_events` are the facts, written with the incident's change. `fan_out` makes one row per event, channel and
recipient; a sender claims a row, sends outside any transaction, and notes the result. A claim lapses by itself, so a
sender that died loses nothing: its row is claimed again, under the same idempotency key.

Order is kept per incident, channel and recipient: a row waits until every earlier one there is finished.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import and_, exists, func, insert, or_, select, update

from log_sentinel.model.incident import Happening, HappeningKind, Incident
from log_sentinel.model.notification import Notification, NotificationState
from log_sentinel.store.tables import incident_events, notifications

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime, timedelta

    from sqlalchemy import Row, Table

    from log_sentinel.store.engine import Database

WAITING = (NotificationState.PENDING, NotificationState.BLOCKED)
UNFINISHED = (*WAITING, NotificationState.CLAIMED)
EVENTS_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Recipient:
    """Where a happening goes: a channel of the settings, and one address of it."""

    channel: str
    recipient: str


@dataclass(frozen=True, slots=True)
class Standing:
    """How one channel's rows stand. `oldest` is when the longest waiting one was made (UTC), `reason` its last
    failure.
    """

    waiting: int
    blocked: int
    sent: int
    undelivered: int
    oldest: datetime | None
    last_sent_at: datetime | None
    reason: str | None


def fan_out(
    db: Database, route: Callable[[Happening], Iterable[Recipient]], now: datetime, *, stale_before: datetime
) -> int:
    """Makes the notifications of the events that have none yet, oldest first; gives the number of events taken.

    One transaction: an event is marked only together with its notifications. Events recorded before `stale_before` get
    none: nobody had asked to be told when they were news.
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
        rows = [
            {
                "event_id": event.id,
                "incident_id": event.incident_id,
                "channel": to.channel,
                "recipient": to.recipient,
                "state": NotificationState.PENDING,
                "created_at": now,
                "next_attempt_at": now,
            }
            for event in events
            if event.recorded_at >= stale_before
            for to in dict.fromkeys(route(_happening(event)))
        ]
        if rows:
            connection.execute(insert(notifications), rows)
        if events:
            connection.execute(
                update(incident_events)
                .where(incident_events.c.id.in_([event.id for event in events]))
                .values(fanned_out=True)
            )
    return len(events)


def any_to_fan_out(db: Database) -> bool:
    """Whether events wait for their notifications."""
    with db.read() as connection:
        return bool(connection.execute(select(exists().where(~incident_events.c.fanned_out))).scalar())


def next_due(db: Database, channel: str) -> datetime | None:
    """When `channel` has something to do next (UTC; the past if it is late), None when nothing waits."""
    mine = notifications
    of_channel = and_(mine.c.channel == channel, _first_in_line(mine))
    waits = select(func.min(mine.c.next_attempt_at)).where(of_channel, mine.c.state.in_(WAITING))
    lapses = select(func.min(mine.c.claimed_until)).where(of_channel, mine.c.state == NotificationState.CLAIMED)
    with db.read() as connection:
        found = [moment for moment in (connection.scalar(waits), connection.scalar(lapses)) if moment is not None]
    return min(found, default=None)


def claim(db: Database, channel: str, now: datetime, *, lasting: timedelta, by: str) -> Notification | None:
    """The notification of `channel` that is due and first in its line, now ours until `now + lasting`; None if none is.

    `by` names the sender, for people who look at the table. On Postgres several senders pass each other by.
    """
    mine, earlier = notifications, notifications.alias("earlier")
    due = or_(
        and_(mine.c.state.in_(WAITING), mine.c.next_attempt_at <= now),
        and_(mine.c.state == NotificationState.CLAIMED, mine.c.claimed_until <= now),
    )
    candidate = (
        select(mine.c.id)
        .where(mine.c.channel == channel, due, _first_in_line(mine))
        .order_by(mine.c.next_attempt_at, mine.c.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    with db.write() as connection:
        found = connection.scalar(candidate)
        if found is None:
            return None
        connection.execute(
            update(mine)
            .where(mine.c.id == found)
            .values(
                state=NotificationState.CLAIMED,
                attempts=mine.c.attempts + 1,
                claimed_until=now + lasting,
                claimed_by=by,
            )
        )
        opening = (
            select(earlier.c.external_ref)
            .where(_same_line(earlier, mine), earlier.c.external_ref.is_not(None))
            .order_by(earlier.c.event_id)
            .limit(1)
            .correlate(mine)
            .scalar_subquery()
        )
        row = connection.execute(
            select(mine, opening.label("opening_ref"), *(column.label(f"event_{name}") for name, column in _FACTS))
            .join(incident_events, incident_events.c.id == mine.c.event_id)
            .where(mine.c.id == found)
        ).one()
    return _notification(row)


def sent(db: Database, notification: Notification, now: datetime, external_ref: str | None) -> None:
    """It got through; `external_ref` is the channel's own mark of the message."""
    # whoever holds the claim by now: it was told, and must not be told again
    _note(db, notification, notifications.c.state != NotificationState.SENT, state=NotificationState.SENT,
          finished_at=now, external_ref=external_ref, reason=None, claimed_until=None)  # fmt: skip


def later(db: Database, notification: Notification, at: datetime, reason: str) -> None:
    """It did not get through and is tried again at `at`."""
    _note(db, notification, _still_ours(notification), state=NotificationState.PENDING,
          next_attempt_at=at, reason=reason, claimed_until=None)  # fmt: skip


def blocked(db: Database, notification: Notification, at: datetime, reason: str) -> None:
    """Nothing gets through until a person has changed something; looked at again at `at`."""
    _note(db, notification, _still_ours(notification), state=NotificationState.BLOCKED,
          next_attempt_at=at, reason=reason, claimed_until=None)  # fmt: skip


def undelivered(db: Database, notification: Notification, now: datetime, reason: str) -> None:
    """It is given up. The row stays, with its reason."""
    _note(db, notification, _still_ours(notification), state=NotificationState.UNDELIVERED,
          finished_at=now, reason=reason, claimed_until=None)  # fmt: skip


def hasten(db: Database, channel: str) -> int:
    """The channel works again: all that waits there for another try is due, in the order in which it was made."""
    with db.write() as connection:
        return connection.execute(
            update(notifications)
            .where(
                notifications.c.channel == channel,
                notifications.c.state.in_(WAITING),
                notifications.c.attempts > 0,
            )
            .values(state=NotificationState.PENDING, next_attempt_at=notifications.c.created_at)
        ).rowcount


def give_up_abandoned(db: Database, channels: Iterable[str], before: datetime) -> int:
    """Gives up what was made `before` then for other channels than these: ones the settings no longer have.

    Younger ones may be another daemon's, whose settings are its own. Gives how many that were.
    """
    with db.write() as connection:
        return connection.execute(
            update(notifications)
            .where(
                notifications.c.channel.not_in(list(channels)),
                notifications.c.state.in_(UNFINISHED),
                notifications.c.created_at < before,
            )
            .values(
                state=NotificationState.UNDELIVERED,
                finished_at=before,
                claimed_until=None,
                reason="the settings have no such channel any more",
            )
        ).rowcount


def standings(db: Database) -> dict[str, Standing]:
    """How the rows of each channel stand, for health, doctor and metrics."""
    rows = notifications
    unfinished = rows.c.state.in_(UNFINISHED)
    with db.read() as connection:
        counts = connection.execute(
            select(
                rows.c.channel,
                rows.c.state,
                func.count().label("n"),
                func.min(rows.c.created_at).label("oldest"),
                func.max(rows.c.finished_at).label("newest"),
            ).group_by(rows.c.channel, rows.c.state)
        ).all()
        reasons: dict[str, str] = {
            row.channel: row.reason
            for row in connection.execute(
                select(rows.c.channel, rows.c.reason)
                .where(unfinished, rows.c.reason.is_not(None))
                .order_by(rows.c.id.desc())
            )
        }
    standing: dict[str, Standing] = {}
    for channel in dict.fromkeys(row.channel for row in counts):
        of = {row.state: row for row in counts if row.channel == channel}
        open_rows = [of[state] for state in UNFINISHED if state in of]
        sent_rows = of.get(NotificationState.SENT)
        standing[channel] = Standing(
            waiting=sum(row.n for row in open_rows),
            blocked=of[NotificationState.BLOCKED].n if NotificationState.BLOCKED in of else 0,
            sent=sent_rows.n if sent_rows else 0,
            undelivered=of[NotificationState.UNDELIVERED].n if NotificationState.UNDELIVERED in of else 0,
            oldest=min((row.oldest for row in open_rows), default=None),
            last_sent_at=sent_rows.newest if sent_rows else None,
            reason=reasons.get(channel),
        )
    return standing


_FACTS = [(name, incident_events.c[name]) for name in ("kind", "at", "who", "incident")]


def _same_line(earlier: Any, mine: Table) -> Any:
    return and_(
        earlier.c.incident_id == mine.c.incident_id,
        earlier.c.channel == mine.c.channel,
        earlier.c.recipient == mine.c.recipient,
        earlier.c.event_id < mine.c.event_id,
    )


def _first_in_line(mine: Table) -> Any:
    earlier = notifications.alias("before")
    return ~exists().where(_same_line(earlier, mine), earlier.c.state.in_(UNFINISHED)).correlate(mine)


def _still_ours(notification: Notification) -> Any:
    return and_(notifications.c.state == NotificationState.CLAIMED, notifications.c.attempts == notification.attempts)


def _note(db: Database, notification: Notification, where: Any, **values: object) -> None:
    with db.write() as connection:
        connection.execute(update(notifications).where(notifications.c.id == notification.id, where).values(**values))


def _happening(event: Row[Any]) -> Happening:
    return _fact(event.incident_id, event.kind, event.at, event.who, event.incident)


def _notification(row: Row[Any]) -> Notification:
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
