"""The daemon tells what is wrong with it once, and once that it is over; whoever restarts it hears nothing new."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from log_sentinel.daemon.findings.finding import Finding, Notice, State
from log_sentinel.daemon.notices import LOOKS, Notices
from log_sentinel.delivery.routing import Routing
from log_sentinel.delivery.settings import Route
from log_sentinel.delivery.webhook.settings import WebhookSettings
from log_sentinel.incidents.people import resolved
from log_sentinel.model.spike import Dimension, Severity
from log_sentinel.store import incidents

if TYPE_CHECKING:
    from log_sentinel.store.engine import Database

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
PROXY = Finding(State.WRONG, "addresses", "you are seeing your proxy", "Set trusted_proxies.", Notice.PROXY)
SILENT = Finding(State.WRONG, "source edge", "silent since noon", "Does it run?", Notice.SILENT)
FINE = Finding(State.FINE, "source edge", "7 of 7 bytes are stored")


class Daemon:
    """One that finds what it is told to find, with a look every five minutes."""

    def __init__(self, database: Database, instance: str = "edge-1") -> None:
        self.database, self.instance = database, instance
        self.found: list[Finding] = []
        self.looks = 0
        self.restart()

    def restart(self) -> None:
        self.notices = Notices(self.database, self.instance, lambda _: [FINE, *self.found])

    def look(self, times: int = 1) -> list[str]:
        told = []
        for _ in range(times):
            self.looks += 1
            happened = self.notices(NOW + timedelta(minutes=5 * self.looks))
            told += [f"{one.kind} {one.incident.rule} of {one.incident.key}" for one in happened]
        return told


@pytest.fixture
def daemon(database: Database) -> Daemon:
    return Daemon(database)


def test_a_finding_is_told_once_and_its_end_once(daemon: Daemon) -> None:
    daemon.found = [PROXY, SILENT]
    told = daemon.look(9)
    daemon.found = [SILENT]
    told += daemon.look(9)

    assert told == [
        "opened proxy-seen of edge-1: addresses",
        "opened source-silent of edge-1: source edge",
        "resolved proxy-seen of edge-1: addresses",
    ]
    assert ["source-silent"] == [one.rule for one in incidents.unresolved(daemon.database)]


def test_what_comes_and_goes_between_looks_is_told_to_nobody(daemon: Daemon) -> None:
    for found in ([PROXY], [], [PROXY], [], [PROXY] * 2):
        daemon.found = list(found)
        assert [] == daemon.look()
    daemon.found = [PROXY]
    assert 1 == len(daemon.look())
    for found in ([], [PROXY], [], [PROXY]):
        daemon.found = list(found)
        assert [] == daemon.look()


def test_a_restart_tells_nothing_again(daemon: Daemon) -> None:
    daemon.found = [PROXY]
    assert 1 == len(daemon.look(LOOKS))
    daemon.restart()

    assert [] == daemon.look(9)
    daemon.found = []
    daemon.restart()
    assert ["resolved proxy-seen of edge-1: addresses"] == daemon.look(9)


def test_what_a_notice_says_is_kept_and_follows_the_latest_look(daemon: Daemon) -> None:
    daemon.found = [PROXY]
    daemon.look(LOOKS)
    daemon.found = [Finding(State.WRONG, "addresses", "10.0.0.7 has 99", "Do.", Notice.PROXY)]
    assert [] == daemon.look()

    [kept] = incidents.unresolved(daemon.database)
    assert (Dimension.SELF, Severity.NOTICE) == (kept.dimension, kept.severity)
    assert {"what": "addresses", "says": "10.0.0.7 has 99", "todo": "Do."} == kept.evidence


def test_what_somebody_resolved_and_goes_on_is_told_again(daemon: Daemon) -> None:
    daemon.found = [PROXY]
    daemon.look(LOOKS)
    [told] = incidents.unresolved(daemon.database)
    incidents.change(daemon.database, told.id or 0, lambda one: resolved(one, "ada", NOW), NOW)

    assert ["opened proxy-seen of edge-1: addresses"] == daemon.look(LOOKS)


def test_detection_leaves_notices_alone(daemon: Daemon) -> None:
    daemon.found = [PROXY]
    daemon.look(LOOKS)

    with daemon.database.write() as connection:
        assert [] == incidents.known(connection, NOW - timedelta(days=1))
        assert 1 == len(incidents.known_of_self(connection))


def test_two_daemons_on_one_database_each_look_after_their_own(database: Database) -> None:
    one, other = Daemon(database), Daemon(database, "edge-2")
    one.found = other.found = [SILENT]
    told = one.look(LOOKS) + other.look(LOOKS)
    one.found = []

    assert ["opened source-silent of edge-1: source edge", "opened source-silent of edge-2: source edge"] == told
    assert [] == other.look(9)
    assert ["resolved source-silent of edge-1: source edge"] == one.look(9)


def test_routes_choose_who_hears_of_notices(daemon: Daemon) -> None:
    daemon.found = [PROXY]
    [_, [happening]] = [daemon.notices(NOW), daemon.notices(NOW)]
    channels = {name: WebhookSettings(type="webhook", url="http://127.0.0.1:1") for name in ("ops", "oncall")}
    by_severity = [
        Route(match={"severity": "notice"}, to=["ops"]),
        Route(match={"severity": "critical"}, to=["oncall"]),
    ]
    by_rule = [Route(match={"rule": "proxy-seen"}, to=["oncall"])]

    def told(routes: list[Route]) -> list[str]:
        return [to.channel for to in Routing(channels, routes).recipients(happening, set(), NOW)]

    assert (["ops"], ["oncall"], ["ops", "oncall"]) == (told(by_severity), told(by_rule), told([]))
