"""COUNTS of one minute, row by row: a minute has some hundred rows, too few for frames to be worth their set-up.

Says of a minute what `counting.counts` says of a stretch of history.
"""

from __future__ import annotations

from itertools import compress, repeat
from typing import TYPE_CHECKING, Any

from log_sentinel.detection.counting import ALL_KEY
from log_sentinel.model.spike import Dimension

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import polars as pl

    from log_sentinel.detection.rule import Counted

    Columns = dict[str, list[Any]]
    Row = tuple[str | None, int, int]

_COLUMN = {
    Dimension.CLIENT: "client",
    Dimension.IP: "ip",
    Dimension.NETWORK: "network",
    Dimension.ROUTE: "route",
    Dimension.SOURCE: "source",
}


# By the place of what is counted: entities and how many.
Tally = dict[int, dict[str, int]]


def tally(rows: pl.DataFrame, all_counted: Sequence[Counted]) -> Tally:
    """The counts of `rows`: DENIED_MINUTES with `network`, or TRAFFIC."""
    columns = {name: rows[name].to_list() for name in rows.columns if name != "minute"}
    found: Tally = {}
    for place, counted in enumerate(all_counted):
        statuses = columns["status"] if counted.apart else repeat(0)
        there = zip(_keys(columns, counted.dimension), statuses, columns["n"], strict=False)
        of_place = found.setdefault(place, {})
        for key, status, n in _wanted(there, columns, counted):
            if key is not None:
                entity = f"{place}|{status}|{key}"
                of_place[entity] = of_place.get(entity, 0) + n
    return found


def _keys(columns: Columns, dimension: Dimension) -> Iterable[str | None]:
    if dimension is Dimension.ALL:
        return repeat(ALL_KEY)
    if dimension is Dimension.ROUTE_CLIENT:
        return (
            None if client is None or route is None else f"{client} on {route}"
            for client, route in zip(columns["client"], columns["route"], strict=True)
        )
    return columns[_COLUMN[dimension]]


def _wanted(rows: Iterable[Row], columns: Columns, counted: Counted) -> Iterable[Row]:
    conditions: list[tuple[str, Sequence[object]]] = list(counted.where)
    if counted.statuses:
        conditions.append(("status", counted.statuses))
    if not conditions:
        return rows
    fits = zip(*([value in values for value in columns[column]] for column, values in conditions), strict=True)
    return compress(rows, map(all, fits))
