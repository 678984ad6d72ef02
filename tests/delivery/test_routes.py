"""What a route of the settings matches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from log_sentinel.daemon.background import services_of
from log_sentinel.delivery.routing import matches
from log_sentinel.delivery.settings import Route
from log_sentinel.model.spike import Dimension
from log_sentinel.store.appending import append
from tests.delivery.happenings import incident, opened
from tests.delivery.scene import Scene
from tests.store.commits import TEN, Log, denial, parsed

if TYPE_CHECKING:
    from log_sentinel.store.engine import Database

TOLD = opened(
    labels={"team": "payments"}, evidence={"routes": [["/v1/orders/{id}", 9], ["/v1/search", 2]], "routes_distinct": 2}
)


@pytest.mark.parametrize(
    ("match", "matching"),
    [
        ({}, True),
        ({"severity": "critical", "kind": "opened"}, True),
        ({"severity": "critical", "kind": "resolved"}, False),
        ({"rule": "client-spike", "dimension": "client"}, True),
        ({"label.team": "payments"}, True),
        ({"label.team": "search"}, False),
        ({"route": "/v1/search"}, True),
        ({"route": "/v1/orders*"}, True),
        ({"route": "/v1"}, False),
        ({"service": "orders"}, True),
        ({"service": "ord*", "route": "/v1/*"}, True),
        ({"service": "billing"}, False),
    ],
)
def test_a_happening_matches_what_has_all_its_values(match: dict[str, str], matching: bool) -> None:
    assert matching == matches(Route(match=match, to=["ops"]).match, TOLD, lambda _: frozenset({"orders"}))


def test_of_a_route_that_is_denied_it_is_the_route_itself() -> None:
    told = opened(dimension=Dimension.ROUTE, key="/login", evidence={})
    assert matches({"route": "/login"}, told)


def test_services_are_read_only_where_a_route_names_one() -> None:
    def asked(_: object) -> frozenset[str]:
        raise AssertionError

    assert matches({"route": "/v1/search"}, TOLD, asked)
    assert not matches({"service": "orders", "severity": "info"}, TOLD, asked)


def test_who_looks_after_a_service_is_told_of_it_and_of_no_other(database: Database) -> None:
    rows = [
        denial(0, client="acme-prod", service="orders"),
        denial(1, client="acme-prod"),
        denial(2, service="billing"),
    ]
    append(database, Log(database).commit(parsed(rows), to=300))
    one = incident(since=TEN, last_seen_at=TEN)
    assert frozenset({"orders"}) == services_of(database, one)
    routing = [Route(match={"service": name}, to=[name]) for name in ("orders", "billing")]
    scene = Scene(database, "orders", "billing", routing=routing)
    scene.delivery._routing._services = lambda incident: services_of(database, incident)
    number = scene.happens(opened(since=TEN, last_seen_at=TEN))
    scene.delivery.step()
    assert ([(number, "opened")], []) == (scene.told("orders"), scene.told("billing"))
