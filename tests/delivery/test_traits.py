"""What many addresses have in common is told, so that they can be limited at once."""

from __future__ import annotations

from typing import Any

import pytest

from log_sentinel.delivery.message.traits import trait_of
from log_sentinel.model.spike import Dimension
from tests.delivery.happenings import incident

CROWD: dict[str, Any] = {
    "dimension": Dimension.ROUTE,
    "key": "/login",
    "observed": 400,
    "evidence": {
        "ips": [["192.0.2.1", 4]],
        "ips_distinct": 300,
        "networks": [["192.0.2.0/24", 320], ["198.51.100.0/24", 80]],
        "routes": [["/login", 400]],
    },
}


def in_common(agents: tuple[str, ...] = (), **changed: Any) -> str:
    figure = trait_of(incident(**(CROWD | changed)), [{"user_agent": agent} for agent in agents])
    return "" if figure is None else str(figure.value)


@pytest.mark.parametrize(
    ("agents", "changed", "told"),
    [
        ((), {}, "network 192.0.2.0/24 (80%)"),
        ((), {"dimension": Dimension.ALL, "key": "all"}, "network 192.0.2.0/24 (80%) and route /login (100%)"),
        (("curl/8",) * 9 + ("x",), {}, "network 192.0.2.0/24 (80%) and user agent curl/8 (9 of the last 10)"),
        (("a", "b", "c", "d", "e"), {}, "network 192.0.2.0/24 (80%)"),
        (("curl/8",), {}, "network 192.0.2.0/24 (80%)"),
        ((), {"observed": 4000}, ""),
        ((), {"evidence": CROWD["evidence"] | {"ips_distinct": 9}}, ""),
    ],
    ids=[
        "network",
        "route",
        "user agent",
        "no agent of most",
        "too few requests",
        "no network of most",
        "few addresses",
    ],
)
def test_of_many_addresses_it_is_said_what_most_denials_have_in_common(
    agents: tuple[str, ...], changed: dict[str, Any], told: str
) -> None:
    assert told == in_common(agents, **changed)


def test_what_they_have_in_common_comes_from_a_stranger_and_is_shown_as_text() -> None:
    assert "\n" not in in_common(("a\nb <!channel>",) * 5)
