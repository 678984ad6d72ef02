"""All requests against which denials are judged: who denies 2 % of twice the traffic denies nothing unusual.

The factor says how many times the usual traffic there is, at least 1: fewer requests never make denials more usual.
The traffic of a route is compared with that route's, everything else with the whole deployment's. A log that shows
only denials has no denominators; then nothing is known about traffic and the factor is 1.
"""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from log_sentinel.detection.baseline import Baseline
from log_sentinel.detection.census import Census
from log_sentinel.detection.counting import ALL_KEY, counts
from log_sentinel.detection.minutes import BIN
from log_sentinel.detection.rule import Counted
from log_sentinel.model.spike import Dimension

HALF_LIFE = timedelta(hours=24)
# Traffic that grew more than this is no excuse for denials any more.
MOST = 10.0
# Fewer usual requests than this in a window say nothing about a ratio.
FEWEST = 20.0

COUNTED = (Counted(Dimension.ALL), Counted(Dimension.ROUTE), Counted(Dimension.SOURCE))
_WHOLE = f"0|0|{ALL_KEY}"


class Requests:
    """TRAFFIC of the last `keep` minutes and what is usual of it, in all and by route."""

    def __init__(self, keep: int) -> None:
        self.census = Census(keep)
        self.usual = Baseline(HALF_LIFE)

    def put(self, minute: int, traffic: pl.DataFrame) -> None:
        """Takes a minute's TRAFFIC in, in the place of what was there."""
        self.census.put(minute, counts(_with_source(traffic), COUNTED))

    def learn(self, bin_number: int) -> bool:
        """Takes in that bin; False, and nothing learned, if it had no requests."""
        there = self.census.sums(bin_number * BIN + BIN - 1, BIN)
        if there.is_empty():
            return False
        self.usual.learn(there, (), bin_number)
        return True

    def learn_many(self, traffic: pl.DataFrame, first_bin: int, bins: int) -> None:
        """Takes in `bins` bins at once: TRAFFIC with `age`, as `Baseline.learn_many` has it."""
        self.usual.learn_many(counts(_with_source(traffic), COUNTED, "age"), first_bin, bins)

    def in_window(self, until: int, minutes: int, dimension: Dimension, key: str) -> int:
        """Requests of that key in the window; 0 for dimensions whose requests are not counted."""
        counted = [one.dimension for one in COUNTED]
        if dimension not in counted:
            return 0
        entity = f"{counted.index(dimension)}|0|{key}"
        return int(self.census.by_minute(until, minutes, pl.Series([entity]))["n"].sum())

    def factors(self, keys: pl.DataFrame, until: int, minutes: int) -> pl.LazyFrame:
        """`keys` (dimension, key) with factor (Float64, 1 to 10): the window's requests against the usual."""
        is_route = pl.col("dimension") == Dimension.ROUTE
        routes = [f"1|0|{key}" for key in keys.filter(is_route)["key"].unique()]
        entities = pl.Series("entity", [*routes, _WHOLE])
        now = self.census.by_minute(until, minutes, entities).lazy().group_by("entity").agg(pl.col("n").sum())
        compared = (
            self.usual.expected(entities, until // BIN)
            .join(now, on="entity", how="left")
            .with_columns(usual=pl.col("usual") * (minutes / BIN))
            .filter((pl.col("usual") >= FEWEST) & (not self.usual.young))
            .select(route="entity", factor=(pl.col("n").fill_null(0) / pl.col("usual")).clip(1.0, MOST))
        )
        whole = compared.filter(pl.col("route") == _WHOLE).select(pl.col("factor").max().fill_null(1.0).alias("whole"))
        return (
            keys.lazy()
            .with_columns(route=pl.when(is_route).then("1|0|" + pl.col("key")))
            .join(compared, on="route", how="left")
            .join(whole, how="cross")
            .select("dimension", "key", factor=pl.col("factor").fill_null(pl.col("whole")))
        )


def _with_source(traffic: pl.DataFrame) -> pl.DataFrame:
    """TRAFFIC may come with the source it is of."""
    return traffic if "source" in traffic.columns else traffic.with_columns(source=pl.lit(None, pl.String))
