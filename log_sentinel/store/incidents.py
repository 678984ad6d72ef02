"""Owner of `incidents` and `incident_events`: what is the matter, and what happened to it.

A change of an incident and the happening that tells of it are one transaction, the caller's: the events are the outbox
that delivery reads, and a message can neither be lost nor tell of what was rolled back.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import and_, exists, insert, or_, select, update

from log_sentinel.model.incident import Happening, HappeningKind, Incident, IncidentState
from log_sentinel.model.spike import Dimension
from log_sentinel.store.tables import incident_events, incidents

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Row
    from sqlalchemy.engine import Connection

    from log_sentinel.store.engine import Database

COLUMNS = tuple(field.name for field in fields(Incident) if field.name != "id")


class NoSuchIncident(LookupError):
    """There is no incident `number`."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(f"incident {number}: there is none. `log-sentinel incidents list` shows them.")


@dataclass(frozen=True, slots=True)
class History:
    """An incident and everything that happened to it, the oldest first."""

    incident: Incident
    happenings: tuple[Happening, ...]


def known(connection: Connection, resolved_since: datetime) -> list[Incident]:
    """Every incident that is not resolved, and those resolved since then (event time, UTC), the oldest first.

    Those that log-sentinel has with itself are not among them. Holds their rows until the transaction ends: what people
    do meanwhile comes after it.
    """
    wanted = or_(incidents.c.state != IncidentState.RESOLVED, incidents.c.resolved_at >= resolved_since)
    return _held(connection, and_(wanted, incidents.c.dimension != Dimension.SELF))


def known_of_self(connection: Connection) -> list[Incident]:
    """What log-sentinel has with itself and is not resolved, of all instances, the oldest first; held as by `known`."""
    return _held(connection, and_(incidents.c.state != IncidentState.RESOLVED, incidents.c.dimension == Dimension.SELF))


def is_there(connection: Connection, incident: Incident) -> bool:
    """Whether there is one, resolved or not, of the same rule, dimension and key."""
    same = and_(
        incidents.c.rule == incident.rule,
        incidents.c.dimension == incident.dimension,
        incidents.c.key == incident.key,
    )
    return bool(connection.scalar(select(exists().where(same))))


def _held(connection: Connection, wanted: ColumnElement[bool]) -> list[Incident]:
    rows = connection.execute(select(incidents).where(wanted).order_by(incidents.c.id).with_for_update())
    return [_incident(row) for row in rows]


def record(
    connection: Connection,
    before: Sequence[Incident],
    after: Sequence[Incident],
    happenings: Iterable[Happening],
    now: datetime,
) -> list[Incident]:
    """Writes what changed from `before` to `after` and the happenings that tell of it; gives `after` with its ids.

    `after` begins with the incidents of `before`, in their order; what follows is new. `now` is the wall clock.
    """
    saved = []
    for old, new in zip(before, after, strict=False):
        if old != new:
            connection.execute(update(incidents).where(incidents.c.id == new.id).values(**_values(new)))
        saved.append(new)
    for new in after[len(before) :]:
        number = connection.execute(insert(incidents).values(**_values(new)).returning(incidents.c.id)).scalar_one()
        saved.append(replace(new, id=number))
    numbers = {_place(incident): incident.id for incident in saved}
    for happening in happenings:
        number = happening.incident.id or numbers[_place(happening.incident)]
        _tell(connection, replace(happening, incident=replace(happening.incident, id=number)), now)
    return saved


def change(
    database: Database,
    number: int,
    step: Callable[[Incident], Happening],
    now: datetime,
) -> Happening:
    """What a person does to incident `number`: `step` gives the happening, which is written with the change.

    Raises NoSuchIncident, and whatever `step` raises.
    """
    with database.write() as connection:
        row = connection.execute(select(incidents).where(incidents.c.id == number).with_for_update()).one_or_none()
        if row is None:
            raise NoSuchIncident(number)
        happening = step(_incident(row))
        connection.execute(update(incidents).where(incidents.c.id == number).values(**_values(happening.incident)))
        _tell(connection, happening, now)
    return happening


def unresolved(database: Database) -> list[Incident]:
    """Every incident that is not resolved, the newest first."""
    return listing(database, states=(IncidentState.OPEN, IncidentState.ACKNOWLEDGED), limit=None)


def listing(
    database: Database,
    *,
    states: Iterable[IncidentState] = tuple(IncidentState),
    since: datetime | None = None,
    limit: int | None = 100,
) -> list[Incident]:
    """Incidents in these states that were seen at or after `since` (event time, UTC), the newest first."""
    wanted = select(incidents).where(incidents.c.state.in_(list(states)))
    if since is not None:
        wanted = wanted.where(incidents.c.last_seen_at >= since)
    with database.read() as connection:
        rows = connection.execute(wanted.order_by(incidents.c.opened_at.desc(), incidents.c.id.desc()).limit(limit))
        return [_incident(row) for row in rows]


def show(database: Database, number: int) -> History:
    """Incident `number` and its happenings. Raises NoSuchIncident."""
    with database.read() as connection:
        row = connection.execute(select(incidents).where(incidents.c.id == number)).one_or_none()
        if row is None:
            raise NoSuchIncident(number)
        events = connection.execute(
            select(incident_events).where(incident_events.c.incident_id == number).order_by(incident_events.c.id)
        )
        return History(_incident(row), tuple(_happening(event) for event in events))


def _tell(connection: Connection, happening: Happening, now: datetime) -> None:
    connection.execute(
        insert(incident_events).values(
            incident_id=happening.incident.id,
            kind=happening.kind,
            at=happening.at,
            who=happening.who,
            incident=msgspec.to_builtins(happening.incident),
            recorded_at=now,
        )
    )


def _place(incident: Incident) -> tuple[str, str, str, datetime]:
    return (incident.rule, incident.dimension, incident.key, incident.opened_at)


def _values(incident: Incident) -> dict[str, Any]:
    return {name: getattr(incident, name) for name in COLUMNS}


def _incident(row: Row[Any]) -> Incident:
    return msgspec.convert({name: getattr(row, name) for name in ("id", *COLUMNS)}, Incident)


def _happening(row: Row[Any]) -> Happening:
    incident = msgspec.convert({**row.incident, "id": row.incident_id}, Incident)
    return Happening(HappeningKind(row.kind), row.at, incident, row.who)
