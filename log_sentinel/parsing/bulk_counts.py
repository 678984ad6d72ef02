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
        self._named = "route" in cut.columns
        keys = ["minute", "status", "request", *(["route"] if self._named else [])]
        groups = cut.lazy().group_by(keys).len("n")
        for steps in (BULK_FIRST, BULK_THEN):
            groups = groups.with_columns(_reduced(steps)).group_by(keys).agg(pl.col("n").sum())
        self._groups = groups.with_columns(pl.col("n").cast(pl.Int64)).collect()
        of_request = canonical.routes.of_request
        self._routes = {
            request: MALFORMED if request is None else of_request(request)
            for request in self._groups["request"].unique().to_list()
        }

    def traffic(self) -> pl.DataFrame:
        """TRAFFIC."""
        routed = self._groups.lazy().select(pl.col("minute").cast(TRAFFIC["minute"]), self._route(), "status", "n")
        return routed.group_by("minute", "route", "status").agg(pl.col("n").sum()).collect()

    def of_rows(self, rows: pl.DataFrame) -> list[str]:
        """The routes of some of the rows that were counted."""
        reduced = rows.lazy().with_columns(_reduced((*BULK_FIRST, *BULK_THEN)))
        return reduced.select(self._route()).collect().to_series().to_list()

    def _route(self) -> pl.Expr:
        named = pl.when(~pl.col("route").is_in(["", "-"])).then("route")
        template = pl.col("request").replace_strict(
            list(self._routes), list(self._routes.values()), return_dtype=pl.String
        )
        return (pl.coalesce(named, template) if self._named else template).alias("route")


def activity(
    cut: pl.DataFrame, dimension: str, by: Sequence[str], key_of: Callable[..., str | None], denied: frozenset[int]
) -> pl.DataFrame:
    """ACTIVITY of one `dimension` from `cut`: minute, status and the columns `by` that `key_of` makes a key of.

    Keys are made only of the rows that are named: those denied, and those with one in ONE_IN of the requests.
    """
    status, hour = pl.col("status"), pl.col("minute") - pl.col("minute") % HOUR
    is_denied = status.is_in(sorted(denied))
    # counting the values of one column takes half the time of grouping by it
    counts = cut[by[0]].value_counts(name="n") if len(by) == 1 else cut.group_by(by).len("n")
    large = counts.lazy().filter(pl.col("n").cast(pl.Int64) * ONE_IN >= cut.height).select(by)
    named = pl.concat([large, cut.lazy().filter(is_denied).select(by)]).unique()
    outcome = pl.when(is_denied).then(status).otherwise(status // 100)
    rows = cut.lazy().select(hour.alias("hour"), outcome.alias("status_class"), *by)
    keys = ["hour", "status_class"]
    all_rows, of_named = pl.collect_all(
        [
            rows.group_by(keys).len("n"),
            rows.join(named, on=by, how="semi", nulls_equal=True).group_by(*keys, *by).len("n"),
        ]
    )
    names = [key or OTHER_KEY for key in map(key_of, *(of_named[name].to_list() for name in by))]
    of_named = of_named.select(*keys, pl.Series("key", names, pl.String), "n")
    rest = all_rows.join(of_named.group_by(keys).agg(named=pl.col("n").sum()), on=keys, how="left").select(
        *keys, pl.lit(OTHER_KEY).alias("key"), pl.col("n") - pl.col("named").fill_null(0)
    )
    together = pl.concat([of_named, rest.filter(pl.col("n") > 0)]).lazy().group_by(*keys, "key").agg(pl.col("n").sum())
    return (
        together.with_columns(dimension=pl.lit(dimension))
        .select(pl.col(name).cast(dtype) for name, dtype in ACTIVITY.items())
        .collect()
    )


def _reduced(steps: Sequence[tuple[str, str]]) -> pl.Expr:
    """The column request with identifiers taken out."""
    request = pl.col("request")
    for pattern, to in steps:
        request = request.str.replace_all(pattern, to)
    return request
