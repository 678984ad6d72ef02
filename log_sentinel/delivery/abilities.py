"""What some channels can do besides sending."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from log_sentinel.delivery.message.message import Message
    from log_sentinel.model.notification import Notification


class CannotTell(Exception):
    """The channel could be looked into in principle, but not by us now: a scope is missing, or its ID is not known."""


@runtime_checkable
class LookedBackInto(Protocol):
    """A channel that shows what is in it."""

    def arrived(self, notification: Notification, key: str) -> str | None:
        """The mark of the incident's message there (as `send` gives it) if our message `key`, for `notification`, is
        there; None if it is not.

        Raises CannotTell, and Undeliverable where the channel does not work.
        """


@runtime_checkable
class Restating(Protocol):
    """A channel whose messages can be changed."""

    def restate(self, notification: Notification, message: Message) -> None:
        """Brings the incident's message that is there to its present state, and tells nobody.

        Raises Undeliverable.
        """
