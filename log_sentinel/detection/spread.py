"""Over how many others a key's denials are spread: what tells a scanner (one address, many routes) from a lost key.

A rule may ask for a number of distinct values (`distinct = { route = 20 }`) and for none of them to be large
(`largest = { ip = 0.1 }`: no address has more than a tenth), or for a part of all requests (`share = 0.8`).
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import polars as pl

from log_sentinel.detection import counting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from log_sentinel.detection.faults import Faults
    from log_sentinel.detection.high import High
    from log_sentinel.detection.requests import Requests
    from log_sentinel.detection.rule import Rule
    from log_sentinel.detection.window import Window


def as_asked(
    high: Sequence[High], rules: Sequence[Rule], minute: int, window: Window, requests: Requests, faults: Faults
) -> list[High]:
    """Those of `high` whose denials in the window are spread as their rules ask."""
    kept: list[High] = []
    for number, of_rule in groupby(high, key=lambda one: one.rule):
        with faults.of(rules[number].name):
            kept += _of_rule(list(of_rule), rules[number], minute, window, requests)
    return kept


def _of_rule(high: list[High], rule: Rule, minute: int, window: Window, requests: Requests) -> list[High]:
    if rule.share:
        dimension = rule.counted.dimension
        asked = {one.key: requests.in_window(rule.window, dimension, one.key) for one in high}
        high = [one for one in high if one.n >= rule.share * max(1, asked[one.key])]
    if high and (rule.distinct or rule.largest):
        spread = _spread(rule, {one.key for one in high}, minute, window)
        high = [one for one in high if one.key in spread]
    return high


def _spread(rule: Rule, keys: set[str], minute: int, window: Window) -> set[str]:
    """Those of `keys` that have as many distinct values, and none so large, as the rule asks."""
    of_keys = counting.key_of(rule.counted.dimension).is_in(list(keys))
    rows = window.rows(minute, rule.window).filter(counting.wanted(rule.counted) & of_keys)
    by_key = rows.with_columns(counting.key_of(rule.counted.dimension))
    if rule.distinct:
        distinct = by_key.group_by("key").agg(pl.col(column).drop_nulls().n_unique() for column, _ in rule.distinct)
        enough = pl.all_horizontal(pl.col(column) >= least for column, least in rule.distinct)
        keys = set(distinct.filter(enough)["key"])
    for column, most in rule.largest if keys else ():
        parts = by_key.group_by("key", column).agg(pl.col("n").sum())
        share = parts.group_by("key").agg((pl.col("n").max() / pl.col("n").sum()).alias("share"))
        keys &= set(share.filter(pl.col("share") <= most)["key"])
    return keys
