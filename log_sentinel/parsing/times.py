"""Times as logs write them, as milliseconds since 1970 UTC.

Month names are English whatever the locale. An offset is the line's own: it changes twice a year within one file.
Times without one (`datetime`, `error_log`) are in the zone the caller names; in the hour that a clock change repeats,
the first pass is taken. A leap second (:60) is the last millisecond before it. Years outside 1990 to 2099 are a
broken clock.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from log_sentinel.parsing.values import each

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MONTHS = dict(
    zip(("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), range(1, 13), strict=True)
)
CLF = re.compile(
    r"(\d\d)/([A-Z][a-z]{2})/(\d{4})[: ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?(?: ([+-])(\d\d)(\d\d))?", re.ASCII
)
ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?(?:(Z)|([+-])(\d\d):?(\d\d))?", re.ASCII
)
CTIME = re.compile(r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) ([ 0-3]\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))? (\d{4})", re.ASCII)
SLASHED = re.compile(r"(\d{4})/(\d\d)/(\d\d) (\d\d):(\d\d):(\d\d)", re.ASCII)
NUMBER = re.compile(r"\d{1,16}(?:\.\d{1,9})?", re.ASCII)
EARLIEST = 631_152_000_000  # 1990-01-01
LATEST = 4_102_444_800_000  # 2100-01-01
MINUTE = 60_000
HOUR = 3_600_000


def clf(value: object, zone: tzinfo) -> int | None:
    """24/Nov/2026:03:33:33 +0000, as nginx's $time_local and Apache's %t without brackets; HAProxy's with a fraction
    and without an offset (then `zone` holds)."""
    found = CLF.fullmatch(value) if isinstance(value, str) else None
    if found is None or found[2] not in MONTHS:
        return None
    day, _, year, hour, minute, second, fraction, sign, hours, minutes = found.groups()
    clock = (year, str(MONTHS[found[2]]), day, hour, minute, second)
    return _milliseconds(clock, fraction, _offset(sign, hours, minutes) if sign else zone)


def iso8601(value: object, zone: tzinfo) -> int | None:
    """2026-11-24T03:33:33.522Z, with an offset or without (then `zone` holds), T or a blank."""
    found = ISO.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return None
    *clock, fraction, zulu, sign, hours, minutes = found.groups()
    return _milliseconds(tuple(clock), fraction, UTC if zulu else _offset(sign, hours, minutes) if sign else zone)


def slashed(value: object, zone: tzinfo) -> int | None:
    """2026/11/24 03:33:33, as nginx's error log has it."""
    found = SLASHED.fullmatch(value) if isinstance(value, str) else None
    return None if found is None else _milliseconds(found.groups(), None, zone)


def apache_error(value: object, zone: tzinfo) -> int | None:
    """Tue Nov 24 03:33:58.010524 2026, as Apache's error log has it."""
    found = CTIME.fullmatch(value) if isinstance(value, str) else None
    if found is None or found[1] not in MONTHS:
        return None
    month, day, hour, minute, second, fraction, year = found.groups()
    return _milliseconds((year, str(MONTHS[month]), day, hour, minute, second), fraction, zone)


def epoch(factor: int) -> Callable[[object, tzinfo], int | None]:
    """A number of seconds (`factor` 1000) or milliseconds (1) since 1970, as a number or as text."""

    def read(value: object, zone: tzinfo) -> int | None:
        if isinstance(value, str):
            value = float(value) if NUMBER.fullmatch(value) else None
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        return round(value * factor) if EARLIEST <= value * factor < LATEST else None

    return read


def whichever(value: object, zone: tzinfo) -> int | None:
    """A moment in any of the forms that one field has with different settings of its writer: seconds or milliseconds
    since 1970 (told apart by their size), ISO 8601, or Apache's."""
    if isinstance(value, str):
        found = iso8601(value, zone) or clf(value, zone)
        if found is not None or NUMBER.fullmatch(value) is None:
            return found
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    milliseconds = value if value >= EARLIEST else value * 1000
    return round(milliseconds) if EARLIEST <= milliseconds < LATEST else None


DIALECTS: dict[str, Callable[[object, tzinfo], int | None]] = {
    "clf": clf,
    "iso8601": iso8601,
    "datetime": iso8601,
    "error_log": slashed,
    "apache_error": apache_error,
    "epoch_s": epoch(1000),
    "epoch_ms": epoch(1),
    "any": whichever,
}


class Clock:
    """Reads times of one dialect and remembers what it has read: a log repeats its seconds. Threads may share one.

    Of the commonest dialect, whose width is fixed, minutes are remembered and seconds added.
    """

    REMEMBERED = 20_000
    SECONDS = {f"{second:02d}": 1000 * second for second in range(60)}  # noqa: RUF012 - a constant
    TO_SECOND, AFTER_SECOND = len("24/Nov/2026:03:33:"), len("24/Nov/2026:03:33:33")

    def __init__(self, dialect: str, zone: str) -> None:
        self._dialect = DIALECTS[dialect]
        self._zone = ZoneInfo(zone)
        self._fixed, self._milliseconds = dialect == "clf", dialect == "epoch_ms"
        self._known: dict[str, int | None] = {}

    def read(self, value: object) -> int | None:
        """Milliseconds since 1970 UTC; None for what is no time, or none a gateway can have had."""
        if self._fixed and isinstance(value, str):
            second = self.SECONDS.get(value[self.TO_SECOND : self.AFTER_SECOND])
            if second is not None:
                minute = self._remembered(f"{value[: self.TO_SECOND]}00{value[self.AFTER_SECOND :]}")
                return None if minute is None else minute + second
        # numbers hardly ever come back, and a list or an object where a time belongs cannot be remembered
        return self._remembered(value) if isinstance(value, str) else self._dialect(value, self._zone)

    def read_all(self, values: Sequence[object]) -> list[int | None]:
        """Many times; whole milliseconds need no more than a look."""
        if not self._milliseconds:
            return each(self.read, values)
        if set(map(type, values)) == {int} and min(values) >= EARLIEST and max(values) < LATEST:  # type: ignore[type-var, operator]
            return list(values)  # type: ignore[arg-type]
        return list(map(self.read, values))

    def _remembered(self, value: str) -> int | None:
        try:
            return self._known[value]
        except KeyError:
            if len(self._known) >= self.REMEMBERED:
                self._known.clear()
            read = self._known[value] = self._dialect(value, self._zone)
            return read


def _offset(sign: str, hours: str, minutes: str) -> tzinfo | None:
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    if offset >= timedelta(hours=24):
        return None
    return timezone(-offset if sign == "-" else offset)


def _milliseconds(clock: tuple[str | None, ...], fraction: str | None, zone: tzinfo | None) -> int | None:
    if zone is None:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in clock)
    milliseconds = int((fraction or "0").ljust(3, "0")[:3])
    if second == 60:
        second, milliseconds = 59, 999
    try:
        at = datetime(year, month, day, hour, minute, second, tzinfo=zone)
        read = int(at.timestamp()) * 1000 + milliseconds
    except (ValueError, OverflowError):
        return None
    return read if EARLIEST <= read < LATEST else None
