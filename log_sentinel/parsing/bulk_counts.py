"""The routes of many requests at once, from columns as the fast path cut them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from log_sentinel.model.columns import TRAFFIC
from log_sentinel.parsing.routes import BULK_FIRST, BULK_THEN, MALFORMED
from log_sentinel.parsing.times import MINUTE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from log_sentinel.parsing.canonical import Canonical

STATUSES = 1000  # there are so many of them, and no more


class RouteCounts:
    """Counts a batch's routes, made of what is left of its distinct requests when the commonest identifiers are out.

    `cut`: minute (Int64, milliseconds), status (Int16), request ("METHOD path") and perhaps route (the gateway's own
    name).
    """

    def __init__(self, cut: pl.DataFrame, canonical: Canonical) -> None:
        self._named = "route" in cut.columns
        # one number is a quicker key than two: which minute since 1970, then three digits of status
        at = (pl.col("minute") // MINUTE * STATUSES + pl.col("status")).alias("at")
        keys = ["at", "request", *(["route"] if self._named else [])]
        groups = cut.lazy().select(at, *keys[1:]).group_by(keys).len("n")
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
        counted = self._groups.lazy().select("at", self._route(), "n").group_by("at", "route").agg(pl.col("n").sum())
        at = pl.col("at")
        return counted.select(
            (at // STATUSES * MINUTE).cast(TRAFFIC["minute"]).alias("minute"),
            "route",
            (at % STATUSES).cast(TRAFFIC["status"]).alias("status"),
            "n",
        ).collect()

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


def _reduced(steps: Sequence[tuple[str, str]]) -> pl.Expr:
    """The column request with identifiers taken out."""
    request = pl.col("request")
    for pattern, to in steps:
        request = request.str.replace_all(pattern, to)
    return request
