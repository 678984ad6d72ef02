"""One message about several incidents: a storm, what gathered in quiet hours, a digest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from log_sentinel.delivery.message.composing import late_minutes, links_of, page_of
from log_sentinel.delivery.message.matters import matter_of
from log_sentinel.delivery.message.message import Figure, Message, Step
from log_sentinel.delivery.message.text import counted, joined, phrase, quoted
from log_sentinel.delivery.message.wording import headline
from log_sentinel.model.incident import HappeningKind, IncidentState
from log_sentinel.model.spike import Severity

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from log_sentinel.delivery.message.text import Phrase
    from log_sentinel.model.incident import Happening
    from log_sentinel.model.notification import Notification

SHOWN = 8
SEVERITIES = tuple(Severity)
STATES = (
    (IncidentState.OPEN, "open"),
    (IncidentState.ACKNOWLEDGED, "acknowledged"),
    (IncidentState.RESOLVED, "resolved"),
)


def compose_list(
    told: Sequence[Notification], *, instance: str, now: datetime, dashboard: str | None = None
) -> Message:
    """What `told`, of two incidents or more, come to: the worst first, the others counted."""
    latest = {one.incident_id: one.happening for one in told}
    worst_first = sorted(latest.values(), key=_weight, reverse=True)
    worst, first = worst_first[0], told[0]
    over = worst.incident.state is IncidentState.RESOLVED
    summary = _summary(worst_first)
    return Message(
        kind=HappeningKind.RESOLVED if over else HappeningKind.OPENED,
        state=worst.incident.state,
        severity=worst.incident.severity,
        number=None,
        key=key_of(told),
        instance=quoted(instance, 60),
        rule=quoted("several"),
        matter=matter_of(worst.incident),
        title=phrase(counted(len(latest), "incident"), " at once"),
        headline=phrase(summary, " Worst: ", headline(worst)),
        summary=summary,
        happened=summary,
        since=min(one.incident.since for one in worst_first),
        at=told[-1].happening.at,
        verdict=None,
        figures=_figures(worst_first),
        chart=None,
        samples=(),
        samples_more=0,
        steps=(Step(phrase("See all of them."), quoted("log-sentinel incidents list")),),
        late_minutes=late_minutes(first, now),
        merged=len(told),
        links=links_of(Dashboard=page_of(dashboard)),
    )


def key_of(told: Sequence[Notification]) -> str:
    """The key of the list of all of `told`: the same for every attempt at these."""
    return f"{told[0].idempotency_key}+{len(told) - 1}"


def _weight(happening: Happening) -> tuple[bool, int, int]:
    incident = happening.incident
    return (incident.state is not IncidentState.RESOLVED, SEVERITIES.index(incident.severity), incident.observed)


def _summary(happenings: Sequence[Happening]) -> Phrase:
    states = [one.incident.state for one in happenings]
    counts = [phrase(f"{states.count(state)} {word}") for state, word in STATES if state in states]
    denials = sum(one.incident.total for one in happenings)
    return phrase(
        counted(len(happenings), "incident"), " (", joined(counts), "), ", counted(denials, "denial"), " in all."
    )


def _label(happening: Happening) -> str:
    incident = happening.incident
    return "resolved" if incident.state is IncidentState.RESOLVED else incident.severity.value


def _figures(happenings: Sequence[Happening]) -> tuple[Figure, ...]:
    shown = tuple(Figure(_label(one), headline(one)) for one in happenings[:SHOWN])
    if len(happenings) <= SHOWN:
        return shown
    rest = sum(one.incident.total for one in happenings[SHOWN:])
    more = phrase(counted(len(happenings) - SHOWN, "other incident"), " with ", counted(rest, "denial"))
    return (*shown, Figure("and", more))
