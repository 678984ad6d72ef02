"""The tables and views of the first version."""

import sqlalchemy as sa
from alembic import op

from log_sentinel.store.stored_values import Json, UtcTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# SQLite numbers rows by itself only where the type is INTEGER
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

# The views differ only in how a moment is cut to its hour and how the last day begins
DIALECTS = {
    "sqlite": {
        "hour": "substr(minute, 1, 13) || ':00:00.000'",
        "day_ago": "strftime('%Y-%m-%d %H:%M:%f', 'now', '-24 hours')",
        "ratio": "round(1.0 * sum(denied) / nullif(sum(requests), 0), 4)",
    },
    "postgresql": {
        "hour": "date_trunc('hour', minute, 'UTC')",
        "day_ago": "now() - interval '24 hours'",
        "ratio": "round(sum(denied) / nullif(sum(requests), 0), 4)",
    },
}

VIEWS = {
    "denials_hourly": """
        SELECT {hour} AS hour, source, nullif(client, '') AS client, nullif(route, '') AS route, status, cause,
               sum(n) AS denials
        FROM denied_minutes
        GROUP BY {hour}, source, client, route, status, cause
    """,
    "top_clients_24h": """
        SELECT nullif(client, '') AS client, nullif(ip, '') AS ip, sum(n) AS denials,
               count(DISTINCT route) AS routes, count(DISTINCT cause) AS causes,
               min(minute) AS first_minute, max(minute) AS last_minute
        FROM denied_minutes
        WHERE minute >= {day_ago}
        GROUP BY client, ip
        ORDER BY sum(n) DESC
    """,
    "denial_ratio_by_route": """
        SELECT source, nullif(route, '') AS route, sum(requests) AS requests, sum(denied) AS denied,
               {ratio} AS ratio
        FROM (
            SELECT source, route, n AS requests, 0 AS denied FROM traffic WHERE minute >= {day_ago}
            UNION ALL
            SELECT source, route, 0, n FROM denied_minutes WHERE minute >= {day_ago}
        ) AS counts
        GROUP BY source, route
    """,
    "open_incidents": """
        SELECT id, rule, dimension, key, severity, state, since, last_seen_at, observed, expected, window_minutes,
               peak, total, acknowledged_by
        FROM incidents
        WHERE state <> 'resolved'
    """,
}


def upgrade() -> None:
    op.create_table(
        "activity",
        sa.Column("hour", UtcTime(), autoincrement=False, nullable=False),
        sa.Column("dimension", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("key", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("status_class", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("hour", "dimension", "key", "status_class", name=op.f("pk_activity")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "baselines",
        sa.Column("rule", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("dimension", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("key", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("learned_until", UtcTime(), nullable=False),
        sa.Column("levels", Json(), nullable=False),
        sa.PrimaryKeyConstraint("rule", "dimension", "key", name=op.f("pk_baselines")),
    )
    op.create_table(
        "candidates",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("time", UtcTime(), nullable=False),
        sa.Column("time_is", sa.Text(), nullable=False),
        sa.Column("instance", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("gateway", sa.Text(), nullable=True),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("origin_offset", sa.BigInteger(), nullable=False),
        sa.Column("method", sa.Text(), nullable=True),
        sa.Column("scheme", sa.Text(), nullable=True),
        sa.Column("host", sa.Text(), nullable=True),
        sa.Column("path", sa.Text(), nullable=True),
        sa.Column("query", sa.Text(), nullable=True),
        sa.Column("route", sa.Text(), nullable=True),
        sa.Column("route_from", sa.Text(), nullable=True),
        sa.Column("service", sa.Text(), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("request_bytes", sa.BigInteger(), nullable=True),
        sa.Column("response_bytes", sa.BigInteger(), nullable=True),
        sa.Column("duration_ms", sa.Float(), nullable=True),
        sa.Column("referer", sa.Text(), nullable=True),
        sa.Column("user_agent", sa.Text(), nullable=True),
        sa.Column("client", sa.Text(), nullable=True),
        sa.Column("credential", sa.Text(), nullable=True),
        sa.Column("ip", sa.Text(), nullable=True),
        sa.Column("peer_ip", sa.Text(), nullable=True),
        sa.Column("network", sa.Text(), nullable=True),
        sa.Column("upstream_addr", sa.Text(), nullable=True),
        sa.Column("upstream_status", sa.SmallInteger(), nullable=True),
        sa.Column("upstream_attempts", Json(), nullable=True),
        sa.Column("upstream_ms", sa.Float(), nullable=True),
        sa.Column("denied_by", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("cause_confidence", sa.Float(), nullable=False),
        sa.Column("cause_alternatives", Json(), nullable=True),
        sa.Column("evidence", Json(), nullable=True),
        sa.Column("rules_version", sa.Integer(), nullable=True),
        sa.Column("stored_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_candidates")),
        sa.UniqueConstraint("generation", "origin_offset", name=op.f("uq_candidates_generation_origin_offset")),
    )
    op.create_index(
        op.f("ix_candidates_instance_source_time"), "candidates", ["instance", "source", "time"], unique=False
    )
    op.create_index(op.f("ix_candidates_stored_at"), "candidates", ["stored_at"], unique=False)
    op.create_table(
        "companion_evidence",
        sa.Column("generation", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("origin_offset", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("time", UtcTime(), nullable=False),
        sa.Column("instance", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("connection", sa.BigInteger(), nullable=True),
        sa.Column("client", sa.Text(), nullable=True),
        sa.Column("request", sa.Text(), nullable=True),
        sa.Column("zone", sa.Text(), nullable=True),
        sa.Column("says", sa.Text(), nullable=True),
        sa.Column("stored_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("generation", "origin_offset", name=op.f("pk_companion_evidence")),
    )
    op.create_index(
        op.f("ix_companion_evidence_instance_source_time"), "companion_evidence", ["instance", "source", "time"], unique=False
    )
    op.create_index(op.f("ix_companion_evidence_stored_at"), "companion_evidence", ["stored_at"], unique=False)
    op.create_table(
        "config_loads",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("instance", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("details", Json(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_config_loads")),
    )
    op.create_index(op.f("ix_config_loads_at"), "config_loads", ["at"], unique=False)
    op.create_table(
        "denials",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("time", UtcTime(), nullable=False),
        sa.Column("time_is", sa.Text(), nullable=False),
        sa.Column("instance", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("gateway", sa.Text(), nullable=True),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("origin_offset", sa.BigInteger(), nullable=False),
        sa.Column("method", sa.Text(), nullable=True),
        sa.Column("scheme", sa.Text(), nullable=True),
        sa.Column("host", sa.Text(), nullable=True),
        sa.Column("path", sa.Text(), nullable=True),
        sa.Column("query", sa.Text(), nullable=True),
        sa.Column("route", sa.Text(), nullable=True),
        sa.Column("route_from", sa.Text(), nullable=True),
        sa.Column("service", sa.Text(), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("request_bytes", sa.BigInteger(), nullable=True),
        sa.Column("response_bytes", sa.BigInteger(), nullable=True),
        sa.Column("duration_ms", sa.Float(), nullable=True),
        sa.Column("referer", sa.Text(), nullable=True),
        sa.Column("user_agent", sa.Text(), nullable=True),
        sa.Column("client", sa.Text(), nullable=True),
        sa.Column("credential", sa.Text(), nullable=True),
        sa.Column("ip", sa.Text(), nullable=True),
        sa.Column("peer_ip", sa.Text(), nullable=True),
        sa.Column("network", sa.Text(), nullable=True),
        sa.Column("upstream_addr", sa.Text(), nullable=True),
        sa.Column("upstream_status", sa.SmallInteger(), nullable=True),
        sa.Column("upstream_attempts", Json(), nullable=True),
        sa.Column("upstream_ms", sa.Float(), nullable=True),
        sa.Column("denied_by", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("cause_confidence", sa.Float(), nullable=False),
        sa.Column("cause_alternatives", Json(), nullable=True),
        sa.Column("evidence", Json(), nullable=True),
        sa.Column("rules_version", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_denials")),
        sa.UniqueConstraint("generation", "origin_offset", name=op.f("uq_denials_generation_origin_offset")),
    )
    op.create_index(op.f("ix_denials_time"), "denials", ["time"], unique=False)
    op.create_table(
        "denied_minutes",
        sa.Column("minute", UtcTime(), autoincrement=False, nullable=False),
        sa.Column("instance", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("source", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("client", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("ip", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("route", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("status", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("cause", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "minute", "instance", "source", "client", "ip", "route", "status", "cause", name=op.f("pk_denied_minutes")
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "detector_state",
        sa.Column("rule", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("dimension", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("key", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("watermark", UtcTime(), nullable=True),
        sa.Column("state", Json(), nullable=False),
        sa.Column("updated_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("rule", "dimension", "key", name=op.f("pk_detector_state")),
    )
    op.create_table(
        "generations",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("instance", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("device", sa.BigInteger(), nullable=False),
        sa.Column("inode", sa.BigInteger(), nullable=False),
        sa.Column("head_len", sa.Integer(), nullable=False),
        sa.Column("head_hash", sa.Text(), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("tail_len", sa.Integer(), nullable=False),
        sa.Column("tail_hash", sa.Text(), nullable=False),
        sa.Column("size_seen", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("first_seen_at", UtcTime(), nullable=False),
        sa.Column("changed_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_generations")),
    )
    op.create_index(
        op.f("ix_generations_instance_source_device_inode"),
        "generations",
        ["instance", "source", "device", "inode"],
        unique=False,
    )
    op.create_table(
        "incidents",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("dimension", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("parent", ID, nullable=True),
        sa.Column("since", UtcTime(), nullable=False),
        sa.Column("opened_at", UtcTime(), nullable=False),
        sa.Column("last_seen_at", UtcTime(), nullable=False),
        sa.Column("resolved_at", UtcTime(), nullable=True),
        sa.Column("acknowledged_at", UtcTime(), nullable=True),
        sa.Column("acknowledged_by", sa.Text(), nullable=True),
        sa.Column("observed", sa.BigInteger(), nullable=False),
        sa.Column("expected", sa.Float(), nullable=True),
        sa.Column("window_minutes", sa.Integer(), nullable=False),
        sa.Column("peak", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("labels", Json(), nullable=False),
        sa.Column("evidence", Json(), nullable=False),
        sa.Column("finding", Json(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incidents")),
    )
    op.create_index(op.f("ix_incidents_opened_at"), "incidents", ["opened_at"], unique=False)
    op.create_index(
        "uq_incidents_unresolved",
        "incidents",
        ["rule", "dimension", "key"],
        unique=True,
        sqlite_where=sa.text("state <> 'resolved'"),
        postgresql_where=sa.text("state <> 'resolved'"),
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leases")),
    )
    op.create_table(
        "push_seen",
        sa.Column("source", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("entry", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("seen_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("source", "entry", name=op.f("pk_push_seen")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_push_seen_seen_at"), "push_seen", ["seen_at"], unique=False)
    op.create_table(
        "reject_counts",
        sa.Column("hour", UtcTime(), autoincrement=False, nullable=False),
        sa.Column("instance", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("source", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("reason", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("hour", "instance", "source", "reason", name=op.f("pk_reject_counts")),
    )
    op.create_table(
        "rejects",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("seen_at", UtcTime(), nullable=False),
        sa.Column("instance", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("origin_offset", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("sample", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rejects")),
        sa.UniqueConstraint("generation", "origin_offset", name=op.f("uq_rejects_generation_origin_offset")),
    )
    op.create_index(op.f("ix_rejects_seen_at"), "rejects", ["seen_at"], unique=False)
    op.create_table(
        "silences",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("matchers", Json(), nullable=False),
        sa.Column("starts_at", UtcTime(), nullable=False),
        sa.Column("ends_at", UtcTime(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_silences")),
    )
    op.create_table(
        "traffic",
        sa.Column("minute", UtcTime(), autoincrement=False, nullable=False),
        sa.Column("instance", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("source", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("route", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("status", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("minute", "instance", "source", "route", "status", name=op.f("pk_traffic")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "incident_events",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("incident_id", ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("incident", Json(), nullable=False),
        sa.Column("recorded_at", UtcTime(), nullable=False),
        sa.Column("fanned_out", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.id"], name=op.f("fk_incident_events_incident_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident_events")),
    )
    op.create_index(op.f("ix_incident_events_incident_id"), "incident_events", ["incident_id"], unique=False)
    op.create_index(
        "ix_incident_events_waiting",
        "incident_events",
        ["id"],
        unique=False,
        sqlite_where=sa.text("NOT fanned_out"),
        postgresql_where=sa.text("NOT fanned_out"),
    )
    op.create_table(
        "notifications",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("event_id", ID, nullable=False),
        sa.Column("incident_id", ID, nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("next_attempt_at", UtcTime(), nullable=False),
        sa.Column("claimed_until", UtcTime(), nullable=True),
        sa.Column("claimed_by", sa.Text(), nullable=True),
        sa.Column("finished_at", UtcTime(), nullable=True),
        sa.Column("external_ref", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["event_id"], ["incident_events.id"], name=op.f("fk_notifications_event_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notifications")),
        sa.UniqueConstraint(
            "event_id", "channel", "recipient", name=op.f("uq_notifications_event_id_channel_recipient")
        ),
    )
    op.create_index(
        op.f("ix_notifications_channel_state_next_attempt_at"),
        "notifications",
        ["channel", "state", "next_attempt_at"],
        unique=False,
    )
    op.create_index(op.f("ix_notifications_incident_id"), "notifications", ["incident_id"], unique=False)

    words = DIALECTS[op.get_bind().dialect.name]
    for name, body in VIEWS.items():
        op.execute(sa.text(f"CREATE VIEW {name} AS {body.format(**words)}".replace(":", "\\:")))
