"""Makes spikes of the entities that are high: gathers their evidence, and what they have in common with each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import polars as pl

from log_sentinel.detection import counting, evidence, minutes
from log_sentinel.model.spike import Dimension, Spike

if TYPE_CHECKING:
    from collections.abc import Sequence

    from log_sentinel.detection.census import Census
    from log_sentinel.detection.requests import Requests
    from log_sentinel.detection.rule import Counted, Rule
    from log_sentinel.detection.window import Window


def spikes_of(
    high: pl.DataFrame, rules: Sequence[Rule], minute: int, window: Window, census: Census, requests: Requests
) -> list[Spike]:
    """A spike for every row of HIGH, with its evidence; of a key that is high with two statuses, for the larger one."""
    largest = high.unique(["rule", "key"], keep="first", maintain_order=True).with_row_index("spike")
    largest = largest.with_columns(pl.col("spike").cast(pl.Int64))
    keys_of: dict[Dimension, set[str]] = {}
    own = {}
    for spike, number, key in largest.select("spike", "rule", "key").iter_rows():
        own[spike] = (rules[number].counted.dimension, key)
        keys_of.setdefault(rules[number].counted.dimension, set()).add(key)
    shapes = evidence.Shapes(_rows(largest, rules, minute, window))
    shared = shapes.shared(keys_of, own)
    courses: dict[str, dict[int, int]] = {}
    course = census.by_minute(minute, evidence.CHART_MINUTES, largest["entity"].unique())
    for entity, n, at in course.select("entity", "n", "minute").iter_rows():
        courses.setdefault(entity, {})[at] = n
    return [
        Spike(
            rule=(rule := rules[row["rule"]]).name,
            dimension=rule.counted.dimension,
            key=row["key"],
            severity=rule.severity,
            at=minutes.moment(minute),
            since=minutes.moment(row["since"]),
            observed=row["n"],
            expected=row["expected"],
            window_minutes=rule.window,
            evidence={
                **shapes.shape(row["spike"]),
                **evidence.course(courses.get(row["entity"], {}), minute, row["expected"], rule.window),
                **evidence.denominator(requests, rule.counted.dimension, row["key"], minute, rule.window),
                **({"of": "requests"} if rule.of_requests else {}),
                **evidence.filters(rule.counted, row["status"]),
                "shared": shared.get(row["spike"], []),
            },
            yields_to=rule.yields_to,
        )
        for row in largest.iter_rows(named=True)
    ]


def _rows(largest: pl.DataFrame, rules: Sequence[Rule], minute: int, window: Window) -> pl.LazyFrame:
    """ROWS of each rule's window with the number of the `spike` they belong to."""
    found = []
    for (number,), of_rule in largest.partition_by("rule", as_dict=True).items():
        rule = rules[int(number)]
        rows = (
            window.rows(minute, rule.window)
            .lazy()
            .filter(counting.wanted(rule.counted))
            .with_columns(counting.key_of(rule.counted.dimension))
            .join(of_rule.lazy().select("spike", "key", of_status="status"), on="key")
        )
        if rule.counted.apart:
            rows = rows.filter(pl.col("status") == pl.col("of_status"))
        found.append(rows)
    return pl.concat(found)


# What has this part of a spike's denials is touched by it.
TOUCHED = 0.05

_LISTED = {
    Dimension.CLIENT: "clients",
    Dimension.IP: "ips",
    Dimension.NETWORK: "networks",
    Dimension.ROUTE: "routes",
}


def touched(spikes: Sequence[Spike], counted: Sequence[Counted]) -> set[str]:
    """The entities that have a good part of these spikes' denials."""
    found: set[str] = set()
    for spike in spikes:
        statuses = [status for status, _ in cast("Sequence[tuple[str, int]]", spike.evidence.get("statuses", ()))]
        for what, one in enumerate(counted):
            if one.dimension is Dimension.ALL:
                keys = [counting.ALL_KEY]
            else:
                listed = spike.evidence.get(_LISTED.get(one.dimension, ""), ())
                keys = [key for key, n in cast("Sequence[tuple[str, int]]", listed) if n >= TOUCHED * spike.observed]
            found |= {f"{what}|{status}|{key}" for status in (statuses if one.apart else ["0"]) for key in keys}
    return found
