"""The series of a rule reach it whatever it counts and asks for."""

from __future__ import annotations

from typing import Any

import pytest

from log_sentinel.detection.rules import read_rule
from log_sentinel.detection.trial import try_rules

MANY: dict[str, object] = {"name": "many", "denials": "0x5 100x10", "fires_at": 6}


def problem(spread: dict[str, int] | None = None, **rule: Any) -> str | None:
    """What is wrong about a threshold of 200 in ten minutes, over a series with 100 a minute from minute 5 on."""
    usual = {"description": "Many.", "kind": "threshold", "dimension": "client", "window": "10m", "at_least": 200}
    series = MANY | ({"spread": spread} if spread else {})
    read = read_rule("mine", usual | {"severity": "warning", "series": [series]} | rule, "mine.toml")
    return try_rules([read])[0].problem


@pytest.mark.parametrize("column", ["client", "ip", "network", "route", "cause", "source"])
def test_denials_are_spread_over_any_column(column: str) -> None:
    assert problem({column: 60}, dimension="all", distinct={column: 50}) is None
    assert "fires never; expected at minute 6" == problem({column: 40}, dimension="all", distinct={column: 50})


def test_many_addresses_are_of_one_network() -> None:
    assert problem({"ip": 100}, dimension="network", distinct={"ip": 50}) is None


@pytest.mark.parametrize(
    "where",
    [
        {"client": "acme"},
        {"ip": "192.0.2.9"},
        {"network": "203.0.113.0/24"},
        {"network": "2001:db8:1:2::/64"},
        {"route": ["/a", "/b"]},
        {"cause": "authentication", "source": "edge"},
    ],
    ids=str,
)
def test_the_denials_are_those_that_the_rule_counts(where: dict[str, object]) -> None:
    assert problem(where=where) is None
