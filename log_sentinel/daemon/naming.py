"""What files that are read once are called: the names of the sources that follow them, where some do."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from log_sentinel.sources.settings import FileSource

if TYPE_CHECKING:
    from log_sentinel.daemon.settings import Settings

STDIN = "-"
# What rotation and compression put behind a log's name: access.log.1, access.log-20261124.gz
ROTATED = re.compile(r"([.-]\d+)*(\.(gz|zst))?$", re.ASCII)


def source_name(settings: Settings, path: str) -> str:
    """The configured source that follows `path` or its rotated siblings, so that both share checkpoints; else its stem.

    `access.log.2.gz` is of the same source as `access.log`. STDIN is "stdin".
    """
    if path == STDIN:
        return "stdin"
    either = with_live(path)
    for name, source in settings.sources.items():
        if isinstance(source, FileSource) and any(one.match(source.path) for one in either):
            return name
    live = either[1]
    return live.stem or live.name or str(live)


def explained_by(settings: Settings, path: str) -> str | None:
    """The configured source whose error log `path` is, or was before it was rotated."""
    for name, source in settings.sources.items():
        if (
            isinstance(source, FileSource)
            and source.error_log
            and any(one.match(source.error_log) for one in with_live(path))
        ):
            return name
    return None


def with_live(path: str) -> tuple[Path, Path]:
    """`path`, absolute, and the log that it was before it was rotated."""
    absolute = Path(path).absolute()
    name = ROTATED.sub("", absolute.name) or absolute.name
    return absolute, absolute.with_name(name) if absolute.name else absolute
