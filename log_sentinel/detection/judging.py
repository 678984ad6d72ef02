"""Which entities are high at the end of a minute, for all rules at once.

A threshold is reached by `at_least` denials in the window, a ratio by `times_usual` times the usual besides. A spike
must also be more than chance brings within the budget of false alarms (`surprise`), and more than the short bursts of
others that this deployment has seen (`bursts`). It is looked for in the window and, for what is small and lasts, in the
last hour.

Whatever reaches must have been high in several of the last minutes: a script that retries for ten seconds is no
incident. What fires goes on firing until it is half way back to the usual, so that a rule does not flap around its
threshold.

A deployment whose first day is not over cannot tell an hourly job from an incident: rules that need a usual then ask
for more high minutes, and for the first twenty minutes they say nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import groupby, islice
from typing import TYPE_CHECKING

from log_sentinel.detection import breadth
from log_sentinel.detection.bursts import bursting
from log_sentinel.detection.candidates import Candidates
from log_sentinel.detection.census import HOUR
from log_sentinel.detection.high import High
from log_sentinel.detection.rule import Kind
from log_sentinel.detection.surprise import limit, surprise
from log_sentinel.model.spike import Dimension

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from log_sentinel.detection.candidates import Candidate, Knowledge
    from log_sentinel.detection.faults import Faults
    from log_sentinel.detection.firing import Firing
    from log_sentinel.detection.rule import Counted, Rule

# Spikes of one rule told at one minute. Of more, the largest.
MOST_SPIKES = 50
SETTLED_MINUTES = 24 * 60
SILENT_MINUTES = 20
# Of how many minutes beyond `for` the high ones may be: 3 of the last 5, in a young deployment 8 of the last 10.
SLACK = 2
YOUNG_EXTRA = 5
# A young deployment's first office hours are a general rise all day: for so many minutes it is news.
NEWS = 90
# High minutes are counted of so many for `bursts`.
LASTED_OF = 10

# What the hour must show: so many times the rule's floor, that part of its factor, denials in so many of its minutes,
# high ones among the last ten.
HOUR_FLOOR, HOUR_TIMES, HOUR_ACTIVE, HOUR_HIGH = 3, 0.83, 12, 4
# Its last quarter must keep up that part of its pace: what is over is not still going on.
QUARTER, PACE = 15, 0.7
# A minute of the hour counts as at most so many times the mean one: one burst is no steady excess.
MINUTE_TIMES = 4
# Bursts of entities with more denials than that in a window say nothing of others: theirs grow with them.
SAMPLED_BELOW = 5.0
# A minute is high from so many times the usual on, or from half way to the rule's times.
HIGH_TIMES = 1.5


@dataclass(frozen=True, slots=True)
class Course:
    """Denials by the minute, the newest first, of the last hour."""

    minutes: Sequence[int]

    def high(self, floor: float, of: int) -> int:
        """How many of the last `of` minutes have at least `floor`."""
        return sum(n >= floor for n in self.minutes[:of])

    def since(self, floor: float, of: int) -> int:
        """How many minutes ago the first of them was; 0 when there is none."""
        return max((age for age, n in enumerate(self.minutes[:of]) if n >= floor), default=0)


class Judging:
    """Judges every minute by `rules`, whose entities are numbered by the places of `counted`."""

    def __init__(self, rules: Sequence[Rule], counted: Sequence[Counted], faults: Faults) -> None:
        self._rules = rules
        self._faults = faults
        self._whats = [counted.index(rule.counted) for rule in rules]
        self._spikes = {what for what, rule in zip(self._whats, rules, strict=True) if rule.kind is Kind.SPIKE}
        self._candidates = Candidates(rules, counted)
        self.windows = self._candidates.windows()

    def high(self, minute: int, known: Knowledge, firing: Mapping[int, Firing]) -> list[High]:
        """What is high in the windows that end with `minute`, at most MOST_SPIKES a rule, the largest first."""
        known.bursts.end(minute)
        found = self._candidates.at(minute, known, with_usual=known.lived >= SILENT_MINUTES)
        courses = known.census.courses({one.entity for one in found})
        limits = self._limits(known)
        loud = breadth.of_few(found, self._rules)
        still = {(rule, entity) for rule, memory in firing.items() for entity in memory.firing(minute - 1)}
        high: list[High] = []
        for one in found:
            on = (one.rule, one.entity) in still
            with self._faults.of(self._rules[one.rule].name):
                of_limit = limits[self._whats[one.rule]]
                course = Course(courses[one.entity])
                judged = self._judged(one, course, minute, known, of_limit, loud.get(one.entity, 0.0), still=on)
                high += [] if judged is None else [judged]
        high.sort(key=lambda one: (one.rule, -one.n, one.key))
        if any(
            self._rules[one.rule].counted.dimension is Dimension.ALL
            and firing[one.rule].lasted(one.entity, minute) < (NEWS if known.lived < SETTLED_MINUTES else math.inf)
            for one in high
        ):
            known.bursts.set_apart()
        by_rule = groupby(high, key=lambda one: one.rule)
        return [one for _, of_rule in by_rule for one in islice(of_rule, MOST_SPIKES)]

    def _judged(
        self,
        one: Candidate,
        course: Course,
        minute: int,
        known: Knowledge,
        of_limit: float,
        of_few: float,
        *,
        still: bool,
    ) -> High | None:
        """It as High, if it is or, fired already, `still` is. `of_few`: of its denials, those of a few."""
        rule = self._rules[one.rule]
        asked = rule.confirm + (YOUNG_EXTRA if self._is_young(rule, known) else 0)
        span = max(rule.window, asked + SLACK)
        floor = _floor(rule, one)
        confirmed = course.high(floor, span) >= asked
        if rule.kind is Kind.SPIKE:
            reached = self._is_spike(one, course, minute, known, of_limit, one.n - of_few, confirmed=confirmed)
        else:
            reached = confirmed and one.n >= self._needed(one)
        if not (reached or still):
            return None
        slow = rule.kind is Kind.SPIKE and not confirmed
        since = minute - (course.since(_raised(rule, one), HOUR) if slow else course.since(floor, span))
        expected = None if rule.kind is Kind.THRESHOLD else one.mean
        return High(one.rule, one.entity, one.key, one.status, one.n, expected, since)

    def _is_young(self, rule: Rule, known: Knowledge) -> bool:
        return rule.kind is not Kind.THRESHOLD and rule.confirm > 1 and known.lived < SETTLED_MINUTES

    def _needed(self, one: Candidate) -> float:
        """So many to fire."""
        rule = self._rules[one.rule]
        return max(rule.at_least, one.mean * rule.times_usual)

    def _limits(self, known: Knowledge) -> dict[int, float]:
        """By what is counted, the surprise that a spike must exceed."""
        entities = {what: max(usual.count_of(what) for usual in known.usual.values()) for what in self._spikes}
        needed = {what: limit(n, len(entities), known.false_alarms_per_week) for what, n in entities.items()}
        return dict.fromkeys(self._whats, math.inf) | needed

    def _is_spike(
        self,
        one: Candidate,
        course: Course,
        minute: int,
        known: Knowledge,
        of_limit: float,
        n: float,
        *,
        confirmed: bool,
    ) -> bool:
        """`n`: so many of its denials are held against it."""
        rule = self._rules[one.rule]
        lasted = course.high(_floor(rule, one), max(LASTED_OF, rule.confirm))
        if lasted >= rule.confirm and n >= self._needed(one):
            size = one.n - one.mean
            named = bursting(rule.window, one.entity)
            known.bursts.see(minute, named, one.n, size if one.mean < SAMPLED_BELOW else None, lasted)
            # a burst may be told at any of its high minutes
            budget = known.false_alarms_per_week / len(self._spikes) / LASTED_OF
            if (
                confirmed
                and surprise(n, one.mean, one.dispersion, one.drift) > of_limit
                and (
                    rule.counted.dimension is Dimension.ALL
                    or (
                        size > known.bursts.floor(minute, named, lasted, budget)
                        and not known.bursts.muted(minute, named, one.n)
                    )
                )
            ):
                return True
        return (
            known.lived >= HOUR + SILENT_MINUTES
            and n >= min(HOUR_TIMES * rule.times_usual, 2.0) * one.mean
            and self._is_slow(one, course, of_limit)
        )

    def _is_slow(self, one: Candidate, course: Course, of_limit: float) -> bool:
        """Whether it is in the last hour that it is too much, and still going on."""
        rule = self._rules[one.rule]
        most = MINUTE_TIMES * sum(course.minutes) / HOUR
        hour = sum(min(n, most) for n in course.minutes)
        mean = one.hour_mean
        return (
            hour >= HOUR_FLOOR * rule.at_least
            and hour >= HOUR_TIMES * rule.times_usual * mean
            and sum(n > 0 for n in course.minutes) >= HOUR_ACTIVE
            and course.high(_raised(rule, one), LASTED_OF) >= HOUR_HIGH
            and sum(min(n, most) for n in course.minutes[:QUARTER]) * HOUR / QUARTER >= PACE * hour
            and surprise(hour, mean, one.dispersion, one.drift) > of_limit
        )


def _high_times(rule: Rule) -> float:
    return min(HIGH_TIMES, rule.half_way)


def _floor(rule: Rule, one: Candidate) -> float:
    """A minute with so many is high."""
    usual = one.mean / rule.window
    return max(min(2.0, rule.at_least), _high_times(rule) * usual, usual + 0.5 * (one.n / rule.window - usual))


def _raised(rule: Rule, one: Candidate) -> float:
    """A minute with so many is high in the hour's eyes: by what is usual, whatever the window has."""
    return max(2.0, _high_times(rule) * one.mean / rule.window)
