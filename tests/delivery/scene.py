"""A delivery at work on a real database, with channels that note what they are told and fail as scripted."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from log_sentinel.delivery.loop import Delivery
from log_sentinel.delivery.terms import ChannelTerms
from log_sentinel.store import incidents
from tests.delivery.happenings import NOON

if TYPE_CHECKING:
    from collections.abc import Callable

    from log_sentinel.delivery.message.message import Message
    from log_sentinel.model.incident import Happening
    from log_sentinel.model.notification import Notification
    from log_sentinel.store.engine import Database


@dataclass
class StepClock:
    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now

    def step(self, **by: float) -> None:
        self.now += timedelta(**by)


class Noting(ChannelTerms):
    """Settings of a channel that only notes."""

    type: str = "noting"
    to: tuple[str, ...] = ("somebody",)

    def recipients(self) -> tuple[str, ...]:
        return self.to


@dataclass
class NotingChannel:
    """`told`: what got through, in order. `script`: what becomes of the next sends: an exception, or None."""

    told: list[Notification] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    tries: list[datetime] = field(default_factory=list)
    script: deque[Exception | None] = field(default_factory=deque)
    always: Exception | None = None
    pace_seconds: float = 0.0
    on_send: Callable[[Notification], None] = lambda _: None

    def send(self, notification: Notification, message: Message) -> str:
        self.on_send(notification)
        why = self.script.popleft() if self.script else self.always
        if why is not None:
            raise why
        self.told.append(notification)
        self.messages.append(message)
        return f"ref-{notification.id}"

    def probe(self) -> str:
        if self.always is not None:
            raise self.always
        return "noting"

    def close(self) -> None:
        pass


class Scene:
    """Channels by name, a delivery over them, a clock that is stepped."""

    def __init__(self, db: Database, *names: str, routing: Any = (), **settings: Noting) -> None:
        self.db = db
        self.clock = StepClock()
        self.settings = {name: Noting() for name in names} | settings
        self.channels = {name: NotingChannel() for name in self.settings}
        self.routing = routing
        self.delivery = self.started_again()

    def started_again(self) -> Delivery:
        """A delivery as after a restart of the daemon: it knows only what the database knows."""
        names = iter(self.settings)
        self.delivery = Delivery(
            self.db,
            self.settings,
            self.routing,
            instance="edge-1",
            clock=self.clock,
            opened=lambda _: self.channels[next(names)],
        )
        return self.delivery

    def happens(self, *happenings: Happening) -> int:
        """Writes them as detection does; gives its number. All of one call are of one incident."""
        number = None
        for happening in happenings:
            number = record(self.db, happening, self.clock(), number)
        return number or 0

    def next(self, number: int, happening: Happening) -> None:
        record(self.db, happening, self.clock(), number)

    def told(self, name: str = "ops") -> list[tuple[int, str]]:
        """What the channel was told: incident and kind."""
        return [(one.incident_id, one.happening.kind.value) for one in self.channels[name].told]


def record(db: Database, happening: Happening, now: datetime, number: int | None = None) -> int:
    """The happening and its incident in the database, by the store's own way in."""
    with db.write() as connection:
        if number is None:
            new = replace(happening.incident, id=None)
            told = [replace(happening, incident=new)]
            return incidents.record(connection, [], [new], told, now)[0].id or 0
        same = replace(happening.incident, id=number)
        incidents.record(connection, [same], [same], [replace(happening, incident=same)], now)
        return number
