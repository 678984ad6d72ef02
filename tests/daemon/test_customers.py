"""Who is hurt, by what the database knows of a key's earlier requests."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert

from log_sentinel import content
from log_sentinel.daemon.customers import Customers
from log_sentinel.detection.rules import load_rule
from log_sentinel.incidents.stepping import step
from log_sentinel.model.spike import Dimension, Who
from log_sentinel.store import tables
from tests.incidents.spikes import START, a_spike

if TYPE_CHECKING:
    from log_sentinel.store.engine import Database

CLIENT, NEWCOMER = (load_rule(content.shipped("alerts") / f"{name}.toml") for name in ("client-spike", "newcomer"))
# Requests of an hour, by the class of their status: so many hours before that of the spike.
DENIED, SERVED = 4, 2


def met(database: Database, *hours: tuple[int, int, int], key: str = "acme") -> None:
    """Requests of `key`: hours ago, class of status, how many."""
    rows = [
        {"hour": START - timedelta(hours=ago), "dimension": "client", "key": key, "status_class": status, "n": n}
        for ago, status, n in hours
    ]
    with database.write() as connection:
        connection.execute(insert(tables.activity), rows)


@pytest.mark.parametrize(
    ("hours", "who"),
    [
        ([(ago, SERVED, 100) for ago in range(30)], Who.CUSTOMER),
        ([(0, DENIED, 90)], Who.NEWCOMER),
        ([(1, DENIED, 90), (0, DENIED, 90)], Who.NEWCOMER),
        ([(0, DENIED, 90), (0, SERVED, 3)], None),
        ([(ago, DENIED, 90) for ago in range(30)], None),
    ],
    ids=["let in for a day", "denied from its first request", "and for an hour", "let in at first", "denied for days"],
)
def test_who_is_hurt_follows_from_what_became_of_its_requests(
    database: Database, hours: list[tuple[int, int, int]], who: Who | None
) -> None:
    met(database, *hours)
    (spike,) = Customers(database).known([a_spike("acme")])

    assert who == spike.evidence.get("who")


def test_a_newcomer_is_one_incident_told_in_the_words_of_its_rule(database: Database) -> None:
    met(database, (0, DENIED, 90))
    both = [
        replace(a_spike("acme", rule=rule.name), yields_to=rule.yields_to, of_whom=rule.of_whom)
        for rule in (CLIENT, NEWCOMER)
    ]
    rules = {rule.name: rule for rule in (CLIENT, NEWCOMER)}
    stepped = step([], Customers(database).known(both), START, rules)

    assert [("newcomer", {"kind": "newcomer"})] == [(one.rule, one.labels) for one in stepped.incidents]


def test_an_address_has_no_requests_of_a_client_of_that_name(database: Database) -> None:
    met(database, (0, SERVED, 90), key="192.0.2.1")
    (spike,) = Customers(database).known([a_spike("192.0.2.1", dimension=Dimension.IP)])

    assert Who.STRANGER == spike.evidence["who"]
