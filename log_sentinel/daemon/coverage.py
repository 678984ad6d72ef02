"""How much of a log is read, and of how many of its denials it is known by whom and why: judged on its last lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from log_sentinel.diagnosis.companions import explained
from log_sentinel.diagnosis.verdict import LIMITED, judge
from log_sentinel.model.columns import JUDGED
from log_sentinel.model.lines import Checkpoint, Lines, Move
from log_sentinel.parsing.companions import ErrorLogParser

if TYPE_CHECKING:
    from collections.abc import Callable

    from log_sentinel.parsing.error_logs import ErrorLog
    from log_sentinel.parsing.parser import Parser

SHOWN = 3
MORE_THAN_A_GUESS = 0.5


@dataclass(frozen=True, slots=True)
class Coverage:
    """Counts of the lines looked at.

    `explained`: denials of which by whom and why is known. `explainable`: those that would be with all that nginx can
    log. `shown`: the last SHOWN denials, or the last requests where none is. `unread`: a line that is not read, with
    the reason.
    """

    lines: int
    read: int
    denials: int
    explained: int
    explainable: int
    shown: pl.DataFrame
    unread: str | None


def coverage(
    parser: Parser,
    log: bytes,
    entries: bytes,
    error_log: ErrorLog,
    zone: str,
    silent: Callable[[str], bool],
) -> Coverage:
    """What `parser` makes of `log`, with the `entries` of the error log beside it (none: b""), times in `zone`.

    `silent` says of a path whether nginx may deny it without an entry.
    """
    definition = parser.definition
    parsed = parser.parse(_lines(log))
    denials, candidates = judge(parsed.denials, definition), judge(parsed.candidates, definition)
    denials = pl.concat([denials, candidates.filter(LIMITED)])
    candidates = candidates.filter(~LIMITED)
    companions = ErrorLogParser(error_log, zone).parse(_lines(entries)).companions
    told = explained(pl.concat([denials, candidates]), companions, error_log).select(list(JUDGED))
    rest = denials.join(told, on="origin_offset", how="anti")
    every = pl.concat([told, rest]).sort("origin_offset")
    known = (
        (pl.col("denied_by") != "unknown")
        & (pl.col("cause") != "unknown")
        & (pl.col("cause_confidence") >= MORE_THAN_A_GUESS)
    )
    unknown = every.filter(~known)
    # a 429 names its cause; who denied is told by the upstream's status, or there is an entry
    hidden = unknown.filter(pl.col("status") != 429)["path"]
    never = sum(silent(path or "") for path in hidden)
    rejected = sum(parsed.reject_counts.values())
    shown = every if every.height else _last(parser, log)
    unread = parsed.rejects.tail(1).select(pl.format("{}: {}", "reason", "sample")).to_series().to_list()
    return Coverage(
        lines=parsed.lines,
        read=parsed.lines - rejected,
        denials=every.height,
        explained=every.height - unknown.height,
        explainable=every.height - never,
        shown=shown.tail(SHOWN),
        unread=unread[0] if unread else None,
    )


def _last(parser: Parser, log: bytes) -> pl.DataFrame:
    """The last requests of a log without denials."""
    last = b"\n".join(log.rstrip(b"\n").split(b"\n")[-SHOWN:])
    return judge(parser.events(_lines(last)).frame, parser.definition)


def _lines(data: bytes) -> Lines:
    to = Checkpoint(0, "", "", 0, 0, 0, "", len(data), 0, "", len(data))
    return Lines("", data, Move(0, to))
