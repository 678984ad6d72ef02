"""To which incident a spike belongs already: one that took it in, a general rise that ebbs away, a storm."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, cast

from log_sentinel.incidents.grouping import ONE_ASKER, excess_of, part_of_rise
from log_sentinel.model.incident import IncidentState
from log_sentinel.model.spike import Dimension

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from log_sentinel.model.incident import Incident
    from log_sentinel.model.spike import Spike

# More than so many incidents opened within STORM_LASTS have a cause in common that nobody has named yet: they are one.
STORM = 4
STORM_LASTS = timedelta(minutes=15)
# What has so many times as much as the incident that took it in is no part of it any more.
OUTGROWN = 2


def ebbing_rise(incidents: Sequence[Incident], spike: Spike, minute: datetime) -> int | None:
    """The place of the general rise that is over but for its last minutes, and of which `spike` is a small part.

    What began in it and shows later still, because it is looked for in a whole hour, is a part of it too.
    """
    return next(
        (
            at
            for at, incident in enumerate(incidents)
            if incident.dimension is Dimension.ALL
            and incident.last_seen_at < minute
            and spike.since - incident.last_seen_at < timedelta(minutes=incident.window_minutes)
            and excess_of(spike) <= part_of_rise(spike) * (height_of(incident) - (incident.expected or 0.0))
        ),
        None,
    )


def is_part(incidents: Sequence[Incident], spike: Spike) -> bool:
    """Whether an incident took this key in and accounts for it still: no new firing, and not outgrown.

    What was found by how many are denied is no part of what one of them does.
    """
    name = [spike.dimension.value, spike.key]
    return any(
        any(part[1:] == name for part in cast("list[list[str]]", incident.evidence.get("parts", [])))
        and (incident.resolved_at is None or spike.since <= incident.resolved_at)
        and spike.observed / spike.window_minutes < OUTGROWN * height_of(incident) / incident.window_minutes
        and not (spike.of_many and incident.dimension in ONE_ASKER)
        for incident in incidents
    )


def height_of(incident: Incident) -> int:
    """The most denials in a window since the incident was opened, or reopened for the last time."""
    return cast("int", incident.evidence.get("height", incident.peak))


def storm(incidents: Sequence[Incident], spike: Spike, minute: datetime) -> int | None:
    """The place of the incident that stands for a storm which `spike` is a part of, None when there is none.

    In a storm so many were opened of late that what shows besides is a part of the largest of them, or of the general
    rise among them; what is larger than that is a matter of its own.
    """
    recent = [
        at
        for at, incident in enumerate(incidents)
        if incident.state is not IncidentState.RESOLVED
        and incident.parent is None
        and minute - incident.opened_at < STORM_LASTS
    ]
    if len(recent) < STORM:
        return None
    largest = max(recent, key=lambda at: (incidents[at].dimension is Dimension.ALL, incidents[at].peak, -at))
    return largest if excess_of(spike) <= incidents[largest].peak else None
