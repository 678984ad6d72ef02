"""One channel's work: claim what is due, render it, send it, note what came of it.

No database transaction is open while a message is under way. A claim outlasts the slowest send, so two senders never
hold the same message; after a crash it lapses, and the message is sent again under the same key.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from log_sentinel.delivery.abilities import CannotTell, LookedBackInto, Restating
from log_sentinel.delivery.message.composing import compose
from log_sentinel.delivery.message.listing import compose_list, key_of
from log_sentinel.delivery.pauses import GIVE_UP_AFTER, Gate, delay
from log_sentinel.delivery.undeliverable import Undeliverable
from log_sentinel.store import outbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from log_sentinel.delivery.channels import Channel
    from log_sentinel.delivery.message.composing import Background
    from log_sentinel.delivery.message.message import Message
    from log_sentinel.model.incident import Incident
    from log_sentinel.model.notification import Notification
    from log_sentinel.store.engine import Database

log = structlog.get_logger(__name__)

CLAIM_LASTS = timedelta(minutes=3)
# What has waited so long is told with all that has happened to its incident since, in one message.
MERGE_AFTER = timedelta(minutes=1)


@dataclass(slots=True)
class ChannelState:
    """How a channel fares since the start. Times are UTC; `reason` is why it does not work, None while it does; `deaf`
    why its buttons are not heard; `given_up` why the last message to a recipient was given up, until one gets through
    to them.
    """

    sent: int = 0
    failed: int = 0
    undelivered: int = 0
    last_sent_at: datetime | None = None
    failing_since: datetime | None = None
    reason: str | None = None
    needs_somebody: bool = False
    deaf: str | None = None
    given_up: dict[str, str] = field(default_factory=dict)


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
        collapse_after: int,
        divert: Callable[[datetime], int] = lambda _: 0,
        unacknowledged: Callable[[Notification], timedelta | None] = lambda _: None,
        dashboard: str | None = None,
        gate: Gate | None = None,
    ) -> None:
        self.state = ChannelState()
        self._db = db
        self._name = name
        self._channel = channel
        self._instance = instance
        self._clock = clock
        self._background = background
        self._collapse_after = collapse_after
        self._divert = divert
        self._unacknowledged = unacknowledged
        self._dashboard = dashboard
        # of what failed in this process: that every attempt was clearly refused, so that it cannot have arrived
        self._refused: set[int] = set()
        # and what may have arrived, with all that it was told with
        self._unclear: dict[int, frozenset[int]] = {}
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
        claimed = outbox.claim(
            self._db,
            self._name,
            now,
            lasting=CLAIM_LASTS,
            by=self._instance,
            merge_after=MERGE_AFTER,
            collapse_after=self._collapse_after,
            unclear=self._unclear,
        )
        if not claimed:
            return False
        unclear = any(one.attempts > 1 and one.id not in self._refused for one in claimed)
        told = [replace(one, unclear=unclear) for one in claimed]
        try:
            if unclear and self._settled(told):
                return True
            reference = self._tell(told)
        except Undeliverable as why:
            self._note_failure(told, why, knocked=knocked)
        except Exception as why:  # a fault of ours in one message must not end the channel
            log.exception("message could not be made or sent", channel=self._name, incident=told[-1].incident_id)
            ours = Undeliverable("later", f"log-sentinel failed on it ({type(why).__name__})")
            self._note_failure(told, ours, knocked=knocked)
        else:
            self._note_sent(told, reference)
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
            self._tell_others(self._clock())
            return False
        outbox.hasten(self._db, self._name, apart_from=self._odd)
        return True

    def _settled(self, told: list[Notification]) -> bool:
        """Looks into the channel for the message that may have arrived; gives whether what became of it is settled.

        One that is not there waits as if it had never been tried: it is told with what has happened since.
        """
        if not isinstance(self._channel, LookedBackInto):
            return False
        several = _are_several(told)
        try:
            mark = self._channel.arrived(told[-1], key_of(told) if several else told[-1].idempotency_key)
        except CannotTell:
            return False
        if mark is not None:
            self._note_sent(told, None if several else mark)
            return True
        self._forget(told)
        self._refused |= {one.id for one in told}
        outbox.later(self._db, told, told[0].created_at, "it did not arrive")
        return True

    def _tell(self, told: list[Notification]) -> str | None:
        """One message for `told`: the last step of one incident, or a list of several."""
        last = told[-1]
        if not _are_several(told):
            return self._channel.send(last, self._composed(last, merged=len(told)))
        self._restate({one.incident_id: one for one in told}.values())
        listed = compose_list(told, instance=self._instance, now=self._clock(), dashboard=self._dashboard)
        self._channel.send(replace(last, opening_ref=None), listed)
        # the list is nobody's opening message: what follows stands on its own
        return None

    def _composed(self, notification: Notification, *, merged: int = 1) -> Message:
        return compose(
            notification,
            self._background(notification.happening.incident),
            instance=self._instance,
            now=self._clock(),
            merged=merged,
            dashboard=self._dashboard,
            unacknowledged=self._unacknowledged(notification),
        )

    def _restate(self, latest: Iterable[Notification]) -> None:
        """What a list tells of incidents that have a message of their own stands there too; as far as it goes."""
        if not isinstance(self._channel, Restating):
            return
        try:
            for one in latest:
                if one.opening_ref is not None:
                    self._channel.restate(one, self._composed(one))
        except Undeliverable as why:
            log.info("messages stay as they were", channel=self._name, reason=why.reason)

    def _note_sent(self, told: list[Notification], reference: str | None) -> None:
        now = self._clock()
        outbox.sent(self._db, told, now, reference)
        self._gate.passed(now)
        self._forget(told)
        if self.state.reason is not None:
            log.info("channel works again", channel=self._name)
            outbox.hasten(self._db, self._name, apart_from=self._odd)
        self.state.sent += 1
        self.state.given_up.pop(told[-1].recipient, None)
        self.state.last_sent_at = now
        self.state.failing_since, self.state.reason, self.state.needs_somebody = None, None, False

    def _note_failure(self, told: list[Notification], why: Undeliverable, *, knocked: bool) -> None:
        now = self._clock()
        self.state.failed += 1
        if why.retry == "never":
            self._gate.passed(now)
            self._give_up(told, now, why.reason)
            return self._tell_others(now)
        again = self._note_down(why, now)
        numbers = frozenset(one.id for one in told)
        if why.unclear or told[-1].unclear:
            self._refused -= numbers
            self._unclear.update(dict.fromkeys(numbers, numbers))
        else:
            self._refused |= numbers
        if knocked:
            self._odd |= numbers
            again = max(again, now + delay(told[-1].attempts))
        old = [one for one in told if now - one.created_at >= GIVE_UP_AFTER]
        if old:
            self._give_up(old, now, f"tried for 24 h; last: {why.reason}")
        note = outbox.blocked if why.retry == "when_fixed" else outbox.later
        note(self._db, [one for one in told if one not in old], again, why.reason)
        return self._tell_others(now)

    def _note_down(self, why: Undeliverable, now: datetime) -> datetime:
        """The channel's gate closes; gives when it opens again. Said once for each reason."""
        again = self._gate.failed(why, now)
        if self.state.reason != why.reason:
            say = log.error if why.retry == "when_fixed" else log.warning
            say("channel does not take messages", channel=self._name, reason=why.reason, again=again.isoformat())
        self.state.failing_since = self.state.failing_since or now
        self.state.reason, self.state.needs_somebody = why.reason, why.retry == "when_fixed"
        return again

    def _forget(self, told: list[Notification]) -> None:
        numbers = {one.id for one in told}
        self._odd -= numbers
        self._refused -= numbers
        for number in numbers:
            self._unclear.pop(number, None)

    def _tell_others(self, now: datetime) -> None:
        diverted = self._divert(now)
        if diverted:
            log.warning("alerts go to the fallback channel", channel=self._name, alerts=diverted)

    def _give_up_old(self, reason: str) -> None:
        now = self._clock()
        given_up = outbox.give_up_old(self._db, self._name, now - GIVE_UP_AFTER, now, f"tried for 24 h; last: {reason}")
        if given_up:
            self.state.undelivered += given_up
            log.error("alerts undelivered", channel=self._name, alerts=given_up, reason=reason)

    def _give_up(self, told: list[Notification], now: datetime, reason: str) -> None:
        outbox.undelivered(self._db, told, now, reason)
        self._forget(told)
        self.state.undelivered += len(told)
        self.state.given_up[told[-1].recipient] = reason
        for one in told:
            log.error(
                "alert undelivered",
                channel=self._name,
                recipient=one.recipient,
                incident=one.incident_id,
                happening=one.happening.kind.value,
                reason=reason,
            )


def _are_several(told: Sequence[Notification]) -> bool:
    """Whether they are of more than one incident: those are told as a list."""
    return len({one.incident_id for one in told}) > 1
