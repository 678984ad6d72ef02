"""Minutes of event time as whole numbers since 1970, so that windows are arithmetic."""

from __future__ import annotations

from datetime import UTC, datetime

# Usual counts are learned in bins of this many minutes.
BIN = 5


def number(minute: datetime) -> int:
    """The number of the minute that `minute` (UTC) lies in."""
    return int(minute.timestamp()) // 60


def moment(number: int) -> datetime:
    """The start of that minute, UTC."""
    return datetime.fromtimestamp(number * 60, UTC)
