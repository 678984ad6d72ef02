"""Who asked how often, of many requests at once, from columns as the fast path cut them."""

from __future__ import annotations

from functools import reduce
from operator import or_, xor
from typing import TYPE_CHECKING

import polars as pl

from log_sentinel.model.columns import ACTIVITY, OTHER_KEY, empty
from log_sentinel.parsing.askers import ONE_IN
from log_sentinel.parsing.bulk_counts import STATUSES
from log_sentinel.parsing.times import HOUR
from log_sentinel.parsing.values import each

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from log_sentinel.parsing.canonical import Canonical

# inputs that make the address; the first is all where no proxy is trusted
ADDRESS = ("ip", "forwarded_for", "forwarded")
CLIENTS, IPS = "client", "ip"


def activity(cut: pl.DataFrame, canonical: Canonical, denied: frozenset[int]) -> pl.DataFrame:
    """ACTIVITY, bounded, from `cut`: minute (Int64, milliseconds), status (Int16), and client and ADDRESS so far as
    they are there.

    Keys are made only of the rows that are named: those of whoever was denied or made one in ONE_IN of the requests.
    Who that is is told by hashes; that two may have the same can only name one more.
    """
    status = cut["status"].cast(pl.Int64)
    hit = reduce(or_, (status == code for code in sorted(denied)), pl.repeat(False, cut.height, eager=True))
    # one number says in which hour and with what outcome
    at = cut["minute"] // HOUR * STATUSES + status.zip_with(hit, status // 100)
    least = -(-cut.height // ONE_IN)
    parts = []
    if "ip" in cut.columns:
        by = [_column(cut, name) for name in (ADDRESS if canonical.proxies else ADDRESS[:1])]
        parts.append(_counted(IPS, at, hit, by, least, canonical.addresses))
    if "client" in cut.columns:
        given = (cut["client"] != "-") & (cut["client"] != "")
        at, hit, client = (column.filter(given) for column in (at, hit, cut["client"]))
        parts.append(_counted(CLIENTS, at, hit, [client], least, lambda clients: each(canonical.clean, clients)))
    return pl.concat(parts) if parts else empty(ACTIVITY)


def _column(cut: pl.DataFrame, name: str) -> pl.Series:
    return cut[name] if name in cut.columns else pl.Series(name, [None], pl.String).new_from_index(0, cut.height)


def _counted(
    dimension: str,
    at: pl.Series,
    hit: pl.Series,
    by: list[pl.Series],
    least: int,
    keys_of: Callable[..., Sequence[str | None]],
) -> pl.DataFrame:
    """ACTIVITY of one dimension, of requests whose key `keys_of` makes of the columns `by`."""
    hashes = reduce(xor, (column.hash(seed) for seed, column in enumerate(by, 1)))
    counts = hashes.value_counts(name="n")
    large = counts.to_series(0).filter(counts["n"] >= least)
    is_named = hashes.is_in(large.append(hashes.filter(hit)).implode())
    names = [f"by{number}" for number in range(len(by))]
    columns = [at.alias("at"), *(column.alias(name) for name, column in zip(names, by, strict=True))]
    named = pl.DataFrame([column.filter(is_named) for column in columns]).lazy().group_by("at", *names).len("n")
    of_named = named.collect(engine="in-memory")
    others = at.filter(~is_named).alias("at").value_counts(name="n")
    asked = [of_named[name].to_list() for name in names]
    keys = [key or OTHER_KEY for key in keys_of(*asked)]
    rows = pl.DataFrame([of_named["at"], pl.Series("key", keys, pl.String), of_named["n"]]).vstack(
        others.select("at", pl.lit(OTHER_KEY).alias("key"), "n")
    )
    if len(asked) > 1 or keys != asked[0] or OTHER_KEY in keys:
        # what was asked in several ways has one name
        rows = rows.lazy().group_by("at", "key").agg(pl.col("n").sum()).collect(engine="in-memory")
    at = rows["at"]
    return pl.DataFrame(
        [
            (at // STATUSES * HOUR).cast(ACTIVITY["hour"]).alias("hour"),
            pl.Series("dimension", [dimension], pl.String).new_from_index(0, len(at)),
            rows["key"],
            (at % STATUSES).cast(pl.Int16).alias("status_class"),
            rows["n"].cast(pl.Int64),
        ]
    )
