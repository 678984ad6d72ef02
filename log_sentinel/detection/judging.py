"""Which keys a rule finds high at the end of a minute.

A key fires when its denials in the window reach `at_least` and, for a ratio, `times_usual` times what is usual for it,
and enough of the last minutes were high themselves: a script that retries for ten seconds is no incident. What is usual
is scaled by the traffic. A key that fires goes on firing down to half of both figures, so that a rule does not flap
around its threshold.

A deployment whose first day is not over cannot tell an hourly job from an incident, so that a ratio then asks for more
high minutes, and for its first quarter of an hour it says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from log_sentinel.detection.rule import Kind

if TYPE_CHECKING:
    from log_sentinel.detection.baseline import Baseline
    from log_sentinel.detection.firing import Firing
    from log_sentinel.detection.requests import Requests
    from log_sentinel.detection.rule import Rule
    from log_sentinel.detection.tally import Tally

# key; n: denials in the window; expected: how many are usual (null for a threshold); since: first high minute;
# new: fires now, not only still.
HIGH: dict[str, type[pl.DataType]] = {
    "key": pl.String,
    "n": pl.Int64,
    "expected": pl.Float64,
    "since": pl.Int64,
    "new": pl.Boolean,
}

# Spikes of one rule told at one minute. Of more, the largest; the others are counted.
MOST_SPIKES = 50
SETTLED_MINUTES = 24 * 60
SILENT_MINUTES = 15
# Of how many minutes beyond `for` the high ones may be: 3 of the last 5, in a young deployment 8 of the last 10.
SLACK = 2
YOUNG_EXTRA = 5
RECENT = 60


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What a rule judges by: the counts, what is usual, all requests, and how many minutes have been seen."""

    tally: Tally
    usual: Baseline | None
    requests: Requests
    lived: int


def high_keys(rule: Rule, minute: int, known: Knowledge, firing: Firing) -> pl.DataFrame:
    """HIGH for the window that ends with `minute`, at most MOST_SPIKES rows, the largest first."""
    sums = known.tally.sums(minute, rule.window).filter(pl.col("n") * 2 >= rule.at_least)
    if sums.is_empty():
        return pl.DataFrame(schema=HIGH)
    if rule.kind is Kind.RATIO:
        if known.lived < SILENT_MINUTES:
            return pl.DataFrame(schema=HIGH)
        sums = sums.join(expected(sums["key"], rule, minute, known), on="key").filter(
            pl.col("n") * 2 >= pl.col("expected") * rule.times_usual
        )
    else:
        sums = sums.with_columns(expected=pl.lit(None, pl.Float64))
    reached = pl.col("n") >= pl.max_horizontal(
        pl.lit(rule.at_least), (pl.col("expected") * rule.times_usual).fill_null(0)
    )
    still = pl.col("key").is_in(firing.firing(minute - 1))
    judged = _confirmed(sums, rule, minute, known)
    return (
        judged.with_columns(new=reached & pl.col("enough"))
        .filter(pl.col("new") | still)
        .select(list(HIGH))
        .sort("n", "key", descending=[True, False])
        .head(MOST_SPIKES)
    )


def expected(keys: pl.Series, rule: Rule, minute: int, known: Knowledge) -> pl.DataFrame:
    """key, expected (Float64): how many denials are usual in the rule's window, given the present traffic."""
    usual = known.usual
    if usual is None:
        raise ValueError(f'rule "{rule.name}": a rule of kind "{rule.kind}" has no usual.')
    means = usual.expected(keys, rule.window)
    if usual.young:
        means = (
            means.join(_recent(keys, rule, minute, known), on="key", how="left")
            .with_columns(expected=pl.max_horizontal("expected", "recent"))
            .drop("recent")
        )
    factors = known.requests.factors(keys, rule.counted.dimension, minute, rule.window)
    return means.join(factors, on="key").select("key", expected=pl.col("expected") * pl.col("factor"))


def _recent(keys: pl.Series, rule: Rule, minute: int, known: Knowledge) -> pl.DataFrame:
    """key, recent: the mean of the minutes in memory before the window, for as long as little has been learned."""
    before = max(1, min(RECENT, known.lived) - rule.window)
    past = known.tally.by_minute(minute - rule.window, before, keys)
    return past.group_by("key").agg(recent=pl.col("n").sum() * (rule.window / before))


def _confirmed(sums: pl.DataFrame, rule: Rule, minute: int, known: Knowledge) -> pl.DataFrame:
    """`sums` with `enough` (as many minutes were high as the rule asks for) and `since`, the first of them."""
    asked = rule.confirm
    if rule.kind is Kind.RATIO and asked > 1 and known.lived < SETTLED_MINUTES:
        asked += YOUNG_EXTRA
    of = max(rule.window, asked + SLACK)
    usual = (pl.col("expected").fill_null(0.0)) / rule.window
    excess = pl.col("n").cast(pl.Float64) / rule.window - usual
    floor = pl.max_horizontal(pl.lit(min(2.0, rule.at_least)), 1.5 * usual, usual + 0.5 * excess)
    high = (
        known.tally.by_minute(minute, of, sums["key"])
        .rename({"n": "in_minute"})
        .join(sums.select("key", floor=floor), on="key")
        .filter(pl.col("in_minute") >= pl.col("floor"))
        .group_by("key")
        .agg(since=pl.col("minute").min(), high=pl.len())
    )
    return sums.join(high, on="key", how="left").with_columns(
        enough=pl.col("high").fill_null(0) >= asked, since=pl.col("since").fill_null(minute)
    )
