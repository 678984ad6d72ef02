"""Which minutes are over, in the time of the logs and not of the clock on the wall.

A log may be ahead of this machine's clock, hours behind it, or a replay: its newest minute is the present. The next
minute in the log closes the one before it; when the log pauses, its time goes on as fast as time passes, whatever the
wall's clock does meanwhile: a minute that was closed because that jumped ahead would never be judged. A few lines with
a time in the future do not drag everything there: beyond the wall's time a minute counts when others lead up to it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

# How far a gateway's clock may be ahead of ours without further proof, minutes.
AHEAD = 5
# Beyond that, so many minutes with requests must lie in the last so many before it.
LEADING, WITHIN = 3, 15
# After the end of a minute its last lines may still be on their way, seconds.
LATE_SECONDS = 5
# Its first line is seen within so many seconds after a minute began, or it is of the past.
SEEN_WITHIN_SECONDS = 120
# Where there is one, a clock that goes on while the machine sleeps.
STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def steady() -> float:
    """Seconds on a clock that nobody can set."""
    return time.clock_gettime(STEADY)


class EventTime:
    """Follows the newest minute of the logs, numbered as `detection.minutes` does."""

    def __init__(self) -> None:
        self._newest: int | None = None
        # on the steady clock, when the newest minute began as far as we can tell
        self._began = 0.0

    def last_closed(self, minutes: Collection[int], now: datetime, passed: float, *, idle: bool) -> int | None:
        """The last minute that is over; None when there never was one.

        `minutes`: the newest ones that have requests. `now` is the wall's time, `passed` that of a steady clock in
        seconds. `idle`: no source has lines that are not stored yet; only then does passing time close minutes.
        """
        newest = believable(minutes, now)
        if newest is not None and (self._newest is None or newest > self._newest):
            into = now.timestamp() - newest * 60
            self._newest, self._began = newest, passed - (into if 0 <= into < SEEN_WITHIN_SECONDS else 0.0)
        if self._newest is None:
            return None
        if not idle:
            return self._newest - 1
        return self._newest + int(max(0.0, passed - self._began - LATE_SECONDS) // 60) - 1


def believable(minutes: Collection[int], now: datetime) -> int | None:
    """The newest of `minutes` that is not the time of a few stray lines."""
    wall = int(now.timestamp()) // 60
    known = set(minutes)
    for minute in sorted(known, reverse=True):
        if minute <= wall + AHEAD or sum(other in known for other in range(minute - WITHIN, minute)) >= LEADING:
            return minute
    return None
