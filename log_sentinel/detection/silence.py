"""What has fallen silent: a source whose log stopped, a route nobody is denied on any more.

A key is silent when the window has at most the `times_usual`th part of what is usual at the least, by the flat mean or
by that of the hour, whichever is smaller: a night is no silence. `at_least` is how many must be usual in the window.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from log_sentinel.detection.counting import named
from log_sentinel.detection.judging import HIGH, SETTLED_MINUTES
from log_sentinel.detection.minutes import BIN
from log_sentinel.detection.requests import COUNTED
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
        self._usual: dict[int, tuple[int, int, pl.DataFrame]] = {}

    def high(self, minute: int, known: Knowledge) -> pl.DataFrame:
        """HIGH: n is below what is expected. Nothing in a deployment's first day."""
        found = [pl.DataFrame(schema=HIGH)]
        for place, rule in self._rules.items() if known.lived >= SETTLED_MINUTES else ():
            with self._faults.of(rule.name):
                found.append(self._silent(place, rule, minute, known))
        return pl.concat(found)

    def _expected(self, place: int, rule: Rule, minute: int, known: Knowledge) -> pl.DataFrame:
        usual = known.requests.usual if rule.of_requests else known.usual[rule.usual_over]
        bin_number, learned, expected = self._usual.get(place, (-1, -1, pl.DataFrame()))
        if (bin_number, learned) != (minute // BIN, usual.learned):
            what = (
                [one.dimension for one in COUNTED].index(rule.counted.dimension)
                if rule.of_requests
                else self._counted.index(rule.counted)
            )
            expected = (
                usual.expected(usual.entities_of(what), minute // BIN)
                .select("entity", expected=pl.col("least") * rule.window / BIN)
                .filter(pl.col("expected") >= rule.at_least)
            )
            self._usual[place] = (minute // BIN, usual.learned, expected)
        return expected

    def _silent(self, place: int, rule: Rule, minute: int, known: Knowledge) -> pl.DataFrame:
        expected = self._expected(place, rule, minute, known)
        if expected.is_empty():
            return pl.DataFrame(schema=HIGH)
        return _silent(place, rule, expected, minute, known)


def _silent(number: int, rule: Rule, expected: pl.DataFrame, minute: int, known: Knowledge) -> pl.DataFrame:
    census = known.requests.census if rule.of_requests else known.census
    there = census.by_minute(minute, rule.window, expected["entity"]).group_by("entity").agg(pl.col("n").sum())
    return (
        named(expected.lazy().join(there.lazy(), on="entity", how="left").with_columns(pl.col("n").fill_null(0)))
        .filter(pl.col("n") * rule.times_usual <= pl.col("expected"))
        .with_columns(
            rule=pl.lit(number, pl.Int64),
            surprise=pl.lit(0.0),
            since=pl.lit(minute - rule.window + 1, pl.Int64),
            # told apart from the entities of denials, which are numbered otherwise
            entity=pl.lit("requests of ") + pl.col("entity") if rule.of_requests else pl.col("entity"),
        )
        .select(list(HIGH))
        .collect()
    )
