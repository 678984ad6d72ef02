"""A route in a log that names no clients: broken by a deploy, or attacked? The requests tell."""

from __future__ import annotations

import pytest

from log_sentinel import content
from log_sentinel.detection.rules import load_rules
from log_sentinel.incidents.grouping import groups
from tests.detection.stories import at, denials, detector, repeated, requests

RULES = load_rules(sorted(content.shipped("alerts").glob("route-*.toml")))


@pytest.mark.parametrize(
    ("denied", "asked", "told_by"), [(90, 100, "route-denies-every-address"), (900, 1000, "route-attacked")]
)
def test_who_is_shut_out_asks_as_ever_and_an_attack_comes_on_top(denied: int, asked: int, told_by: str) -> None:
    known = detector(*RULES)
    usual, traffic = (repeated(minute, -2880, 0) for minute in (denials(0, {"client": None}), requests(0, 100)))
    known.learn(usual, traffic, at(0))
    crowd = [{"client": None, "ip": f"198.51.{n}.7", "n": denied // 30} for n in range(30)]
    told = [groups(known.feed(at(minute), denials(minute, *crowd), requests(minute, asked))) for minute in range(3)]

    assert [[], [], [(told_by, "/orders")]] == [[(one.root.rule, one.root.key) for one in group] for group in told]
