"""Makes spikes of the entities that are high: gathers their evidence, and what they have in common with each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from log_sentinel.detection import counting, evidence, minutes
from log_sentinel.detection.census import BY_MINUTE
from log_sentinel.model.spike import Dimension, Spike

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from log_sentinel.detection.census import Census
    from log_sentinel.detection.requests import Requests
    from log_sentinel.detection.rule import Rule
    from log_sentinel.detection.window import Window


def spikes_of(
    high: pl.DataFrame, rules: Sequence[Rule], minute: int, window: Window, census: Census, requests: Requests
) -> list[Spike]:
    """A spike for every row of HIGH, with its evidence; of a key that is high with two statuses, for the larger one."""
    largest = high.unique(["rule", "key"], keep="first", maintain_order=True)
    keys_of: dict[Dimension, set[str]] = {}
    for number, keys in largest.group_by("rule"):
        keys_of.setdefault(rules[int(str(number[0]))].counted.dimension, set()).update(keys["key"])
    courses = census.by_minute(minute, evidence.CHART_MINUTES, largest["entity"].unique()).partition_by(
        "entity", as_dict=True
    )
    no_course = pl.DataFrame(schema=BY_MINUTE)
    spikes = []
    for (number,), of_rule in largest.partition_by("rule", as_dict=True, maintain_order=True).items():
        rule = rules[int(number)]
        rows_of = _rows(rule, of_rule, minute, window)
        for row in of_rule.iter_rows(named=True):
            rows = rows_of[row["key"], row["status"]]
            dimension, key, expected = rule.counted.dimension, row["key"], row["expected"]
            spikes.append(
                Spike(
                    rule=rule.name,
                    dimension=dimension,
                    key=key,
                    severity=rule.severity,
                    at=minutes.moment(minute),
                    since=minutes.moment(row["since"]),
                    observed=row["n"],
                    expected=expected,
                    window_minutes=rule.window,
                    evidence={
                        **evidence.shape(rows),
                        **evidence.course(courses.get((row["entity"],), no_course), minute, expected, rule.window),
                        **evidence.denominator(requests, dimension, key, minute, rule.window),
                        "shared": _shared(rows, (dimension, key), keys_of),
                    },
                )
            )
    return spikes


def _rows(rule: Rule, of_rule: pl.DataFrame, minute: int, window: Window) -> dict[tuple[str, int], pl.DataFrame]:
    """ROWS of the rule's window by key and status (0 where statuses are not apart)."""
    rows = (
        window.rows(minute, rule.window)
        .filter(counting.wanted(rule.counted))
        .with_columns(counting.key_of(rule.counted.dimension))
        .filter(pl.col("key").is_in(of_rule["key"].implode()))
    )
    found = {}
    by_key = rows.partition_by("key", as_dict=True)
    for key, status in of_rule.select("key", "status").iter_rows():
        of_key = by_key.get((key,), rows.clear())
        found[key, status] = of_key.filter(pl.col("status") == status) if rule.counted.apart else of_key
    return found


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
