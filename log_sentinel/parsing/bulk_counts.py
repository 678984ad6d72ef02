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
        self._keys = ["request", "route"] if "route" in cut.columns else ["request"]
        # one number is a quicker key than two: which minute since 1970, then three digits of status
        at = (cut["minute"] // MINUTE * STATUSES + cut["status"]).alias("at")
        asked = cut.select(pl.col(self._keys).fill_null("")).with_columns(at)
        groups = asked.lazy().group_by(self._keys).agg("at").collect(engine="in-memory")
        if "route" in groups.columns:
            routes: list[str] = _named(groups, canonical)
            places = pl.Series(range(len(routes)), dtype=pl.Int64)
        else:
            routes, places = _templates(groups["request"], canonical)
        self._routes = sorted(set(routes))
        number_of = {route: number for number, route in enumerate(self._routes)}
        numbers = pl.Series("number", [number_of[route] for route in routes], pl.Int64).gather(places)
        self._groups = groups.with_columns(numbers)

    def traffic(self) -> pl.DataFrame:
        """TRAFFIC."""
        requests = self._groups.select("number", "at").explode("at")
        counted = (requests["at"] * len(self._routes) + requests["number"]).alias("key").value_counts(name="n")
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
        asked = rows.lazy().select(pl.col(self._keys).fill_null(""))
        known = self._groups.lazy().select(*self._keys, "number")
        numbers = asked.join(known, on=self._keys, how="left", maintain_order="left").select("number")
        return [self._routes[number] for number in numbers.collect(engine="in-memory").to_series()]


def _named(groups: pl.DataFrame, canonical: Canonical) -> list[str]:
    """The routes of requests that may have a gateway's own name."""
    found = each(canonical.clean, groups["route"].to_list())
    nameless = [place for place, name in enumerate(found) if not name]
    templates, places = _templates(groups["request"].gather(nameless), canonical)
    for place, template in zip(nameless, places.to_list(), strict=True):
        found[place] = templates[template]
    return [name or MALFORMED for name in found]


def _templates(requests: pl.Series, canonical: Canonical) -> tuple[list[str], pl.Series]:
    """The templates of requests, and which of them each has."""
    reduced = _reduced(requests, BULK_FIRST)
    distinct = reduced.unique()
    templates = list(map(canonical.routes.of_request, _reduced(distinct, BULK_THEN).to_list()))
    return templates, reduced.cast(pl.Enum(distinct)).to_physical()


def _reduced(requests: pl.Series, steps: Sequence[tuple[str, str]]) -> pl.Series:
    """`requests` with identifiers taken out."""
    for pattern, to in steps:
        requests = requests.str.replace_all(pattern, to)
    return requests
