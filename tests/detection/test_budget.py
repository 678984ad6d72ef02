"""The one knob people have: how many false alarms a week they put up with, however large their deployment is."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as some

from log_sentinel.detection.detector import Detector
from log_sentinel.detection.rule import Kind
from log_sentinel.detection.settings import DetectionSettings
from log_sentinel.detection.surprise import WINDOWS_A_WEEK, limit, surprise
from tests.detection.stories import Story, a_rule, at, denials, fed, repeated, requests

ENTITIES, DIMENSIONS, BUDGETS = some.integers(1, 10**6), some.integers(1, 12), some.floats(0.001, 1000)


@given(ENTITIES, DIMENSIONS, BUDGETS)
def test_chance_reaches_the_limits_of_all_entities_together_as_often_as_the_budget_says(
    entities: int, dimensions: int, budget: float
) -> None:
    # a surprise of s has a chance of exp(-s) in a window of one entity
    chance = math.exp(-limit(entities, dimensions, budget))

    assert entities * WINDOWS_A_WEEK * dimensions * chance == pytest.approx(budget)


@given(ENTITIES, DIMENSIONS, BUDGETS, some.floats(1, 100))
def test_more_entities_ask_for_more_and_a_larger_budget_for_less(
    entities: int, dimensions: int, budget: float, times: float
) -> None:
    here = limit(entities, dimensions, budget)

    assert limit(entities + 1, dimensions, budget) > here
    assert limit(entities, dimensions, budget * times) <= here
    # as many times as many entities, so many times the budget: the same
    assert limit(7 * entities, dimensions, 7 * budget) == pytest.approx(here)


@given(some.floats(0, 1e6), some.floats(0, 1e6), some.floats(1, 100))
def test_more_denials_are_never_less_surprising_and_no_more_than_usual_not_at_all(
    count: float, mean: float, dispersion: float
) -> None:
    assert surprise(count + 1, mean, dispersion) >= surprise(count, mean, dispersion) >= 0.0
    assert surprise(min(count, mean), mean, dispersion) == 0.0


@given(some.floats(0, 1e5), some.floats(0.1, 1e5), some.floats(1, 100), some.floats(0.001, 1), some.floats(1, 10))
def test_the_more_a_rate_drifts_the_less_its_counts_surprise(
    count: float, mean: float, dispersion: float, drift: float, times: float
) -> None:
    steady, drifting, wild = (surprise(count, mean, dispersion, of) for of in (0.0, drift, drift * times))

    assert steady + 1e-6 * count >= drifting >= wild - 1e-6 * count
    # with a drift that is next to none, the tail is that of Poisson
    assert surprise(count, mean, dispersion, 1e-9) == pytest.approx(steady, rel=1e-3, abs=1e-3 * (1 + count))


CLIENTS, APART, LASTS = 8, 12, 6


def told_of(budget: float) -> int:
    """How many clients are told of when one after the other is denied a little more than the one before."""
    known = Detector(
        [a_rule(kind=Kind.SPIKE, apart=True, at_least=20, times_usual=2.0)],
        DetectionSettings(false_alarms_per_week=budget),
    )
    usual = [{"client": f"client-{number}", "n": 2} for number in range(CLIENTS)]
    known.learn(repeated(denials(0, *usual), -24 * 60, 0), repeated(requests(0), -24 * 60, 0), at(0))
    story: Story = {
        minute: [*usual, *([{"client": f"client-{number}", "n": 2 + number}] if minute % APART < LASTS else [])]
        for number in range(CLIENTS)
        for minute in range(APART * number, APART * number + APART)
    }
    return len({spike.key for spikes in fed(known, story, APART * CLIENTS).values() for spike in spikes})


def test_with_a_larger_budget_there_are_never_fewer_alarms_on_the_same_stream() -> None:
    told = [told_of(budget) for budget in (0.001, 1, 1000)]

    assert told == sorted(told)
    assert 0 < told[0] < told[-1]
