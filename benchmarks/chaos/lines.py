"""Numbered log lines, and the row and the counts that each must become. Everything follows from a line's number."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

# Every third line is denied and becomes a row; the others are only counted.
STATUSES = (403, 200, 200, 304, 403, 500)
# So many lines make a second of the log's time.
LINES_PER_SECOND = 100
ADDRESSES = 200
# Lines written between a copytruncate's copy and its truncation have a status of their own: they may be lost.
WINDOW_STATUS = 429


@dataclass(frozen=True, slots=True)
class Fact:
    """What is to be known of one line."""

    path: str
    status: int
    ip: str
    time: datetime


class Numbering:
    """The lines of the log `name`, whose time starts at `began` (UTC, whole seconds)."""

    def __init__(self, name: str, began: datetime) -> None:
        self.name = name
        self._began = began

    def fact(self, number: int) -> Fact:
        status = STATUSES[number % len(STATUSES)]
        return Fact(f"/{self.name}/n/{number:09d}", status, f"198.51.100.{number % ADDRESSES}", self._time(number))

    def window_fact(self, number: int) -> Fact:
        """As `fact`, of the `number`-th line of all windows."""
        return Fact(f"/{self.name}/w/{number:09d}", WINDOW_STATUS, "203.0.113.1", self._began)

    def lines(self, numbers: range) -> bytes:
        return "".join(map(_combined, map(self.fact, numbers))).encode()

    def window_lines(self, numbers: range) -> bytes:
        return "".join(map(_combined, map(self.window_fact, numbers))).encode()

    def _time(self, number: int) -> datetime:
        return self._began + timedelta(seconds=number // LINES_PER_SECOND)


def began_before(now: datetime, lines: int) -> datetime:
    """When a log of so many lines began that ends about now."""
    return now.astimezone(UTC).replace(microsecond=0) - timedelta(seconds=lines // LINES_PER_SECOND + 60)


def _combined(fact: Fact) -> str:
    stamp = fact.time.strftime("%d/%b/%Y:%H:%M:%S +0000")
    return f'{fact.ip} - - [{stamp}] "GET {fact.path} HTTP/1.1" {fact.status} 99 "-" "okhttp/4.12.0"\n'
