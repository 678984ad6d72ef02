"""What clients and addresses did before and since, out of a real database, when their incident is told."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import insert

from log_sentinel.daemon.background import around
from log_sentinel.daemon.past import past_of
from log_sentinel.model.spike import Dimension
from log_sentinel.store import tables
from log_sentinel.store.appending import append
from tests.delivery.happenings import incident
from tests.store.commits import TEN, Log, denial, parsed

if TYPE_CHECKING:
    from log_sentinel.store.engine import Database

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
SERVED, MISSED, FORBIDDEN = 2, 4, 403


def met(database: Database, key: str, hour: int, status_class: int, n: int, dimension: str = "client") -> None:
    """`n` requests of `key`, so many hours after ten."""
    row = {"hour": TEN + hour * HOUR, "dimension": dimension, "key": key, "status_class": status_class, "n": n}
    with database.write() as connection:
        connection.execute(insert(tables.activity), [row])


def test_what_was_not_denied_since_the_hour_it_began_in_is_counted(database: Database) -> None:
    for hour, status_class, n in ((-1, SERVED, 90), (0, SERVED, 3), (1, MISSED, 2), (1, FORBIDDEN, 70), (2, SERVED, 9)):
        met(database, "acme", hour, status_class, n)
    met(database, "globex", 0, SERVED, 50)
    told = incident(key="acme", since=TEN + 50 * MINUTE, last_seen_at=TEN + HOUR + MINUTE)

    assert 5 == past_of(database, told)["not_denied"]


def test_of_an_incident_of_days_it_is_not_looked_up(database: Database) -> None:
    long = incident(since=TEN - 50 * HOUR, last_seen_at=TEN)
    assert "not_denied" not in past_of(database, long)


def test_one_that_nothing_was_known_of_is_first_seen_when_it_was_first_denied(database: Database) -> None:
    append(database, Log(database).commit(parsed([denial(60 * 7), denial(60 * 9)]), to=100_000))
    told = incident(key="acme", since=TEN + 9 * MINUTE, last_seen_at=TEN + 12 * MINUTE, evidence={})

    assert (TEN + 7 * MINUTE).isoformat() == past_of(database, told)["first_seen"]
    assert "first_seen" not in past_of(database, incident(key="acme", evidence={"first_seen": "before"}))


def test_of_a_route_it_is_looked_up_who_those_are_that_are_denied_most(database: Database) -> None:
    for hour in range(30):
        met(database, "acme", -1 - hour, SERVED, 10)
        met(database, "globex", -1 - hour, FORBIDDEN, 10)
    met(database, "192.0.2.1", -1, FORBIDDEN, 4, "ip")
    listed = {"clients": [["acme", 9], ["globex", 8], ["initech", 7]], "ips": [["192.0.2.1", 9], ["192.0.2.2", 2]]}
    told = incident(dimension=Dimension.ROUTE, key="/orders", since=TEN, last_seen_at=TEN, evidence=listed)

    whom = {"clients": ["customer", "", "newcomer"], "ips": ["stranger", "stranger"]}
    assert whom == past_of(database, told)["whom"]
    assert whom == around(database, told).known["whom"]
