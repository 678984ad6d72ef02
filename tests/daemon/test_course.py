"""The last hours of what an incident is about, out of a real database."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from log_sentinel.daemon.background import around
from log_sentinel.daemon.course import course_of
from log_sentinel.model.incident import columns_of
from log_sentinel.model.spike import Dimension
from log_sentinel.store.appending import append
from tests.delivery.happenings import incident
from tests.store.commits import TEN, Log, denial, parsed

if TYPE_CHECKING:
    from log_sentinel.store.engine import Database

MINUTE = timedelta(minutes=1)
SEEN = TEN + 10 * MINUTE


def stored(database: Database) -> None:
    """In its first ten minutes acme is denied once a minute by 403 and globex by 429, from one address."""
    rows = [denial(60 * at, client="acme") for at in range(10)]
    rows += [denial(60 * at + 1, client="globex", status=429, route="/search") for at in range(10)]
    append(database, Log(database).commit(parsed(rows), to=100_000))


@pytest.mark.parametrize(
    ("dimension", "key", "only", "a_minute"),
    [
        (Dimension.CLIENT, "acme", {}, 1),
        (Dimension.IP, "198.51.100.7", {}, 2),
        (Dimension.ROUTE, "/search", {}, 1),
        (Dimension.ROUTE_CLIENT, "globex on /search", {}, 1),
        (Dimension.ROUTE_CLIENT, "acme on /search", {}, 0),
        (Dimension.SOURCE, "edge", {}, 2),
        (Dimension.ALL, "all", {}, 2),
        (Dimension.ALL, "all", {"status": ["429"]}, 1),
        (Dimension.IP, "198.51.100.7", {"client": ["acme", "globex"], "status": ["403"]}, 1),
        (Dimension.CLIENT, "nobody", {}, 0),
    ],
)
def test_what_its_rule_counts_is_counted_by_the_minute_up_to_its_latest_figures(
    database: Database, dimension: Dimension, key: str, only: dict[str, list[str]], a_minute: int
) -> None:
    stored(database)
    one = incident(
        dimension=dimension, key=key, since=SEEN - MINUTE, last_seen_at=SEEN, evidence={"only": only} if only else {}
    )
    assert (0,) * 169 + (a_minute,) * 10 + (0,) == course_of(database, one)


def test_of_a_log_that_fell_silent_it_is_the_requests(database: Database) -> None:
    stored(database)
    one = incident(dimension=Dimension.SOURCE, key="edge", last_seen_at=SEEN, since=SEEN, evidence={"of": "requests"})
    assert [4, 4, 0] == list(course_of(database, one)[-3:])


def test_of_a_long_incident_it_begins_an_hour_before_and_goes_back_a_day_at_most(database: Database) -> None:
    assert 6 * 60 + 1 == len(course_of(database, incident(since=SEEN - timedelta(hours=5), last_seen_at=SEEN)))
    assert 24 * 60 == len(course_of(database, incident(since=SEEN - timedelta(days=9), last_seen_at=SEEN)))
    over = incident(since=SEEN, last_seen_at=SEEN, resolved_at=SEEN + timedelta(hours=4, seconds=3))
    assert 5 * 60 + 1 == len(course_of(database, over))


@pytest.mark.parametrize(
    ("dimension", "key", "evidence"),
    [
        (Dimension.NETWORK, "198.51.100.0/24", {}),
        (Dimension.CLIENT, "acme", {"only": {"network": ["198.51.100.0/24"]}}),
    ],
)
def test_where_the_counts_do_not_tell_there_is_none(
    database: Database, dimension: Dimension, key: str, evidence: dict[str, object]
) -> None:
    stored(database)
    assert () == course_of(database, incident(dimension=dimension, key=key, last_seen_at=SEEN, evidence=evidence))


def test_of_a_client_on_a_route_only_its_own_requests_there_are_shown(database: Database) -> None:
    stored(database)
    append(database, Log(database).commit(parsed([denial(30, client="acme", route="/search")]), to=200_000))
    one = incident(dimension=Dimension.ROUTE_CLIENT, key="acme on /search", since=TEN, last_seen_at=SEEN)

    assert [("acme", "/search")] == [(row["client"], row["route"]) for row in around(database, one).samples]


@pytest.mark.parametrize(
    ("key", "client", "route"),
    [("dev on call on /x", "dev on call", "/x"), ("dev on /a on /x", "dev", "/a on /x"), ("dev on /x", "dev", "/x")],
)
def test_a_client_on_a_route_is_told_from_its_route_by_its_figures(key: str, client: str, route: str) -> None:
    evidence = {"clients": [["dev", 9], ["dev on call", 3]], "routes": [["/a on /x", 9], ["/x", 3]]}
    one = incident(dimension=Dimension.ROUTE_CLIENT, key=key, evidence=evidence)

    assert {"client": client, "route": route} == columns_of(one)
