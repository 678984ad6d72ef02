"""Points in time as the command line has them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import typer

from log_sentinel.config import durations


def when(text: str) -> datetime | timedelta:
    """A time (UTC), or how long before another one. Times without a zone are UTC."""
    try:
        return durations.parse(text)
    except ValueError:
        pass
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise typer.BadParameter(
            f'"{text}" is no time; write it as in 2026-11-24, "2026-11-24 10:00" (UTC) or 2026-11-24T10:00+01:00, '
            "or how long before the end, as in 7d"
        ) from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)


def before(end: datetime, found: datetime | timedelta) -> datetime:
    """What `when` gave as a time, whole minutes; a duration counts back from `end`."""
    moment = found if isinstance(found, datetime) else end - found
    return moment.replace(second=0, microsecond=0)
