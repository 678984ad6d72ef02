"""Every shipped rule passes its own series, as `log-sentinel rules test` runs them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from log_sentinel import content
from log_sentinel.detection.rules import load_rules
from log_sentinel.detection.trial import try_rules, try_series

if TYPE_CHECKING:
    from log_sentinel.detection.rule import Rule

RULES = load_rules(sorted(content.shipped("alerts").glob("*.toml")))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_shipped_rule_does_what_its_series_say(rule: Rule) -> None:
    assert [f"{one.series}: {one.problem}" for one in try_rules([rule]) if one.problem] == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_shipped_rule_shows_when_it_fires_and_when_it_does_not(rule: Rule) -> None:
    assert {True, False} == {series.fires_at is not None for series in rule.series}


def test_a_series_that_is_wrong_says_what_the_rule_did() -> None:
    rule = next(rule for rule in RULES if rule.name == "client-spike")
    series = replace(rule.series[0], fires_at=3)

    assert try_series(rule, series).problem == "fires at minute 12; expected at minute 3"
