"""What is looked at every minute: entities with some denials in a rule's window, and what is usual for them.

Of a hundred thousand entities these are some dozens. Up to here everything is done in frames, from here on one by one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from log_sentinel.detection.census import HOUR
from log_sentinel.detection.counting import ALL_KEY
from log_sentinel.detection.minutes import BIN
from log_sentinel.detection.rule import Kind
from log_sentinel.model.spike import Dimension

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import timedelta

    from log_sentinel.detection.baseline import Baseline, Expected
    from log_sentinel.detection.bursts import Bursts
    from log_sentinel.detection.census import Census
    from log_sentinel.detection.requests import Factors, Requests
    from log_sentinel.detection.rule import Counted, Rule


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What is judged by: counts, what is usual by half-life, all requests, ordinary bursts, minutes seen so far."""

    census: Census
    usual: Mapping[timedelta, Baseline]
    requests: Requests
    bursts: Bursts
    lived: int
    false_alarms_per_week: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """`rule`: its place among the rules. `n`: denials in the window, where `mean` are usual (0 for a threshold).

    `dispersion` and `drift`: as `Baseline.expected_of` has them. `hour_mean`: so many are usual in the last hour.
    """

    rule: int
    entity: str
    key: str
    status: int
    n: int
    mean: float
    dispersion: float
    drift: float
    hour_mean: float


class _Large(NamedTuple):
    """An entity with half of what the least of the rules asks for; `places`: of the rules that count it in a window."""

    places: list[int]
    entity: str
    key: str
    status: int
    n: int


class Candidates:
    """Looks for those of `rules`, whose entities are numbered by the places of `counted`."""

    def __init__(self, rules: Sequence[Rule], counted: Sequence[Counted]) -> None:
        self._rules = rules
        # by window, and by what is counted, the places of the rules
        self._windows: dict[int, dict[int, list[int]]] = {}
        for place, rule in enumerate(rules):
            if rule.kind is not Kind.SILENCE:
                of_window = self._windows.setdefault(rule.window, {})
                of_window.setdefault(counted.index(rule.counted), []).append(place)

    def windows(self) -> dict[int, dict[int, float]]:
        """The windows that a Census must sum up for it, and what it must find large."""
        return {
            window: {what: min(self._rules[place].at_least for place in places) / 2 for what, places in of.items()}
            for window, of in self._windows.items()
        }

    def at(self, minute: int, known: Knowledge, *, with_usual: bool) -> list[Candidate]:
        """Those that have enough for a rule that fires to go on; of rules that need a usual only if `with_usual`."""
        found = []
        for window, of_window in self._windows.items():
            places_of = {
                what: [place for place in places if with_usual or self._rules[place].kind is Kind.THRESHOLD]
                for what, places in of_window.items()
            }
            for entity, n in known.census.large(window).items():
                what, status, key = entity.split("|", 2)
                if places := places_of.get(int(what)):
                    found.append(_Large(places, entity, key, int(status), n))
        return self._candidates(found, minute, known) if found else []

    def _candidates(self, found: list[_Large], minute: int, known: Knowledge) -> list[Candidate]:
        asked: dict[timedelta, set[str]] = {over: set() for over in known.usual}
        for large in found:
            for place in large.places:
                asked[self._rules[place].usual_over].add(large.entity)
        usual = {over: known.usual[over].expected_of(entities, minute // BIN) for over, entities in asked.items()}
        factors = self._factors(found, usual, minute, known)
        over_hour = known.requests.times_over_hour(minute)
        candidates = []
        for places, entity, key, status, n in found:
            factor = factors.of(self._rules[places[0]].counted.dimension, key)
            for place in places:
                rule = self._rules[place]
                of = usual[rule.usual_over][entity]
                mean = 0.0 if rule.kind is Kind.THRESHOLD else of.usual * factor * rule.window / BIN
                if n >= rule.held(mean):
                    hour_mean = of.over_hour * max(factor, over_hour) * HOUR / BIN
                    candidates.append(
                        Candidate(place, entity, key, status, n, mean, of.dispersion, of.drift, hour_mean)
                    )
        return candidates

    def _factors(
        self, found: list[_Large], usual: Mapping[timedelta, Mapping[str, Expected]], minute: int, known: Knowledge
    ) -> Factors:
        """How many times the usual requests there are; what is denied too often is taken off them."""
        routes: set[str] = set()
        excess: dict[str, dict[str, float]] = {}
        for places, entity, key, _, n in found:
            rule = self._rules[places[0]]
            dimension = rule.counted.dimension
            if rule.window == BIN and dimension in (Dimension.ROUTE, Dimension.ALL):
                routes |= {key} if dimension is Dimension.ROUTE else set()
                if not rule.counted.askers:
                    of_key = excess.setdefault(ALL_KEY if dimension is Dimension.ALL else key, {})
                    of_key[entity] = n - usual[rule.usual_over][entity].usual
        beyond = {key: sum(by_entity.values()) for key, by_entity in excess.items()}
        return known.requests.factors(routes, beyond, minute)
