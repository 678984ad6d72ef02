"""A happening on its way to one recipient."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from log_sentinel.model.incident import Happening


class NotificationState(StrEnum):
    PENDING = "pending"
    CLAIMED = "claimed"
    SENT = "sent"
    BLOCKED = "blocked"
    UNDELIVERED = "undelivered"


@dataclass(frozen=True, slots=True)
class Notification:
    """One happening for one channel and recipient, until delivered.

    `idempotency_key` is the same for every attempt; `unclear`: an earlier attempt may have arrived. `opening_ref` is
    the channel's own mark of the incident's message there (Slack: "CHANNEL_ID:TS", mail: the Message-ID), None
    when nothing was sent yet.
    """

    id: int
    event_id: int
    incident_id: int
    channel: str
    recipient: str
    happening: Happening
    attempts: int
    created_at: datetime
    idempotency_key: str
    opening_ref: str | None = None
    unclear: bool = False
