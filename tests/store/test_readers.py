"""Frames out of the database have the shapes that are written down."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl
import pytest

from log_sentinel.model.columns import DENIED_MINUTES
from log_sentinel.store.appending import append
from log_sentinel.store.readers import (
    SAMPLE,
    TRAFFIC_OF_SOURCE,
    Totals,
    denied_minutes,
    newest_minute,
    sample_denials,
    totals,
    traffic_minutes,
)
from tests.store.commits import TEN, Log, denial, parsed

if TYPE_CHECKING:
    from log_sentinel.store.engine import Database

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def test_an_empty_database_gives_empty_frames_of_the_same_shape(database: Database) -> None:
    assert denied_minutes(database, TEN, TEN + HOUR).schema == pl.Schema(DENIED_MINUTES)
    assert traffic_minutes(database, TEN, TEN + HOUR).schema == pl.Schema(TRAFFIC_OF_SOURCE)
    assert sample_denials(database, TEN, TEN + HOUR, {}).schema == pl.Schema(SAMPLE)
    assert newest_minute(database) is None
    assert totals(database) == Totals(0, 0, 0, 0, None, None)


def test_denied_minutes_of_all_instances_are_summed_and_the_end_is_left_out(database: Database) -> None:
    for instance in ("edge-1", "edge-2"):
        log = Log(database, instance=instance)
        append(database, log.commit(parsed([denial(0), denial(1), denial(60, client=None)]), to=6100))
    first = denied_minutes(database, TEN, TEN + MINUTE)
    assert first.schema == pl.Schema(DENIED_MINUTES)
    assert first.rows() == [(TEN, "edge", "acme", "198.51.100.7", "/orders/{id}", 403, "ip_restriction", 4)]
    both = denied_minutes(database, TEN, TEN + HOUR)
    assert both.select("minute", "client", "n").rows() == [(TEN, "acme", 4), (TEN + MINUTE, None, 2)]


def test_traffic_has_its_source_and_every_status(database: Database) -> None:
    append(database, Log(database).commit(parsed([denial(0), denial(1)]), to=200))
    found = traffic_minutes(database, TEN, TEN + HOUR).sort("status")
    assert found.select(*TRAFFIC_OF_SOURCE).rows() == [
        (TEN, "/orders/{id}", 200, 2, "edge"),
        (TEN, "/orders/{id}", 403, 2, "edge"),
    ]


def test_the_newest_minute_is_that_of_the_newest_request(database: Database) -> None:
    append(database, Log(database).commit(parsed([denial(61), denial(1)]), to=6200))
    assert newest_minute(database) == TEN + MINUTE


def test_samples_are_the_newest_that_fit(database: Database) -> None:
    rows = [denial(number, client="acme" if number % 2 else "globex") for number in range(10)]
    append(database, Log(database).commit(parsed(rows), to=1000))
    found = sample_denials(database, TEN, TEN + HOUR, {"client": "globex", "status": 403}, limit=2)
    assert found["origin_offset"].to_list() == [800, 600]
    with pytest.raises(KeyError, match="path"):
        sample_denials(database, TEN, TEN + HOUR, {"path": "/"})


def test_a_key_that_was_shortened_is_found_by_its_full_name(database: Database) -> None:
    client = "c" * 5000
    append(database, Log(database).commit(parsed([denial(0, client=client), denial(1, client=client + "!")]), to=200))
    assert sample_denials(database, TEN, TEN + HOUR, {"client": client})["origin_offset"].to_list() == [0]


def test_totals_count_what_is_kept(database: Database) -> None:
    append(database, Log(database).commit(parsed([denial(0), denial(9)], rejects=[(5, "torn", "x")]), to=1000))
    assert totals(database) == Totals(4, 2, 1, 0, TEN, TEN + timedelta(seconds=9))
