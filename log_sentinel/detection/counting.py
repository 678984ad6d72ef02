"""Which denials are counted together: an entity is a key of a dimension, under the filters of a rule.

Entities of all rules are counted, learned and judged in one frame each: a dozen rules cost little more than one. An
entity is written `3|403|acme`: the number of what is counted (its place among all that is), the status where statuses
are kept apart (0 where not), and the key.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

import polars as pl

from log_sentinel.model.spike import Dimension

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from log_sentinel.detection.rule import Counted

# Counts of one minute or window, a row an entity; `what`: the place of what is counted, which its name begins with.
# Keys that are missing in the log (no client) are in none.
COUNTS: dict[str, type[pl.DataType]] = {"entity": pl.String, "what": pl.UInt16, "n": pl.Int64}

ALL_KEY = "all"
# Who is denied: the client, or the network of one that is not named.
ASKER = pl.coalesce("client", "network", "ip")

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


def wanted(counted: Counted) -> pl.Expr:
    """Which rows are counted."""
    conditions = [pl.col(column).is_in(values) for column, values in counted.where]
    if counted.statuses:
        conditions.append(pl.col("status").is_in(counted.statuses))
    return pl.all_horizontal(conditions) if conditions else pl.lit(value=True)


def entity_of(number: int, counted: Counted) -> pl.Expr:
    """The entity of a row; null where it has no key."""
    status = pl.col("status").cast(pl.String) if counted.apart else pl.lit("0")
    return pl.concat_str(pl.lit(f"{number}|"), status, pl.lit("|"), key_of(counted.dimension)).alias("entity")


def counts(rows: pl.DataFrame, all_counted: Sequence[Counted], *by: str) -> pl.DataFrame:
    """COUNTS of `rows` (DENIED_MINUTES with `network`, or TRAFFIC), with the columns `by` kept apart.

    Rows without a `minute` are all of the same one.
    """
    if not all_counted:
        return pl.DataFrame(schema={**COUNTS, **{name: rows.schema[name] for name in by}})
    entities = {
        number: entity_of(number, counted)
        if not (counted.where or counted.statuses)
        else pl.when(wanted(counted)).then(entity_of(number, counted))
        for number, counted in enumerate(all_counted)
    }
    denials = {number: entity for number, entity in entities.items() if not all_counted[number].askers}
    askers = {number: entity for number, entity in entities.items() if all_counted[number].askers}
    found = [_by_entity(rows.lazy(), denials, ["n", *by])] if denials else []
    if askers:
        minute = ["minute"] if "minute" in rows.columns else []
        named = rows.lazy().with_columns(ASKER.alias("asker"))
        once = _by_entity(named, askers, ["asker", *minute, *by]).unique()
        found.append(once.select("what", "entity", *by, n=pl.lit(1, pl.Int64)))
    return (
        pl.concat([one.select("what", "entity", *by, "n") for one in found])
        .group_by("entity", *by)
        .agg(pl.col("what").first().cast(pl.UInt16), pl.col("n").sum())
        .collect()
    )


def _by_entity(rows: pl.LazyFrame, entities: Mapping[int, pl.Expr], columns: Sequence[str]) -> pl.LazyFrame:
    """A row for each of `rows` and each entity that it is counted for: `what`, `entity`, and `columns`."""
    return (
        rows.select(*columns, *(entity.alias(str(number)) for number, entity in entities.items()))
        .unpivot(on=list(map(str, entities)), index=list(columns), variable_name="what", value_name="entity")
        .drop_nulls("entity")
    )


def with_network(rows: pl.DataFrame) -> pl.DataFrame:
    """`rows` and their column `network`: the /24 of an IPv4 address, the /64 of an IPv6 one, null for anything else."""
    four = pl.col("ip").str.extract(r"^(\d+\.\d+\.\d+)\.\d+$") + ".0/24"
    is_six = rows["ip"].str.contains(":", literal=True)
    if is_six.any():
        six = rows["ip"].filter(is_six).unique()
        networks = {ip: network for ip in six if (network := _network_of(ip)) is not None}
        four = four.fill_null(pl.col("ip").replace_strict(networks, default=None, return_dtype=pl.String))
    return rows.with_columns(four.alias("network"))


def _network_of(ip: str) -> str | None:
    try:
        address = ipaddress.IPv6Address(ip)
    except ValueError:
        return None
    return f"{ipaddress.IPv6Address(int(address) >> 64 << 64)}/64"
