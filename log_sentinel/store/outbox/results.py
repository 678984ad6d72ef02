"""What became of a notification, and of all that wait for a channel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, update

from log_sentinel.model.notification import Notification, NotificationState
from log_sentinel.store.outbox.rows import UNFINISHED, WAITING
from log_sentinel.store.tables import notifications

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from log_sentinel.store.engine import Database


def sent(db: Database, told: Sequence[Notification], now: datetime, external_ref: str | None) -> None:
    """They got through, in one message; `external_ref` is the channel's own mark of the incident's message there."""
    # whoever holds the claim by now: they were told, and must not be told again
    _note(db, told, lambda _: notifications.c.state != NotificationState.SENT, state=NotificationState.SENT,
          finished_at=now, external_ref=external_ref, reason=None, claimed_until=None)  # fmt: skip


def later(db: Database, told: Sequence[Notification], at: datetime, reason: str) -> None:
    """They did not get through and are tried again at `at`."""
    _note(db, told, _still_ours, state=NotificationState.PENDING,
          next_attempt_at=at, reason=reason, claimed_until=None)  # fmt: skip


def blocked(db: Database, told: Sequence[Notification], at: datetime, reason: str) -> None:
    """Nothing gets through until a person has changed something; looked at again at `at`."""
    _note(db, told, _still_ours, state=NotificationState.BLOCKED,
          next_attempt_at=at, reason=reason, claimed_until=None)  # fmt: skip


def undelivered(db: Database, told: Sequence[Notification], now: datetime, reason: str) -> None:
    """They are given up. The rows stay, with their reason."""
    _note(db, told, _still_ours, state=NotificationState.UNDELIVERED,
          finished_at=now, reason=reason, claimed_until=None)  # fmt: skip


def hasten(db: Database, channel: str, *, apart_from: Iterable[int] = ()) -> int:
    """The channel works again: what waits there for another try is due, in the order in which it was made.

    `apart_from`: notifications that keep the pause they have.
    """
    with db.write() as connection:
        return connection.execute(
            update(notifications)
            .where(
                notifications.c.channel == channel,
                notifications.c.state.in_(WAITING),
                notifications.c.attempts > 0,
                notifications.c.id.not_in(list(apart_from)),
            )
            .values(state=NotificationState.PENDING, next_attempt_at=notifications.c.created_at)
        ).rowcount


def give_up_old(db: Database, channel: str, before: datetime, now: datetime, reason: str) -> int:
    """Gives up what has waited for `channel` since before then; gives how many that were."""
    with db.write() as connection:
        return connection.execute(
            update(notifications)
            .where(
                notifications.c.channel == channel,
                notifications.c.state.in_(WAITING),
                notifications.c.created_at <= before,
            )
            .values(state=NotificationState.UNDELIVERED, finished_at=now, reason=reason)
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


def _still_ours(attempts: int) -> Any:
    return and_(notifications.c.state == NotificationState.CLAIMED, notifications.c.attempts == attempts)


def _note(db: Database, told: Sequence[Notification], where: Callable[[int], Any], **values: object) -> None:
    with db.write() as connection:
        for attempts in sorted({one.attempts for one in told}):
            of = notifications.c.id.in_([one.id for one in told if one.attempts == attempts])
            connection.execute(update(notifications).where(of, where(attempts)).values(**values))
