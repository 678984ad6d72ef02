"""The error log makes verdicts surer and denials of candidates, whichever file was read first."""

from __future__ import annotations

import json
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from sqlalchemy import func, select

from log_sentinel.content import shipped
from log_sentinel.diagnosis.companions import explained
from log_sentinel.parsing.error_logs import load
from log_sentinel.store import explaining, tables
from log_sentinel.store.appending import append
from log_sentinel.store.readers import denied_minutes, sample_denials
from tests.store.commits import TEN, Log, denial, parsed

if TYPE_CHECKING:
    from sqlalchemy import Table

    from log_sentinel.model.parsed import ParsedLines
    from log_sentinel.store.engine import Database

NGINX = partial(explained, definition=load(shipped("parsers") / "error-logs" / "nginx-error.toml"))
DAY = timedelta(days=1)


def unproved(number: int, **values: Any) -> dict[str, Any]:
    """A 503 that its own line does not explain."""
    unknown = {"cause": "unknown", "denied_by": "unknown", "cause_confidence": 0.0, "evidence": "[]"}
    return denial(number, **{"status": 503, **unknown, **values})


def said(number: int, **values: Any) -> dict[str, Any]:
    """nginx's error log about that request."""
    return {
        "time": TEN + timedelta(seconds=number),
        "origin_offset": 300 * number,
        "kind": "limit_req",
        "connection": number,
        "client": "198.51.100.7",
        "request": f"GET /orders/{number}",
        "zone": "perip",
        "says": "limit_req refused it",
        **values,
    }


def counted(db: Database, table: Table) -> int:
    with db.read() as connection:
        return connection.scalar(select(func.count()).select_from(table)) or 0


def waiting(db: Database) -> tuple[int, int]:
    return counted(db, tables.candidates), counted(db, tables.companion_evidence)


def promoted(db: Database, *commits: tuple[Log, ParsedLines]) -> int:
    explain = {"edge": NGINX, "kong": NGINX}
    return sum(
        append(db, log.commit(lines, to=log.at.offset + 10_000), TEN, explain).promoted for log, lines in commits
    )


ORDERS = {"access log first": (0, 1), "error log first": (1, 0)}


@pytest.mark.parametrize("order", ORDERS)
def test_a_503_with_a_limiting_line_is_stored_and_counted_as_a_denial(order: str, database: Database) -> None:
    access, errors = Log(database), Log(database, inode=2)
    halves = [(access, parsed([], candidates=[unproved(1), unproved(2)])), (errors, parsed([], companions=[said(1)]))]
    first, second = (halves[place] for place in ORDERS[order])
    assert promoted(database, first) == 0
    assert counted(database, tables.denials) == 0
    assert promoted(database, second) == 1
    row = sample_denials(database, TEN, TEN + DAY, {}).row(0, named=True)
    assert (row["path"], row["status"], row["cause"], row["denied_by"]) == ("/orders/1", 503, "rate_limit", "gateway")
    assert row["cause_confidence"] == 0.97
    assert (row["generation"], row["origin_offset"]) == (access.at.generation, 100)
    assert json.loads(row["evidence"]) == [
        {"field": "error_log", "value": "limit_req (zone perip)", "says": said(1)["says"]}
    ]
    assert denied_minutes(database, TEN, TEN + DAY).select("status", "cause", "n").rows() == [(503, "rate_limit", 1)]
    assert waiting(database) == (1, 0)


def test_both_halves_in_one_commit_meet(database: Database) -> None:
    log = Log(database)
    assert promoted(database, (log, parsed([], candidates=[unproved(1)], companions=[said(1)]))) == 1
    assert waiting(database) == (0, 0)


def test_each_line_of_the_error_log_proves_one_request(database: Database) -> None:
    log = Log(database)
    same = {"time": TEN, "path": "/orders/1"}
    lines = parsed(
        [],
        candidates=[unproved(number, **same) for number in range(5)],
        companions=[said(1, time=TEN, origin_offset=number) for number in range(3)],
    )
    assert promoted(database, (log, lines)) == 3
    assert waiting(database) == (2, 0)
    assert denied_minutes(database, TEN, TEN + DAY)["n"].to_list() == [3]


NOT_PROVED: dict[str, dict[str, Any]] = {
    "another address": {"client": "203.0.113.1"},
    "another path": {"request": "GET /orders/12"},
    "another method": {"request": "POST /orders/1"},
    "too long before": {"time": TEN - timedelta(seconds=30)},
    "a kind that proves nothing": {"kind": "delaying"},
    "no address": {"client": None},
}


@pytest.mark.parametrize("difference", NOT_PROVED)
def test_a_line_about_something_else_proves_nothing(difference: str, database: Database) -> None:
    lines = parsed([], candidates=[unproved(1)], companions=[said(1, **NOT_PROVED[difference])])
    assert promoted(database, (Log(database), lines)) == 0
    assert waiting(database) == (1, 1)
    assert counted(database, tables.denied_minutes) == 0


def test_another_source_or_instance_proves_nothing(database: Database) -> None:
    halves = [
        (Log(database, "edge"), parsed([], candidates=[unproved(1)])),
        (Log(database, "kong", inode=2), parsed([], companions=[said(1)])),
        (Log(database, "edge", "edge-2", inode=3), parsed([], companions=[said(1)])),
    ]
    assert promoted(database, *halves) == 0


def test_an_error_log_with_whole_seconds_and_a_slow_request_still_meet(database: Database) -> None:
    late = unproved(1, time=TEN + timedelta(seconds=2, milliseconds=900))
    lines = parsed([], candidates=[late], companions=[said(1)])
    assert promoted(database, (Log(database), lines)) == 1


@pytest.mark.parametrize("order", ORDERS)
def test_a_denial_is_given_the_cause_that_the_error_log_names(order: str, database: Database) -> None:
    access, errors = Log(database), Log(database, inode=2)
    denied = [unproved(number, status=403) for number in (1, 2)]
    halves = [
        (access, parsed(denied)),
        (errors, parsed([], companions=[said(1, kind="access_rule", zone=None, says="a deny rule refused it")])),
    ]
    for place in ORDERS[order]:
        assert promoted(database, halves[place]) == 0

    rows = sample_denials(database, TEN, TEN + DAY, {}).select("path", "cause", "denied_by").rows()
    assert sorted(rows) == [("/orders/1", "ip_restriction", "gateway"), ("/orders/2", "unknown", "unknown")]
    minutes = denied_minutes(database, TEN, TEN + DAY).select("status", "cause", "n").rows()
    assert sorted(minutes) == [(403, "ip_restriction", 1), (403, "unknown", 1)]
    assert waiting(database) == (0, 0)


def test_a_denial_is_explained_once(database: Database) -> None:
    access, errors = Log(database), Log(database, inode=2)
    promoted(database, (access, parsed([unproved(1, status=403)])))
    promoted(database, (errors, parsed([], companions=[said(1, kind="access_rule")])))
    promoted(database, (errors, parsed([], companions=[said(1, kind="limit_req", origin_offset=900)])))

    assert sample_denials(database, TEN, TEN + DAY, {})["cause"].to_list() == ["ip_restriction"]
    assert denied_minutes(database, TEN, TEN + DAY)["n"].to_list() == [1]
    assert waiting(database) == (0, 1)


def test_more_than_is_looked_at_together_is_looked_at_in_parts(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(explaining, "AT_ONCE", 20)
    access, errors = Log(database), Log(database, inode=2)
    requests = parsed([], candidates=[unproved(number) for number in range(100)])

    assert (0, 100) == (
        promoted(database, (access, requests)),
        promoted(database, (errors, parsed([], companions=[said(number) for number in range(100)]))),
    )
    assert (0, 0) == waiting(database)
    minutes = denied_minutes(database, TEN, TEN + timedelta(minutes=2)).group_by("minute").agg(n=pl.col("n").sum())
    assert [60, 40] == minutes.sort("minute")["n"].to_list()
