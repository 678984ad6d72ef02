"""How the outbox stands, for health, doctor and metrics; and what it has told where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import exists, func, select

from log_sentinel.model.notification import NotificationState
from log_sentinel.store.outbox.rows import UNFINISHED
from log_sentinel.store.tables import notifications

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from log_sentinel.store.engine import Database


@dataclass(frozen=True, slots=True)
class Standing:
    """How one channel's rows stand. `oldest` is when the longest waiting one was made (UTC). `reason` is the last
    failure of what waits, or why the last message was given up, unless one got through since.
    """

    waiting: int
    blocked: int
    sent: int
    undelivered: int
    oldest: datetime | None
    last_sent_at: datetime | None
    reason: str | None


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
        waiting = select(rows.c.channel, rows.c.reason).where(unfinished, rows.c.reason.is_not(None))
        # the last of a name counts: the one that has waited longest
        reasons: dict[str, str | None] = {
            row.channel: row.reason for row in connection.execute(waiting.order_by(rows.c.id.desc()))
        }
        standing: dict[str, Standing] = {}
        for channel in dict.fromkeys(row.channel for row in counts):
            of = {row.state: row for row in counts if row.channel == channel}
            open_rows = [of[state] for state in UNFINISHED if state in of]
            sent, given_up = of.get(NotificationState.SENT), of.get(NotificationState.UNDELIVERED)
            if channel not in reasons and given_up is not None and (sent is None or given_up.newest > sent.newest):
                reasons[channel] = _last_given_up(connection, channel)
            standing[channel] = Standing(
                waiting=sum(row.n for row in open_rows),
                blocked=of[NotificationState.BLOCKED].n if NotificationState.BLOCKED in of else 0,
                sent=sent.n if sent else 0,
                undelivered=given_up.n if given_up else 0,
                oldest=min((row.oldest for row in open_rows), default=None),
                last_sent_at=sent.newest if sent else None,
                reason=reasons.get(channel),
            )
    return standing


def _last_given_up(connection: Connection, channel: str) -> str | None:
    rows = notifications
    of = select(rows.c.reason).where(rows.c.channel == channel, rows.c.state == NotificationState.UNDELIVERED)
    return connection.scalar(of.order_by(rows.c.finished_at.desc(), rows.c.id.desc()).limit(1))


def is_told_in(db: Database, channel: str, incident: int, mark: str) -> bool:
    """Whether `incident` was told in `channel` by the message with this mark (`Notification.opening_ref`)."""
    rows = notifications
    told = exists().where(rows.c.incident_id == incident, rows.c.channel == channel, rows.c.external_ref == mark)
    with db.read() as connection:
        return bool(connection.execute(select(told)).scalar())
