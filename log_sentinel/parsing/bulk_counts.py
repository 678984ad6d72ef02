"""The counts of many requests at once, from columns as the fast path cut them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from log_sentinel.model.columns import ACTIVITY, OTHER_KEY, TRAFFIC
from log_sentinel.parsing.routes import BULK_FIRST, BULK_THEN, MALFORMED
from log_sentinel.parsing.tally import ONE_IN
from log_sentinel.parsing.times import HOUR

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from log_sentinel.parsing.canonical import Canonical


class RouteCounts:
    """Counts a batch's routes, made of what is left of its distinct requests when the commonest identifiers are out.

    `cut`: minute (Int64, milliseconds), status (Int16), request ("METHOD path") and perhaps route (the gateway's own
    name).
    """

    def __init__(self, cut: pl.DataFrame, canonical: Canonical) -> None:
        keys = ["minute", "status", "request", *(["route"] if "route" in cut.columns else [])]
        groups = cut.select(keys).group_by(keys).len("n")
        for steps in (BULK_FIRST, BULK_THEN):
            groups = _reduced(groups, steps).group_by(keys).agg(pl.col("n").sum())
        of_request = canonical.routes.of_request
        self._routes = {
            request: MALFORMED if request is None else of_request(request)
            for request in groups["request"].unique().to_list()
        }
        self._groups = groups.with_columns(pl.col("n").cast(pl.Int64))

    def traffic(self) -> pl.DataFrame:
        """TRAFFIC."""
        minute = pl.col("minute").cast(TRAFFIC["minute"])
        routed = self._groups.select(minute, self._route(self._groups), "status", "n")
        return routed.group_by("minute", "route", "status").agg(pl.col("n").sum())

    def of_rows(self, rows: pl.DataFrame) -> list[str]:
        """The routes of some of the rows that were counted."""
        reduced = _reduced(rows, (*BULK_FIRST, *BULK_THEN))
        return reduced.select(self._route(reduced)).to_series().to_list()

    def _route(self, frame: pl.DataFrame) -> pl.Expr:
        template = pl.col("request").replace_strict(
            list(self._routes), list(self._routes.values()), return_dtype=pl.String
        )
        return (pl.coalesce("route", template) if "route" in frame.columns else template).alias("route")


def activity(
    cut: pl.DataFrame, dimension: str, by: Sequence[str], key_of: Callable[..., str | None], denied: frozenset[int]
) -> pl.DataFrame:
    """ACTIVITY of one `dimension` from `cut`: minute, status and the columns `by` that `key_of` makes a key of.

    Keys are made only of the rows that are named: those denied, and those with one in ONE_IN of the requests.
    """
    status, hour = pl.col("status"), pl.col("minute") - pl.col("minute") % HOUR
    is_denied = status.is_in(sorted(denied))
    rows = cut.select(
        hour.alias("hour"), pl.when(is_denied).then(status).otherwise(status // 100).alias("status_class"), *by
    )
    # counting the values of one column takes half the time of grouping by it
    counts = rows[by[0]].value_counts(name="n") if len(by) == 1 else rows.group_by(by).len("n")
    large = counts.filter(pl.col("n").cast(pl.Int64) * ONE_IN >= cut.height).select(by)
    named = pl.concat([large, cut.filter(is_denied).select(by)]).unique()
    named = named.with_columns(pl.Series("key", [key_of(*row) or OTHER_KEY for row in named.iter_rows()], pl.String))
    keys = ["hour", "status_class"]
    of_named = rows.join(named, on=by, nulls_equal=True).group_by(*keys, "key").len("n")
    rest = (
        rows.group_by(keys)
        .len("n")
        .join(of_named.group_by(keys).agg(named=pl.col("n").sum()), on=keys, how="left")
        .select(*keys, key=pl.lit(OTHER_KEY), n=pl.col("n") - pl.col("named").fill_null(0))
        .filter(pl.col("n") > 0)
    )
    together = pl.concat([of_named, rest]).group_by(*keys, "key").agg(pl.col("n").sum())
    return together.with_columns(dimension=pl.lit(dimension)).select(
        pl.col(name).cast(dtype) for name, dtype in ACTIVITY.items()
    )


def _reduced(frame: pl.DataFrame, steps: Sequence[tuple[str, str]]) -> pl.DataFrame:
    """`frame` with identifiers taken out of the column request."""
    request = pl.col("request")
    for pattern, to in steps:
        request = request.str.replace_all(pattern, to)
    return frame.with_columns(request)
