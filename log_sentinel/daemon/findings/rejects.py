"""How many lines of each source nobody could read, and whether that has become worse."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from log_sentinel.daemon.findings.finding import Finding, Notice, State

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import datetime

LOOK = (
    "Look at them: log-sentinel sql \"select reason, sample from rejects where source = '{}' order by id desc limit 9\""
)
# Fewer are noise, whatever their share.
ENOUGH_REJECTS = 20
# So many of a day's lines are worth a look ...
NOTED_SHARE = 0.01
# ... and so many of the last hours', where before it were so many times fewer, mean that the format has changed.
WRONG_SHARE, TIMES_WORSE = 0.05, 5
RECENT = timedelta(hours=1)


def findings(
    rejected: pl.DataFrame, requests: pl.DataFrame, sources: Collection[str], now: datetime
) -> Iterator[Finding]:
    """Of the last day: store.vitals.REJECTED and SOURCE_MINUTES.

    Rejects are counted by the hour in which they were read, requests by their own time: of a log that is read as it is
    written that is the same.
    """
    recent_from = (now - RECENT).replace(minute=0, second=0, microsecond=0)
    for name in sources:
        bad, good = rejected.filter(pl.col("source") == name), requests.filter(pl.col("source") == name)
        recent = _share(bad.filter(pl.col("hour") >= recent_from), good.filter(pl.col("minute") >= recent_from))
        before = _share(bad.filter(pl.col("hour") < recent_from), good.filter(pl.col("minute") < recent_from))
        yield from _of_source(name, bad, recent, before)


def _of_source(name: str, bad: pl.DataFrame, recent: tuple[int, int], before: tuple[int, int]) -> Iterator[Finding]:
    rejects, lines = recent[0] + before[0], recent[1] + before[1]
    if not lines:
        return
    what = f"source {name}"
    says = f"{rejects} of {lines} lines of the last day could not be read ({rejects / lines:.1%})"
    if rejects:
        by_reason = bad.group_by("reason").agg(pl.col("n").sum()).sort("n", "reason", descending=[True, False])
        says += f", most of them: {by_reason['reason'][0]}"
    if _fell(recent, before):
        was = f"{before[0] / before[1]:.1%} before" if before[1] else "nothing is known of before"
        says = f"{recent[0] / recent[1]:.0%} of its lines cannot be read since lately ({was}); {says}"
        yield Finding(State.WRONG, what, says, f"Has the log's format changed? {LOOK.format(name)}", Notice.REJECTS)
    elif rejects >= ENOUGH_REJECTS and rejects >= NOTED_SHARE * lines:
        yield Finding(State.NOTE, what, says, LOOK.format(name))
    else:
        yield Finding(State.FINE, what, says)


def _fell(recent: tuple[int, int], before: tuple[int, int]) -> bool:
    rejects, lines = recent
    if rejects < ENOUGH_REJECTS or rejects < WRONG_SHARE * lines:
        return False
    return before[1] == 0 or rejects / lines >= TIMES_WORSE * before[0] / before[1]


def _share(bad: pl.DataFrame, good: pl.DataFrame) -> tuple[int, int]:
    """Rejects, and lines in all."""
    rejects = int(bad["n"].sum())
    return rejects, rejects + int(good["n"].sum())
