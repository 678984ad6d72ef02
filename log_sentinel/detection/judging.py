"""Which entities are high at the end of a minute, for all rules at once.

A threshold is reached by `at_least` denials in the window, a ratio by `times_usual` times the usual besides. A spike
must also be more than chance: with denials that come in clusters (`dispersion`) and a mean that drifts (DRIFT), the
surprise of c denials where m are usual is the Chernoff bound of a quasi-Poisson tail,

    surprise = (c ln(c/m) - c + m) / (dispersion + DRIFT^2 m)

in natural units, and it must exceed ln(entities x windows a week / false alarms a week): Bonferroni on the budget. It
is looked for in the window and, for what is small and lasts, in the last hour.

Whatever reaches must have been high in several of the last minutes: a script that retries for ten seconds is no
incident. What fires goes on firing until it is half way back to the usual, so that a rule does not flap around its
threshold.

A deployment whose first day is not over cannot tell an hourly job from an incident: rules that need a usual then ask
for more high minutes, and for the first twenty minutes they say nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from log_sentinel.detection.counting import named
from log_sentinel.detection.minutes import BIN
from log_sentinel.detection.rule import Kind
from log_sentinel.model.spike import Dimension

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import timedelta

    from log_sentinel.detection.baseline import Baseline
    from log_sentinel.detection.bursts import Bursts
    from log_sentinel.detection.census import Census
    from log_sentinel.detection.firing import Firing
    from log_sentinel.detection.requests import Requests
    from log_sentinel.detection.rule import Counted, Rule

# rule: its place among the rules. n: denials in the window; expected: how many are usual (null for a threshold);
# since: first high minute.
HIGH: dict[str, type[pl.DataType]] = {
    "rule": pl.Int64,
    "entity": pl.String,
    "key": pl.String,
    "status": pl.Int64,
    "n": pl.Int64,
    "expected": pl.Float64,
    "surprise": pl.Float64,
    "since": pl.Int64,
}

RULES: dict[str, type[pl.DataType]] = {
    "rule": pl.Int64,
    "what": pl.Int64,
    "dimension": pl.String,
    "kind": pl.String,
    "window": pl.Int64,
    "at_least": pl.Int64,
    "times": pl.Float64,
    "confirm": pl.Int64,
    "over": pl.String,
}

# Spikes of one rule told at one minute. Of more, the largest.
MOST_SPIKES = 50
SETTLED_MINUTES = 24 * 60
SILENT_MINUTES = 20
# Of how many minutes beyond `for` the high ones may be: 3 of the last 5, in a young deployment 8 of the last 10.
SLACK = 2
YOUNG_EXTRA = 5

DRIFT = 0.3
WINDOWS_A_WEEK = 7 * 24 * 60 / BIN
HOUR = 60
# What the hour must show: so many times the rule's floor, that part of its factor, denials in so many of its minutes,
# high ones among the last ten.
HOUR_FLOOR, HOUR_TIMES, HOUR_ACTIVE, HOUR_HIGH = 3, 0.83, 12, 4


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What is judged by: counts, what is usual by half-life, all requests, ordinary bursts, minutes seen so far."""

    census: Census
    usual: Mapping[timedelta, Baseline]
    requests: Requests
    bursts: Bursts
    lived: int
    false_alarms_per_week: float


class Judging:
    """Judges every minute by `rules`, whose entities are numbered by the places of `counted`."""

    def __init__(self, rules: Sequence[Rule], counted: Sequence[Counted]) -> None:
        by_counts = [rule for rule in rules if rule.kind is not Kind.SILENCE]
        self._windows = sorted({rule.window for rule in by_counts})
        self._floors = {
            window: min(rule.at_least for rule in by_counts if rule.window == window) for window in self._windows
        }
        self._of_window = {
            window: [
                pl.col("entity").str.starts_with(f"{what}|")
                for what in {counted.index(rule.counted) for rule in by_counts if rule.window == window}
            ]
            for window in self._windows
        }
        self._rules = pl.DataFrame(
            [
                {
                    "rule": number,
                    "what": counted.index(rule.counted),
                    "dimension": rule.counted.dimension.value,
                    "kind": rule.kind.value,
                    "window": rule.window,
                    "at_least": rule.at_least,
                    "times": rule.times_usual,
                    "confirm": rule.confirm,
                    "over": str(rule.usual_over),
                }
                for number, rule in enumerate(rules)
                if rule.kind is not Kind.SILENCE
            ],
            schema=RULES,
        )

    def high(self, minute: int, known: Knowledge, firing: Mapping[int, Firing]) -> pl.DataFrame:
        """HIGH for the windows that end with `minute`, at most MOST_SPIKES rows a rule, the largest first."""
        firing_still = [(rule, entity) for rule, memory in firing.items() for entity in memory.firing(minute - 1)]
        candidates = self._candidates(minute, known)
        if candidates.is_empty():
            return pl.DataFrame(schema=HIGH)
        still = pl.DataFrame(
            firing_still,
            schema={"rule": pl.Int64, "entity": pl.String},
            orient="row",
        ).with_columns(still=True)
        usual = self._with_usual(candidates, minute, known).filter(pl.col("n") >= pl.col("held"))
        course = known.census.by_minute(minute, HOUR, candidates["entity"].unique())
        judged = (
            _with_minutes(usual, course, minute, known.lived)
            .join(still.lazy(), on=["rule", "entity"], how="left")
            .collect()
        )
        judged = _with_ordinary(judged, minute, known.bursts)
        fires = pl.col("still").fill_null(value=False) | _reached(known)
        high = (
            judged.with_columns(surprise=surprise(pl.col("n"), pl.col("mean"), pl.col("dispersion")))
            .filter(fires)
            .select(list(HIGH))
            .sort("rule", "n", "key", descending=[False, True, False])
            .group_by("rule", maintain_order=True)
            .head(MOST_SPIKES)
            .select(list(HIGH))
        )
        known.bursts.told(high["entity"])
        return high

    def _candidates(self, minute: int, known: Knowledge) -> pl.DataFrame:
        """The rules' columns, entity, key, status and n: what has half of the rule's floor."""
        found = []
        for window in self._windows:
            rules = self._rules.filter(pl.col("window") == window).lazy()
            rows = known.census.by_minute(minute, window).lazy()
            if window > BIN:
                # most entities are no matter of the few rules with wide windows
                rows = rows.filter(pl.any_horizontal(self._of_window[window]))
            sums = rows.group_by("entity").agg(pl.col("n").sum()).filter(2 * pl.col("n") >= self._floors[window])
            found.append(named(sums).join(rules, on="what").filter(2 * pl.col("n") >= pl.col("at_least")))
        if not found:
            return pl.DataFrame(schema=RULES)
        spoken = (pl.col("kind") == Kind.THRESHOLD) | (known.lived >= SILENT_MINUTES)
        return pl.concat(found).filter(spoken).collect()

    def _with_usual(self, candidates: pl.DataFrame, minute: int, known: Knowledge) -> pl.LazyFrame:
        """With expected (null for a threshold), mean (never null), dispersion; needed to fire, held to go on."""
        usual = pl.concat(
            baseline.expected(
                candidates.filter(pl.col("over") == str(over))["entity"].unique(), minute // BIN
            ).with_columns(over=pl.lit(str(over)))
            for over, baseline in known.usual.items()
        )
        factors = known.requests.factors(candidates.select("dimension", "key").unique(), minute, BIN)
        expected = pl.when(pl.col("kind") != Kind.THRESHOLD).then(
            pl.col("usual") * pl.col("factor") * pl.col("window") / BIN
        )
        return (
            candidates.lazy()
            .join(usual, on=["entity", "over"])
            .join(factors, on=["dimension", "key"])
            .with_columns(expected=expected)
            .with_columns(
                mean=pl.col("expected").fill_null(0.0),
                needed=pl.max_horizontal("at_least", (pl.col("expected") * pl.col("times")).fill_null(0.0)),
                held=pl.max_horizontal(
                    pl.col("at_least") / 2, (pl.col("expected") * (1 + pl.col("times")) / 2).fill_null(0.0)
                ),
            )
        )


def surprise(count: pl.Expr, mean: pl.Expr, dispersion: pl.Expr) -> pl.Expr:
    """How surprising `count` is where `mean` is usual, in natural units; 0 where it is not more than usual."""
    c, m = count.cast(pl.Float64), pl.max_horizontal(mean, pl.lit(1e-9))
    bound = (c * (c / m).log() - c + m) / (dispersion + DRIFT**2 * m)
    return pl.when(c > m).then(bound).otherwise(0.0)


def threshold(known: Knowledge) -> float:
    """The surprise that chance does not bring more often than the budget of false alarms allows."""
    entities = max(1, *(baseline.entities for baseline in known.usual.values()))
    return math.log(entities * WINDOWS_A_WEEK / known.false_alarms_per_week)


def _with_minutes(judged: pl.LazyFrame, by_minute: pl.DataFrame, minute: int, lived: int) -> pl.LazyFrame:
    """With high and asked (minutes of the window), since; of the hour: hour (denials), active, hour_high (minutes)."""
    young = (pl.col("kind") != Kind.THRESHOLD) & (pl.col("confirm") > 1) & (lived < SETTLED_MINUTES)
    asked = pl.col("confirm") + pl.when(young).then(YOUNG_EXTRA).otherwise(0)
    usual = pl.col("mean") / pl.col("window")
    excess = pl.col("n") / pl.col("window") - usual
    floor = pl.max_horizontal(pl.min_horizontal(2.0, "at_least"), 1.5 * usual, usual + 0.5 * excess)
    entities = judged.with_columns(asked=asked, floor=floor, usual_minute=usual)
    age = minute - pl.col("minute")
    is_high = pl.col("in_minute") >= pl.col("floor")
    # in the hour's eyes a minute is high by the hour's own mean
    is_raised = pl.col("in_minute") >= pl.max_horizontal(pl.lit(2.0), 1.5 * pl.col("usual_minute"))
    span = pl.max_horizontal("window", pl.col("asked") + SLACK)
    course = (
        by_minute.lazy()
        .rename({"n": "in_minute"})
        .join(entities.select("rule", "entity", "asked", "window", "floor", "usual_minute"), on="entity")
        .group_by("rule", "entity")
        .agg(
            since=pl.col("minute").filter(is_high & (age < span)).min(),
            high=(is_high & (age < span)).sum(),
            hour=pl.col("in_minute").filter(age < HOUR).sum(),
            active=((pl.col("in_minute") > 0) & (age < HOUR)).sum(),
            hour_high=(is_raised & (age < 10)).sum(),
        )
    )
    return entities.join(course, on=["rule", "entity"], how="left").with_columns(
        pl.col("since").fill_null(minute), pl.col("high", "hour", "active", "hour_high").fill_null(0)
    )


def _with_ordinary(judged: pl.DataFrame, minute: int, bursts: Bursts) -> pl.DataFrame:
    """With ordinary: a burst as this entity, or any that is new, has them now and then."""
    bursts.end(minute)
    seen = judged.filter(
        (pl.col("kind") == Kind.SPIKE)
        & (pl.col("dimension") != Dimension.ALL)
        & (pl.col("high") >= pl.col("confirm"))
        & (pl.col("n") >= pl.col("needed"))
    )
    ordinary = []
    for entity, n, mean in seen.select("entity", "n", "mean").iter_rows():
        bursts.see(minute, entity, n, mean)
        ordinary.append(n <= bursts.floor(entity, mean) or bursts.muted(minute, entity, n))
    found = seen.select("rule", "entity").with_columns(ordinary=pl.Series(ordinary, dtype=pl.Boolean))
    return judged.join(found, on=["rule", "entity"], how="left").with_columns(pl.col("ordinary").fill_null(value=False))


def _reached(known: Knowledge) -> pl.Expr:
    limit = threshold(known)
    confirmed = pl.col("high") >= pl.col("asked")
    plain = (pl.col("n") >= pl.col("needed")) & confirmed
    fast = plain & (surprise(pl.col("n"), pl.col("mean"), pl.col("dispersion")) > limit) & ~pl.col("ordinary")
    hour_mean = pl.col("mean") / pl.col("window") * HOUR
    slow = (
        (pl.col("hour") >= HOUR_FLOOR * pl.col("at_least"))
        & (pl.col("hour") >= HOUR_TIMES * pl.col("times") * hour_mean)
        & (surprise(pl.col("hour"), hour_mean, pl.col("dispersion")) > limit)
        & (pl.col("active") >= HOUR_ACTIVE)
        & (pl.col("hour_high") >= HOUR_HIGH)
        & (known.lived >= HOUR + SILENT_MINUTES)
    )
    return pl.when(pl.col("kind") == Kind.SPIKE).then(fast | slow).otherwise(plain)
