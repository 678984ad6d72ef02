"""One story for each kind of matter and each step of a life: for golden messages and pictures."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from log_sentinel.model.incident import Happening, HappeningKind, IncidentState
from log_sentinel.model.spike import Dimension, Severity
from tests.delivery.happenings import NOON, acknowledged, grew, incident, opened, resolved

LATER = NOON + timedelta(minutes=15)
QUIET_MINUTES = [41, 38, 44, 40, 39, 43, 40, 37, 42, 41] + [0] * 30
SCANNED: dict[str, Any] = {
    "rule": "scanner",
    "dimension": Dimension.IP,
    "key": "198.51.100.23",
    "severity": Severity.INFO,
    "expected": 0.0,
    "window_minutes": 10,
    "finding": {},
    "labels": {"kind": "scanner"},
    "evidence": {
        "statuses": [["403", 412]],
        "causes": [["resource_policy", 300], ["authentication", 112]],
        "ips": [["198.51.100.23", 412]],
        "routes": [["/wp-login.php", 40], ["/.env", 31], ["/admin", 30], ["/phpmyadmin", 22], ["/api/v1", 4]],
        "routes_distinct": 96,
        "clients_distinct": 0,
        "minutes": [0] * 12 + [40, 90, 130, 90, 62],
        "who": "stranger",
        "first_seen": "2026-11-24T11:54:00+00:00",
    },
}
LOG_SILENT: dict[str, Any] = {
    "rule": "log-silent",
    "dimension": Dimension.SOURCE,
    "key": "edge",
    "severity": Severity.WARNING,
    "since": NOON - timedelta(minutes=10),
    "window_minutes": 10,
    "observed": 0,
    "expected": 1240.0,
    "peak": 0,
    "total": 0,
    "finding": {},
    "labels": {"kind": "silence"},
    "evidence": {
        "of": "requests",
        "minutes": [124, 118, 131, 127, 122, 119, 125] + [0] * 10,
        "usual_per_minute": 124.0,
    },
}
MATTERS: dict[str, Happening] = {
    "scanner": opened(**SCANNED),
    "newcomer": opened(
        key="globex-staging",
        severity=Severity.WARNING,
        observed=63,
        peak=63,
        total=63,
        expected=None,
        finding={"cause": "authentication", "denied_by": "gateway", "confidence": 0.72},
        evidence={
            "statuses": [["401", 60], ["403", 3]],
            "ips": [["203.0.113.50", 63]],
            "routes": [["/v1/orders", 40], ["/v1/customers", 23]],
            "routes_distinct": 2,
            "minutes": [0] * 14 + [11, 13, 12, 14, 13],
            "who": "newcomer",
            "first_seen": "2026-11-24T11:54:00+00:00",
        },
    ),
    "pinned-at-limit": opened(
        rule="pinned-at-limit",
        severity=Severity.INFO,
        since=NOON - timedelta(minutes=58),
        window_minutes=60,
        observed=1180,
        peak=1180,
        total=1180,
        expected=40.0,
        labels={"kind": "quota"},
        finding={"cause": "rate_limit", "denied_by": "gateway", "confidence": 0.97},
        evidence={
            "statuses": [["429", 1180]],
            "ips": [["203.0.113.7", 1180]],
            "routes": [["/v1/search", 1170], ["/v1/orders", 10]],
            "minutes": [0, 1] + [20, 19, 21] * 19,
            "usual_per_minute": 0.7,
            "who": "customer",
            "succeeded_before": 0.94,
            "requests_before": 312_400,
            "hours_before": 700,
            "first_seen": "2026-10-25T11:00:00+00:00",
        },
    ),
    "route-denies-everybody": opened(
        rule="route-denies-everybody",
        dimension=Dimension.ROUTE,
        key="/v1/orders/{id}",
        expected=4.0,
        labels={"kind": "misconfiguration"},
        finding={"cause": "gateway_misconfiguration", "denied_by": "gateway", "confidence": 0.81},
        evidence={
            "statuses": [["403", 412]],
            "requests": 431,
            "clients": [["acme-prod", 90], ["globex", 71], ["initech", 66]],
            "clients_distinct": 27,
            "ips": [["203.0.113.7", 90], ["203.0.113.9", 71]],
            "ips_distinct": 41,
            "whom": {"clients": ["customer", "customer", ""], "ips": ["customer", "customer"]},
            "minutes": [1, 0, 2, 1, 0, 1, 1, 0, 2, 1, 0, 1, 3, 71, 82, 84, 83, 92],
            "usual_per_minute": 0.8,
        },
    ),
    "distributed-attack": opened(
        rule="route-attacked",
        dimension=Dimension.ROUTE,
        key="/login",
        observed=1204,
        peak=1204,
        total=1610,
        expected=9.0,
        labels={"kind": "distributed"},
        finding={"cause": "authentication", "denied_by": "upstream", "confidence": 0.9},
        evidence={
            "statuses": [["401", 1204]],
            "requests": 1260,
            "clients_distinct": 0,
            "ips": [
                ["192.0.2.14", 14],
                ["192.0.2.77", 13],
                ["198.51.100.9", 13],
                ["192.0.2.5", 12],
                ["192.0.2.81", 12],
            ],
            "ips_distinct": 318,
            "whom": {"clients": [], "ips": ["stranger"] * 5},
            "minutes": [2, 1, 3, 2, 2, 1, 2, 3, 1, 2, 190, 216, 240, 251, 248, 249],
            "usual_per_minute": 1.8,
        },
    ),
    "denials-silent": opened(
        rule="denials-silent",
        dimension=Dimension.ALL,
        key="all",
        severity=Severity.INFO,
        since=NOON - timedelta(minutes=30),
        window_minutes=30,
        observed=3,
        expected=1210.0,
        peak=3,
        total=3,
        finding={},
        labels={"kind": "silence"},
        evidence={"statuses": [["403", 3]], "minutes": [*QUIET_MINUTES[:-1], 3], "usual_per_minute": 40.3},
    ),
    "log-silent": opened(**LOG_SILENT),
}
STEPS: dict[str, Happening] = {
    "client-opened": opened(),
    "client-grew": grew(),
    "client-escalated": Happening(HappeningKind.ESCALATED, NOON, incident(severity=Severity.CRITICAL)),
    "client-acknowledged": acknowledged(),
    "client-resolved": resolved(),
    "client-not-an-incident": Happening(
        HappeningKind.RESOLVED,
        NOON + timedelta(minutes=9),
        resolved(evidence={"resolved_as": "not an incident"}).incident,
        who="Kim (U024BE7LH)",
    ),
    "log-speaks-again": Happening(
        HappeningKind.RESOLVED,
        NOON + timedelta(minutes=15),
        incident(
            **LOG_SILENT | {"state": IncidentState.RESOLVED, "last_seen_at": LATER, "resolved_at": LATER},
        ),
    ),
}
OTHERS: dict[str, Happening] = {
    "route-cause-unknown": opened(
        dimension=Dimension.ROUTE,
        key="/v1/orders/{id}",
        rule="route-spike",
        expected=None,
        finding={"cause": "unknown", "denied_by": "unknown", "confidence": 0.0},
        evidence={
            "clients_distinct": 214,
            "clients": [["acme", 40], ["globex", 31]],
            "ips_distinct": 300,
            "ips": [["192.0.2.1", 9]],
        },
    ),
    "everything-flood": opened(
        dimension=Dimension.ALL,
        key="all",
        rule="denials-flood",
        observed=48_211,
        peak=48_211,
        total=112_040,
        expected=12.0,
        finding={"cause": "rate_limit", "denied_by": "gateway", "confidence": 0.97},
    ),
}
STORIES = MATTERS | STEPS | OTHERS
# What the denied requests of a story look like, where it is not the client's order.
SAMPLES: dict[str, dict[str, object]] = {
    "scanner": {
        "method": "GET", "path": "/wp-login.php", "client": None, "ip": "198.51.100.23", "user_agent": "zgrab/0.x",
        "gateway": "nginx",
    },
    "newcomer": {"status": 401, "client": "globex-staging", "ip": "203.0.113.50", "user_agent": "okhttp/5.1"},
    "pinned-at-limit": {"status": 429, "method": "GET", "path": "/v1/search?q=[redacted]"},
    "route-denies-everybody": {"gateway": "nginx"},
    "distributed-attack": {
        "status": 401, "path": "/login", "client": None, "ip": "192.0.2.14", "user_agent": "Mozilla/5.0",
        "gateway": "nginx",
    },
    "log-silent": {"gateway": "nginx"},
}  # fmt: skip
