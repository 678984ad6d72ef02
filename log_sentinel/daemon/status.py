"""One line now and then that says the daemon works: how fast lines come in, what was stored, how far behind it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from log_sentinel.daemon.tally import Tally
    from log_sentinel.sources.source import Source

log = structlog.get_logger(__name__)


class Status:
    """Call it on a schedule; each line speaks of the time since the line before it."""

    def __init__(self, tally: Tally, sources: Sequence[Source], began: datetime) -> None:
        self._tally = tally
        self._sources = sources
        self._last, self._lines, self._denials = began, 0, 0

    def __call__(self, now: datetime) -> None:
        lines, denials = self._tally.lines, self._tally.denials
        seconds = max((now - self._last).total_seconds(), 0.001)
        log.info(
            "status",
            lines_per_second=round((lines - self._lines) / seconds),
            denials=denials - self._denials,
            lines_in_all=lines,
            denials_in_all=denials,
            rejected_in_all=self._tally.rejects.total(),
            bytes_behind=sum(source.behind() for source in self._sources),
        )
        self._last, self._lines, self._denials = now, lines, denials
