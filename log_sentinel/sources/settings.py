"""Settings of `[sources.NAME]`: where log lines come from."""

import ipaddress
from datetime import timedelta
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, model_validator

from log_sentinel.config.durations import Duration
from log_sentinel.config.section import Section

SHORTEST_POLL = timedelta(milliseconds=100)
MIB = 1 << 20


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        raise ValueError('an address or a network, as in "10.0.0.0/8", "192.0.2.7" or "2001:db8::/32"') from None


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError('a time zone of the tz database, as in "UTC" or "Europe/Berlin"') from None
    return name


def _poll(every: timedelta) -> timedelta:
    if every < SHORTEST_POLL:
        raise ValueError("at least 100ms: every poll looks at every file")
    return every


class FileSource(Section):
    """Files that a gateway appends to. `path` may be a glob (`*`, `?`, `[...]`, and `**` for any depth).

    `start` says where a file is begun that is there when the source is looked at for the first time. A file that
    appears later is always read from its beginning.
    """

    type: Literal["file"] = "file"
    path: Annotated[str, Field(min_length=1)]
    format: str | None = None
    log_format: str | None = None
    error_log: str | None = None
    trusted_proxies: tuple[Annotated[str, AfterValidator(_network)], ...] = ()
    zone: Annotated[str, AfterValidator(_zone)] = "UTC"
    start: Literal["end", "beginning"] = "end"
    poll_every: Annotated[Duration, AfterValidator(_poll)] = timedelta(seconds=1)
    # Folders that hold rotated files when they do not stay beside the live one (logrotate's `olddir`).
    rotated: tuple[str, ...] = ()
    # Globs of files that `path` matches and that are not logs to read.
    exclude: tuple[str, ...] = ()
    # How long a rotated file must have been silent before it is finished: its writer may not have let go of it.
    hold_rotated: Duration = timedelta(seconds=10)
    max_line_bytes: Annotated[int, Field(ge=1024, le=64 * MIB)] = MIB

    @model_validator(mode="after")
    def _one_format(self) -> Self:
        if self.format is not None and self.log_format is not None:
            raise ValueError(
                "format and log_format are both set; a source has one of them, or neither: then it is guessed"
            )
        return self


SourceSettings = FileSource
