"""What is usual for an entity, however it was learned: at once, in parts, before a restart or after."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as some

from log_sentinel.detection.baseline import Baseline
from log_sentinel.detection.counting import COUNTS, counts, with_network
from log_sentinel.detection.learning import Span
from log_sentinel.detection.minutes import number
from log_sentinel.detection.rule import Counted
from log_sentinel.model.spike import Dimension
from tests.detection.stories import at, denials, requests

if TYPE_CHECKING:
    from log_sentinel.detection.baseline import Expected

ENTITIES = ("0|403|acme", "0|403|umbra", "1|0|/orders", "1|0|/cart")
DAY = timedelta(days=1)
COUNTED = [Counted(Dimension.CLIENT), Counted(Dimension.IP)]

# In each bin: how many of each entity, which of them are frozen, and how many times the usual requests there are.
BINS = some.lists(
    some.tuples(
        some.dictionaries(some.sampled_from(ENTITIES), some.sampled_from([1, 3, 40, 400])),
        some.sets(some.sampled_from(ENTITIES)),
        some.sampled_from([1.0, 2.0]),
    ),
    max_size=40,
)


def of_bin(found: dict[str, int]) -> pl.DataFrame:
    return pl.DataFrame([(name, int(name[0]), n) for name, n in found.items()], schema=COUNTS, orient="row")


def in_json(usual: Baseline) -> dict[str, Any]:
    written: dict[str, Any] = json.loads(json.dumps(usual.state()))
    return written


def expects(usual: Baseline, bin_number: int) -> dict[str, Expected]:
    return usual.expected_of(ENTITIES, bin_number)


def alike(one: dict[str, Expected], other: dict[str, Expected]) -> bool:
    return all(one[entity] == pytest.approx(other[entity]) for entity in ENTITIES)


@given(BINS, some.integers(0, 40), some.integers(1, 4))
def test_a_restart_changes_nothing_of_what_is_usual(
    bins: list[tuple[dict[str, int], set[str], float]], restarted_at: int, most: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("log_sentinel.detection.baseline.MAX_ENTITIES", most)
        never, again = Baseline(DAY), Baseline(DAY)
        for place, (found, frozen, times) in enumerate(bins):
            if place == restarted_at:
                state = in_json(again)
                again = Baseline(DAY)
                again.restore(state)
            # a day of two hours: the second day comes back to the hours of the first
            bin_number = place // 24 * 288 + place % 24
            for usual in (never, again):
                usual.learn(of_bin(found), frozen, bin_number, times)

    for bin_number in (0, 13, 288, 301):
        assert alike(expects(never, bin_number), expects(again, bin_number))
    assert [never.count_of(what) for what in (0, 1)] == [again.count_of(what) for what in (0, 1)]


def test_who_was_forgotten_while_it_was_told_as_a_spike_is_usual_in_that_hour_of_the_next_day() -> None:
    usual = Baseline(DAY)
    for bin_number in range(60):
        office = {"0|403|office": 30} if 36 <= bin_number < 48 else {}
        usual.learn(of_bin({"0|403|acme": 5} | office), {"0|403|office"}, bin_number)

    assert [1, 30] == [
        usual.count_of(0),
        round(usual.expected_of(["0|403|office"], 288 + 40)["0|403|office"].usual, -1),
    ]


@pytest.mark.parametrize("rows_a_part", [1, 7, 1000])
def test_history_that_is_counted_in_parts_is_the_same(monkeypatch: pytest.MonkeyPatch, rows_a_part: int) -> None:
    monkeypatch.setattr("log_sentinel.detection.learning.ROWS_A_PART", rows_a_part)
    denied = pl.concat(
        denials(minute, {"n": 1 + minute % 7}, {"client": f"client-{minute // 20}", "n": 2}) for minute in range(180)
    )
    span = Span.of(denied, requests(0), None, number(at(180)))
    assert span is not None
    binned = span.binned(denied, lambda rows: counts(with_network(rows), COUNTED, "age"))

    # the last three bins wait
    learned = denied.with_columns(age=(pl.lit(at(165)) - pl.col("minute")).dt.total_seconds().sub(1) // 300)
    by_client = learned.filter(pl.col("age") >= 0).group_by("client", "age").agg(pl.col("n").sum())
    found = binned.rows.join(binned.entities.filter(pl.col("what") == 0), on="hash")
    names = found.select(pl.col("entity").str.strip_prefix("0|0|"), "age", "n").rows()
    assert sorted(by_client.rows()) == sorted(names)
    assert binned.entities.height == binned.entities["hash"].n_unique() == by_client["client"].n_unique() + 1
