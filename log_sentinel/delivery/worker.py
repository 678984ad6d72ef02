"""One channel's work: claim what is due, render it, send it, note what came of it.

No database transaction is open while a message is under way. A claim outlasts the slowest send, so two senders never
hold the same message; after a crash it lapses, and the message is sent again under the same key.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from log_sentinel.delivery.message.composing import compose
from log_sentinel.delivery.pauses import GIVE_UP_AFTER, Gate, delay
from log_sentinel.delivery.undeliverable import Undeliverable
from log_sentinel.store import outbox

if TYPE_CHECKING:
    from collections.abc import Callable

    from log_sentinel.delivery.channels import Channel
    from log_sentinel.delivery.message.composing import Background
    from log_sentinel.delivery.message.message import Message
    from log_sentinel.model.incident import Incident
    from log_sentinel.model.notification import Notification
    from log_sentinel.store.engine import Database

log = structlog.get_logger(__name__)

CLAIM_LASTS = timedelta(minutes=3)


@dataclass(slots=True)
class ChannelState:
    """How a channel fares since the start. Times are UTC; `reason` is why it does not work, None while it does."""

    sent: int = 0
    failed: int = 0
    undelivered: int = 0
    last_sent_at: datetime | None = None
    failing_since: datetime | None = None
    reason: str | None = None
    needs_somebody: bool = False


class Worker:
    """Sends what waits for one channel. Used by one thread."""

    def __init__(
        self,
        db: Database,
        name: str,
        channel: Channel,
        *,
        instance: str,
        clock: Callable[[], datetime],
        background: Callable[[Incident], Background],
        gate: Gate | None = None,
    ) -> None:
        self.state = ChannelState()
        self._db = db
        self._name = name
        self._channel = channel
        self._instance = instance
        self._clock = clock
        self._background = background
        # what failed although the channel had answered a knock
        self._odd: set[int] = set()
        self._gate = gate or Gate(timedelta(seconds=channel.pace_seconds))

    def next_look(self) -> datetime | None:
        """When there is something to do (UTC, perhaps past); None while nothing waits."""
        due = outbox.next_due(self._db, self._name)
        return due if due is None or self._gate.opens_at is None else max(due, self._gate.opens_at)

    def send_next(self) -> bool:
        """Sends the next message that is due, if the channel may be used; gives whether there was one."""
        now = self._clock()
        if not self._gate.is_open(now):
            return False
        knocked = self._gate.is_down
        if knocked and not self._answers():
            return False
        notification = outbox.claim(self._db, self._name, now, lasting=CLAIM_LASTS, by=self._instance)
        if notification is None:
            return False
        try:
            reference = self._channel.send(notification, self._composed(notification))
        except Undeliverable as why:
            self._note_failure(notification, why, knocked=knocked)
        except Exception as why:  # a fault of ours in one message must not end the channel
            log.exception("message could not be made or sent", channel=self._name, incident=notification.incident_id)
            ours = Undeliverable("later", f"log-sentinel failed on it ({type(why).__name__})")
            self._note_failure(notification, ours, knocked=knocked)
        else:
            self._note_sent(notification, reference)
        return True

    def _answers(self) -> bool:
        """Knocks at a channel that was down. When it answers, what waited is due again, oldest first.

        So an outage ends in order, and while it lasts no message is sent of which nobody knows whether it arrived. A
        message that failed though the channel had answered keeps its own pause: it may be the message, and the others
        go first.
        """
        try:
            self._channel.probe()
        except Undeliverable as why:
            self._note_down(why, self._clock())
            self._give_up_old(why.reason)
            return False
        outbox.hasten(self._db, self._name, apart_from=self._odd)
        return True

    def _composed(self, notification: Notification) -> Message:
        background = self._background(notification.happening.incident)
        return compose(notification, background, instance=self._instance, now=self._clock())

    def _note_sent(self, notification: Notification, reference: str | None) -> None:
        now = self._clock()
        outbox.sent(self._db, notification, now, reference)
        self._gate.passed(now)
        self._odd.discard(notification.id)
        if self.state.reason is not None:
            log.info("channel works again", channel=self._name)
            outbox.hasten(self._db, self._name, apart_from=self._odd)
        self.state.sent += 1
        self.state.last_sent_at = now
        self.state.failing_since, self.state.reason, self.state.needs_somebody = None, None, False

    def _note_failure(self, notification: Notification, why: Undeliverable, *, knocked: bool) -> None:
        now = self._clock()
        self.state.failed += 1
        if why.retry == "never":
            self._gate.passed(now)
            return self._give_up(notification, now, why.reason)
        again = self._note_down(why, now)
        if knocked:
            self._odd.add(notification.id)
            again = max(again, now + delay(notification.attempts))
        if now - notification.created_at >= GIVE_UP_AFTER:
            return self._give_up(notification, now, f"tried for 24 h; last: {why.reason}")
        note = outbox.blocked if why.retry == "when_fixed" else outbox.later
        return note(self._db, notification, again, why.reason)

    def _note_down(self, why: Undeliverable, now: datetime) -> datetime:
        """The channel's gate closes; gives when it opens again. Said once for each reason."""
        again = self._gate.failed(why, now)
        if self.state.reason != why.reason:
            say = log.error if why.retry == "when_fixed" else log.warning
            say("channel does not take messages", channel=self._name, reason=why.reason, again=again.isoformat())
        self.state.failing_since = self.state.failing_since or now
        self.state.reason, self.state.needs_somebody = why.reason, why.retry == "when_fixed"
        return again

    def _give_up_old(self, reason: str) -> None:
        now = self._clock()
        given_up = outbox.give_up_old(self._db, self._name, now - GIVE_UP_AFTER, now, f"tried for 24 h; last: {reason}")
        if given_up:
            self.state.undelivered += given_up
            log.error("alerts undelivered", channel=self._name, alerts=given_up, reason=reason)

    def _give_up(self, notification: Notification, now: datetime, reason: str) -> None:
        outbox.undelivered(self._db, notification, now, reason)
        self._odd.discard(notification.id)
        self.state.undelivered += 1
        log.error(
            "alert undelivered",
            channel=self._name,
            recipient=notification.recipient,
            incident=notification.incident_id,
            happening=notification.happening.kind.value,
            reason=reason,
        )
