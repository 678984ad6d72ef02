"""Happenings and notifications as tests want them: one incident, its figures filled in, the rest by keyword."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from log_sentinel.delivery.message.composing import Background, compose
from log_sentinel.model.incident import Happening, HappeningKind, Incident, IncidentState
from log_sentinel.model.notification import Notification
from log_sentinel.model.spike import Dimension, Severity

if TYPE_CHECKING:
    from log_sentinel.delivery.message.message import Message

DASHBOARD = "https://sentinel.example.com"
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)

EVIDENCE: dict[str, object] = {
    "statuses": [["403", 405], ["429", 7]],
    "causes": [["insufficient_permissions", 405], ["rate_limit", 7]],
    "clients": [["acme-prod", 412]],
    "clients_distinct": 1,
    "ips": [["203.0.113.7", 400], ["203.0.113.9", 12]],
    "ips_distinct": 2,
    "routes": [["/v1/orders", 412]],
    "routes_distinct": 1,
    "minutes": [0, 1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 20, 61, 82, 90, 83, 96],
    "usual_per_minute": 0.6,
    "who": "customer",
    "succeeded_before": 0.992,
    "requests_before": 48_210,
    "hours_before": 336,
    "first_seen": "2026-11-10T11:00:00+00:00",
    "not_denied": 3,
}
FINDING: dict[str, object] = {
    "cause": "insufficient_permissions",
    "denied_by": "gateway",
    "confidence": 0.88,
    "alternatives": [["resource_policy", 0.07]],
    "evidence": [
        {"field": "upstream_status", "value": "-", "says": "the upstream was never called"},
        {"field": "consumer", "value": "acme-prod", "says": "the consumer is known, so authentication passed"},
    ],
}
SAMPLE: dict[str, object] = {
    "time": NOON,
    "status": 403,
    "method": "POST",
    "path": "/v1/orders/8112",
    "client": "acme-prod",
    "ip": "203.0.113.7",
    "user_agent": "acme-sdk/3.1",
    "gateway": "kong",
}


def incident(**other: Any) -> Incident:
    """A client that is locked out: open, found at noon."""
    usual: dict[str, Any] = {
        "id": 1042,
        "rule": "client-spike",
        "dimension": Dimension.CLIENT,
        "key": "acme-prod",
        "severity": Severity.CRITICAL,
        "state": IncidentState.OPEN,
        "since": NOON - timedelta(minutes=6),
        "opened_at": NOON,
        "last_seen_at": NOON,
        "observed": 412,
        "expected": 3.0,
        "window_minutes": 5,
        "peak": 412,
        "total": 434,
        "evidence": EVIDENCE,
        "finding": FINDING,
        "labels": {"runbook": "https://runbooks.example.com/denials?team=payments&x=1"},
    }
    return Incident(**{**usual, **other})


def opened(**other: Any) -> Happening:
    return Happening(HappeningKind.OPENED, NOON, incident(**other))


def grew(**other: Any) -> Happening:
    return Happening(HappeningKind.GREW, NOON + timedelta(minutes=5), incident(observed=930, total=1364, **other))


def acknowledged(who: str = "kim", **other: Any) -> Happening:
    after = incident(state=IncidentState.ACKNOWLEDGED, acknowledged_by=who, acknowledged_at=NOON, **other)
    return Happening(HappeningKind.ACKNOWLEDGED, NOON + timedelta(minutes=9), after, who=who)


def resolved(**other: Any) -> Happening:
    end = NOON + timedelta(minutes=35)
    after = incident(
        state=IncidentState.RESOLVED, resolved_at=end, last_seen_at=end, observed=0, peak=930, total=3376, **other
    )
    return Happening(HappeningKind.RESOLVED, end, after)


def notification(happening: Happening, **other: Any) -> Notification:
    usual: dict[str, Any] = {
        "id": 7,
        "event_id": 3,
        "incident_id": happening.incident.id or 0,
        "channel": "ops",
        "recipient": "somebody",
        "happening": happening,
        "attempts": 1,
        "created_at": happening.at,
        "idempotency_key": f"{happening.incident.id}.3.7",
    }
    return Notification(**{**usual, **other})


def course(happening: Happening, minutes: int = 180) -> tuple[int, ...]:
    """The last hours of what happened: as usual until its own minutes begin, and in the ten minutes before its end."""
    own = happening.incident.evidence.get("minutes")
    usual = happening.incident.evidence.get("usual_per_minute", 0)
    if not isinstance(own, list) or not isinstance(usual, int | float):
        return ()
    quiet = [int(usual * (0.7 + 0.6 * (at * 37 % 101) / 100) + (at * 61 % 97) / 97) for at in range(minutes)]
    end = happening.incident.resolved_at
    after = (end - NOON) // timedelta(minutes=1) if end is not None else 0
    rest = [max(own) - at % 7 for at in range(after - 10)] + quiet[: min(after, 10)]
    return tuple([*quiet, *own, *rest][-minutes:])


def message(
    happening: Happening | None = None,
    *,
    samples: int = 3,
    sample: dict[str, object] | None = None,
    dashboard: str | None = DASHBOARD,
    **other: Any,
) -> Message:
    """The composed message of a happening (an opening unless one is given), `other` as fields of its incident;
    `sample`: what its denied requests have otherwise; `dashboard`: where ours is.
    """
    told = happening or opened(**other)
    row = {**SAMPLE, **(sample or {})}
    rows = [{**row, "time": NOON - timedelta(seconds=11 * at)} for at in range(samples)]
    return compose(
        notification(told),
        Background(samples=rows, course=course(told)),
        instance="kong-eu-1",
        now=told.at + timedelta(seconds=1),
        dashboard=dashboard,
    )


def with_everything(text: str) -> Happening:
    """An opening in which every value that can come out of a log is `text`."""
    listed = {name: [[text, 3], [text + "x", 2]] for name in ("statuses", "causes", "clients", "ips", "routes")}
    finding = {
        **FINDING,
        "alternatives": [[text, 0.1]],
        "evidence": [{"field": text, "value": text, "says": text}] * 5,
    }
    happening = opened(
        key=text, rule=text, evidence={**EVIDENCE, **listed}, finding=finding, labels={text: text, "runbook": text}
    )
    return replace(happening, who=text)


def sample_of(text: str) -> dict[str, object]:
    """A denied request that is `text` all over."""
    return dict.fromkeys(SAMPLE, text) | {"time": NOON}
