from __future__ import annotations

from dataclasses import replace

from log_sentinel.backtest.comparison import compared
from tests.backtest.histories import RULES, a_history, a_span, both, told_in, tried

STORY = both(
    told_in(range(-1440, 200), 2),
    told_in(range(10, 20), 60),
    told_in(range(120, 130), 5, client="globex", ip="198.51.100.7", route="/pay"),
)
HISTORY = a_history(STORY, range(-1440, 200))
SPAN = a_span(0, 200, 1440)
SENSITIVE = tuple(replace(rule, at_least=15) for rule in RULES)


def test_the_same_rules_find_the_same() -> None:
    found = compared(tried(HISTORY, SPAN), tried(HISTORY, SPAN))

    assert (["acme"], False) == ([one.key for one in found.both], found.differs)


def test_what_only_one_of_two_finds_is_named() -> None:
    found = compared(tried(HISTORY, SPAN), tried(HISTORY, SPAN, SENSITIVE))

    assert (["acme"], [], ["globex"]) == tuple(
        [one.key for one in part] for part in (found.both, found.only_first, found.only_second)
    )
    assert found.differs


def test_a_rule_of_another_name_that_finds_the_same_is_no_difference() -> None:
    renamed = tuple(replace(rule, name=f"new-{rule.name}") for rule in RULES)

    assert not compared(tried(HISTORY, SPAN), tried(HISTORY, SPAN, renamed)).differs


def test_without_rules_nothing_is_found() -> None:
    assert ["acme"] == [one.key for one in compared(tried(HISTORY, SPAN), tried(HISTORY, SPAN, ())).only_first]
