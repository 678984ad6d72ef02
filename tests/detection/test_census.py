"""What is counted of a minute, and what is known of the minutes before."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import polars as pl
from hypothesis import given
from hypothesis import strategies as some

from log_sentinel.detection.census import Census
from log_sentinel.detection.counting import COUNTS, counts, with_network
from log_sentinel.detection.rule import Counted
from log_sentinel.model.columns import DENIED_MINUTES
from log_sentinel.model.spike import Dimension

if TYPE_CHECKING:
    import pytest

COUNTED = [
    *(Counted(dimension, apart=apart) for dimension in Dimension if dimension != "self" for apart in (True, False)),
    *(
        Counted(dimension, apart=apart, askers=True)
        for dimension in (Dimension.ALL, Dimension.ROUTE)
        for apart in (True, False)
    ),
    Counted(Dimension.CLIENT, statuses=(429,)),
    Counted(Dimension.ROUTE, statuses=(403, 429), where=(("client", ("acme", "umbra")), ("cause", ("unknown",)))),
]
ROW = some.tuples(
    some.none(),
    some.sampled_from(["edge", "inner"]),
    some.sampled_from([None, "acme", "umbra", "a|b"]),
    some.sampled_from([None, "192.0.2.1", "192.0.2.9", "2001:db8::1", "not an address"]),
    some.sampled_from([None, "/orders", "/login"]),
    some.sampled_from([403, 429]),
    some.sampled_from(["unknown", "rate_limit"]),
    some.integers(1, 1000),
)


@given(some.lists(ROW, max_size=20))
def test_an_entity_has_the_denials_or_the_askers_of_the_rows_that_are_counted_and_have_its_key(
    found: list[tuple[object, ...]],
) -> None:
    rows = with_network(pl.DataFrame(found, schema=DENIED_MINUTES, orient="row"))
    one_by_one: Counter[tuple[str, int]] = Counter()
    asked: set[tuple[str, object]] = set()
    for what, counted in enumerate(COUNTED):
        for row in rows.iter_rows(named=True):
            on = f"{row['client']} on {row['route']}" if row["client"] and row["route"] else None
            key = {"all": "all", "route_client": on}.get(counted.dimension, row.get(counted.dimension))
            statuses = counted.statuses or (403, 429)
            wanted = row["status"] in statuses and all(row[column] in values for column, values in counted.where)
            if key is not None and wanted:
                entity = f"{what}|{row['status'] if counted.apart else 0}|{key}"
                asker = (entity, row["client"] or row["network"] or row["ip"])
                one_by_one[entity, what] += row["n"] if not counted.askers else asker not in asked
                asked.add(asker)

    counted_of = counts(rows, COUNTED)
    assert one_by_one == {(entity, what): n for entity, what, n in counted_of.select(list(COUNTS)).iter_rows()}


def counted(*what: tuple[str, int]) -> pl.DataFrame:
    """COUNTS of these entities."""
    return pl.DataFrame([(name, int(name[0]), n) for name, n in what], schema=COUNTS, orient="row")


MINUTES = some.lists(
    some.tuples(some.integers(1, 40), some.dictionaries(some.sampled_from("abc"), some.integers(1, 9)))
)


@given(MINUTES, some.sampled_from([1, 5, 60]))
def test_running_sums_and_courses_are_those_of_the_minutes(
    steps: list[tuple[int, dict[str, int]]], window: int
) -> None:
    census = Census(90, {window: {0: 6.0}})
    there: dict[int, dict[str, int]] = {}
    newest = 100
    for step, found in steps:
        newest += step
        there[newest] = {f"0|403|{key}": n for key, n in found.items()}
        census.put(newest, counted(*there[newest].items()))
        census.courses(["0|403|a"])
    if steps:
        # late rows put an old minute right
        late = newest - 1
        there[late] = {"0|403|a": 4}
        census.put(late, counted(*there[late].items()))

    for entity in ("0|403|a", "0|403|b"):
        last = [there.get(newest - age, {}).get(entity, 0) for age in range(60)]
        assert last == census.courses([entity])[entity]
        assert sum(last[:window]) == census.sums(window, [entity])[entity]
        assert (sum(last[:window]) >= 6) == (entity in census.large(window))
        assert sum(last[:window]) == census.large(window).get(entity, sum(last[:window]))


def test_of_too_many_entities_in_a_minute_the_smallest_are_left_out_and_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("log_sentinel.detection.census.MAX_ENTITIES_A_MINUTE", 2)
    census = Census(90, {5: {0: 1.0, 1: 1.0}})

    census.put(100, counted(("0|403|a", 5), ("0|403|b", 1), ("1|403|c", 7)))

    assert ({"0|403|a": 5, "1|403|c": 7}, 1) == (dict(census.large(5)), census.cut)
