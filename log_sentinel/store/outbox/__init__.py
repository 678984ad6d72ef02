"""Owner of `notifications`: who is to be told of which happening, until they are.

`incident_events` are the facts, written with the incident's change. `fan_out` makes one row per event, channel and
recipient; a sender claims a row, sends outside any transaction, and notes the result. A claim lapses by itself, so a
sender that died loses nothing: its row is claimed again, under the same idempotency key.

Order is kept per incident, channel and recipient: a row waits until every earlier one there is finished.
"""

from log_sentinel.store.outbox.claiming import claim, next_due
from log_sentinel.store.outbox.fanning_out import Recipient, any_to_fan_out, divert, escalate, fan_out, tell_unmuted
from log_sentinel.store.outbox.results import (
    blocked,
    give_up_abandoned,
    give_up_old,
    hasten,
    later,
    sent,
    undelivered,
)
from log_sentinel.store.outbox.standings import Standing, is_told_in, standings

__all__ = [
    "Recipient",
    "Standing",
    "any_to_fan_out",
    "blocked",
    "claim",
    "divert",
    "escalate",
    "fan_out",
    "give_up_abandoned",
    "give_up_old",
    "hasten",
    "is_told_in",
    "later",
    "next_due",
    "sent",
    "standings",
    "tell_unmuted",
    "undelivered",
]
