"""A delivery that kills itself, alone in a process: python -m tests.delivery.killed_sender DATABASE ADDRESS POINT."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from log_sentinel.delivery.channels import open_channel
from log_sentinel.delivery.loop import Delivery
from log_sentinel.delivery.slack.settings import SlackSettings
from log_sentinel.delivery.webhook.settings import WebhookSettings
from log_sentinel.store import outbox
from log_sentinel.store.engine import open_database
from log_sentinel.store.settings import DatabaseSettings
from tests.delivery.scene import StepClock
from tests.delivery.slack_api import TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable

    from log_sentinel.delivery.message.message import Message
    from log_sentinel.delivery.settings import ChannelSettings
    from log_sentinel.model.notification import Notification

POINTS = ("fanning out", "fanned out", "claimed", "sent", "noted")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Dying:
    """The channel, with death just before or just after a send."""

    pace_seconds = 0.0

    def __init__(self, settings: ChannelSettings, point: str) -> None:
        self._channel = open_channel(settings)
        self._point = point

    def send(self, notification: Notification, message: Message) -> str | None:
        if self._point == "claimed":
            die()
        reference = self._channel.send(notification, message)
        if self._point == "sent":
            die()
        return reference

    def probe(self) -> str:
        return ""

    def close(self) -> None:
        pass


def dying_after(work: Callable[..., Any]) -> Callable[..., Any]:
    def does_it_and_dies(*given: Any, **named: Any) -> None:
        work(*given, **named)
        die()

    return does_it_and_dies


def settings_of(address: str) -> ChannelSettings:
    """Slack's API if the address is one, else a webhook."""
    if not address.endswith("/api/"):
        return WebhookSettings(url=SecretStr(address))
    return SlackSettings.model_validate({"token": TOKEN, "channel": "C1", "base_url": address})


def main(url: str, address: str, point: str) -> None:
    settings = settings_of(address)
    database = open_database(DatabaseSettings(url=SecretStr(url)))
    delivery = Delivery(
        database, {"ops": settings}, [], instance="edge-1", clock=StepClock(), opened=lambda _: Dying(settings, point)
    )
    if point == "fanning out":
        vars(delivery._routing)["recipients"] = dying_after(delivery._routing.recipients)
    if point == "fanned out":
        outbox.fan_out = dying_after(outbox.fan_out)
    if point == "noted":
        outbox.sent = dying_after(outbox.sent)
    delivery.step()


if __name__ == "__main__":
    main(*sys.argv[1:])
