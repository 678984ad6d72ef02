"""The figures that go with a spike, for the message and for grouping. JSON-able.

Counts are of the spike's window; lists are pairs of key and count, the largest first, at most five:

    statuses, causes, clients, ips, networks, routes   [["403", 120], ["429", 4]]
    clients_distinct, ips_distinct, ...                how many there were in all
    anonymous          denials without a client
    requests           all requests of the window (of the route, if the spike is one's); absent when the log does not
                       tell, or for keys whose own requests are not counted by the minute
    minutes            denials of the last hour minute by minute, oldest first, the newest that of the spike
    usual_per_minute   what is usual; absent where nothing is
    newest             denials of the newest minute
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from log_sentinel.model.spike import Dimension

if TYPE_CHECKING:
    from log_sentinel.detection.requests import Requests

LISTED = 5
CHART_MINUTES = 60

_LISTS = {
    "statuses": "status",
    "causes": "cause",
    "clients": "client",
    "ips": "ip",
    "networks": "network",
    "routes": "route",
}


def shape(rows: pl.DataFrame) -> dict[str, object]:
    """Who, from where, on what: the lists above, of ROWS."""
    counts = (
        rows.lazy()
        .select("n", *(pl.col(column).cast(pl.String).alias(name) for name, column in _LISTS.items()))
        .unpivot(on=list(_LISTS), index="n")
        .drop_nulls("value")
        .group_by("variable", "value")
        .agg(pl.col("n").sum())
        .sort("n", "value", descending=[True, False])
        .collect()
    )
    found: dict[str, object] = {}
    for (name,), of_name in counts.partition_by("variable", as_dict=True).items():
        found[str(name)] = [list(pair) for pair in of_name.select("value", "n").head(LISTED).iter_rows()]
        found[f"{name}_distinct"] = of_name.height
    found["anonymous"] = int(rows.filter(pl.col("client").is_null())["n"].sum())
    return found


def course(by_minute: pl.DataFrame, until: int, expected: float | None, window: int) -> dict[str, object]:
    """How the denials went: `by_minute` is n and minute of one key for the last CHART_MINUTES."""
    counts = dict(by_minute.select("minute", "n").iter_rows())
    minutes = [int(counts.get(minute, 0)) for minute in range(until - CHART_MINUTES + 1, until + 1)]
    found: dict[str, object] = {"minutes": minutes, "newest": minutes[-1]}
    if expected is not None:
        found["usual_per_minute"] = round(expected / window, 3)
    return found


def denominator(requests: Requests, dimension: Dimension, key: str, until: int, window: int) -> dict[str, object]:
    """`requests`, where they are counted for such a key and there were any."""
    if dimension is Dimension.ROUTE:
        n = requests.in_window(until, window, key)
    elif dimension is Dimension.ALL:
        n = requests.in_window(until, window)
    else:
        n = 0
    return {"requests": n} if n else {}
