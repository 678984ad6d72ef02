"""The entries of an error log that may explain a denial."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from log_sentinel.model.columns import ACTIVITY, COMPANIONS, DENIALS, REJECTS, TIME, TRAFFIC, empty
from log_sentinel.model.parsed import ParsedLines
from log_sentinel.parsing.addresses import canonical
from log_sentinel.parsing.escapes import backslashes
from log_sentinel.parsing.line_starts import LineStarts
from log_sentinel.parsing.request_line import PATH_LIMIT, split_request
from log_sentinel.parsing.times import Clock

if TYPE_CHECKING:
    from collections.abc import Callable

    from log_sentinel.model.lines import Lines
    from log_sentinel.parsing.error_logs import ErrorLog

# nginx cuts an entry at 2048 bytes (NGX_MAX_ERROR_STR); what is longer is a stack trace or a dump
LINE_LIMIT = 4096


@dataclass(slots=True)
class ErrorLogParser:
    """Reads one source's error log. Threads may share one."""

    definition: ErrorLog
    zone: str
    conceal: Callable[[str], str] | None = None
    _clock: Clock = field(init=False)
    _entry: Callable[[str], re.Match[str] | None] = field(init=False)
    _messages: list[tuple[str, re.Pattern[str], re.Pattern[str] | None, str]] = field(init=False)

    def __post_init__(self) -> None:
        self._clock = Clock(self.definition.unit, self.definition.zone or self.zone)
        self._entry = re.compile(self.definition.entry, re.ASCII).fullmatch
        self._messages = [
            (each.kind, re.compile(each.matches), re.compile(each.unless) if each.unless else None, each.says)
            for each in self.definition.messages
        ]

    def parse(self, lines: Lines) -> ParsedLines:
        """COMPANIONS of a batch; all other frames are empty. What tells nothing is neither kept nor rejected.

        `request` is "METHOD path", as the denial's columns have it, cut as they are; "= path" or "* FILE" where the
        entry has no request and its message names these.
        """
        batch = LineStarts(lines)
        rows = []
        for number, line in enumerate(batch.lines):
            found = self._companion(line[:LINE_LIMIT].decode("utf-8", "replace").replace("\0", "\ufffd").strip())
            if found is not None:
                rows.append((found[0], batch.offset(number), *found[1:]))
        frame = pl.DataFrame(rows, schema=COMPANIONS | {"time": pl.Int64}, orient="row").cast({"time": TIME})
        return ParsedLines(
            denials=empty(DENIALS),
            candidates=empty(DENIALS),
            traffic=empty(TRAFFIC),
            activity=empty(ACTIVITY),
            companions=frame,
            rejects=empty(REJECTS),
            reject_counts={},
            lines=len(batch.lines),
        )

    def _companion(self, text: str) -> tuple[int, str, int | None, str | None, str | None, str | None, str] | None:
        entry = self._entry(text)
        if entry is None:
            return None
        fields = entry.groupdict()
        told = self._told(fields["message"])
        time = self._clock.read(fields["time"]) if told is not None else None
        if told is None or time is None:
            return None
        kind, zone, led_to, says = told
        connection, client = fields.get("connection"), fields.get("client")
        target = split_request(fields.get("request"))
        request = f"{target.method} {target.path[:PATH_LIMIT]}" if target.method and target.path else None
        if request is None and led_to is not None:
            request = led_to
        return (
            time,
            kind,
            int(connection) if connection else None,
            self._address(client),
            request,
            zone,
            says,
        )

    def _address(self, client: str | None) -> str | None:
        """As the requests have it."""
        address = canonical(client) if client else None
        return address if address is None or self.conceal is None else self.conceal(address)

    def _told(self, message: str) -> tuple[str, str | None, str | None, str] | None:
        for kind, matches, unless, says in self._messages:
            found = matches.search(message)
            if found is not None and (unless is None or unless.search(message) is None):
                groups = found.groupdict()
                return kind, groups.get("zone"), _led_to(groups), says
        return None


def _led_to(groups: dict[str, str | None]) -> str | None:
    """A request by its path alone, or by the file that it led to."""
    for mark, name in (("= ", "path"), ("* ", "file")):
        if (value := groups.get(name)) is not None:
            return mark + backslashes(value)[:PATH_LIMIT]
    return None
