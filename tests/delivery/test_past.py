"""The sentence that tells the customer from the attacker."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from log_sentinel.delivery.message.past import before, figure_of
from log_sentinel.model.spike import Dimension
from tests.delivery.happenings import NOON, incident

DENIED = [["403", 412]]
OURS = ": look first for what changed on your side."


def ago(**length: float) -> str:
    return (NOON - timedelta(**length)).isoformat()


def told(dimension: Dimension = Dimension.CLIENT, **evidence: Any) -> str:
    return str(before(incident(dimension=dimension, total=400, evidence={"statuses": DENIED} | evidence))).strip()


@pytest.mark.parametrize(
    ("evidence", "sentence"),
    [
        ({}, ""),
        (
            {"who": "customer", "requests_before": 5000, "succeeded_before": 0.992, "first_seen": ago(days=14, hours=1)}
            | {"not_denied": 0},
            "In the 14 days before, 99.2% of its 5,000 requests succeeded; since then all are denied with 403" + OURS,
        ),
        (
            {"who": "customer", "requests_before": 5000, "succeeded_before": 0.992},
            "Until then 99.2% of its 5,000 requests succeeded" + OURS,
        ),
        (
            {"requests_before": 90, "succeeded_before": 0.5, "first_seen": ago(hours=4), "not_denied": 100},
            "In the 3 hours before, 50.0% of its 90 requests succeeded; since then at least 80.0% are denied with 403.",
        ),
        (
            {"requests_before": 90, "succeeded_before": 0.5, "first_seen": ago(hours=4), "not_denied": 401},
            "In the 3 hours before, 50.0% of its 90 requests succeeded.",
        ),
        (
            {"first_seen": ago(minutes=40), "not_denied": 0},
            "First seen 40 minutes ago; since then all are denied with 403.",
        ),
        ({"first_seen": ago(minutes=-40)}, ""),
        ({"first_seen": "yesterday"}, ""),
        ({"first_seen": 7}, ""),
    ],
    ids=[
        "nothing known",
        "customer",
        "customer of an older version",
        "half its requests",
        "let through mostly",
        "new",
        "of the future",
        "no date",
        "no text",
    ],
)
def test_of_a_client_it_is_said_what_it_was_and_what_it_is_since(evidence: dict[str, Any], sentence: str) -> None:
    assert sentence == told(**evidence)


def test_of_a_stranger_it_is_said_since_when_it_is_known_and_that_it_had_no_success() -> None:
    assert "No request of it has ever succeeded here." == told(Dimension.IP, who="stranger")
    known = told(Dimension.IP, who="stranger", first_seen=ago(minutes=6))
    assert "First seen 6 minutes ago; no request of it has ever succeeded here." == known


@pytest.mark.parametrize(
    ("whom", "sentence"),
    [
        (None, ""),
        ({"clients": [], "ips": []}, ""),
        ({"clients": ["customer"]}, "That client is a customer: its requests succeeded until then."),
        (
            {"clients": ["customer", "", "customer"]},
            "Of the 3 clients denied most 2 are customers, whose requests succeeded until then.",
        ),
        (
            {"clients": [], "ips": ["customer", "stranger"]},
            "Of the 2 addresses denied most 1 is a customer, whose requests succeeded until then.",
        ),
        ({"ips": ["stranger"] * 5}, "None of the 5 addresses denied most has ever had success here."),
        ({"clients": ["newcomer"], "ips": ["customer"]}, "That client has never had success here."),
        ({"ips": ["stranger", ""]}, ""),
    ],
    ids=str,
)
def test_of_what_is_no_single_one_it_is_said_who_are_denied_most(whom: dict[str, list[str]], sentence: str) -> None:
    assert sentence == told(Dimension.ROUTE, whom=whom)


def test_where_most_are_denied_without_a_client_it_is_said_of_the_addresses() -> None:
    whom = {"clients": ["customer"], "ips": ["stranger"] * 5}
    few, most = (told(Dimension.ROUTE, whom=whom, anonymous=anonymous) for anonymous in (40, 411))
    assert "That client is a customer: its requests succeeded until then." == few
    assert "None of the 5 addresses denied most has ever had success here." == most


def test_beside_the_figures_stands_since_when_it_is_known() -> None:
    new = figure_of(incident(evidence={"first_seen": ago(minutes=6)}))
    assert new is not None
    assert ("First seen", "2026-11-24 11:54 UTC") == (new.label, str(new.value))
    assert figure_of(incident(dimension=Dimension.ROUTE)) is None
    assert figure_of(incident(evidence={})) is None
