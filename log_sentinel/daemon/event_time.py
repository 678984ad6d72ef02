"""Which minutes are over, in the time of the logs and not of the clock on the wall.

A log may be ahead of this machine's clock, hours behind it, or a replay: its newest minute is the present. The next
minute in the log closes the one before it; when the log pauses, its time goes on with the wall's. A few lines with a
time in the future do not drag everything there: beyond the wall's time a minute counts when others lead up to it.
"""

from __future__ import annotations

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


class EventTime:
    """Follows the newest minute of the logs, numbered as `detection.minutes` does."""

    def __init__(self) -> None:
        self._newest: int | None = None
        self._seen_at: datetime | None = None

    def last_closed(self, minutes: Collection[int], now: datetime, *, idle: bool) -> int | None:
        """The last minute that is over; None when there never was one.

        `minutes`: the newest ones that have requests. `idle`: no source has lines that are not stored yet; only then
        does the wall's time close minutes.
        """
        newest = believable(minutes, now)
        if newest is not None and (self._newest is None or newest > self._newest):
            self._newest, self._seen_at = newest, now
        if self._newest is None or self._seen_at is None:
            return None
        if not idle:
            return self._newest - 1
        # the minute had begun when its first line was seen, so that it is over a minute later at the latest
        passed = (now - self._seen_at).total_seconds()
        wall = now.timestamp()
        if 0 <= wall - self._newest * 60 < 120 + passed:
            passed = max(passed, wall - self._newest * 60)
        return self._newest + int(max(0.0, passed - LATE_SECONDS) // 60) - 1


def believable(minutes: Collection[int], now: datetime) -> int | None:
    """The newest of `minutes` that is not the time of a few stray lines."""
    wall = int(now.timestamp()) // 60
    known = set(minutes)
    for minute in sorted(known, reverse=True):
        if minute <= wall + AHEAD or sum(other in known for other in range(minute - WITHIN, minute)) >= LEADING:
            return minute
    return None
