"""Over how many others a key's denials are spread: what tells a scanner (one address, many routes) from a lost key.

A rule may ask for a number of distinct values (`distinct = { route = 20 }`) and for none of them to be large
(`largest = { ip = 0.1 }`: no address has more than a tenth), for a part of all requests (`share = 0.8`), or for
requests that are no more than usual (`traffic_at_most = 1.5`): who is shut out asks as ever, who attacks comes on top.

Requests are looked at since the key is high: the minutes before would hide for the length of a window what began with
one deploy.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import polars as pl

from log_sentinel.detection import counting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from log_sentinel.detection.census import Census
    from log_sentinel.detection.faults import Faults
    from log_sentinel.detection.high import High
    from log_sentinel.detection.requests import Requests
    from log_sentinel.detection.rule import Rule
    from log_sentinel.detection.window import Window


def as_asked(
    high: Sequence[High],
    rules: Sequence[Rule],
    minute: int,
    window: Window,
    census: Census,
    requests: Requests,
    faults: Faults,
) -> list[High]:
    """Those of `high` whose denials in the window, and whose requests, are as their rules ask."""
    kept: list[High] = []
    for number, of_rule in groupby(high, key=lambda one: one.rule):
        rule = rules[number]
        with faults.of(rule.name):
            fit = [one for one in of_rule if _asked_as_wanted(one, rule, minute, census, requests)]
            spread = _spread(rule, {one.key for one in fit}, minute, window)
            kept += [one for one in fit if one.key in spread]
    return kept


def _asked_as_wanted(one: High, rule: Rule, minute: int, census: Census, requests: Requests) -> bool:
    """Whether enough of the key's requests are denied, and no more of them come than the rule lets."""
    if not rule.share and rule.traffic_at_most is None:
        return True
    dimension = rule.counted.dimension
    since = min(max(minute - one.since + 1, rule.confirm), rule.window)
    asked = requests.in_last(since, dimension, one.key)
    if sum(census.courses([one.entity])[one.entity][:since]) < rule.share * max(1, asked):
        return False
    if rule.traffic_at_most is None:
        return True
    usual = requests.usual_in(since, dimension, one.key, minute)
    return usual is not None and asked <= rule.traffic_at_most * usual


def _spread(rule: Rule, keys: set[str], minute: int, window: Window) -> set[str]:
    """Those of `keys` that have as many distinct values, and none so large, as the rule asks."""
    if not (keys and (rule.distinct or rule.largest)):
        return keys
    of_keys = counting.key_of(rule.counted.dimension).is_in(list(keys))
    rows = window.rows(minute, rule.window).filter(counting.wanted(rule.counted) & of_keys)
    by_key = rows.with_columns(counting.key_of(rule.counted.dimension))
    if rule.distinct:
        distinct = by_key.group_by("key").agg(pl.col(column).drop_nulls().n_unique() for column, _ in rule.distinct)
        enough = pl.all_horizontal(pl.col(column) >= least for column, least in rule.distinct)
        keys = set(distinct.filter(enough)["key"])
    for column, most in rule.largest if keys else ():
        parts = by_key.group_by("key", column).agg(pl.col("n").sum())
        # who is not named is nobody: a log without clients has no large one
        largest = pl.col("n").filter(pl.col(column).is_not_null()).max().fill_null(0)
        share = parts.group_by("key").agg((largest / pl.col("n").sum()).alias("share"))
        keys &= set(share.filter(pl.col("share") <= most)["key"])
    return keys
