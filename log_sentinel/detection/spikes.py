"""Makes spikes of the keys that are high: gathers their evidence, and what they have in common with each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from log_sentinel.detection import counting, evidence, minutes
from log_sentinel.model.spike import Dimension, Spike

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from log_sentinel.detection.requests import Requests
    from log_sentinel.detection.rule import Rule
    from log_sentinel.detection.tally import Tally
    from log_sentinel.detection.window import Window


@dataclass(frozen=True, slots=True)
class High:
    """What one rule finds high at one minute: `keys` as HIGH, and the first minute of each."""

    rule: Rule
    tally: Tally
    keys: pl.DataFrame
    since: Mapping[str, int]


def spikes_of(found: Sequence[High], window: Window, requests: Requests, minute: int) -> list[Spike]:
    """A spike for every key, with its evidence."""
    keys_of: dict[Dimension, set[str]] = {}
    for high in found:
        keys_of.setdefault(high.rule.counted.dimension, set()).update(high.keys["key"])
    return [spike for high in found for spike in _of_rule(high, keys_of, window, requests, minute)]


def _of_rule(
    high: High, keys_of: Mapping[Dimension, set[str]], window: Window, requests: Requests, minute: int
) -> list[Spike]:
    rule = high.rule
    dimension = rule.counted.dimension
    rows = window.rows(minute, rule.window).with_columns(counting.key_of(dimension))
    rows = rows.filter(pl.col("key").is_in(high.keys["key"].implode()))
    if (wanted := counting.wanted(rule.counted)) is not None:
        rows = rows.filter(wanted)
    rows_of = rows.partition_by("key", as_dict=True)
    courses = high.tally.by_minute(minute, evidence.CHART_MINUTES, high.keys["key"]).partition_by("key", as_dict=True)
    return [
        Spike(
            rule=rule.name,
            dimension=dimension,
            key=key,
            severity=rule.severity,
            at=minutes.moment(minute),
            since=minutes.moment(high.since[key]),
            observed=n,
            expected=expected,
            window_minutes=rule.window,
            evidence={
                **evidence.shape(of_key := rows_of.get((key,), rows.clear())),
                **evidence.course(courses[key,], minute, expected, rule.window),
                **evidence.denominator(requests, dimension, key, minute, rule.window),
                "shared": _shared(of_key, (dimension, key), keys_of),
            },
        )
        for key, n, expected in high.keys.select("key", "n", "expected").iter_rows()
    ]


def _shared(
    rows: pl.DataFrame, own: tuple[Dimension, str], keys_of: Mapping[Dimension, set[str]]
) -> list[list[object]]:
    """[dimension, key, denials]: how many of the spike's denials (ROWS) are those of every other key that is high."""
    shared: list[list[object]] = []
    for dimension, keys in keys_of.items():
        others = keys - {own[1]} if dimension is own[0] else keys
        if not others:
            continue
        counts = (
            rows.select(counting.key_of(dimension), "n")
            .filter(pl.col("key").is_in(list(others)))
            .group_by("key")
            .agg(pl.col("n").sum())
            .sort("n", "key", descending=[True, False])
        )
        shared += [[dimension.value, key, n] for key, n in counts.iter_rows()]
    return shared
