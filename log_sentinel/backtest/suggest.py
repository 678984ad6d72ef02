"""Proposes a threshold: the smallest that would not have fired more often than people want to hear of it.

Every threshold of a ladder is a rule, and all of them are run over the history at once: the counts are the rules' own,
with `for`, the usual and everything else, and not an estimate.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from log_sentinel.backtest.replay import Span, replayed, stretches
from log_sentinel.detection.counting import key_of, with_network
from log_sentinel.detection.rule import Rule, Series
from log_sentinel.detection.trial import try_series

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from log_sentinel.backtest.history import History
    from log_sentinel.backtest.replay import Firing
    from log_sentinel.detection.settings import DetectionSettings

LEAST = 10
ROUND = (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)
# Beyond twice the most that ever was there is nothing to learn from the past.
BEYOND = 2
QUIET, BURST = 10, 30
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Rung:
    """A threshold, and when it would have fired."""

    at_least: int
    firings: tuple[Firing, ...]

    @property
    def hours(self) -> int:
        """The firings, each once for every hour it began: one that never ends is no quiet rule's."""
        return sum(1 + (one.until - one.since) // HOUR for one in self.firings)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """`rule` with the threshold `chosen` and series that prove it; `rungs`: what was tried, the lowest first."""

    rule: Rule
    chosen: Rung
    rungs: tuple[Rung, ...]
    span: Span


def suggested(
    wanted: Rule,
    a_week: float,
    settings: DetectionSettings,
    history: History,
    span: Span,
    progress: Callable[[datetime], None] = lambda minute: None,
) -> Suggestion:
    """`wanted` with the smallest `at_least` that fires in at most `a_week` hours of a week in `span`."""
    ladder = thresholds(_most(wanted, history, span))
    rules = [replace(wanted, name=str(at_least), at_least=at_least) for at_least in ladder]
    firings = replayed("ladder", rules, settings, history, span, progress).firings
    rungs = tuple(Rung(at_least, tuple(one for one in firings if one.rule == str(at_least))) for at_least in ladder)
    allowed = a_week * span.weeks
    chosen = next((rung for rung in rungs if rung.hours <= allowed), rungs[-1])
    rule = replace(wanted, at_least=chosen.at_least)
    return Suggestion(replace(rule, series=_series(rule)), chosen, rungs, span)


def thresholds(most: int) -> list[int]:
    """Round numbers from LEAST to the first beyond `most`."""
    found, scale = [], LEAST
    while True:
        for factor in ROUND:
            found.append(round(scale * factor))
            if found[-1] > most:
                return found
        scale *= 10


def _most(rule: Rule, history: History, span: Span) -> int:
    """At most so many denials a key had in the window: twice those of the window's length by the clock."""
    most = 0
    for since, until in stretches(span.first, span.end):
        denied, _ = history.read(since, until)
        largest = (
            with_network(denied)
            .with_columns(key_of(rule.counted.dimension))
            .drop_nulls("key")
            .group_by("key", pl.col("minute").dt.truncate(f"{rule.window}m"))
            .agg(pl.col("n").sum())["n"]
            .max()
        )
        most = max(most, int(str(largest or 0)))
    return BEYOND * most


def _series(rule: Rule) -> tuple[Series, ...]:
    """A burst of twice the threshold, at whatever minute it fires, and half of it for one window, which is quiet."""
    burst = -(-2 * rule.at_least // rule.window)
    half = rule.at_least // (2 * rule.window)
    series = (
        Series("twice as many as the threshold", (0,) * QUIET + (burst,) * BURST),
        Series("half as many", (0,) * QUIET + (half,) * rule.window + (0,) * BURST),
    )
    return tuple(
        replace(one, fires_at=outcome.fired_at, resolves_at=outcome.resolved_at)
        for one in series
        if sum(one.denials)
        for outcome in [try_series(rule, one)]
    )
