"""Tries a channel: `channels test NAME` sends a test message, `healthcheck` only knocks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from log_sentinel.delivery.channels import open_channel
from log_sentinel.delivery.message.composing import NOTHING_KNOWN, compose
from log_sentinel.delivery.message.text import phrase, quoted
from log_sentinel.delivery.undeliverable import Undeliverable
from log_sentinel.model.incident import Happening, HappeningKind, Incident, IncidentState
from log_sentinel.model.notification import Notification
from log_sentinel.model.spike import Dimension, Severity

if TYPE_CHECKING:
    from log_sentinel.delivery.message.message import Message
    from log_sentinel.delivery.settings import ChannelSettings


@dataclass(frozen=True, slots=True)
class TestResult:
    """Whether the channel `name` works, and what was reached or what is wrong and how it is put right."""

    name: str
    ok: bool
    said: str


def try_channel(name: str, settings: ChannelSettings, *, send: bool = True, instance: str = "") -> TestResult:
    """Whether messages get through. With `send` each recipient gets one, marked as a test; without, nobody is told
    anything.
    """
    try:
        channel = open_channel(settings)
        reached = channel.probe()
        if not send:
            return TestResult(name, True, reached)
        for number, recipient in enumerate(settings.recipients()):
            notification = _test(name, recipient, number)
            message = compose(notification, NOTHING_KNOWN, instance=instance or "log-sentinel", now=datetime.now(UTC))
            channel.send(notification, _marked(message, name))
    except Undeliverable as why:
        return TestResult(name, False, why.reason)
    return TestResult(name, True, f"{reached}: a test message was sent")


def _marked(message: Message, channel: str) -> Message:
    words = phrase(
        "This is a test of the channel ", quoted(channel, 60), ": nobody was denied anything. Alerts look like this."
    )
    return replace(
        message,
        title=phrase("Test message"),
        headline=phrase("Test message from log-sentinel"),
        summary=words,
        happened=words,
    )


def _test(channel: str, recipient: str, number: int) -> Notification:
    now = datetime.now(UTC)
    incident = Incident(
        id=0,
        rule="channels-test",
        dimension=Dimension.CLIENT,
        key="test-message",
        severity=Severity.INFO,
        state=IncidentState.OPEN,
        since=now - timedelta(minutes=5),
        opened_at=now,
        last_seen_at=now,
        observed=42,
        expected=1.0,
        window_minutes=5,
        peak=42,
        total=42,
        evidence={"statuses": [["403", 42]], "minutes": [0, 1, 0, 0, 1, 2, 8, 14, 10, 8]},
    )
    return Notification(
        id=0,
        event_id=0,
        incident_id=0,
        channel=channel,
        recipient=recipient,
        happening=Happening(HappeningKind.OPENED, now, incident, who="log-sentinel channels test"),
        attempts=1,
        created_at=now,
        idempotency_key=f"test.{now.timestamp():.6f}.{number}",
    )
