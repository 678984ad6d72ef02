"""Who asked how often, of many requests at once, from columns as the fast path cut them."""

from __future__ import annotations

from functools import reduce
from operator import or_, xor
from typing import TYPE_CHECKING

import polars as pl

from log_sentinel.model.columns import ACTIVITY, OTHER_KEY, empty
from log_sentinel.parsing.askers import ONE_IN
from log_sentinel.parsing.times import HOUR
from log_sentinel.parsing.values import each

if TYPE_CHECKING:
    from collections.abc import Iterable

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
    by = ADDRESS if canonical.proxies else ADDRESS[:1]
    rows = _rows(cut, by)
    if rows is None:
        return empty(ACTIVITY)
    hashes = rows.select(reduce(xor, (pl.col(name).hash(seed) for seed, name in enumerate(by, 1)))).to_series()
    large = hashes.value_counts(name="n").filter(pl.col("n").cast(pl.Int64) * ONE_IN >= cut.height).to_series(0)
    hit = hashes.filter(reduce(or_, (rows["status"] == status for status in sorted(denied))))
    is_named = hashes.is_in(pl.concat([large, hit]).unique().implode())
    at = ["hour", "dimension", "status"]
    named = rows.filter(is_named).group_by(*at, *by).len("n")
    others = rows.filter(~is_named).group_by(at).len("n").with_columns(key=pl.lit(OTHER_KEY))
    status = pl.col("status")
    return (
        pl.concat([part.lazy().select(*at, "key", "n") for part in (*_keyed(named, by, canonical), others)])
        .with_columns(
            pl.col("key").fill_null(OTHER_KEY),
            status_class=pl.when(status.is_in(sorted(denied))).then(status).otherwise(status // 100),
        )
        .group_by("hour", "dimension", "key", "status_class")
        .agg(pl.col("n").cast(pl.Int64).sum())
        .select(pl.col(name).cast(dtype) for name, dtype in ACTIVITY.items())
        .collect()
    )


def _rows(cut: pl.DataFrame, by: tuple[str, ...]) -> pl.DataFrame | None:
    """A row for each request's address and one for its client, if it has any: hour, dimension, status and `by`, the
    first of which is the client in the client's row."""
    hour = (pl.col("minute") - pl.col("minute") % HOUR).alias("hour")
    parts = []
    if "ip" in cut.columns:
        inputs = [pl.col(name) if name in cut.columns else pl.lit(None, pl.String).alias(name) for name in by]
        parts.append(cut.select(hour, pl.lit(IPS).alias("dimension"), "status", *inputs))
    if "client" in cut.columns:
        given = cut.filter((pl.col("client") != "-") & (pl.col("client") != ""))
        inputs = [pl.lit(None, pl.String).alias(name) for name in by[1:]]
        of_client = pl.col("client").alias(by[0])
        parts.append(given.select(hour, pl.lit(CLIENTS).alias("dimension"), "status", of_client, *inputs))
    return pl.concat(parts) if parts else None


def _keyed(named: pl.DataFrame, by: tuple[str, ...], canonical: Canonical) -> Iterable[pl.DataFrame]:
    """`named` with the column key, in two parts."""
    is_client = named["dimension"] == CLIENTS
    ips, clients = named.filter(~is_client), named.filter(is_client)
    addresses = canonical.addresses(*(ips[name].to_list() for name in by))
    yield ips.with_columns(key=pl.Series(addresses, dtype=pl.String))
    names = each(canonical.clean, clients[by[0]].to_list())
    yield clients.with_columns(key=pl.Series(names, dtype=pl.String))
