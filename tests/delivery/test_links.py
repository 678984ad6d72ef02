"""Where an alert leads: to the dashboard and to the rule's runbook."""

from __future__ import annotations

import pytest

from log_sentinel.delivery.message.composing import NOTHING_KNOWN, compose
from tests.delivery.happenings import NOON, notification, opened


def links(dashboard: str | None, runbook: str = "") -> list[tuple[str, str]]:
    told = notification(opened(labels={"runbook": runbook}))
    message = compose(told, NOTHING_KNOWN, instance="edge-1", now=NOON, dashboard=dashboard)
    return [(link.label, link.url) for link in message.links]


def test_an_alert_links_to_the_dashboard_and_to_the_runbook_of_its_rule() -> None:
    assert [("Dashboard", "https://sentinel.example.com"), ("Runbook", "https://wiki.example.com/403")] == links(
        "https://sentinel.example.com", "https://wiki.example.com/403"
    )
    assert links(None) == []


@pytest.mark.parametrize("address", ["javascript:alert(1)", "https://a|b", "https://a>b", "https://a b", "ftp://a"])
def test_what_is_no_address_for_a_browser_is_no_link(address: str) -> None:
    assert links(address, address) == []
