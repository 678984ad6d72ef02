"""What was read: how far each file was, the denied requests, what may explain them, what nobody could read."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, Float, Index, Integer, SmallInteger, Table, UniqueConstraint

from log_sentinel.store.stored_values import Json, UtcTime
from log_sentinel.store.tables.building import identity, key, maybe, metadata, needed

# The checkpoints: one row for one file's life (model.lines.Checkpoint).
generations = Table(
    "generations",
    metadata,
    identity(),
    needed("instance"),
    needed("source"),
    needed("path"),
    needed("device", BigInteger()),
    needed("inode", BigInteger()),
    needed("head_len", Integer()),
    needed("head_hash"),
    needed("offset", BigInteger()),
    needed("tail_len", Integer()),
    needed("tail_hash"),
    needed("size_seen", BigInteger()),
    needed("state"),
    needed("first_seen_at", UtcTime()),
    needed("changed_at", UtcTime()),
    # not unique: a file deleted and written anew can get the same inode and begin with the same line
    Index(None, "instance", "source", "device", "inode"),
)


def denied_request() -> list[Column[Any]]:
    """The columns of a denied request: when and where from, the request, who, upstream, verdict."""
    return [
        needed("time", UtcTime()),
        needed("time_is"),
        needed("instance"),
        needed("source"),
        needed("format"),
        maybe("gateway"),
        needed("generation", BigInteger()),
        needed("origin_offset", BigInteger()),
        maybe("method"),
        maybe("scheme"),
        maybe("host"),
        maybe("path"),
        maybe("query"),
        maybe("route"),
        maybe("route_from"),
        maybe("service"),
        maybe("request_id"),
        needed("status", SmallInteger()),
        maybe("request_bytes", BigInteger()),
        maybe("response_bytes", BigInteger()),
        maybe("duration_ms", Float()),
        maybe("referer"),
        maybe("user_agent"),
        maybe("client"),
        maybe("credential"),
        maybe("ip"),
        maybe("peer_ip"),
        maybe("network"),
        maybe("upstream_addr"),
        maybe("upstream_status", SmallInteger()),
        maybe("upstream_attempts", Json()),
        maybe("upstream_ms", Float()),
        needed("denied_by"),
        needed("cause"),
        needed("cause_confidence", Float()),
        maybe("cause_alternatives", Json()),
        maybe("evidence", Json()),
        maybe("rules_version", Integer()),
    ]


denials = Table(
    "denials",
    metadata,
    identity(),
    *denied_request(),
    UniqueConstraint("generation", "origin_offset"),
    Index(None, "time"),
)

# Requests whose status (503 ...) a companion line may yet prove to be a denial.
candidates = Table(
    "candidates",
    metadata,
    identity(),
    *denied_request(),
    needed("stored_at", UtcTime()),
    UniqueConstraint("generation", "origin_offset"),
    Index(None, "instance", "source", "time"),
    Index(None, "stored_at"),
)

# Lines of error logs waiting for their request (model.columns.COMPANIONS).
companion_evidence = Table(
    "companion_evidence",
    metadata,
    key("generation", BigInteger()),
    key("origin_offset", BigInteger()),
    needed("time", UtcTime()),
    needed("instance"),
    needed("source"),
    needed("kind"),
    maybe("connection", BigInteger()),
    maybe("client"),
    maybe("request"),
    maybe("zone"),
    maybe("says"),
    needed("stored_at", UtcTime()),
    Index(None, "instance", "source", "time"),
    Index(None, "stored_at"),
)

# What was pushed to us lately, so that a sender's retry counts nothing twice.
push_seen = Table(
    "push_seen",
    metadata,
    key("source"),
    key("entry"),
    needed("seen_at", UtcTime()),
    Index(None, "seen_at"),
    sqlite_with_rowid=False,
)

# Samples of lines nobody could read, and of rows the database refused.
rejects = Table(
    "rejects",
    metadata,
    identity(),
    needed("seen_at", UtcTime()),
    needed("instance"),
    needed("source"),
    needed("generation", BigInteger()),
    needed("origin_offset", BigInteger()),
    needed("reason"),
    needed("sample"),
    UniqueConstraint("generation", "origin_offset"),
    Index(None, "seen_at"),
)

# All of them, by the hour of the wall clock in which they were read.
reject_counts = Table(
    "reject_counts",
    metadata,
    key("hour", UtcTime()),
    key("instance"),
    key("source"),
    key("reason"),
    needed("n", BigInteger()),
)
