"""The channels there are. Adding one: a folder with settings, message and send, and a line in CHANNELS."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from log_sentinel.delivery.apprise.settings import AppriseSettings
from log_sentinel.delivery.console.settings import ConsoleSettings
from log_sentinel.delivery.email.settings import EmailSettings
from log_sentinel.delivery.slack.settings import SlackSettings
from log_sentinel.delivery.webhook.settings import WebhookSettings

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from log_sentinel.delivery.message.message import Message
    from log_sentinel.model.incident import Happening
    from log_sentinel.model.notification import Notification


class Channel(Protocol):
    """A way to people. It judges what went wrong; when and whether it is tried again is not its business."""

    @property
    def pace_seconds(self) -> float:
        """The least time between two messages."""

    def send(self, notification: Notification, message: Message) -> str | None:
        """Tells `message`; gives the channel's own mark of the incident's message there, for later ones.

        Raises Undeliverable.
        """

    def probe(self) -> str:
        """Whether a message would get in, without sending one; says what was reached. Raises Undeliverable."""

    def close(self) -> None:
        """Lets go of what is held open."""


class AnyChannelSettings(Protocol):
    """What the settings of every channel have."""

    @property
    def type(self) -> str: ...

    @property
    def collapse_after(self) -> int: ...

    @property
    def fallback(self) -> str | None: ...

    @property
    def fallback_after(self) -> timedelta: ...

    def recipients(self) -> tuple[str, ...]:
        """Who is told, each on their own: one notification each."""

    def not_before(self, happening: Happening, now: datetime) -> datetime | None:
        """Until when a happening is held back."""


@dataclass(frozen=True, slots=True)
class ChannelKind:
    """Its `type` in the settings, what can be set, and what sends ("module:class"; an SDK loads only when used)."""

    name: str
    settings: type[AnyChannelSettings]
    opens: str


CHANNELS = (
    ChannelKind("slack", SlackSettings, "log_sentinel.delivery.slack.send:SlackChannel"),
    ChannelKind("email", EmailSettings, "log_sentinel.delivery.email.send:EmailChannel"),
    ChannelKind("webhook", WebhookSettings, "log_sentinel.delivery.webhook.send:WebhookChannel"),
    ChannelKind("apprise", AppriseSettings, "log_sentinel.delivery.apprise.send:AppriseChannel"),
    ChannelKind("console", ConsoleSettings, "log_sentinel.delivery.console.send:ConsoleChannel"),
)


def open_channel(settings: AnyChannelSettings) -> Channel:
    """The channel that `settings` describe; it connects to nothing yet."""
    kind = next(kind for kind in CHANNELS if isinstance(settings, kind.settings))
    module, _, name = kind.opens.partition(":")
    opened: Channel = getattr(import_module(module), name)(settings)
    return opened
