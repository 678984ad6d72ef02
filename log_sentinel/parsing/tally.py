"""Requests of every status counted: per minute, route and status, and per client and address by hour and outcome."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, TypeVar

import polars as pl

from log_sentinel.model.columns import ACTIVITY, OTHER_KEY, TIME, TRAFFIC
from log_sentinel.parsing.askers import ONE_IN, Askers
from log_sentinel.parsing.times import MINUTE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Schema = dict[str, pl.DataType | type[pl.DataType]]

K = TypeVar("K", bound=tuple[object, ...])


class Tally:
    """Counts line by line: for few lines. `denied` are the statuses that ACTIVITY tells apart."""

    def __init__(self, denied: frozenset[int]) -> None:
        self.denied = denied
        self.requests: Counter[tuple[int, str, int]] = Counter()
        self.keys: Counter[tuple[int, str, str, int]] = Counter()

    def add(
        self,
        times: Sequence[int],
        routes: Sequence[str],
        statuses: Sequence[int],
        clients: Sequence[str | None],
        addresses: Sequence[str | None],
    ) -> None:
        """Requests given as columns: when (milliseconds UTC), what and with which outcome, who asked from where.

        One without an address counts under OTHER_KEY, one without a client not.
        """
        if not times:
            return
        self.requests.update(zip([time - time % MINUTE for time in times], routes, statuses, strict=True))
        askers = Askers(times, statuses, self.denied)
        askers.count(self.keys, "client", clients, _itself, None, (None, ""))
        askers.count(self.keys, "ip", addresses, _itself, OTHER_KEY, ())

    def traffic(self) -> pl.DataFrame:
        """TRAFFIC."""
        return _counted(self.requests, TRAFFIC)

    def activity(self) -> pl.DataFrame:
        """ACTIVITY, not yet bounded."""
        return _counted(self.keys, ACTIVITY)


def _itself(key: str | None) -> str | None:
    return key


def _counted(counts: Mapping[K, int], schema: Schema) -> pl.DataFrame:
    """`counts` as a frame of `schema`: a time first, the number last."""
    columns = [*zip(*counts, strict=True), counts.values()] if counts else [()] * len(schema)
    return pl.DataFrame(
        [
            pl.Series(name, list(values), pl.Int64).cast(TIME)
            if dtype == TIME
            else pl.Series(name, list(values), dtype)
            for (name, dtype), values in zip(schema.items(), columns, strict=True)
        ]
    )


def summed(frames: list[pl.DataFrame]) -> pl.DataFrame:
    """Frames of equal columns, the last of which is `n`, as one: equal keys added up."""
    if len(frames) == 1:
        return frames[0]
    together = pl.concat(frames)
    return together.group_by(together.columns[:-1]).agg(pl.col("n").sum())


def bounded(frames: list[pl.DataFrame], denied: frozenset[int], lines: int) -> pl.DataFrame:
    """ACTIVITY with every denied key and the largest others; the rest summed under OTHER_KEY."""
    activity = summed(frames)
    if lines < ONE_IN or activity.is_empty():
        return activity
    of_key = activity.group_by("dimension", "key").agg(
        pl.col("n").sum().alias("all"), pl.col("status_class").is_in(sorted(denied)).any().alias("denied")
    )
    small = of_key.filter(~pl.col("denied") & (pl.col("all") * ONE_IN < lines)).select("dimension", "key", small=True)
    if small.is_empty():
        return activity
    key = pl.when("small").then(pl.lit(OTHER_KEY)).otherwise("key").alias("key")
    named = activity.join(small, on=["dimension", "key"], how="left").with_columns(key)
    return named.group_by("hour", "dimension", "key", "status_class").agg(pl.col("n").sum())
