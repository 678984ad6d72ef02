"""What people do to incidents."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from log_sentinel.incidents.states import after
from log_sentinel.model.incident import Happening, HappeningKind

if TYPE_CHECKING:
    from datetime import datetime

    from log_sentinel.model.incident import Incident


def acknowledged(incident: Incident, who: str, now: datetime) -> Happening:
    """`who` looks after it. Raises NoSuchStep when it is acknowledged or resolved already."""
    state = after(incident.state, HappeningKind.ACKNOWLEDGED)
    changed = replace(incident, state=state, acknowledged_at=now, acknowledged_by=who)
    return Happening(HappeningKind.ACKNOWLEDGED, now, changed, who)


def resolved(incident: Incident, who: str, now: datetime, reason: str = "") -> Happening:
    """`who` calls it over, for a `reason` that is kept in its evidence as `resolved_as`. Its end is in event time, its
    last minute: what goes on from there is not told again.

    Raises NoSuchStep when it is resolved already.
    """
    state = after(incident.state, HappeningKind.RESOLVED)
    evidence = incident.evidence | ({"resolved_as": reason} if reason else {})
    ended = replace(incident, state=state, resolved_at=incident.last_seen_at, evidence=evidence)
    return Happening(HappeningKind.RESOLVED, now, ended, who)
