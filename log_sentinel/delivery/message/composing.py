"""From a happening to the message that tells it. Pure: what the store knows beyond the happening comes in as
`Background`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from log_sentinel.delivery.message import wording
from log_sentinel.delivery.message.causes import verdict_of
from log_sentinel.delivery.message.evidence import figure, series
from log_sentinel.delivery.message.figures import figures_of
from log_sentinel.delivery.message.matters import NOTHING_DENIED, Matter, matter_of
from log_sentinel.delivery.message.message import Chart, Link, Message, Sample
from log_sentinel.delivery.message.phrases import duration
from log_sentinel.delivery.message.sparkline import sparkline
from log_sentinel.delivery.message.steps import steps_for
from log_sentinel.delivery.message.text import Quoted, number, phrase, quoted, url
from log_sentinel.model.incident import Happening, HappeningKind, IncidentState
from log_sentinel.model.notification import Notification

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from log_sentinel.model.incident import Incident

SAMPLES_SHOWN = 3
MINUTE = timedelta(minutes=1)
# From when on the reader should know that the message is not fresh.
LATE_MINUTES = 5


@dataclass(frozen=True, slots=True)
class Background:
    """What the store knows around an incident, beyond the happening.

    `samples`: some of its denied requests, newest first, as rows of `denials`. `finding`: the verdict most of them
    share, as `model.finding.Finding` in JSON; taken where the incident has none of its own. `course`: what it is about,
    minute by minute over the last hours, oldest first, the last minute that of its end or of its latest figures.
    `known`: further figures, as `message.past` names them; they stand for those of the incident.
    """

    samples: Sequence[Mapping[str, object]] = ()
    finding: Mapping[str, object] = field(default_factory=dict)
    course: Sequence[int] = ()
    known: Mapping[str, object] = field(default_factory=dict)


NOTHING_KNOWN = Background()
# Less than this is written as 0.0.
NONE_A_MINUTE = 0.05


def compose(
    notification: Notification,
    background: Background,
    *,
    instance: str,
    now: datetime,
    merged: int = 1,
    dashboard: str | None = None,
    unacknowledged: timedelta | None = None,
) -> Message:
    """The message of `notification` as of `now`; `instance` names the daemon that tells it.

    `merged`: how many steps of the incident, this the last of them, it tells in one. `dashboard`: where people find
    ours. `unacknowledged`: it is told to somebody further, since nobody has acknowledged the incident for so long.
    """
    happening = notification.happening
    incident = happening.incident
    if not incident.finding and background.finding:
        incident = replace(incident, finding=dict(background.finding))
    incident = replace(incident, evidence=incident.evidence | dict(background.known))
    happening = replace(happening, incident=incident)
    resolved = incident.state is IncidentState.RESOLVED
    matter = matter_of(incident)
    rows = [] if matter in NOTHING_DENIED else _unlike(background.samples)[:SAMPLES_SHOWN]
    samples = tuple(map(_sample, rows))
    return Message(
        kind=happening.kind,
        state=incident.state,
        severity=incident.severity,
        number=notification.incident_id,
        key=notification.idempotency_key,
        instance=quoted(instance, 60),
        rule=quoted(incident.rule, 60),
        matter=matter,
        title=wording.title(incident),
        headline=phrase(wording.unheard(unacknowledged), wording.headline(happening)),
        summary=phrase(wording.unheard(unacknowledged), wording.summary(happening)),
        happened=wording.happened(happening),
        since=incident.since,
        at=happening.at,
        verdict=None if matter in NOTHING_DENIED else verdict_of(incident),
        figures=figures_of(incident, background.samples),
        chart=_chart(incident, background.course),
        samples=samples,
        samples_more=max(0, incident.total - len(samples)) if samples else 0,
        steps=() if resolved else steps_for(incident, _gateway(background.samples)),
        late_minutes=late_minutes(notification, now),
        merged=merged,
        links=_links(dashboard, incident),
    )


def as_it_stands(
    incident: Incident, last: Happening | None, background: Background, *, instance: str, now: datetime
) -> Message:
    """What an alert would say of `incident` now, after the `last` that happened to it."""
    happening = (
        Happening(HappeningKind.OPENED, now, incident)
        if last is None
        else Happening(last.kind, last.at, incident, last.who)
    )
    told = Notification(
        id=0,
        event_id=0,
        incident_id=incident.id or 0,
        channel="",
        recipient="",
        happening=happening,
        attempts=0,
        created_at=now,
        idempotency_key="",
    )
    return compose(told, background, instance=instance, now=now)


def late_minutes(notification: Notification, now: datetime) -> int:
    """How long the notification took to get here, if the reader should know; 0 otherwise."""
    late = int((now - notification.created_at).total_seconds() // 60)
    return late if late >= LATE_MINUTES else 0


def page_of(dashboard: str | None, number: int | None = None) -> str:
    """The address of incident `number` in the dashboard, of all of them for None; empty where there is none."""
    place = "incidents" if number is None else f"incidents/{number}"
    return f"{dashboard.rstrip('/')}/{place}" if dashboard else ""


def links_of(**addresses: str) -> tuple[Link, ...]:
    """Those of `addresses`, by label, that are some and may be shown."""
    found = {label: url(address) for label, address in addresses.items()}
    return tuple(Link(label, address) for label, address in found.items() if address)


def _links(dashboard: str | None, incident: Incident) -> tuple[Link, ...]:
    page = page_of(dashboard, incident.id)
    sql = f"{page}#sql" if page and matter_of(incident) not in NOTHING_DENIED else ""
    return links_of(Dashboard=page, SQL=sql, Runbook=incident.labels.get("runbook", ""))


def _gateway(rows: Sequence[Mapping[str, object]]) -> str | None:
    """Whose log most of `rows` come from."""
    named = Counter(str(row["gateway"]) for row in rows if row.get("gateway"))
    return named.most_common(1)[0][0] if named else None


def _chart(incident: Incident, course: Sequence[int]) -> Chart | None:
    """The last hours where they are known, else the hour that came with the incident."""
    counts: Sequence[float] = course if any(course) else series(incident.evidence, "minutes")
    if not any(counts):
        return None
    until = (incident.resolved_at or incident.last_seen_at) if any(course) else incident.last_seen_at
    of = "requests" if matter_of(incident) is Matter.LOG_SILENT else "denials"
    usual = figure(incident.evidence, "usual_per_minute")
    beside = "" if usual is None else f", usually {'none' if usual < NONE_A_MINUTE else number(usual)}"
    long = duration(MINUTE * len(counts))
    caption = phrase(f"{of} in the last {long}, at most {number(max(counts))} a minute{beside}")
    return Chart(sparkline(counts), caption, tuple(counts), until + MINUTE, of, usual)


def _unlike(rows: Sequence[Mapping[str, object]]) -> list[Mapping[str, object]]:
    """The rows with one of each path first, then the rest: three times the same request would show little."""
    first = {row.get("path"): row for row in reversed(rows)}
    return sorted(rows, key=lambda row: first[row.get("path")] is not row)


def _sample(row: Mapping[str, object]) -> Sample:
    time = row.get("time")
    return Sample(
        at=quoted(time.strftime("%H:%M:%S") if isinstance(time, datetime) else time, 20),
        status=quoted(row.get("status"), 3),
        method=quoted(row.get("method") or "-", 10),
        path=quoted(row.get("path") or "-"),
        client=_maybe(row.get("client"), 40),
        ip=_maybe(row.get("ip"), 45),
        user_agent=_maybe(row.get("user_agent"), 60),
    )


def _maybe(value: object, limit: int) -> Quoted | None:
    return None if value is None or value == "" else quoted(value, limit)
