"""Makes spikes of the entities that are high: gathers their evidence, and what they have in common with each other."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, cast

import polars as pl

from log_sentinel.detection import counting, evidence, minutes
from log_sentinel.detection.requests import OF_REQUESTS
from log_sentinel.model.spike import Dimension, Spike

if TYPE_CHECKING:
    from collections.abc import Sequence

    from log_sentinel.detection.census import Census
    from log_sentinel.detection.high import High
    from log_sentinel.detection.requests import Requests
    from log_sentinel.detection.rule import Counted, Rule
    from log_sentinel.detection.window import Window


def spikes_of(
    high: Sequence[High], rules: Sequence[Rule], minute: int, window: Window, census: Census, requests: Requests
) -> list[Spike]:
    """A spike for each of `high`, with its evidence; of a key that is high with two statuses, for the larger one."""
    largest: dict[tuple[int, str], High] = {}
    for one in high:
        largest.setdefault((one.rule, one.key), one)
    spiked = list(largest.values())
    keys_of: dict[Dimension, set[str]] = {}
    for one in spiked:
        keys_of.setdefault(rules[one.rule].counted.dimension, set()).add(one.key)
    shapes = evidence.Shapes(_rows(spiked, rules, minute, window))
    shared = shapes.shared(keys_of, [(rules[one.rule].counted.dimension, one.key) for one in spiked])
    courses = _courses(spiked, census, requests)
    return [
        Spike(
            rule=(rule := rules[one.rule]).name,
            dimension=rule.counted.dimension,
            key=one.key,
            severity=rule.severity,
            at=minutes.moment(minute),
            since=minutes.moment(one.since),
            observed=one.n,
            expected=one.expected,
            window_minutes=rule.window,
            evidence={
                **shapes.shape(number),
                **evidence.course(courses[one.entity], one.expected, rule.window),
                **evidence.denominator(requests, rule.counted.dimension, one.key, rule.window),
                **({"of": "requests"} if rule.of_requests else {}),
                **evidence.filters(rule.counted, one.status),
                "shared": shared.get(number, []),
            },
            yields_to=rule.yields_to,
            of_whom=rule.of_whom,
            of_many=rule.counted.askers,
        )
        for number, one in enumerate(spiked)
    ]


def _courses(spiked: Sequence[High], census: Census, requests: Requests) -> dict[str, list[int]]:
    asked = [one.entity for one in spiked if one.entity.startswith(OF_REQUESTS)]
    courses = census.courses([one.entity for one in spiked if one.entity not in asked])
    of_requests = requests.census.courses([entity.removeprefix(OF_REQUESTS) for entity in asked])
    return courses | {f"{OF_REQUESTS}{entity}": course for entity, course in of_requests.items()}


def _rows(spiked: Sequence[High], rules: Sequence[Rule], minute: int, window: Window) -> pl.DataFrame:
    """ROWS of each rule's window with the number of the `spike` they belong to."""
    found = []
    for place, of_rule in groupby(enumerate(spiked), key=lambda one: one[1].rule):
        rule = rules[place]
        those = [(number, one.key, one.status) for number, one in of_rule]
        keys = pl.LazyFrame(those, {"spike": pl.Int64, "key": pl.String, "of_status": pl.Int64}, orient="row")
        rows = (
            window.rows(minute, rule.window)
            .lazy()
            .filter(counting.wanted(rule.counted))
            .with_columns(counting.key_of(rule.counted.dimension))
            .join(keys, on="key")
        )
        if rule.counted.apart:
            rows = rows.filter(pl.col("status") == pl.col("of_status"))
        found.append(rows)
    return pl.concat(found).collect()


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
