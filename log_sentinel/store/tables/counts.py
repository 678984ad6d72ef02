"""Requests and denials, counted."""

from __future__ import annotations

from sqlalchemy import BigInteger, SmallInteger, Table

from log_sentinel.store.stored_values import UtcTime
from log_sentinel.store.tables.building import key, metadata, needed

# Requests of every status: the denominators.
traffic = Table(
    "traffic",
    metadata,
    key("minute", UtcTime()),
    key("instance"),
    key("source"),
    key("route"),
    key("status", SmallInteger()),
    needed("n", BigInteger()),
    sqlite_with_rowid=False,
)

# Denials per minute and key: what detection, backtest and dashboard read. Old rows are folded to their hour.
denied_minutes = Table(
    "denied_minutes",
    metadata,
    key("minute", UtcTime()),
    key("instance"),
    key("source"),
    key("client"),
    key("ip"),
    key("route"),
    key("status", SmallInteger()),
    key("cause"),
    needed("n", BigInteger()),
    sqlite_with_rowid=False,
)

# Requests per client and address, also those not denied (model.columns.ACTIVITY).
activity = Table(
    "activity",
    metadata,
    key("hour", UtcTime()),
    key("dimension"),
    key("key"),
    key("status_class", SmallInteger()),
    needed("n", BigInteger()),
    sqlite_with_rowid=False,
)
