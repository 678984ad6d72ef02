"""Maintenance windows: times, known beforehand, in which nobody is told of the incidents that they match.

They mute as silences do: the incidents themselves go on, and are listed. A window follows the clock of its `zone`. In
a night in which that clock is changed it is one piece all the same: it begins with the first moment that can be meant
by `since` and ends with the last one that can be meant by `until`, so that an hour that is missing empties none.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, PlainValidator, model_validator

from log_sentinel.config.section import Section
from log_sentinel.config.zones import Zone
from log_sentinel.model.silence import Silence
from log_sentinel.model.spike import Dimension, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
VALUES = {"severity": tuple(Severity), "dimension": tuple(Dimension)}


def _moment(found: object) -> time | datetime:
    """`22:00` or `2026-12-01 22:00`, as text or as TOML's own."""
    if isinstance(found, time | datetime):
        return found
    for kind in (time, datetime):
        try:
            return kind.fromisoformat(str(found).strip())
        except ValueError:
            continue
    raise ValueError('a time of day, as in "22:00", or a date and time, as in "2026-12-01 22:00"')


def fit_values(match: dict[str, str]) -> dict[str, str]:
    """`match` as it is. Raises ValueError where it names no such severity or dimension."""
    for key, value in match.items():
        if key in VALUES and value not in VALUES[key]:
            raise ValueError(f"{key}: one of {', '.join(VALUES[key])} is allowed")
    return match


Moment = Annotated[time | datetime, PlainValidator(_moment)]


class Maintenance(Section):
    """`[maintenance.NAME]`: from `since` to `until`, by the clock of `zone`.

    Both are times of day (on `days`, every day when none is named; to an `until` that is not later, of the next day),
    or both are dates. `match`: what must be equal, as a silence has it: rule, dimension, key, severity, or a label.
    """

    since: Moment
    until: Moment
    days: tuple[Day, ...] = ()
    zone: Zone = "UTC"
    match: Annotated[dict[str, str], AfterValidator(fit_values)] = Field(default_factory=dict)
    why: str | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if isinstance(self.since, datetime) and isinstance(self.until, datetime):
            if self.days:
                raise ValueError("days belong to times of day; since and until are dates here")
            if self._instants(self.since)[0] >= self._instants(self.until)[1]:
                raise ValueError("until is not after since")
        elif isinstance(self.since, datetime) or isinstance(self.until, datetime):
            # a mistake in a file, not in a call
            raise ValueError("since and until are both times of day, or both dates with a time")  # noqa: TRY004
        return self

    def __str__(self) -> str:
        often = "" if isinstance(self.since, datetime) else f", {', '.join(self.days) or 'every day'}"
        matched = ", ".join(f"{key} {value}" for key, value in self.match.items()) or "every incident"
        return f"{self.since} to {self.until} by the clock of {self.zone}{often}: {matched}"

    def silence(self, name: str, now: datetime) -> Silence | None:
        """The window that `now` (UTC) lies in as a silence, None when it lies in none."""
        for since, until in self._windows(now):
            begins, ends = self._instants(since)[0], self._instants(until)[1]
            if begins <= now < ends:
                return Silence(self.match, begins, ends, f"maintenance {name}", self.why or "")
        return None

    def _windows(self, now: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The windows that may hold `now`, by the clock of the zone."""
        if isinstance(self.since, datetime) and isinstance(self.until, datetime):
            yield self.since, self.until
        elif isinstance(self.since, time) and isinstance(self.until, time):
            today = now.astimezone(ZoneInfo(self.zone)).date()
            length = timedelta(days=int(self.until <= self.since))
            for day in (today - timedelta(days=1), today, today + timedelta(days=1)):
                if not self.days or DAYS[day.weekday()] in self.days:
                    yield datetime.combine(day, self.since), datetime.combine(day + length, self.until)

    def _instants(self, clock: datetime) -> tuple[datetime, datetime]:
        """The first and the last moment (UTC) that may be meant by what the clock shows; they differ where it jumps."""
        if clock.tzinfo is not None:
            return clock.astimezone(UTC), clock.astimezone(UTC)
        meant = [clock.replace(tzinfo=ZoneInfo(self.zone), fold=fold).astimezone(UTC) for fold in (0, 1)]
        return min(meant), max(meant)


def under_way(windows: Mapping[str, Maintenance], now: datetime) -> list[Silence]:
    """The windows that `now` (UTC) lies in, as the silences that they are."""
    return [silence for name, one in windows.items() if (silence := one.silence(name, now)) is not None]
