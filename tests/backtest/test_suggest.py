from __future__ import annotations

import tomllib
from dataclasses import replace

import pytest

from log_sentinel.backtest.suggest import suggested, thresholds
from log_sentinel.cli.suggesting import rule_file
from log_sentinel.detection.rule import Counted, Kind, Rule
from log_sentinel.detection.rules import read_rule
from log_sentinel.detection.settings import DetectionSettings
from log_sentinel.detection.trial import try_rules
from log_sentinel.model.spike import Dimension, Severity
from tests.backtest.histories import a_history, a_span, both, told_in

WANTED = Rule("mine", "Mine.", Kind.THRESHOLD, Counted(Dimension.CLIENT), 5, 1, Severity.WARNING, confirm=3)
# Every hour a burst of 20 in five minutes, and once a large one of somebody with an evil name.
EVIL = 'x"\nkind = "spike'
HISTORY = a_history(
    both(
        *(told_in(range(start, start + 5), 4) for start in range(0, 360, 60)),
        told_in(range(200, 206), 50, client=EVIL),
    ),
    range(360),
)
SPAN = a_span(0, 360)


def test_the_ladder_is_of_round_numbers_to_beyond_what_ever_was() -> None:
    assert [10, 15, 20, 30, 50, 70, 100, 150] == thresholds(120)
    assert [10] == thresholds(0)


@pytest.mark.parametrize(("a_week", "at_least", "firings"), [(0, 300, 0), (28, 30, 1), (10_000, 10, 7)])
def test_the_smallest_threshold_that_does_not_fire_too_often_is_proposed(
    a_week: float, at_least: int, firings: int
) -> None:
    found = suggested(WANTED, a_week, DetectionSettings(), HISTORY, SPAN)

    assert (at_least, firings) == (found.rule.at_least, len(found.chosen.firings))


@pytest.mark.parametrize("kind", [Kind.THRESHOLD, Kind.RATIO, Kind.SPIKE])
def test_what_is_printed_is_a_rule_that_proves_itself(kind: Kind) -> None:
    counted = replace(WANTED.counted, statuses=(403,), apart=kind is Kind.SPIKE)
    wanted = replace(WANTED, kind=kind, counted=counted, times_usual=1.0 if kind is Kind.THRESHOLD else 3.0)
    found = suggested(wanted, 28, DetectionSettings(), HISTORY, SPAN)

    rule = read_rule("mine", tomllib.loads(rule_file(found)), "mine.toml")

    assert found.rule == rule
    assert [None, None] == [outcome.problem for outcome in try_rules([rule])]


def test_a_name_out_of_a_log_cannot_leave_its_comment() -> None:
    text = rule_file(suggested(WANTED, 28, DetectionSettings(), HISTORY, SPAN))

    assert "# 250" not in text
    assert next(line for line in text.splitlines() if 'x"' in line).startswith("#   2026-03-03")
    assert "threshold" == tomllib.loads(text)["kind"]


def test_a_history_of_one_minute_gives_the_least() -> None:
    found = suggested(WANTED, 1, DetectionSettings(), a_history(told_in(range(1), 1), range(1)), a_span(0, 1))

    assert (10, ()) == (found.rule.at_least, found.chosen.firings)
