"""What every channel lets people set: when it is told things, and how much at once."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

from pydantic import Field

from log_sentinel.config.durations import Duration
from log_sentinel.config.section import Section
from log_sentinel.config.zones import Zone
from log_sentinel.model.spike import Severity

if TYPE_CHECKING:
    from log_sentinel.model.incident import Happening

SEVERITIES = tuple(Severity)


class QuietHours(Section):
    """From `since` to `until` (HH:MM in `zone`) nothing up to the severity `up_to` is told; it is told at their end."""

    since: time
    until: time
    zone: Zone = "UTC"
    up_to: Severity = Severity.WARNING

    def end(self, now: datetime) -> datetime | None:
        """When the quiet hours end that `now` lies in (UTC), None if it lies in none."""
        here = now.astimezone(ZoneInfo(self.zone))
        over_midnight = self.since >= self.until
        late = here.time() >= self.since
        early = here.time() < self.until
        if not (late or early if over_midnight else late and early):
            return None
        day = here.date() + timedelta(days=1 if over_midnight and late else 0)
        return datetime.combine(day, self.until, ZoneInfo(self.zone)).astimezone(UTC)


class Digest(Section):
    """Happenings up to the severity `up_to` are gathered and told together, `every` so often (counted from midnight
    UTC).
    """

    every: Annotated[Duration, Field(ge=timedelta(minutes=1), le=timedelta(days=1))]
    up_to: Severity = Severity.INFO

    def next(self, now: datetime) -> datetime:
        """The next time after `now` (UTC)."""
        midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return midnight + ((now - midnight) // self.every + 1) * self.every


class ChannelTerms(Section):
    """Common to all channels. More than `collapse_after` incidents that are to be told at once become one message."""

    collapse_after: int = Field(default=10, ge=1, description="more incidents than this at once become one message")
    quiet: QuietHours | None = None
    digest: Digest | None = None
    fallback: str | None = Field(default=None, description="the channel that is told instead while this one fails")
    fallback_after: Duration = Field(default=timedelta(minutes=5), description="how long what waits here waits for it")

    def not_before(self, happening: Happening, now: datetime) -> datetime | None:
        """Until when the happening is held back (UTC), None if it is told at once."""
        rank = SEVERITIES.index(happening.incident.severity)
        times = []
        if self.quiet is not None and rank <= SEVERITIES.index(self.quiet.up_to):
            times.append(self.quiet.end(now))
        if self.digest is not None and rank <= SEVERITIES.index(self.digest.up_to):
            times.append(self.digest.next(now))
        return max((moment for moment in times if moment is not None), default=None)
