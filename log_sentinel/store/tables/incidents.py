"""What detection knows, the incidents, and their way to people."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    Table,
    UniqueConstraint,
    false,
    text,
)

from log_sentinel.store.stored_values import Json, UtcTime
from log_sentinel.store.tables.building import ID, identity, key, maybe, metadata, needed

# How far detection has come in event time (`watermark`) and what it holds in memory; '' stands for all rules or keys.
detector_state = Table(
    "detector_state",
    metadata,
    key("rule"),
    key("dimension"),
    key("key"),
    maybe("watermark", UtcTime()),
    needed("state", Json()),
    needed("updated_at", UtcTime()),
)

# What is usual for a key, learned over days.
baselines = Table(
    "baselines",
    metadata,
    key("rule"),
    key("dimension"),
    key("key"),
    needed("learned_until", UtcTime()),
    needed("levels", Json()),
)

incidents = Table(
    "incidents",
    metadata,
    identity(),
    needed("rule"),
    needed("dimension"),
    needed("key"),
    needed("severity"),
    needed("state"),
    maybe("parent", ID),
    needed("since", UtcTime()),
    needed("opened_at", UtcTime()),
    needed("last_seen_at", UtcTime()),
    maybe("resolved_at", UtcTime()),
    maybe("acknowledged_at", UtcTime()),
    maybe("acknowledged_by"),
    needed("observed", BigInteger()),
    maybe("expected", Float()),
    needed("window_minutes", Integer()),
    needed("peak", BigInteger()),
    needed("total", BigInteger()),
    needed("labels", Json()),
    needed("evidence", Json()),
    needed("finding", Json()),
    Index(
        "uq_incidents_unresolved",
        "rule",
        "dimension",
        "key",
        unique=True,
        sqlite_where=text("state <> 'resolved'"),
        postgresql_where=text("state <> 'resolved'"),
    ),
    Index(None, "opened_at"),
)

# The outbox: what happened to an incident, written with its change. `incident` is how it stood after it. `muted`: when
# it was fanned out, people wanted to hear nothing of it.
incident_events = Table(
    "incident_events",
    metadata,
    identity(),
    Column("incident_id", ID, ForeignKey("incidents.id", ondelete="CASCADE"), nullable=False),
    needed("kind"),
    needed("at", UtcTime()),
    needed("who"),
    needed("incident", Json()),
    needed("recorded_at", UtcTime()),
    Column("fanned_out", Boolean(), nullable=False, server_default=false()),
    Column("muted", Boolean(), nullable=False, server_default=false()),
    Index(None, "incident_id"),
    Index(
        "ix_incident_events_waiting",
        "id",
        sqlite_where=text("NOT fanned_out"),
        postgresql_where=text("NOT fanned_out"),
    ),
    Index("ix_incident_events_muted", "incident_id", sqlite_where=text("muted"), postgresql_where=text("muted")),
)

# One event for one channel and recipient; may be claimed from `next_attempt_at` on, a claim lapses at `claimed_until`.
notifications = Table(
    "notifications",
    metadata,
    identity(),
    Column("event_id", ID, ForeignKey("incident_events.id", ondelete="CASCADE"), nullable=False),
    needed("incident_id", ID),
    needed("channel"),
    needed("recipient"),
    needed("state"),
    Column("attempts", Integer(), nullable=False, server_default="0"),
    needed("created_at", UtcTime()),
    needed("next_attempt_at", UtcTime()),
    maybe("claimed_until", UtcTime()),
    maybe("claimed_by"),
    maybe("finished_at", UtcTime()),
    maybe("external_ref"),
    maybe("reason"),
    UniqueConstraint("event_id", "channel", "recipient"),
    Index(None, "channel", "state", "next_attempt_at"),
    Index(None, "incident_id"),
)

silences = Table(
    "silences",
    metadata,
    identity(),
    needed("matchers", Json()),
    needed("starts_at", UtcTime()),
    needed("ends_at", UtcTime()),
    needed("who"),
    needed("why"),
    needed("created_at", UtcTime()),
)
