"""The figures that go with a spike, for the message and for grouping. JSON-able.

Counts are of the spike's window; lists are pairs of key and count, the largest first, at most five:

    statuses, causes, clients, ips, networks, routes   [["403", 120], ["429", 4]]
    clients_distinct, ips_distinct, ...                how many there were in all
    anonymous          denials without a client
    requests           the key's requests in the window; absent when the log does not tell, and for clients and
                       addresses, whose requests are not counted by the minute
    minutes            denials of the last hour minute by minute, oldest first, the newest that of the spike
    usual_per_minute   what is usual; absent where nothing is
    newest             denials of the newest minute
    only               which denials the rule counts: {column: values}; absent where it counts all of the key
    of                 "requests" where it is requests that fell silent: figures and minutes are of them, not of denials
    shared             [dimension, key, denials] in common with the other spikes of the minute; only for grouping
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from log_sentinel.detection.counting import key_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from log_sentinel.detection.requests import Requests
    from log_sentinel.detection.rule import Counted
    from log_sentinel.model.spike import Dimension

LISTED = 5

_LISTS = {
    "statuses": pl.col("status").cast(pl.String),
    "causes": pl.col("cause"),
    "clients": pl.col("client"),
    "ips": pl.col("ip"),
    "networks": pl.col("network"),
    "routes": pl.col("route"),
}


class Shapes:
    """Who, from where, on what, for all spikes of a minute at once."""

    def __init__(self, rows: pl.DataFrame) -> None:
        """`rows`: ROWS with `spike` (Int64), the number of the spike each belongs to."""
        self._rows = rows.lazy()
        self._lists: dict[int, dict[str, object]] = {}
        for name, of_spikes in zip(_LISTS, pl.collect_all(map(self._listed, _LISTS.values())), strict=True):
            for spike, largest, distinct, without in of_spikes.iter_rows():
                found = self._lists.setdefault(spike, {})
                if distinct:
                    pairs = sorted((one["less"], one["value"]) for one in largest)
                    found[name] = [[value, -less] for less, value in pairs]
                    found[f"{name}_distinct"] = distinct
                if name == "clients":
                    found["anonymous"] = without

    def shape(self, spike: int) -> dict[str, object]:
        """The lists of that spike."""
        return {"anonymous": 0} | self._lists.get(spike, {})

    def shared(
        self, keys_of: Mapping[Dimension, set[str]], own: Sequence[tuple[Dimension, str]]
    ) -> dict[int, list[list[object]]]:
        """By spike: [dimension, key, denials] for every key of `keys_of` that has denials in it, its `own` left out."""
        if len(own) < 2:
            return {}
        counts = pl.collect_all(
            self._counted(key_of(dimension)).filter(pl.col("value").is_in(sorted(keys)))
            for dimension, keys in keys_of.items()
        )
        found: dict[int, list[list[object]]] = {}
        for dimension, common in zip(keys_of, counts, strict=True):
            by_size = common.sort("spike", "n", "value", descending=[False, True, False])
            for spike, key, n in by_size.select("spike", "value", "n").iter_rows():
                if own[spike] != (dimension, key):
                    found.setdefault(spike, []).append([dimension.value, key, n])
        return found

    def _counted(self, value: pl.Expr) -> pl.LazyFrame:
        """How many denials of each spike have that `value`."""
        return self._rows.select("spike", "n", value=value).group_by("spike", "value").agg(pl.col("n").sum())

    def _listed(self, value: pl.Expr) -> pl.LazyFrame:
        known = pl.col("value").is_not_null()
        return (
            self._counted(value)
            .group_by("spike")
            .agg(
                pl.struct(less=-pl.col("n"), value=pl.col("value")).filter(known).bottom_k(LISTED).alias("largest"),
                known.sum().alias("distinct"),
                pl.col("n").filter(~known).sum().alias("without"),
            )
        )


def course(newest_first: Sequence[int], expected: float | None, window: int) -> dict[str, object]:
    """How the denials of one entity went in the last hour, minute by minute."""
    minutes = list(reversed(newest_first))
    found: dict[str, object] = {"minutes": minutes, "newest": minutes[-1]}
    if expected is not None:
        found["usual_per_minute"] = round(expected / window, 3)
    return found


def denominator(requests: Requests, dimension: Dimension, key: str, window: int) -> dict[str, object]:
    """`requests`, where they are counted for such a key and there were any."""
    n = requests.in_last(window, dimension, key)
    return {"requests": n} if n else {}


def filters(counted: Counted, status: int) -> dict[str, object]:
    """`only`, where `counted` leaves denials of its keys out; `status` is that of the entity where they are apart."""
    statuses = (status,) if counted.apart else counted.statuses
    only = {column: list(values) for column, values in counted.where}
    if statuses:
        only["status"] = [str(one) for one in statuses]
    return {"only": only} if only else {}
