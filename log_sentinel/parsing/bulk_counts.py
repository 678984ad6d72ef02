"""The routes of many requests at once, from columns as the fast path cut them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from log_sentinel.model.columns import TRAFFIC
from log_sentinel.parsing.routes import BULK_FIRST, BULK_THEN, MALFORMED
from log_sentinel.parsing.times import MINUTE
from log_sentinel.parsing.values import each

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
        self._canonical = canonical
        keys = ["request", "route"] if "route" in cut.columns else ["request"]
        # one number is a quicker key than two: which minute since 1970, then three digits of status
        at = (cut["minute"] // MINUTE * STATUSES + cut["status"]).alias("at")
        asked = pl.DataFrame([at, *(cut[key].fill_null("") for key in keys)])
        groups = asked.lazy().group_by(keys).agg("at").collect(engine="in-memory")
        # what is left of requests, and the routes of that
        self._templates: dict[str, str] = {}
        routes, places = (self._named if "route" in keys else self._nameless)(groups)
        self._routes = sorted(set(routes))
        number_of = {route: number for number, route in enumerate(self._routes)}
        numbers = pl.Series("number", [number_of[route] for route in routes], pl.Int64).gather(places)
        self._at = pl.DataFrame([numbers, groups["at"]]).explode("at")

    def _nameless(self, groups: pl.DataFrame) -> tuple[list[str], pl.Series]:
        """Routes, and which of them each of the groups has."""
        reduced = _reduced(groups["request"], BULK_FIRST)
        distinct = reduced.unique()
        routes = list(map(self._canonical.routes.of_request, _reduced(distinct, BULK_THEN).to_list()))
        self._templates |= zip(distinct.to_list(), routes, strict=True)
        return routes, reduced.cast(pl.Enum(distinct)).to_physical()

    def _named(self, groups: pl.DataFrame) -> tuple[list[str], pl.Series]:
        """The same where the gateway has its own names for some or all."""
        found = each(self._canonical.clean, groups["route"].to_list())
        nameless = [place for place, name in enumerate(found) if not name]
        templates, places = self._nameless(groups[nameless])
        for place, template in zip(nameless, places.to_list(), strict=True):
            found[place] = templates[template]
        return [name or MALFORMED for name in found], pl.Series(range(len(found)), dtype=pl.Int64)

    def traffic(self) -> pl.DataFrame:
        """TRAFFIC."""
        key = (self._at["at"] * len(self._routes) + self._at["number"]).alias("key")
        counted = key.value_counts(name="n")
        at = counted["key"] // len(self._routes)
        return pl.DataFrame(
            [
                (at // STATUSES * MINUTE).cast(TRAFFIC["minute"]).alias("minute"),
                pl.Series("route", self._routes, pl.String).gather(counted["key"] % len(self._routes)),
                (at % STATUSES).cast(pl.Int16).alias("status"),
                counted["n"].cast(pl.Int64),
            ]
        )

    def of_rows(self, rows: pl.DataFrame) -> list[str]:
        """The routes of some of the rows that were counted."""
        reduced = _reduced(rows["request"].fill_null(""), BULK_FIRST).to_list()
        templates = [self._templates.get(request, MALFORMED) for request in reduced]
        if "route" not in rows.columns:
            return templates
        names = each(self._canonical.clean, rows["route"].to_list())
        return [name or template for name, template in zip(names, templates, strict=True)]


def _reduced(requests: pl.Series, steps: Sequence[tuple[str, str]]) -> pl.Series:
    """`requests` with identifiers taken out."""
    for pattern, to in steps:
        requests = requests.str.replace_all(pattern, to)
    return requests
