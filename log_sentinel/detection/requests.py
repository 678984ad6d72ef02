"""All requests against which denials are judged: who denies 2 % of twice the traffic denies nothing unusual.

`factor` says how many times the usual traffic there is, at least 1: fewer requests never make denials more usual.
The traffic of a route is compared with that route's, everything else with the whole deployment's. A log that shows
only denials has no denominators; then nothing is known about traffic and the factor is 1.
"""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from log_sentinel.detection.baseline import Baseline
from log_sentinel.detection.counting import ALL_KEY
from log_sentinel.detection.minutes import BIN
from log_sentinel.detection.tally import Tally
from log_sentinel.model.spike import Dimension

HALF_LIFE = timedelta(hours=24)
# Traffic that grew more than this is no excuse for denials any more.
MOST = 10.0
# Fewer usual requests than this in a window say nothing about a ratio.
FEWEST = 20.0

KEYS = (Dimension.ALL, Dimension.ROUTE)


class Requests:
    """TRAFFIC of the last `keep` minutes and what is usual of it, in all and by route."""

    def __init__(self, keep: int) -> None:
        self._tallies = {dimension: Tally(keep) for dimension in KEYS}
        self._usual = {dimension: Baseline(HALF_LIFE) for dimension in KEYS}

    def put(self, minute: int, traffic: pl.DataFrame) -> None:
        """Takes a minute's TRAFFIC in, in the place of what was there."""
        for dimension, tally in self._tallies.items():
            tally.put(minute, counts(traffic, dimension))

    def learn(self, first: int) -> bool:
        """Takes in the bin that begins with minute `first`; False, and nothing learned, if it had no requests."""
        if self._tallies[Dimension.ALL].sums(first + BIN - 1, BIN).is_empty():
            return False
        for dimension, usual in self._usual.items():
            usual.learn(self._tallies[dimension].sums(first + BIN - 1, BIN), ())
        return True

    def learn_many(self, traffic: pl.DataFrame, bins: int) -> None:
        """Takes in `bins` bins at once: TRAFFIC with `age`, as `Baseline.learn_many` has it."""
        for dimension, usual in self._usual.items():
            usual.learn_many(counts(traffic, dimension, "age"), bins)

    def in_window(self, until: int, minutes: int, route: str | None = None) -> int:
        """Requests of the window; of one route when it is named."""
        dimension, key = (Dimension.ALL, ALL_KEY) if route is None else (Dimension.ROUTE, route)
        sums = self._tallies[dimension].sums(until, minutes)
        return int(sums.filter(pl.col("key") == key)["n"].sum())

    def factors(self, keys: pl.Series, dimension: Dimension, until: int, minutes: int) -> pl.DataFrame:
        """key, factor (Float64, 1 to 10): the window's requests against the usual, for each of `keys`."""
        whole = self._compared(Dimension.ALL, pl.Series("key", [ALL_KEY]), until, minutes)["factor"].item()
        whole = 1.0 if whole is None else float(whole)
        if dimension is not Dimension.ROUTE:
            return keys.to_frame().with_columns(factor=pl.lit(whole))
        return self._compared(dimension, keys, until, minutes).with_columns(pl.col("factor").fill_null(whole))

    @property
    def baselines(self) -> dict[str, Baseline]:
        """What is usual, by a name to keep it under."""
        return {f"requests by {dimension}": usual for dimension, usual in self._usual.items()}

    def _compared(self, dimension: Dimension, keys: pl.Series, until: int, minutes: int) -> pl.DataFrame:
        """key, factor; null where too little is known."""
        usual = self._usual[dimension]
        enough = (pl.col("expected") >= FEWEST) & (not usual.young)
        return (
            usual.expected(keys, minutes)
            .join(self._tallies[dimension].sums(until, minutes), on="key", how="left")
            .with_columns(times=(pl.col("n").fill_null(0) / pl.col("expected")).clip(1.0, MOST))
            .select("key", factor=pl.when(enough).then("times"))
        )


def counts(traffic: pl.DataFrame, dimension: Dimension, *by: str) -> pl.DataFrame:
    """COUNTS of TRAFFIC in all or per route, with the columns `by` kept apart."""
    key = pl.lit(ALL_KEY) if dimension is Dimension.ALL else pl.col("route")
    return traffic.select(key.alias("key"), "n", *by).drop_nulls("key").group_by("key", *by).agg(pl.col("n").sum())
