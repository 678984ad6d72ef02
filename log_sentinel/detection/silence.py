"""What has fallen silent: a source whose log stopped, a route nobody is denied on any more.

A key is silent when the window has at most the `times_usual`th part of what is usual at the least, by the flat mean or
by that of the hour, whichever is smaller: a night is no silence. `at_least` is how many must be usual in the window.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from log_sentinel.detection.high import High
from log_sentinel.detection.judging import SETTLED_MINUTES
from log_sentinel.detection.minutes import BIN
from log_sentinel.detection.requests import COUNTED, OF_REQUESTS
from log_sentinel.detection.rule import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from log_sentinel.detection.candidates import Knowledge
    from log_sentinel.detection.faults import Faults
    from log_sentinel.detection.rule import Counted, Rule


class Silences:
    """The rules of kind silence among `rules`, whose entities are numbered by the places of `counted`."""

    def __init__(self, rules: Sequence[Rule], counted: Sequence[Counted], faults: Faults) -> None:
        self._faults = faults
        self._rules = {place: rule for place, rule in enumerate(rules) if rule.kind is Kind.SILENCE}
        self._counted = counted
        # what is usual changes only with the bin
        self._usual: dict[int, tuple[int, int, list[tuple[str, float]]]] = {}

    def windows(self, *, of_requests: bool) -> dict[int, set[int]]:
        """The windows that a Census, of requests or of denials, must sum up, and of what is counted where."""
        windows: dict[int, set[int]] = {}
        for rule in self._rules.values():
            if rule.of_requests is of_requests:
                windows.setdefault(rule.window, set()).add(self._what(rule))
        return windows

    def high(self, minute: int, known: Knowledge) -> list[High]:
        """What has less than is expected. Nothing in a deployment's first day."""
        high: list[High] = []
        for place, rule in self._rules.items() if known.lived >= SETTLED_MINUTES else ():
            with self._faults.of(rule.name):
                high += self._silent(place, rule, minute, known)
        return high

    def _what(self, rule: Rule) -> int:
        if rule.of_requests:
            return [one.dimension for one in COUNTED].index(rule.counted.dimension)
        return self._counted.index(rule.counted)

    def _expected(self, place: int, rule: Rule, minute: int, known: Knowledge) -> list[tuple[str, float]]:
        usual = known.requests.usual if rule.of_requests else known.usual[rule.usual_over]
        bin_number, learned, expected = self._usual.get(place, (-1, -1, []))
        if (bin_number, learned) != (minute // BIN, usual.learned):
            of_each = usual.expected_of(usual.entities_of(self._what(rule)), minute // BIN)
            in_window = {entity: of.least * rule.window / BIN for entity, of in of_each.items()}
            expected = [(entity, many) for entity, many in in_window.items() if many >= rule.at_least]
            self._usual[place] = (minute // BIN, usual.learned, expected)
        return expected

    def _silent(self, place: int, rule: Rule, minute: int, known: Knowledge) -> list[High]:
        census = known.requests.census if rule.of_requests else known.census
        since = minute - rule.window + 1
        silent: list[High] = []
        expecting = self._expected(place, rule, minute, known)
        there = census.sums(rule.window, [entity for entity, _ in expecting])
        for entity, expected in expecting:
            n = there[entity]
            if n * rule.times_usual <= expected:
                _, status, key = entity.split("|", 2)
                # told apart from the entities of denials, which are numbered otherwise
                name = f"{OF_REQUESTS}{entity}" if rule.of_requests else entity
                silent.append(High(place, name, key, int(status), n, expected, since))
        return silent
