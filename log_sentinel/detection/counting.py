"""Which denials a rule counts, and by what key."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

import polars as pl

from log_sentinel.model.spike import Dimension

if TYPE_CHECKING:
    from log_sentinel.detection.rule import Counted

# Counts of one minute or window: one row a key. Keys that are missing in the log (no client) are in none.
COUNTS: dict[str, type[pl.DataType]] = {"key": pl.String, "n": pl.Int64}

ALL_KEY = "all"

_KEYS = {
    Dimension.ALL: pl.lit(ALL_KEY),
    Dimension.CLIENT: pl.col("client"),
    Dimension.IP: pl.col("ip"),
    Dimension.NETWORK: pl.col("network"),
    Dimension.ROUTE: pl.col("route"),
    Dimension.ROUTE_CLIENT: pl.col("client") + " on " + pl.col("route"),
    Dimension.SOURCE: pl.col("source"),
}


def key_of(dimension: Dimension) -> pl.Expr:
    """The key (String, null where the row has none) of a row of DENIED_MINUTES with its `network`."""
    return _KEYS[dimension].alias("key")


def wanted(counted: Counted) -> pl.Expr | None:
    """Which rows the rule counts; None: all."""
    conditions = [pl.col(column).is_in(values) for column, values in counted.where]
    if counted.statuses:
        conditions.append(pl.col("status").is_in(counted.statuses))
    return pl.all_horizontal(conditions) if conditions else None


def counts(rows: pl.DataFrame, counted: Counted) -> pl.DataFrame:
    """COUNTS of `rows` (DENIED_MINUTES with `network`), one row a key."""
    condition = wanted(counted)
    chosen = rows if condition is None else rows.filter(condition)
    keyed = chosen.select(key_of(counted.dimension), pl.col("n"))
    return keyed.drop_nulls("key").group_by("key").agg(pl.col("n").sum())


def with_network(rows: pl.DataFrame) -> pl.DataFrame:
    """`rows` and their column `network`: the /24 of an IPv4 address, the /64 of an IPv6 one, null for anything else."""
    six = rows.filter(pl.col("ip").str.contains(":", literal=True))["ip"].unique()
    networks = {ip: network for ip in six if (network := _network_of(ip)) is not None}
    four = pl.col("ip").str.extract(r"^(\d+\.\d+\.\d+)\.\d+$") + ".0/24"
    if networks:
        four = four.fill_null(pl.col("ip").replace_strict(networks, default=None, return_dtype=pl.String))
    return rows.with_columns(four.alias("network"))


def _network_of(ip: str) -> str | None:
    try:
        address = ipaddress.IPv6Address(ip)
    except ValueError:
        return None
    return f"{ipaddress.IPv6Address(int(address) >> 64 << 64)}/64"
