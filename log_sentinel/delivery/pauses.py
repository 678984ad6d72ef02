"""How long to wait: between two tries of a message, and before a channel that does not work is tried again."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from log_sentinel.delivery.undeliverable import Undeliverable

FIRST, LONGEST = timedelta(seconds=1), timedelta(minutes=15)
# What the other side asks for is honoured within these: 0 would be a tight loop, a year would be losing the message.
LEAST_ASKED, MOST_ASKED = timedelta(seconds=1), timedelta(hours=1)
# A person has to act: looked at again this often, so that mending it on the other side needs no restart here.
UNTIL_FIXED = timedelta(minutes=5)
GIVE_UP_AFTER = timedelta(hours=24)
CHANCE = random.SystemRandom()


def delay(failures: int, chance: random.Random = CHANCE) -> timedelta:
    """The pause after so many failures in a row: full jitter under a limit that doubles from FIRST * 2 to LONGEST.

    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/, but never less than FIRST.
    """
    limit = min(LONGEST, FIRST * (1 << min(failures, 20)))
    return max(FIRST, limit * chance.random())


def asked(after: float) -> timedelta:
    """What the other side asked for, clamped."""
    return min(MOST_ASKED, max(LEAST_ASKED, timedelta(seconds=min(after, 1e7))))


@dataclass(slots=True)
class Gate:
    """When a channel may be used again. Times are UTC.

    A failure that is the channel's and not the message's closes it for everybody, so that an outage costs one try at a
    time and not one for each message that waits.
    """

    pace: timedelta
    chance: random.Random = CHANCE
    opens_at: datetime | None = None
    failures: int = 0

    def is_open(self, now: datetime) -> bool:
        return self.opens_at is None or self.opens_at <= now

    @property
    def is_down(self) -> bool:
        """Whether it has failed more than once in a row: it is knocked at before it is given another message."""
        return self.failures > 1

    def passed(self, now: datetime) -> None:
        """A message got through, or was refused for its own sake."""
        self.failures = 0
        self.opens_at = now + self.pace if self.pace else None

    def failed(self, why: Undeliverable, now: datetime) -> datetime:
        """The channel does not work; gives when it, and the message, is tried again."""
        self.failures += 1
        if why.after is not None:
            pause = asked(why.after)
        elif why.retry == "when_fixed":
            pause = UNTIL_FIXED
        else:
            pause = delay(self.failures, self.chance)
        self.opens_at = now + pause
        return self.opens_at
