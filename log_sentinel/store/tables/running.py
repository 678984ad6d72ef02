"""Who runs what, with which settings."""

from __future__ import annotations

from sqlalchemy import BigInteger, Index, Table

from log_sentinel.store.stored_values import Json, UtcTime
from log_sentinel.store.tables.building import identity, key, metadata, needed

# Who does what only one may do; `epoch` grows with each change of holder and fences the former one off.
leases = Table(
    "leases",
    metadata,
    key("name"),
    needed("holder"),
    needed("epoch", BigInteger()),
    needed("expires_at", UtcTime()),
)

# Which settings were in force when. `fingerprint` is over the settings without their secrets.
config_loads = Table(
    "config_loads",
    metadata,
    identity(),
    needed("at", UtcTime()),
    needed("instance"),
    needed("version"),
    needed("fingerprint"),
    needed("outcome"),
    needed("details", Json()),
    Index(None, "at"),
)
