"""What has fallen silent: a source whose log stopped, a route nobody is denied on any more.

A key is silent when the window has at most the `times_usual`th part of what is usual at the least, by the flat mean or
by that of the hour, whichever is smaller: a night is no silence. `at_least` is how many must be usual in the window.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from log_sentinel.detection.counting import named
from log_sentinel.detection.judging import HIGH, SETTLED_MINUTES
from log_sentinel.detection.minutes import BIN
from log_sentinel.detection.requests import COUNTED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from log_sentinel.detection.judging import Knowledge
    from log_sentinel.detection.rule import Counted, Rule


def silent_keys(number: int, rule: Rule, counted: Sequence[Counted], minute: int, known: Knowledge) -> pl.DataFrame:
    """HIGH of one rule of kind silence, the rule at the place `number`: n is below what is expected."""
    usual = known.requests.usual if rule.of_requests else known.usual[rule.usual_over]
    what = (
        [one.dimension for one in COUNTED].index(rule.counted.dimension)
        if rule.of_requests
        else counted.index(rule.counted)
    )
    if known.lived < SETTLED_MINUTES:
        return pl.DataFrame(schema=HIGH)
    expected = (
        usual.expected(usual.entities_of(what), minute // BIN)
        .select("entity", expected=pl.col("least") * rule.window / BIN)
        .filter(pl.col("expected") >= rule.at_least)
        .collect()
    )
    census = known.requests.census if rule.of_requests else known.census
    there = census.by_minute(minute, rule.window, expected["entity"]).group_by("entity").agg(pl.col("n").sum())
    return (
        named(expected.lazy().join(there.lazy(), on="entity", how="left").with_columns(pl.col("n").fill_null(0)))
        .filter(pl.col("n") * rule.times_usual <= pl.col("expected"))
        .with_columns(
            rule=pl.lit(number, pl.Int64),
            surprise=pl.lit(0.0),
            since=pl.lit(minute - rule.window + 1, pl.Int64),
            # told apart from the entities of denials, which are numbered otherwise
            entity=pl.lit("requests of ") + pl.col("entity") if rule.of_requests else pl.col("entity"),
        )
        .select(list(HIGH))
        .collect()
    )
