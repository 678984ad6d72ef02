"""All requests against which denials are judged: who denies 2 % of twice the traffic denies nothing unusual.

The factor says how many times the usual traffic there is, at least 1: fewer requests never make denials more usual.
The traffic of a route is compared with that route's, everything else with the whole deployment's. A log that shows
only denials has no denominators; then nothing is known about traffic and the factor is 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from log_sentinel.detection.baseline import Baseline
from log_sentinel.detection.census import HOUR, Census
from log_sentinel.detection.counting import ALL_KEY, counts
from log_sentinel.detection.minutes import BIN
from log_sentinel.detection.rule import Counted
from log_sentinel.model.spike import Dimension

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from log_sentinel.detection.learning import Span

HALF_LIFE = timedelta(hours=24)
# Traffic that grew more than this is no excuse for denials any more.
MOST = 10.0
# Fewer usual requests than this in a window say nothing about a ratio.
FEWEST = 20.0

COUNTED = (Counted(Dimension.ALL), Counted(Dimension.ROUTE), Counted(Dimension.SOURCE))
# Before the entity of something that is counted here, where those of denials are meant otherwise.
OF_REQUESTS = "requests of "
_WHOLE = f"0|0|{ALL_KEY}"
_ROUTE = "1|0|"


class Requests:
    """TRAFFIC of the last `keep` minutes and what is usual of it, in all and by route."""

    def __init__(self, keep: int, windows: Iterable[int]) -> None:
        """`windows`: in minutes, those that its census must sum up beside BIN."""
        never_large = {what: math.inf for what, _ in enumerate(COUNTED)}
        self.census = Census(keep, dict.fromkeys({BIN, *windows}, never_large))
        self.usual = Baseline(HALF_LIFE)
        # what is usual of all and of every route in a bin, which changes only with the bin
        self._expected: tuple[int, int, dict[str, float]] = (-1, -1, {})

    def put(self, minute: int, traffic: pl.DataFrame) -> None:
        """Takes a minute's TRAFFIC in, in the place of what was there."""
        self.census.put(minute, counts(_with_source(traffic), COUNTED))

    def learn(self, bin_number: int) -> bool:
        """Takes in that bin; False, and nothing learned, if it had no requests."""
        there = self.census.counts(bin_number * BIN + BIN - 1, BIN)
        if there.is_empty():
            return False
        self.usual.learn(there, (), bin_number)
        return True

    def times_usual(self, bin_number: int) -> float:
        """How many times the usual requests there were in that bin that waits to be learned, 1 to MOST."""
        if self.usual.young:
            return 1.0
        counted = self.census.counts(bin_number * BIN + BIN - 1, BIN)
        there = int(counted.filter(pl.col("entity") == _WHOLE)["n"].sum())
        return _times(there, self.usual.expected_of([_WHOLE], bin_number)[_WHOLE].usual)

    def times_over_hour(self, minute: int) -> float:
        """How many times the usual requests there were in the hour that ends with `minute`, 1 to MOST."""
        if self.usual.young:
            return 1.0
        usual = self.usual.expected_of([_WHOLE], minute // BIN)[_WHOLE].over_hour * HOUR / BIN
        there = sum(self.census.courses([_WHOLE])[_WHOLE])
        return _times(there, usual)

    def learn_many(self, traffic: pl.DataFrame, span: Span) -> None:
        """Takes in the bins of `span` at once, of whose minutes that is the TRAFFIC."""
        self.usual.learn_many(
            span.binned(traffic, lambda rows: counts(_with_source(rows), COUNTED, "age")), span.first_bin, span.bins
        )

    def in_last(self, minutes: int, dimension: Dimension, key: str) -> int:
        """Requests of that key in the last `minutes` of the hour; 0 for dimensions whose requests are not counted."""
        entity = _entity(dimension, key)
        return 0 if entity is None else sum(self.census.courses([entity])[entity][:minutes])

    def usual_in(self, minutes: int, dimension: Dimension, key: str, minute: int) -> float | None:
        """How many requests of that key are usual in so many minutes around `minute`.

        None where too few are to say, or none yet, and for dimensions whose requests are not counted.
        """
        entity = _entity(dimension, key)
        if entity is None or self.usual.young:
            return None
        a_bin = self.usual.expected_of([entity], minute // BIN)[entity].usual
        return None if a_bin < FEWEST else a_bin * minutes / BIN

    def factors(self, routes: Collection[str], excess: Mapping[str, float], minute: int) -> Factors:
        """How many times the usual requests there are in the BIN that ends with `minute`, of `routes` and of all.

        `excess`: denials beyond the usual, by route and under ALL_KEY for all of them. They are requests too, and no
        excuse for themselves.
        """
        expected = self._usual(minute // BIN)
        asked = {entity for route in routes if (entity := f"{_ROUTE}{route}") in expected}
        asked |= {_WHOLE} & expected.keys()
        there = self.census.sums(BIN, asked)
        beyond = {entity: max(0.0, excess.get(entity.split("|", 2)[2], 0.0)) for entity in asked}
        return Factors({entity: _times(there[entity] - beyond[entity], expected[entity]) for entity in asked})

    def _usual(self, bin_number: int) -> dict[str, float]:
        known, learned, expected = self._expected
        if (known, learned) != (bin_number, self.usual.learned):
            entities = pl.concat([self.usual.entities_of(0), self.usual.entities_of(1)])
            of_each = {} if self.usual.young else self.usual.expected_of(entities, bin_number)
            expected = {entity: of.usual for entity, of in of_each.items() if of.usual >= 1.0}
            self._expected = (bin_number, self.usual.learned, expected)
        return expected


@dataclass(frozen=True, slots=True)
class Factors:
    """How many times the usual requests there are, 1 to 10."""

    found: dict[str, float]

    def of(self, dimension: str, key: str) -> float:
        """A route's own where it is known, else that of all."""
        whole = self.found.get(_WHOLE, 1.0)
        return self.found.get(f"{_ROUTE}{key}", whole) if dimension == Dimension.ROUTE else whole


def _times(there: float, usual: float) -> float:
    """How many times the usual, 1 to MOST; 1 where too few are usual to say."""
    return min(MOST, max(1.0, there / usual)) if usual >= FEWEST else 1.0


def _entity(dimension: Dimension, key: str) -> str | None:
    counted = [one.dimension for one in COUNTED]
    return f"{counted.index(dimension)}|0|{key}" if dimension in counted else None


def _with_source(traffic: pl.DataFrame) -> pl.DataFrame:
    """TRAFFIC may come with the source it is of."""
    return traffic if "source" in traffic.columns else traffic.with_columns(source=pl.lit(None, pl.String))
