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
from log_sentinel.model.spike import Dimension

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from log_sentinel.detection.requests import Requests
    from log_sentinel.detection.rule import Counted

LISTED = 5

_LISTS = {
    "statuses": pl.col("status").cast(pl.String),
    "causes": pl.col("cause"),
    "clients": pl.col("client"),
    "ips": pl.col("ip"),
    "networks": pl.col("network"),
    "routes": pl.col("route"),
}
_OF = {Dimension.CLIENT: "clients", Dimension.IP: "ips", Dimension.NETWORK: "networks", Dimension.ROUTE: "routes"}
_REST = {dimension: dimension.value for dimension in Dimension if dimension not in {*_OF, Dimension.SELF}}


class Shapes:
    """Who, from where, on what, for all spikes of a minute at once."""

    def __init__(self, rows: pl.LazyFrame) -> None:
        """`rows`: ROWS with `spike` (Int64), the number of the spike each belongs to."""
        columns = {name: column.alias(name) for name, column in _LISTS.items()} | {
            name: key_of(dimension).alias(name) for dimension, name in _REST.items()
        }
        self._counts = (
            rows.select("spike", "n", *columns.values())
            .unpivot(on=list(columns), index=["spike", "n"])
            .group_by("spike", "variable", "value")
            .agg(pl.col("n").sum())
            .collect()
        )
        listed = (
            self._counts.lazy()
            .filter(pl.col("variable").is_in(list(_LISTS)))
            .sort("n", "value", descending=[True, False])
            .group_by("spike", "variable", maintain_order=True)
            .agg(
                pl.col("value").drop_nulls().head(LISTED),
                pl.col("n").filter(pl.col("value").is_not_null()).head(LISTED).alias("counts"),
                pl.col("value").drop_nulls().len().alias("distinct"),
                pl.col("n").filter(pl.col("value").is_null()).sum().alias("without"),
            )
            .collect()
        )
        self._lists: dict[int, dict[str, object]] = {}
        for spike, name, values, counts, distinct, without in listed.iter_rows():
            found = self._lists.setdefault(spike, {})
            if distinct:
                found[name] = [list(pair) for pair in zip(values, counts, strict=True)]
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
        names = {_OF.get(dimension) or _REST[dimension]: dimension for dimension in keys_of}
        wanted = pl.DataFrame(
            [(name, key) for name, dimension in names.items() for key in sorted(keys_of[dimension])],
            schema={"variable": pl.String, "value": pl.String},
            orient="row",
        )
        common = self._counts.join(wanted, on=["variable", "value"], how="semi").sort(
            "spike", "variable", "n", "value", descending=[False, False, True, False]
        )
        found: dict[int, list[list[object]]] = {}
        for spike, name, key, n in common.select("spike", "variable", "value", "n").iter_rows():
            if own[spike] != (names[name], key):
                found.setdefault(spike, []).append([names[name].value, key, n])
        return found


def course(newest_first: Sequence[int], expected: float | None, window: int) -> dict[str, object]:
    """How the denials of one entity went in the last hour, minute by minute."""
    minutes = list(reversed(newest_first))
    found: dict[str, object] = {"minutes": minutes, "newest": minutes[-1]}
    if expected is not None:
        found["usual_per_minute"] = round(expected / window, 3)
    return found


def denominator(requests: Requests, dimension: Dimension, key: str, window: int) -> dict[str, object]:
    """`requests`, where they are counted for such a key and there were any."""
    n = requests.in_window(window, dimension, key)
    return {"requests": n} if n else {}


def filters(counted: Counted, status: int) -> dict[str, object]:
    """`only`, where `counted` leaves denials of its keys out; `status` is that of the entity where they are apart."""
    statuses = (status,) if counted.apart else counted.statuses
    only = {column: list(values) for column, values in counted.where}
    if statuses:
        only["status"] = [str(one) for one in statuses]
    return {"only": only} if only else {}
