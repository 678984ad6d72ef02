"""Each incident at an address of its own: what an alert tells, and what has happened to it."""

from __future__ import annotations

from datetime import timedelta
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from log_sentinel.delivery.message.composing import Background
from log_sentinel.web.incidents import IncidentPages
from tests.delivery.happenings import NOON, acknowledged, course, grew, opened, resolved, sample_of, with_everything
from tests.delivery.scene import record
from tests.delivery.stories import MATTERS, STORIES
from tests.web.asking import ask, served

if TYPE_CHECKING:
    from log_sentinel.model.incident import Happening, Incident
    from log_sentinel.store.engine import Database

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

HOSTILE = (
    """<img src=x onerror=alert(1)>'"><script>alert(1)</script></svg><a href="javascript:alert(1)">{{ 4111 * 3 }}"""
)


def pages(database: Database, told: Happening | None = None, sample: dict[str, object] | None = None) -> IncidentPages:
    def background(_: Incident) -> Background:
        return Background(samples=[sample or {}] * 5, course=course(told or opened()))

    return IncidentPages(database, background, "edge-1")


def test_it_says_what_an_alert_says_and_what_happened_since(database: Database) -> None:
    number = record(database, opened(id=None), NOON)
    record(database, grew(), NOON, number)
    record(database, acknowledged(), NOON, number)
    with served(incidents=pages(database, sample={"path": "/v1/orders/8112", "status": 403})) as serving:
        page = ask(serving, f"/incidents/{number}")
    assert 200 == page.status
    for told in (
        "<title>#1 open - log-sentinel</title>",
        "Client <code>acme-prod</code> was denied 412 times",
        "Probable cause: insufficient permissions, 88% sure",
        "the upstream was never called",
        "<svg ",
        "denials in the last 3 h, at most 96 a minute",
        "<code>/v1/orders/8112</code>",
        "and 431 more",
        "where client = &#39;acme-prod&#39;",
        "Permissions: may the client do this?",
        "log-sentinel incidents ack 1",
        'href="https://runbooks.example.com/denials?team=payments&amp;x=1"',
        "Growing: 930 denials in 5 min",
        "Acknowledged by <code>kim</code>.",
    ):
        assert told in page.body


@pytest.mark.parametrize("story", STORIES)
def test_there_is_a_page_for_each_kind_of_incident_and_each_step(database: Database, story: str) -> None:
    number = record(database, STORIES[story], NOON)
    with served(incidents=pages(database, STORIES[story])) as serving:
        page = ask(serving, f"/incidents/{number}")
    assert (200, "What happened" in page.body) == (page.status, True)


def test_the_list_has_what_is_open_first_and_links_to_each(database: Database) -> None:
    over = record(database, resolved(key="over"), NOON)
    first = record(database, opened(key="first"), NOON)
    second = record(database, opened(key="second", opened_at=NOON + timedelta(minutes=1)), NOON)
    with served(incidents=pages(database)) as serving:
        page = ask(serving, "/incidents").body
        index = ask(serving, "/").body
    places = [page.index(f'href="incidents/{number}"') for number in (second, first, over)]
    assert sorted(places) == places
    assert 'href="/incidents"' in index


def test_nothing_that_a_log_says_takes_effect(database: Database) -> None:
    benign, hostile = (record(database, with_everything(text), NOON) for text in ("harmless", HOSTILE))
    with served(incidents=pages(database, sample=sample_of(HOSTILE))) as serving:
        found = ask(serving, f"/incidents/{hostile}").body
        listed = ask(serving, "/incidents").body
    with served(incidents=pages(database, sample=sample_of("harmless"))) as serving:
        expected = ask(serving, f"/incidents/{benign}").body
    assert tags(expected) == tags(found)
    assert {"script", "img"}.isdisjoint({tag for tag, _ in tags(listed)})
    assert "12333" not in found


def tags(page: str) -> list[tuple[str, tuple[str, ...]]]:
    """The elements of `page` with the names of their attributes, without those that only a command brings."""
    found: list[tuple[str, tuple[str, ...]]] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.append((tag, tuple(name for name, _ in attrs)))

    Reader().feed(page)
    return [one for one in found if one[0] not in ("br", "code")]


@pytest.mark.parametrize("path", ["/incidents/7", "/incidents/99999999999999999999999"])
def test_one_that_is_not_there_is_said(database: Database, path: str) -> None:
    with served(incidents=pages(database)) as serving:
        answer = ask(serving, path)
    assert (404, "There is no incident" in answer.body) == (answer.status, True)


def test_what_is_no_number_is_no_page_and_nothing_can_be_changed(database: Database) -> None:
    with served(incidents=pages(database)) as serving:
        assert [404, 404, 405] == [
            ask(serving, "/incidents/x").status,
            ask(serving, "/incidents/-1").status,
            ask(serving, "/incidents/1", "POST").status,
        ]


def test_with_a_token_set_they_need_it(database: Database) -> None:
    record(database, opened(), NOON)
    with served(incidents=pages(database), token="a-token-of-more-than-16") as serving:
        assert [401, 401] == [ask(serving, path).status for path in ("/incidents", "/incidents/1")]


def test_without_a_database_they_say_so(database: Database) -> None:
    record(database, MATTERS["scanner"], NOON)
    with served(incidents=pages(database)) as serving:
        database.close()
        assert database.path is not None
        database.path.rename(database.path.with_suffix(".gone"))
        database.path.mkdir()
        assert [503, 503] == [ask(serving, path).status for path in ("/incidents", "/incidents/1")]
