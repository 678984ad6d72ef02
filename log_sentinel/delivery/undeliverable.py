"""What a channel says when it could not deliver. The channel judges, the outbox retries."""

from __future__ import annotations

from typing import Literal

Retry = Literal["later", "when_fixed", "never"]


class Undeliverable(Exception):
    """A message did not get through.

    `retry`: "later" (it may pass by itself: an outage, a limit), "when_fixed" (nothing gets through until a person has
    changed something: token, channel, password) or "never" (this one message is refused for good).
    `reason` is a sentence a person can act on; it holds no secret. `after`: seconds the other side asked us to wait.
    `unclear`: the other side may have taken the message all the same (its answer never came).
    """

    def __init__(self, retry: Retry, reason: str, after: float | None = None, *, unclear: bool = False) -> None:
        super().__init__(reason)
        self.retry: Retry = retry
        self.reason = reason
        self.after = after
        self.unclear = unclear
