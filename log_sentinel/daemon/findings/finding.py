"""One thing that was looked at, and how it is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """fine; note: it will work, but look; wrong: it does not work, or something is not seen."""

    FINE = "fine"
    NOTE = "note"
    WRONG = "wrong"


class Notice(StrEnum):
    """What the running daemon tells people of by itself: these are the rules of its notices."""

    PROXY = "proxy-seen"
    SILENT = "source-silent"
    REJECTS = "lines-unreadable"
    FORMAT = "format-unknown"
    CLOCK = "clock-off"
    LOST = "lines-lost"
    FILE = "file-trouble"
    DISK = "disk-low"
    AWAY = "database-away"
    CHANNEL = "channel-fails"
    JOB = "job-fails"
    REPORT = "daily-report"


@dataclass(frozen=True, slots=True)
class Finding:
    """`what` it is about (`source edge`), what it `says` and what `todo` is. With a `notice` people are told of it."""

    state: State
    what: str
    says: str
    todo: str = ""
    notice: Notice | None = None
