"""Over how many others a key's denials are spread: what tells a scanner (one address, many routes) from a lost key.

A rule may ask for a number of distinct values (`distinct = { route = 20 }`), for none of them to be large
(`largest = { ip = 0.1 }`: no address has more than a tenth), also of what came on top of the minutes before
(`largest_of_rise = { client = 0.7 }`: one client's burst is no general rise), for a part of all requests
(`share = 0.8`), or for requests that are no more than usual (`traffic_at_most = 1.5`): who is shut out asks as ever,
who attacks comes on top.

Requests are looked at since the key is high: the minutes before would hide for the length of a window what began with
one deploy.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import polars as pl

from log_sentinel.detection import counting
from log_sentinel.detection.counting import ASKER

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from log_sentinel.detection.census import Census
    from log_sentinel.detection.faults import Faults
    from log_sentinel.detection.firing import Firing
    from log_sentinel.detection.high import High
    from log_sentinel.detection.requests import Requests
    from log_sentinel.detection.rule import Rule
    from log_sentinel.detection.window import Window


# A rise is compared with so many minutes before it.
BEFORE = 30


def as_asked(
    high: Sequence[High],
    rules: Sequence[Rule],
    minute: int,
    window: Window,
    census: Census,
    requests: Requests,
    firing: Mapping[int, Firing],
    faults: Faults,
) -> list[High]:
    """Those of `high` whose denials in the window, and whose requests, are as their rules ask.

    What is `firing` was a broad rise when it began; later there are no minutes before it to compare with.
    """
    kept: list[High] = []
    for number, of_rule in groupby(high, key=lambda one: one.rule):
        rule = rules[number]
        with faults.of(rule.name):
            fit = [one for one in of_rule if _asked_as_wanted(one, rule, minute, census, requests)]
            spread = _spread(fit, rule, minute, window)
            on = set(firing[number].firing(minute - 1)) if rule.largest_of_rise else set()
            narrow = _narrow([one for one in spread if one.entity not in on], rule, minute, window)
            kept += [one for one in spread if one not in narrow]
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


def _spread(high: list[High], rule: Rule, minute: int, window: Window) -> list[High]:
    """Those of `high` whose denials have as many distinct values, and none so large, as the rule asks."""
    if not (high and (rule.distinct or rule.largest)):
        return high
    there = _of_keys(high, rule, minute, rule.window, window)
    fits = {(one.key, one.status) for one in high}
    if rule.distinct:
        distinct = there.group_by("key", "of").agg(
            pl.col(column).drop_nulls().n_unique() for column, _ in rule.distinct
        )
        enough = pl.all_horizontal(pl.col(column) >= least for column, least in rule.distinct)
        fits &= set(distinct.filter(enough).select("key", "of").iter_rows())
    for column, most in rule.largest:
        fits &= set(_shares(there, column).filter(pl.col("share") <= most).select("key", "of").iter_rows())
    return [one for one in high if (one.key, one.status) in fits]


def _narrow(high: list[High], rule: Rule, minute: int, window: Window) -> set[High]:
    """Those of `high` of whose rise one value has more than the rule lets it."""
    narrow: set[High] = set()
    for since, of_since in groupby(sorted(high, key=lambda one: one.since), key=lambda one: one.since):
        began_together = list(of_since)
        lasts = minute - since + 1
        now = _of_keys(began_together, rule, minute, lasts, window)
        before = _of_keys(began_together, rule, since - 1, BEFORE, window)
        for column, most in rule.largest_of_rise:
            less = _counted(before, rule, column).with_columns(n=pl.col("n") * (-lasts / BEFORE))
            rise = pl.concat([_counted(now, rule, column), less], how="vertical_relaxed")
            large = set(_shares(rise, column).filter(pl.col("share") > most).select("key", "of").iter_rows())
            narrow |= {one for one in began_together if (one.key, one.status) in large}
    return narrow


def _counted(rows: pl.DataFrame, rule: Rule, column: str) -> pl.DataFrame:
    """What the rule counts of `rows` by `key`, `of` and `column`: denials, or each asker once a minute."""
    if not rule.counted.askers:
        return rows.select("key", "of", column, "n")
    once = rows.select("key", "of", column, "minute", ASKER.alias("asker")).unique()
    return once.select("key", "of", column, n=pl.lit(1, pl.Int64))


def _shares(rows: pl.DataFrame, column: str) -> pl.DataFrame:
    """The largest `share` that one value of `column` has, by `key` and `of`. Who is not named is nobody."""
    parts = rows.group_by("key", "of", column).agg(pl.col("n").sum())
    largest = pl.col("n").filter(pl.col(column).is_not_null()).max().fill_null(0)
    return parts.group_by("key", "of").agg((largest / pl.col("n").sum()).alias("share"))


def _of_keys(high: Sequence[High], rule: Rule, until: int, minutes: int, window: Window) -> pl.DataFrame:
    """ROWS of those keys with their `key`, and `of`: the status where each is judged apart, else 0."""
    key = counting.key_of(rule.counted.dimension)
    rows = window.rows(until, minutes).filter(counting.wanted(rule.counted))
    of = pl.col("status").cast(pl.Int64) if rule.counted.apart else pl.lit(0, pl.Int64)
    return rows.with_columns(key, of=of).filter(pl.col("key").is_in([one.key for one in high]))
