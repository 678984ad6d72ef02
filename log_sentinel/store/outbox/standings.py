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

    from log_sentinel.store.engine import Database


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


def is_told_in(db: Database, channel: str, incident: int, mark: str) -> bool:
    """Whether `incident` was told in `channel` by the message with this mark (`Notification.opening_ref`)."""
    rows = notifications
    told = exists().where(rows.c.incident_id == incident, rows.c.channel == channel, rows.c.external_ref == mark)
    with db.read() as connection:
        return bool(connection.execute(select(told)).scalar())
