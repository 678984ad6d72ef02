"""A delivery that kills itself, alone in a process: python -m tests.delivery.killed_sender DATABASE CHANNELS POINT.

CHANNELS is JSON: settings by name. Where a point is of a channel, it dies when all of them have come to it.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from log_sentinel.delivery.channels import CHANNELS, open_channel
from log_sentinel.delivery.loop import Delivery
from log_sentinel.store import outbox
from log_sentinel.store.engine import open_database
from log_sentinel.store.settings import DatabaseSettings
from tests.delivery.scene import StepClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from log_sentinel.delivery.message.message import Message
    from log_sentinel.delivery.settings import ChannelSettings
    from log_sentinel.model.notification import Notification

POINTS = ("written", "fanning out", "fanned out", "claimed", "sent", "noted")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Dying:
    """The channel, with death just before or just after a send."""

    def __init__(self, settings: ChannelSettings, point: str, die: Callable[[], object]) -> None:
        self._channel = open_channel(settings)
        self._point, self._die = point, die
        self.pace_seconds = 0.0

    def send(self, notification: Notification, message: Message) -> str | None:
        if self._point == "claimed":
            self._die()
        reference = self._channel.send(notification, message)
        if self._point == "sent":
            self._die()
        return reference

    def probe(self) -> str:
        return ""

    def close(self) -> None:
        pass


def then(die: Callable[[], object], work: Callable[..., Any]) -> Callable[..., Any]:
    def does_it_and_dies(*given: Any, **named: Any) -> None:
        work(*given, **named)
        die()

    return does_it_and_dies


def settings_of(channels: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The settings of `channels`, by name."""
    kinds = {kind.name: kind.settings for kind in CHANNELS}
    return {name: kinds[given["type"]](**given) for name, given in channels.items()}


def main(url: str, channels: str, point: str) -> None:
    settings = settings_of(json.loads(channels))
    database = open_database(DatabaseSettings(url=SecretStr(url)))
    all_there = threading.Barrier(len(settings), action=die).wait
    delivery = Delivery(
        database,
        settings,
        [],
        instance="edge-1",
        clock=StepClock(),
        opened=lambda one: Dying(one, point, all_there),
    )
    if point == "written":
        die()
    if point == "fanning out":
        vars(delivery._routing)["recipients"] = then(die, delivery._routing.recipients)
    if point == "fanned out":
        outbox.fan_out = then(die, outbox.fan_out)
    if point == "noted":
        outbox.sent = then(all_there, outbox.sent)
    delivery.start()
    threading.Event().wait(60)


if __name__ == "__main__":
    main(*sys.argv[1:])
