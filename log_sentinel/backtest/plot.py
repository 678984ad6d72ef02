"""A replay as a picture of characters: denials over time, and below them when each rule had an incident.

denials       ▁▁▂▁▁▁▁▇█▃▁▁▁▁▁   4,312 at most in 2h
client-spike  ·······▪▪······
              24 Nov 00:00     +1 day
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from log_sentinel.backtest.history import MINUTE
from log_sentinel.config.durations import written
from log_sentinel.delivery.message.sparkline import BARS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from log_sentinel.backtest.replay import Replay, Span

QUIET, BUSY = "·", "▪"
# A column stands for one of these, the smallest that fits the width, or for so many weeks.
STEPS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 30, 60, 120, 240, 480, 720, 1440, 2880, 10080))
WEEK = STEPS[-1]
NARROWEST = 20


class Columns:
    """The span in columns of equal time, at most `width` of them. `counts`: denials in each, once added."""

    def __init__(self, span: Span, width: int) -> None:
        length = span.end - span.first
        wanted = max(width, NARROWEST)
        weeks = WEEK * -(-length // (wanted * WEEK))
        self.step = next((step for step in STEPS if -(-length // step) <= wanted), weeks)
        self.first = span.first
        self.counts = [0] * max(1, -(-length // self.step))

    def add(self, denied: pl.DataFrame) -> None:
        """Takes DENIED_MINUTES in."""
        for minute, n in denied.group_by("minute").agg(pl.col("n").sum()).iter_rows():
            at = self.at(minute)
            if 0 <= at < len(self.counts):
                self.counts[at] += n

    def at(self, moment: datetime) -> int:
        """The number of the column that `moment` lies in."""
        return (moment - self.first) // self.step


def picture(columns: Columns, replays: Sequence[Replay]) -> list[str]:
    """The lines of the picture; rules without an incident have none. Of two replays each is named with its rules."""
    rows = [("denials", _bars(columns.counts), f"{max(columns.counts):,} at most in {written(columns.step)}")]
    for replay in replays:
        for rule in replay.rules:
            marks = [QUIET] * len(columns.counts)
            incidents = [one for one in replay.incidents if one.rule == rule.name]
            for one in incidents:
                until = one.resolved_at or replay.span.end - MINUTE
                for at in range(max(0, columns.at(one.since)), min(len(marks) - 1, columns.at(until)) + 1):
                    marks[at] = BUSY
            if incidents:
                name = rule.name if len(replays) == 1 else f"{rule.name} ({replay.name})"
                rows.append((name, "".join(marks), str(len(incidents))))
    label = max(len(name) for name, _, _ in rows)
    lines = [f"{name:{label}}  {drawn}  {said}".rstrip() for name, drawn, said in rows]
    return [*lines, f"{'':{label}}  {columns.first:%d %b %H:%M} UTC, {written(columns.step)} a character"]


def _bars(counts: Sequence[int]) -> str:
    top = max(counts)
    # anything above zero is seen, however small beside the largest
    return "".join(BARS[min(7, max(int(n > 0), round(n / top * 7)))] if top else BARS[0] for n in counts)
