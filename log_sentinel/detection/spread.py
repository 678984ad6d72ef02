"""Over how many others a key's denials are spread: what tells a scanner (one address, many routes) from a lost key.

A rule may ask for a number of distinct values (`distinct = { route = 20 }`) and for none of them to be large
(`largest = { ip = 0.1 }`: no address has more than a tenth), or for a part of all requests (`share = 0.8`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from log_sentinel.detection import counting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from log_sentinel.detection.faults import Faults
    from log_sentinel.detection.requests import Requests
    from log_sentinel.detection.rule import Rule
    from log_sentinel.detection.window import Window


def as_asked(
    high: pl.DataFrame, rules: Sequence[Rule], minute: int, window: Window, requests: Requests, faults: Faults
) -> pl.DataFrame:
    """The rows of HIGH whose denials in the window are spread as their rules ask."""
    kept = [high.clear()]
    for (number,), of_rule in high.partition_by("rule", as_dict=True, maintain_order=True).items():
        with faults.of(rules[number].name):
            kept.append(_of_rule(of_rule, rules[number], minute, window, requests))
    return pl.concat(kept)


def _of_rule(high: pl.DataFrame, rule: Rule, minute: int, window: Window, requests: Requests) -> pl.DataFrame:
    if rule.distinct or rule.largest:
        high = high.filter(pl.col("key").is_in(_spread(rule, high["key"], minute, window).implode()))
    if rule.share:
        enough = [
            n >= rule.share * max(1, requests.in_window(minute, rule.window, rule.counted.dimension, key))
            for key, n in high.select("key", "n").iter_rows()
        ]
        high = high.filter(pl.Series(enough, dtype=pl.Boolean))
    return high


def _spread(rule: Rule, keys: pl.Series, minute: int, window: Window) -> pl.Series:
    rows = (
        window.rows(minute, rule.window)
        .filter(counting.wanted(rule.counted))
        .with_columns(counting.key_of(rule.counted.dimension))
        .filter(pl.col("key").is_in(keys.implode()))
    )
    for column, least in rule.distinct:
        spread = rows.drop_nulls(column).group_by("key").agg(pl.col(column).n_unique().alias("distinct"))
        rows = rows.filter(pl.col("key").is_in(spread.filter(pl.col("distinct") >= least)["key"].implode()))
    for column, most in rule.largest:
        parts = rows.group_by("key", column).agg(pl.col("n").sum())
        share = parts.group_by("key").agg((pl.col("n").max() / pl.col("n").sum()).alias("share"))
        rows = rows.filter(pl.col("key").is_in(share.filter(pl.col("share") <= most)["key"].implode()))
    return rows["key"].unique()
