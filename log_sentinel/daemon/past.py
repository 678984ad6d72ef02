"""What the store knows, when an incident is told, of what those it is about did before and since."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, cast

from log_sentinel.incidents.hurt import who_it_is
from log_sentinel.model.spike import Dimension
from log_sentinel.store.activity import not_denied, outcomes
from log_sentinel.store.readers import course_of_denials

if TYPE_CHECKING:
    from datetime import datetime

    from log_sentinel.model.incident import Incident
    from log_sentinel.store.engine import Database

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
# Of a longer incident it is not looked up what was let through meanwhile.
MOST_HOURS = 48
LISTS = ((Dimension.CLIENT, "clients"), (Dimension.IP, "ips"))


def past_of(database: Database, incident: Incident) -> dict[str, object]:
    """Figures for the message, as `delivery.message.past` names them. Raises StoreError."""
    began = _hour(incident.since)
    if incident.dimension not in (Dimension.CLIENT, Dimension.IP):
        return {"whom": {name: _whom(database, incident, which, name, began) for which, name in LISTS}}
    hours = (_hour(incident.last_seen_at) - began) // HOUR + 1
    found: dict[str, object] = {}
    if hours <= MOST_HOURS:
        since = [began + HOUR * at for at in range(hours)]
        found["not_denied"] = not_denied(database, incident.dimension, incident.key, since)
    if "first_seen" not in incident.evidence:
        where = {incident.dimension.value: [incident.key]}
        denied = course_of_denials(database, began, incident.last_seen_at + MINUTE, where)
        if len(denied):
            found["first_seen"] = cast("datetime", denied["minute"][0]).isoformat()
    return found


def _whom(database: Database, incident: Incident, which: Dimension, name: str, began: datetime) -> list[str]:
    """Who those are that `incident` lists under `name`, in their order; "" for nobody in particular."""
    listed = incident.evidence.get(name)
    keys = [str(one[0]) for one in listed] if isinstance(listed, list) else []
    before = outcomes(database, which, keys, began) if keys else {}
    known = [before.get(key) for key in keys]
    who = [
        who_it_is(which, hours=one.hours, requests=one.requests, succeeded=one.succeeded, lately=one.lately)
        if one
        else who_it_is(which, hours=0, requests=0, succeeded=0)
        for one in known
    ]
    return ["" if one is None else one.value for one in who]


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)
