"""Requests of every status counted: per minute, route and status, and per client and address by hour and outcome."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import polars as pl

from log_sentinel.model.columns import ACTIVITY, OTHER_KEY, TRAFFIC
from log_sentinel.parsing.times import HOUR, MINUTE

if TYPE_CHECKING:
    from collections.abc import Sequence

# Of the keys that were never denied those stay that made one request in this many of their batch, so at most as many;
# of a batch smaller than this, every key.
ONE_IN = 1000


class Tally:
    """Counts line by line: for few lines. `denied` are the statuses that ACTIVITY tells apart."""

    def __init__(self, denied: frozenset[int]) -> None:
        self.denied = denied
        self.requests: Counter[tuple[int, str, int]] = Counter()
        self.keys: Counter[tuple[int, str, str, int]] = Counter()

    def add(self, time: int, route: str, status: int, client: str | None, ip: str | None) -> None:
        """One request at `time` (milliseconds UTC). One without an address counts under OTHER_KEY, one without a
        client not."""
        self.requests[time - time % MINUTE, route, status] += 1
        outcome = status if status in self.denied else status // 100
        hour = time - time % HOUR
        if client:
            self.keys[hour, "client", client, outcome] += 1
        self.keys[hour, "ip", ip or OTHER_KEY, outcome] += 1

    def add_all(
        self,
        times: Sequence[int],
        routes: Sequence[str],
        statuses: Sequence[int],
        clients: Sequence[str | None],
        addresses: Sequence[str | None],
    ) -> None:
        """Many requests, given as columns."""
        outcomes = {status: status if status in self.denied else status // 100 for status in set(statuses)}
        hours = [time - time % HOUR for time in times]
        self.requests.update(zip([time - time % MINUTE for time in times], routes, statuses, strict=True))
        for dimension, keys in (("client", clients), ("ip", [address or OTHER_KEY for address in addresses])):
            counted = Counter(zip(hours, keys, statuses, strict=True))
            for (hour, key, status), n in counted.items():
                if key:
                    self.keys[hour, dimension, key, outcomes[status]] += n

    def traffic(self) -> pl.DataFrame:
        """TRAFFIC."""
        rows = [(minute, route, status, n) for (minute, route, status), n in self.requests.items()]
        return pl.DataFrame(rows, schema=TRAFFIC | {"minute": pl.Int64}, orient="row").cast(
            {"minute": TRAFFIC["minute"]}
        )

    def activity(self) -> pl.DataFrame:
        """ACTIVITY, not yet bounded."""
        rows = [(*key, n) for key, n in self.keys.items()]
        return pl.DataFrame(rows, schema=ACTIVITY | {"hour": pl.Int64}, orient="row").cast({"hour": ACTIVITY["hour"]})


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
