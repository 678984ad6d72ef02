"""An incident and what happens to it."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import cast

from log_sentinel.model.spike import Dimension, Severity


class IncidentState(StrEnum):
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class HappeningKind(StrEnum):
    OPENED = "opened"
    GREW = "grew"
    ESCALATED = "escalated"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    REOPENED = "reopened"


@dataclass(frozen=True, slots=True)
class Incident:
    """One cause, from its first minute to its end. Times are UTC; event time, but for `acknowledged_at`.

    `id` is None until the store has given one. Per (rule, dimension, key) at most one incident is not resolved.
    `observed`, `expected`, `window_minutes` and `evidence` are the latest figures, `peak` the largest `observed`,
    `total` all denials since `since`.
    """

    rule: str
    dimension: Dimension
    key: str
    severity: Severity
    state: IncidentState
    since: datetime
    opened_at: datetime
    last_seen_at: datetime
    observed: int
    expected: float | None
    window_minutes: int
    peak: int
    total: int
    id: int | None = None
    parent: int | None = None
    resolved_at: datetime | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    labels: dict[str, str] = field(default_factory=dict)
    evidence: dict[str, object] = field(default_factory=dict)
    finding: dict[str, object] = field(default_factory=dict)


def columns_of(incident: Incident) -> dict[str, str]:
    """The columns of `denials` that its key is of, and their values; {} where it is of none (the whole deployment)."""
    if incident.dimension in (Dimension.ALL, Dimension.SELF):
        return {}
    if incident.dimension is not Dimension.ROUTE_CLIENT:
        return {incident.dimension.value: incident.key}
    # "acme on /orders"; a name may have the word in it: its figures know whose denials they are
    clients, routes = (cast("list[tuple[str, int]]", incident.evidence.get(name, ())) for name in ("clients", "routes"))
    pairs = [(client, route) for client, _ in clients for route, _ in routes if f"{client} on {route}" == incident.key]
    client, route = pairs[0] if pairs else incident.key.rsplit(" on ", 1)
    return {"client": client, "route": route}


@dataclass(frozen=True, slots=True)
class Happening:
    """One step in an incident's life, as a fact: `incident` is how it stood after it. Nothing is rendered here."""

    kind: HappeningKind
    at: datetime
    incident: Incident
    who: str = "detection"
