"""All tables, the same on SQLite and Postgres, and the names of the views for people.

A table has one owner module in this package; nothing else writes it. Key columns cannot be null, so a client, address,
route or cause that is not known is '' there, and readers hand it out as null. Where a table is keyed by the line
(`generation`, `origin_offset`), a line that comes again adds nothing.
"""

from log_sentinel.store.stored_values import Json, UtcTime
from log_sentinel.store.tables.building import metadata
from log_sentinel.store.tables.counts import activity, denied_minutes, traffic
from log_sentinel.store.tables.incidents import (
    baselines,
    detector_state,
    incident_events,
    incidents,
    notifications,
    silences,
)
from log_sentinel.store.tables.lines import (
    candidates,
    companion_evidence,
    denials,
    generations,
    push_seen,
    reject_counts,
    rejects,
)
from log_sentinel.store.tables.running import config_loads, leases

__all__ = [
    "VIEWS",
    "Json",
    "UtcTime",
    "activity",
    "baselines",
    "candidates",
    "companion_evidence",
    "config_loads",
    "denials",
    "denied_minutes",
    "detector_state",
    "generations",
    "incident_events",
    "incidents",
    "leases",
    "metadata",
    "notifications",
    "push_seen",
    "reject_counts",
    "rejects",
    "silences",
    "traffic",
]

# Made by the migrations: denials per hour, who is denied most today, denials among requests, what needs somebody.
VIEWS = ("denials_hourly", "top_clients_24h", "denial_ratio_by_route", "open_incidents")
