"""Where an alert leads: to the dashboard and to the rule's runbook."""

from __future__ import annotations

import pytest

from log_sentinel.delivery.message.composing import NOTHING_KNOWN, compose
from log_sentinel.delivery.message.listing import compose_list
from tests.delivery.happenings import NOON, message, notification, opened
from tests.delivery.stories import MATTERS


def links(dashboard: str | None, runbook: str = "") -> list[tuple[str, str]]:
    told = notification(opened(labels={"runbook": runbook}))
    message = compose(told, NOTHING_KNOWN, instance="edge-1", now=NOON, dashboard=dashboard)
    return [(link.label, link.url) for link in message.links]


def test_an_alert_links_to_its_page_to_its_denials_as_sql_and_to_the_runbook_of_its_rule() -> None:
    assert [
        ("Dashboard", "https://sentinel.example.com/incidents/1042"),
        ("SQL", "https://sentinel.example.com/incidents/1042#sql"),
        ("Runbook", "https://wiki.example.com/403"),
    ] == links("https://sentinel.example.com/", "https://wiki.example.com/403")
    assert links(None) == []


def test_of_what_denies_nobody_there_is_no_sql_and_a_list_leads_to_the_list() -> None:
    assert ["Dashboard"] == [link.label for link in message(MATTERS["log-silent"]).links]
    several = [notification(opened()), notification(opened(id=2))]
    listed = compose_list(several, instance="edge-1", now=NOON, dashboard="https://sentinel.example.com")
    assert ["https://sentinel.example.com/incidents"] == [link.url for link in listed.links]


@pytest.mark.parametrize("address", ["javascript:alert(1)", "https://a|b", "https://a>b", "https://a b", "ftp://a"])
def test_what_is_no_address_for_a_browser_is_no_link(address: str) -> None:
    assert links(address, address) == []
